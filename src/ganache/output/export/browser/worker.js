// Runs the generator outside the page's thread, so that sliders stay smooth: receives latents, sends pixels.

let session;
let mapping; // of a style-based generator: the first half, of which `session` is the second
let ort;
let about;

self.onmessage = async ({ data }) => {
  try {
    if (data.begin) {
      await begin(data.begin);
      self.postMessage({ ready: true });
    } else {
      const pixels = await pictures(data.latents);
      self.postMessage({ id: data.id, pixels }, [pixels.buffer]);
    }
  } catch (error) {
    self.postMessage({ id: data.id, failed: String(error) });
  }
};

async function begin({ glue, wasm, weights, mappingWeights, prior, shape, styles }) {
  about = { prior, shape, styles };
  ort = await import(URL.createObjectURL(new Blob([glue], { type: "text/javascript" })));
  ort.env.wasm.wasmBinary = wasm;
  // Threads need HTTP headers that isolate the page, which a file does not have.
  ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
  ort.env.logLevel = "error";
  session = await ort.InferenceSession.create(weights, { executionProviders: ["wasm"] });
  if (mappingWeights) mapping = await ort.InferenceSession.create(mappingWeights, { executionProviders: ["wasm"] });
}

// Render latents to RGBA bytes, one picture after the other.
async function pictures(latents) {
  const n = latents.length;
  const { x } = await session.run(mapping ? { w: await styled(latents) } : inputsOf(latents));
  return toPixels(x.data, n, about.shape);
}

// Return the w of each layer [n, layers, w_dim]: truncated, with the layers of other latents, moved along directions.
async function styled(latents) {
  const { layers, mean } = about.styles;
  const width = mean.length;
  const all = new Float32Array(latents.length * layers * width);
  for (const [i, latent] of latents.entries()) {
    const { psi, cutoff, mixed, moves } = latent.style;
    const { w } = await mapping.run(inputsOf([latent, ...mixed.map((each) => each.latent)]));
    for (let layer = 0; layer < layers; layer++) {
      const other = mixed.findLastIndex(({ first, last }) => first <= layer && layer <= last);
      const scale = layer < cutoff ? psi : 1;
      for (let k = 0; k < width; k++) {
        let value = mean[k] + scale * (w.data[(other + 1) * width + k] - mean[k]);
        for (const { vector, steps, first, last } of moves) {
          if (first <= layer && layer <= last) value += steps * vector[(layer * width + k) % vector.length];
        }
        all[(i * layers + layer) * width + k] = value;
      }
    }
  }
  return new ort.Tensor("float32", all, [latents.length, layers, width]);
}

// Return the inputs of the graph of latents.
function inputsOf(latents) {
  const { prior } = about;
  const n = latents.length;
  const row = (part, width) => {
    const all = new Float32Array(n * width);
    latents.forEach((latent, i) => all.set(latent[part], i * width));
    return new ort.Tensor("float32", all, [n, width]);
  };
  const inputs = { z: row("z", prior.noise) };
  if (prior.categories) {
    const categories = BigInt64Array.from(latents, (latent) => BigInt(latent.category));
    inputs.category = new ort.Tensor("int64", categories, [n]);
  }
  if (prior.continuous) inputs.codes = row("codes", prior.continuous);
  return inputs;
}

// Convert x [n, C, H, W] in [-1, 1] to RGBA bytes, rounded as in ganache.
function toPixels(x, n, [channels, height, width]) {
  const area = height * width;
  const pixels = new Uint8ClampedArray(4 * n * area); // rounds half to even, and clamps
  for (let picture = 0; picture < n; picture++) {
    for (let place = 0; place < area; place++) {
      const to = 4 * (picture * area + place);
      for (let colour = 0; colour < 3; colour++) {
        const channel = channels >= 3 ? colour : 0;
        pixels[to + colour] = (x[(picture * channels + channel) * area + place] + 1) * 127.5;
      }
      pixels[to + 3] = channels === 4 ? (x[(picture * 4 + 3) * area + place] + 1) * 127.5 : 255;
    }
  }
  return pixels;
}
