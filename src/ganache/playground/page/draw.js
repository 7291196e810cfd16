// Helpers: make elements, draw pictures of a sheet on canvases, drag and drop latents, download, copy.

/** Make an element with attributes and children; attributes that are functions become event listeners. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export function find(id) {
  return document.getElementById(id);
}

/** Decode the bytes of a picture file. Returns a promise of an ImageBitmap. */
export function decode(bytes) {
  return createImageBitmap(new Blob([bytes]));
}

/** Draw picture number `index` of a sheet on a canvas, which gets that picture's size. */
export function put(canvas, bitmap, sheet, index = 0) {
  const { across, width, height } = sheet;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const x = (index % across) * width;
  const y = Math.floor(index / across) * height;
  canvas.getContext("2d").drawImage(bitmap, x, y, width, height, 0, 0, width, height);
}

/** Make a button with a picture that can be clicked and dragged; `data` is its latent. */
export function thumb(label, data, onclick) {
  const canvas = make("canvas", { width: 8, height: 8, "aria-hidden": "true" });
  const named = data && !/\s/.test(label); // a name has no spaces
  const button = make("button", { class: "thumb", title: label, "aria-label": label, translate: named ? "no" : null, draggable: "true", onclick }, canvas);
  button.data = data;
  button.addEventListener("dragstart", (event) => {
    event.dataTransfer.setData("application/x-latent", JSON.stringify(button.data));
    event.dataTransfer.effectAllowed = "copy";
  });
  return button;
}

/** Accept latents that are dropped on an element; `call` gets them. */
export function acceptDrops(element, call) {
  const ours = (event) => event.dataTransfer.types.includes("application/x-latent");
  element.addEventListener("dragover", (event) => {
    if (!ours(event)) return;
    event.preventDefault();
    element.classList.add("over");
  });
  element.addEventListener("dragleave", () => element.classList.remove("over"));
  element.addEventListener("drop", (event) => {
    element.classList.remove("over");
    if (!ours(event)) return;
    event.preventDefault();
    event.stopPropagation();
    call(JSON.parse(event.dataTransfer.getData("application/x-latent")));
  });
}

/** Download bytes as a file. */
export function download(bytes, name, type) {
  const address = URL.createObjectURL(new Blob([bytes], { type }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Copy text to the clipboard, and say so on the button. */
export async function copy(text, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed";
  }
  setTimeout(() => (button.textContent = before), 1200);
}
