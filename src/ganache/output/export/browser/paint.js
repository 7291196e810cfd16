// Pixels and maps onto canvases.

export function paint(canvas, pixels, [, height, width]) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
}

// Where a dimension acts: a map's bytes in base64, as so much of one colour.
export function paintMap(canvas, packed) {
  const levels = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const side = Math.sqrt(levels.length);
  const pixels = new Uint8ClampedArray(4 * levels.length);
  levels.forEach((level, i) => pixels.set([201, 100, 48, level], 4 * i));
  paint(canvas, pixels, [1, side, side]);
}

// The picture at so many times its size, as a canvas of its own.
export function enlarged(canvas, times, smooth) {
  const large = document.createElement("canvas");
  large.width = canvas.width * times;
  large.height = canvas.height * times;
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = smooth;
  context.imageSmoothingQuality = "high";
  context.drawImage(canvas, 0, 0, large.width, large.height);
  return large;
}
