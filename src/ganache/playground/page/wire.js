// The connection to the server: questions with their answers, newest wins in a slot, and coming back after a restart.

const HEAD = 4;

/** A reply: its header, and the bytes of its pictures. */
function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, HEAD, length)));
  let start = HEAD + length;
  const blobs = header.blobs.map((size) => new Uint8Array(buffer, (start += size) - size, size));
  return { header, blobs };
}

/** A message with a picture behind it. */
function pack(message, upload) {
  const head = new TextEncoder().encode(JSON.stringify(message));
  const data = new Uint8Array(HEAD + head.length + upload.length);
  new DataView(data.buffer).setUint32(0, head.length);
  data.set(head, HEAD);
  data.set(upload, HEAD + head.length);
  return data;
}

export class Wire {
  /** `on`: functions hello(header), news(header, blobs), lost(), error(sentence). */
  constructor(on) {
    this.on = on;
    this.next = 1;
    this.waiting = new Map(); // id -> {resolve, reject, more, slot}
    this.slots = new Map(); // slot -> function(reply)
    this.wait = 300;
    this.connect();
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws${location.search}`);
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => this.receive(unpack(event.data));
    socket.onclose = (event) => this.lose(event);
    this.socket = socket;
  }

  get open() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  lose(event) {
    for (const { reject, slot } of this.waiting.values()) if (!slot) reject(new Error("The server has gone."));
    this.waiting.clear();
    this.on.lost(event.reason);
    setTimeout(() => this.connect(), this.wait);
    this.wait = Math.min(3000, this.wait * 1.5);
  }

  receive({ header, blobs }) {
    if (header.hello && header.id === undefined) {
      this.wait = 300;
      if (header.news) this.on.news(header, blobs);
      else this.on.hello(header);
      return;
    }
    const asked = this.waiting.get(header.id);
    if (!asked) {
      if (header.error) this.on.error(header.error);
      return;
    }
    if (header.more) {
      asked.more?.(header);
      return;
    }
    this.waiting.delete(header.id);
    if (asked.slot) {
      for (const [id, other] of this.waiting) if (other.slot === asked.slot && id < header.id) this.waiting.delete(id);
      this.slots.get(asked.slot)?.({ header, blobs });
    } else if (header.error) asked.reject(new Error(header.error));
    else asked.resolve({ header, blobs });
  }

  /** What answers a slot: called with every answer that is not out of date. */
  answer(slot, call) {
    this.slots.set(slot, call);
  }

  /** Ask for a slot's picture and tell the question's number; an older one of the slot that waits is dropped there. */
  show(slot, message) {
    if (!this.open) return null;
    const id = this.next++;
    this.waiting.set(id, { slot });
    this.socket.send(JSON.stringify({ ask: "show", id, slot, ...message }));
    return id;
  }

  /** Ask, and be promised the answer; `more` is told of progress. */
  ask(ask, message, { upload, more } = {}) {
    if (!this.open) return Promise.reject(new Error("The server is not there."));
    const id = this.next++;
    const whole = { ask, id, ...message };
    this.socket.send(upload ? pack(whole, upload) : JSON.stringify(whole));
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject, more }));
  }
}
