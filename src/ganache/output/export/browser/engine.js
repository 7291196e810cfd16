// The generator in its worker. The newest large picture comes first, and the grid of samples when nothing else waits.

export class Engine {
  constructor(about) {
    this.about = about;
    this.wanted = null; // the newest latent to show; older ones are dropped
    this.waiting = []; // latents of the grid
    this.few = []; // latents of small pictures beside the sliders
    this.busy = null;
    this.onPicture = () => {};
  }

  // Unpack the runtime and the weights, and start the worker; the page's copies are freed.
  async begin() {
    const { prior, shape, styles } = this.about;
    const parts = ["wasm", "weights", ...(styles ? ["mapping"] : [])];
    const [wasm, weights, mappingWeights] = await Promise.all(parts.map(unpacked));
    const glue = takeBytes("glue");
    const code = new Blob([document.getElementById("worker").textContent], { type: "text/javascript" });
    this.worker = new Worker(URL.createObjectURL(code));
    await new Promise((resolve, reject) => {
      this.worker.onerror = (event) => reject(new Error(event.message || "the worker was refused"));
      this.worker.onmessage = ({ data }) => (data.ready ? resolve() : reject(new Error(data.failed)));
      this.worker.postMessage({ begin: { glue, wasm, weights, mappingWeights, prior, shape, styles } }, [wasm.buffer, weights.buffer]);
    });
    this.worker.onmessage = ({ data }) => this.finish(data);
    this.ready = true;
    this.next();
  }

  // Render this latent, instead of an earlier one that has not begun.
  show(latent) {
    this.wanted = latent;
    this.next();
  }

  // Render latents for the grid; `done(index, pixels)` is called for each. Those that still wait are dropped.
  fill(latents, done) {
    this.waiting = latents.map((latent, i) => ({ latent, done: (pixels) => done(i, pixels) }));
    this.next();
  }

  // Render a latent besides; `done(pixels)` is called for it.
  also(latent, done) {
    this.few.push({ latent, done });
    this.next();
  }

  next() {
    if (!this.ready || this.busy) return;
    if (this.wanted) {
      this.busy = { latent: this.wanted, done: this.onPicture };
      this.wanted = null;
    } else {
      this.busy = this.few.shift() ?? this.waiting.shift() ?? null;
    }
    if (this.busy) this.worker.postMessage({ latents: [this.busy.latent] });
  }

  finish({ pixels, failed }) {
    const { done } = this.busy;
    this.busy = null;
    if (failed) this.onFailure?.(failed);
    else done(pixels);
    this.next();
  }
}

// Decode the base64 text of an element of the page, and remove the element.
function takeBytes(id) {
  const element = document.getElementById(id);
  const letters = atob(element.textContent.trim());
  element.remove();
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

async function unpacked(id) {
  const stream = new Blob([takeBytes(id)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
