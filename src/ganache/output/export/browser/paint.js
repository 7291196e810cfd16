// Drawing of pixels and maps on canvases.

export function paint(canvas, pixels, [, height, width]) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
}

// Draw a map, base64 bytes, as shades of one colour: where a dimension acts.
export function paintMap(canvas, packed) {
  const levels = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const side = Math.sqrt(levels.length);
  const pixels = new Uint8ClampedArray(4 * levels.length);
  levels.forEach((level, i) => pixels.set([201, 100, 48, level], 4 * i));
  paint(canvas, pixels, [1, side, side]);
}

// Return a new canvas with the picture enlarged.
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
