// The pointer on a canvas: where it is while it is held.

/** Return [x, y]: [0, 0] is the middle, and the shorter side of the canvas (or its width) goes from -limit to limit. */
function place(canvas, event, limit, wide) {
  const box = canvas.getBoundingClientRect();
  const side = wide ? box.width : Math.min(box.width, box.height);
  const fromMiddle = [event.clientX - box.left - box.width / 2, box.height / 2 - (event.clientY - box.top)];
  return fromMiddle.map((value) => (2 * value * limit) / side);
}

/** Call `act` with each place of the pointer while it is held. Return a function that ends this. */
export function whileHeld(canvas, limit, act, wide = false) {
  let held = false;
  const move = (event) => held && act(place(canvas, event, limit, wide));
  const listeners = {
    pointerdown(event) {
      held = true;
      canvas.setPointerCapture(event.pointerId);
      move(event);
    },
    pointermove: move,
    pointerup: () => (held = false),
    pointercancel: () => (held = false),
  };
  canvas.classList.add("dragged");
  for (const [name, listener] of Object.entries(listeners)) canvas.addEventListener(name, listener);
  return () => {
    canvas.classList.remove("dragged");
    for (const [name, listener] of Object.entries(listeners)) canvas.removeEventListener(name, listener);
  };
}
