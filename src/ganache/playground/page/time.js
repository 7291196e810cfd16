// The slider over a run's checkpoints, which can also play.

import { find } from "./draw.js";

const FRAME = 700; // milliseconds per checkpoint while playing

export function timeSlider(app) {
  const slider = find("moment");
  let playing = null;
  const play = find("play");

  const go = (place, passing) => {
    const [model, ...others] = app.store.now.models;
    const step = app.hello.runs[model.run].steps[place];
    app.store.change({ models: [{ ...model, step }, ...others] }, { passing });
  };
  const tell = (sign, name) => Object.assign(play, { textContent: sign, ariaLabel: name, title: name });
  const stop = () => {
    clearInterval(playing);
    playing = null;
    tell("▶", "Play the training");
  };
  const pause = () => {
    stop();
    app.store.change({}); // what was played is one change
  };
  const start = () => {
    const last = Number(slider.max);
    let place = Number(slider.value) >= last ? -1 : Number(slider.value);
    tell("❚❚", "Pause");
    playing = setInterval(() => {
      place += 1;
      go(place, place < last);
      if (place >= last) stop();
    }, FRAME);
  };

  slider.addEventListener("input", () => go(Number(slider.value), true));
  slider.addEventListener("change", () => go(Number(slider.value), false));
  play.addEventListener("click", () => (playing ? pause() : start()));
  app.store.addEventListener("change", ({ detail }) => detail.whole && playing && stop()); // undone, or another address
}
