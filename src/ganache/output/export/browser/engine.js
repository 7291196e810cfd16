// The generator in its worker. The newest large picture is made first; the wall's are made when nothing else is asked.

export class Engine {
  constructor(about) {
    this.about = about;
    this.wanted = null; // the newest latent that is to be shown, and nothing older
    this.waiting = []; // of the wall
    this.busy = null;
    this.onPicture = () => {};
  }

  // Unpacks what the page carries and starts the worker; the page's own copies are let go.
  async begin() {
    const [wasm, weights] = await Promise.all([unpacked("wasm"), unpacked("weights")]);
    const glue = carried("glue");
    const code = new Blob([document.getElementById("worker").textContent], { type: "text/javascript" });
    this.worker = new Worker(URL.createObjectURL(code));
    const { prior, shape } = this.about;
    await new Promise((resolve, reject) => {
      this.worker.onerror = (event) => reject(new Error(event.message || "the worker was refused"));
      this.worker.onmessage = ({ data }) => (data.ready ? resolve() : reject(new Error(data.failed)));
      this.worker.postMessage({ begin: { glue, wasm, weights, prior, shape } }, [wasm.buffer, weights.buffer]);
    });
    this.worker.onmessage = ({ data }) => this.finish(data);
    this.ready = true;
    this.next();
  }

  // Make this latent's picture, instead of any that was asked for and has not begun.
  show(latent) {
    this.wanted = latent;
    this.next();
  }

  // Pictures for the wall: `done` is called with each one's pixels. What still waited is forgotten.
  fill(latents, done) {
    this.waiting = latents.map((latent, i) => ({ latent, done: (pixels) => done(i, pixels) }));
    this.next();
  }

  next() {
    if (!this.ready || this.busy) return;
    if (this.wanted) {
      this.busy = { latent: this.wanted, done: this.onPicture };
      this.wanted = null;
    } else {
      this.busy = this.waiting.shift() ?? null;
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

// What stands in the page under this id, as bytes.
function carried(id) {
  const element = document.getElementById(id);
  const letters = atob(element.textContent.trim());
  element.remove();
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

async function unpacked(id) {
  const stream = new Blob([carried(id)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
