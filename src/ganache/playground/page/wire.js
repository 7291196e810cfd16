// The connection to the server: requests and replies, slots that show only the newest reply, and reconnection.

const HEAD = 4;

/** Split a reply into its header and the bytes of its pictures. */
export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, HEAD, length)));
  let start = HEAD + length;
  const blobs = header.blobs.map((size) => new Uint8Array(buffer, (start += size) - size, size));
  return { header, blobs };
}

/** Append a picture to a message. */
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
    setTimeout(() => this.on.lost(event.reason)); // after what the requests that failed have said
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

  /** Set the function that gets the replies of a slot; outdated replies are dropped. */
  answer(slot, call) {
    this.slots.set(slot, call);
  }

  /** Request a slot's picture. Returns the request's number; the server drops older requests that still wait. */
  show(slot, message) {
    if (!this.open) return null;
    const id = this.next++;
    this.waiting.set(id, { slot });
    this.socket.send(JSON.stringify({ ask: "show", id, slot, ...message }));
    return id;
  }

  /** Send a request. Returns a promise of the reply; `more` is called with progress. */
  ask(ask, message, { upload, more } = {}) {
    if (!this.open) return Promise.reject(new Error("There is no connection to the server."));
    const id = this.next++;
    const whole = { ask, id, ...message };
    this.socket.send(upload ? pack(whole, upload) : JSON.stringify(whole));
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject, more }));
  }
}
