// what the controls say becomes noise, and the noise a sheet of samples
const $ = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];
const known = JSON.parse($("known").textContent);
const [channels, height, width] = known.shape;
const { latent } = known;
const canvas = $("sheet");
const ort = globalThis.ort;

// a block of the page: base64 of gzip
async function unpacked(id) {
  const packed = Uint8Array.from(atob($(id).textContent), (each) => each.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}
const numbers = async (id) => ($(id) ? new Float32Array(await unpacked(id)) : null);

let session, noise, truncated, directions;

// --- noise -----------------------------------------------------------------------------------------------------------

const step = (2 * known.widest) / (known.normal.length - 1);
const below = (z) => known.normal[Math.round((z + known.widest) / step)]; // Φ, at a point of the table

function quantile(p) {
  let low = 0;
  let high = known.normal.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (known.normal[middle] <= p) low = middle;
    else high = middle;
  }
  const share = (p - known.normal[low]) / (known.normal[high] - known.normal[low]);
  return (low + Math.min(1, Math.max(0, share))) * step - known.widest;
}

function noiseOf(seed, truncation) {
  const rows = truncation === null ? noise : truncated;
  const z = rows.slice(seed * latent, (seed + 1) * latent);
  if (truncation === null) return z;
  const least = below(-truncation);
  for (const { start, dim, rule } of known.parts) {
    for (let k = start; k < start + dim; k += 1) {
      if (rule === "normal") z[k] = quantile(least + z[k] * (1 - 2 * least));
      if (rule === "scaled") z[k] *= truncation;
    }
  }
  return z;
}

// --- what the controls say -------------------------------------------------------------------------------------------

const isSet = (input) => $(`${input.id}-set`)?.checked ?? true;
const truncation = () => ($("truncation") && isSet($("truncation")) ? $("truncation").valueAsNumber : null);
const count = () => Number(document.querySelector("[name=count]:checked").value);
const category = () => Number($("class")?.value ?? -1);

function seeds() {
  const first = Math.min(Math.max(0, Math.round($("seed").valueAsNumber || 0)), known.seeds - 1);
  return Array.from({ length: count() }, (_, k) => (first + k) % known.seeds);
}

function moved(z) {
  for (const input of all(".direction")) {
    const amount = input.valueAsNumber;
    const row = directions.length / all(".direction").length;
    if (amount) for (let k = 0; k < row; k += 1) z[k] += amount * directions[input.dataset.row * row + k];
  }
  for (const input of all(".code")) {
    const start = Number(input.dataset.start);
    const dim = Number(input.dataset.dim ?? 0);
    if (dim && input.value >= 0) for (let k = 0; k < dim; k += 1) z[start + k] = Number(k === Number(input.value));
    if (!dim && isSet(input)) z[start] = input.valueAsNumber;
  }
  return z;
}

const untouched = () =>
  all(".direction").every((input) => !input.valueAsNumber) &&
  all(".code").every((input) => (input.dataset.dim ? input.value < 0 : !isSet(input)));

// --- samples ---------------------------------------------------------------------------------------------------------

async function made(which) {
  const z = new Float32Array(which.length * latent);
  which.forEach((seed, k) => z.set(moved(noiseOf(seed, truncation())), k * latent));
  const feeds = { z: new ort.Tensor("float32", z, [which.length, latent]) };
  if (known.classes.length) {
    const labels = which.map((seed) => BigInt(category() < 0 ? known.labels[seed] : category()));
    feeds.y = new ort.Tensor("int64", BigInt64Array.from(labels), [which.length]);
  }
  return (await session.run(feeds)).x.data;
}

// from the networks' range, -1 to 1, to pixels; the array rounds and clips
function picture(x, first) {
  const image = new ImageData(width, height);
  const area = height * width;
  for (let place = 0; place < area; place += 1) {
    for (let k = 0; k < 4; k += 1) {
      const from = known.shown === 1 ? 0 : k;
      image.data[4 * place + k] = k < Math.max(3, known.shown) ? (x[first + from * area + place] + 1) * 127.5 : 255;
    }
  }
  return image;
}

function paint(x, n) {
  const columns = Math.round(Math.sqrt(n));
  const gap = n > 1 ? Math.max(1, Math.round(height / 28)) : 0;
  canvas.width = columns * (width + gap) - gap;
  canvas.height = Math.ceil(n / columns) * (height + gap) - gap;
  const pen = canvas.getContext("2d");
  for (let k = 0; k < n; k += 1) {
    const place = [(k % columns) * (width + gap), Math.floor(k / columns) * (height + gap)];
    pen.putImageData(picture(x, k * channels * height * width), ...place);
  }
}

