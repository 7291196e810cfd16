// The report's charts with their common controls, and the slider through the pictures of training.

const data = JSON.parse(document.getElementById("data").textContent);
for (const chart of data.charts) for (const series of chart.series) Object.assign(series, data.axes[series.axis]);

// ---- curves ---------------------------------------------------------------------------------------------------------

const extent = Object.fromEntries(["step", "images", "minutes"].map((by) => {
  const xs = data.charts.flatMap((chart) => chart.series.flatMap((series) => [series[by][0], series[by].at(-1)]));
  return [by, [Math.min(...xs), Math.max(...xs)]];
}));
const charts = data.charts.map((chart) => new Chart(chart, data.runs, extent, changed));

// Redraw all charts, or only update their cursors and values.
function changed(redraw) {
  for (const chart of charts) if (redraw) chart.draw(); else chart.showReading();
}

view.smooth = 0.06; // with the values as they are behind

function labelled(text, control) {
  return element("label", {}, text, control);
}

function curveControls() {
  const by = element("select");
  for (const [value, name] of [["step", "steps"], ["images", "pictures shown"], ["minutes", "minutes"]])
    by.append(element("option", { value, textContent: name }));
  by.onchange = () => { Object.assign(view, { by: by.value, from: -Infinity, to: Infinity, at: null }); changed(true); };
  const smooth = element("input", { type: "range", min: 0, max: 0.3, step: 0.01, value: view.smooth });
  smooth.oninput = () => { view.smooth = Number(smooth.value); changed(true); };
  const showAll = element("button", { type: "button", textContent: "Show all" });
  showAll.onclick = () => { Object.assign(view, { from: -Infinity, to: Infinity }); changed(true); };
  const controls = document.getElementById("curve-controls");
  controls.append(labelled("over", by), labelled("smooth", smooth), showAll);
  if (data.runs.length > 1) data.runs.forEach((name, run) => controls.append(runControl(name, run)));
}

function runControl(name, run) {
  const box = element("input", { type: "checkbox", checked: true });
  box.onchange = () => { if (box.checked) view.hidden.delete(run); else view.hidden.add(run); changed(true); };
  return element("label", {}, box, element("span", { className: `run r${run}`, textContent: name }));
}

if (charts.length) {
  curveControls();
  const place = document.getElementById("charts");
  for (const chart of charts) place.append(chart.box);
  changed(true);
  let width = place.clientWidth;
  new ResizeObserver(() => { if (place.clientWidth !== width) { width = place.clientWidth; changed(true); } }).observe(place);
} else {
  document.getElementById("charts").textContent = "The log is still empty.";
}

// ---- pictures -------------------------------------------------------------------------------------------------------

const slider = document.getElementById("slider");
const moments = [...new Set(data.frames.flatMap((each) => each.steps))].sort((a, b) => a - b);

// Show each run's picture at the chosen step, or at the last step before it that has one.
function showMoment() {
  const step = moments[slider.value];
  document.getElementById("moment").textContent = step.toLocaleString("en");
  slider.setAttribute("aria-valuetext", `step ${step}`);
  data.frames.forEach(({ steps, pictures }, run) => {
    const image = document.getElementById(`sample${run}`);
    if (!image) return;
    const index = Math.max(0, steps.findLastIndex((each) => each <= step));
    image.src = pictures[index];
    image.alt = `Pictures of ${data.runs[run]} at step ${steps[index]}`;
    document.getElementById(`shown${run}`).textContent = `step ${steps[index].toLocaleString("en")}`;
  });
}

if (slider) {
  const play = document.getElementById("play");
  let timer = null;
  const stop = () => { clearInterval(timer); timer = null; play.setAttribute("aria-pressed", "false"); play.textContent = "Play"; };
  const next = () => {
    slider.value = Number(slider.value) + 1;
    showMoment();
    if (Number(slider.value) === moments.length - 1) stop();
  };
  play.onclick = () => {
    if (timer) return stop();
    if (Number(slider.value) === moments.length - 1) slider.value = 0;
    showMoment();
    timer = setInterval(next, 250);
    play.setAttribute("aria-pressed", "true");
    play.textContent = "Pause";
  };
  slider.oninput = () => { stop(); showMoment(); };
  slider.value = moments.length - 1; // browsers restore an earlier value
  showMoment();
}
