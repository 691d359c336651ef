"use strict";
// the page is whole without this: it adds pointing at a round, and the slider
const { last, charts, readings } = JSON.parse(document.getElementById("numbers").textContent);
const all = (selector) => [...document.querySelectorAll(selector)];
const figures = all(".chart");
const verdict = document.querySelector(".said");
const hint = verdict?.textContent;

const rounded = (value) => {
  const size = Math.abs(value);
  if (size >= 1e7 || (size && size < 1e-4)) return value.toExponential(2);
  return size >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
};
const worded = (value, percent) => (value === null ? "–" : percent ? `${(100 * value).toFixed(1)}%` : rounded(value));

// the newest entry at that round, of rounds in rising order
const before = (rounds, round) => Math.max(0, rounds.findLastIndex((each) => each <= round));

const ends = figures.map((figure) => [...figure.querySelectorAll(".end:not(.rule) b")]);
const lasts = ends.map((chart) => chart.map((end) => end.textContent));

// every curve's value at that round takes the place of its last one
function pointAt(round) {
  const style = document.documentElement.style;
  style.setProperty("--cursor", `${(100 * round) / last}%`);
  style.setProperty("--round", JSON.stringify(round.toLocaleString("en")));
  document.documentElement.classList.add("pointing");
  charts.forEach(({ lines, percent }, k) =>
    lines.forEach(({ rounds, values }, line) => {
      ends[k][line].textContent = worded(values[before(rounds, round)], percent);
    })
  );
  if (!verdict) return;
  const [at, tone, words, evidence, advice] = readings[before(readings.map((each) => each[0]), round)];
  const sign = Object.assign(document.createElement("b"), { className: `sign ${tone}`, textContent: words });
  const rest = Object.assign(document.createElement("em"), { textContent: advice });
  verdict.replaceChildren(`Round ${at.toLocaleString("en")}: `, sign, `. ${evidence} `, rest);
}

function leave() {
  document.documentElement.classList.remove("pointing");
  ends.forEach((chart, k) => chart.forEach((end, line) => (end.textContent = lasts[k][line])));
  if (verdict) verdict.textContent = hint;
}

if (verdict) verdict.hidden = false;
for (const plot of all(".plot")) {
  const point = (event) => {
    const box = plot.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    pointAt(Math.round(share * last));
  };
  plot.addEventListener("pointermove", point);
  plot.addEventListener("pointerdown", point);
  plot.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && leave());
}

const slider = document.querySelector(".slider input");
if (slider) {
  const sheets = all(".sheet img");
  const label = document.querySelector(".sheets .round");
  const button = document.querySelector(".slider button");
  let playing = 0;
  const turnTo = (index) => {
    slider.value = index;
    sheets.forEach((sheet, k) => (sheet.hidden = k !== index));
    const { round } = sheets[index].dataset;
    label.textContent = `round ${Number(round).toLocaleString("en")}`;
    slider.setAttribute("aria-valuetext", label.textContent);
    pointAt(Number(round));
  };
  const stop = () => {
    clearInterval(playing);
    playing = 0;
    button.textContent = "Play";
  };
  const step = () => (Number(slider.value) < sheets.length - 1 ? turnTo(Number(slider.value) + 1) : stop());
  slider.addEventListener("input", () => (stop(), turnTo(Number(slider.value))));
  button.addEventListener("click", () => {
    if (playing) return stop();
    if (Number(slider.value) === sheets.length - 1) turnTo(0);
    playing = setInterval(step, 350);
    button.textContent = "Pause";
  });
  document.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const index = Number(slider.value) + by;
    if (by && document.activeElement === document.body && sheets[index]) turnTo(index);
  });
  document.querySelector(".slider").hidden = sheets.length < 2;
}