function say(which, milliseconds) {
  const [first, last] = [which[0], which[which.length - 1]];
  const named = first === last ? `Seed ${first}` : `Seeds ${first} to ${last}`;
  const words = untouched() ? `${named}, as sparring sample draws ${first === last ? "it" : "them"}` : `${named}, moved`;
  if ($("said").textContent !== words) $("said").textContent = words;
  $("took").textContent = `${Math.round(milliseconds)} ms`;
  canvas.setAttribute("aria-label", `${which.length} ${which.length > 1 ? "samples" : "sample"}. ${words}`);
}

let wanted = false;
let busy = false;

// one at a time; what was asked for meanwhile is drawn once
async function draw() {
  wanted = true;
  if (busy) return;
  busy = true;
  try {
    while (wanted) {
      wanted = false;
      const began = performance.now();
      const which = seeds();
      paint(await made(which), which.length);
      say(which, performance.now() - began);
      canvas.dataset.drawn = Number(canvas.dataset.drawn ?? 0) + 1;
      await new Promise(requestAnimationFrame);
    }
  } catch (error) {
    fail(error);
  } finally {
    busy = false;
  }
}

function fail(error) {
  $("said").textContent = `This page cannot be played here: ${error.message ?? error}`;
}

// --- controls --------------------------------------------------------------------------------------------------------

function told() {
  for (const output of all("output")) {
    const input = $(output.htmlFor.value);
    const value = input.valueAsNumber.toFixed(input.step < 0.1 ? 2 : 1);
    output.textContent = isSet(input) ? value : input.id === "truncation" ? "off" : "own";
  }
  if (!$("pad")) return;
  const [x, y] = ["across", "up"].map((name) => $(`direction${$(name).value}`));
  const percent = (input, from) => (100 * (input.valueAsNumber - from)) / (input.max - input.min);
  $("pad").style.setProperty("--x", `${percent(x, x.min)}%`);
  $("pad").style.setProperty("--y", `${100 - percent(y, y.min)}%`);
  $("place").textContent = `across ${x.valueAsNumber.toFixed(1)}, up ${y.valueAsNumber.toFixed(1)}`;
}

function changed() {
  told();
  if (session) draw();
}

function padTo(x, y) {
  $(`direction${$("across").value}`).value = x;
  $(`direction${$("up").value}`).value = y;
  changed();
}

function padAt(event) {
  const box = $("pad").getBoundingClientRect();
  const { max } = $("direction0");
  const place = (from, length) => (2 * from / length - 1) * max;
  padTo(place(event.clientX - box.left, box.width), -place(event.clientY - box.top, box.height));
}

const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function padByKey(event) {
  if (event.key === "Home") padTo(0, 0);
  else if (arrows[event.key]) {
    const [x, y] = ["across", "up"].map((name) => $(`direction${$(name).value}`).valueAsNumber);
    const far = event.shiftKey ? 1 : 0.1;
    padTo(x + far * arrows[event.key][0], y + far * arrows[event.key][1]);
  } else return;
  event.preventDefault();
}

function reset() {
  for (const input of all(".direction")) input.value = 0;
  for (const input of all("input.code")) $(`${input.id}-set`).checked = false;
  for (const select of all("select.code")) select.value = -1;
  changed();
}

$("controls").addEventListener("submit", (event) => event.preventDefault());
$("controls").addEventListener("input", ({ target }) => {
  if (target.type === "range" && $(`${target.id}-set`)) $(`${target.id}-set`).checked = true;
  changed();
});
$("reset").addEventListener("click", reset);
$("another").addEventListener("click", () => {
  $("seed").value = Math.floor(Math.random() * known.seeds);
  changed();
});
if ($("pad")) {
  $("pad").addEventListener("keydown", padByKey);
  $("pad").addEventListener("pointerdown", (event) => {
    $("pad").setPointerCapture(event.pointerId);
    padAt(event);
  });
  $("pad").addEventListener("pointermove", (event) => event.buttons && padAt(event));
}

// --- start -----------------------------------------------------------------------------------------------------------

async function begin() {
  if ($("class")) $("class").value = known.start.class;
  canvas.classList.toggle("seen-through", known.shown === 4);
  told();
  try {
    [noise, truncated, directions] = await Promise.all(["noise", "truncated", "directions"].map(numbers));
    ort.env.wasm.numThreads = 1; // more would need headers that a file has not
    ort.env.wasm.wasmBinary = await unpacked("wasm");
    session = await ort.InferenceSession.create(new Uint8Array(await unpacked("model")));
    await draw();
  } catch (error) {
    fail(error);
  }
}
begin();
