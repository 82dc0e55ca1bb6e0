// SqueezeBERT and BERT of one shape answer the same text. They run in turn, so that neither has the
// machine for itself, and each has a clock of its own: whoever's is behind goes next.

import { element, fail, find, openShown, percent } from "./elements.js";

/** @typedef {import("./models.js").Model} Model */

const LAPS = 100;
const TEXTS = {
  ner: "Angela Merkel and Emmanuel Macron met in Strasbourg on Tuesday, while engineers of Airbus in Hamburg and of Boeing in Seattle waited for news from the World Trade Organization in Geneva.",
  news: "The striker scored twice in the second half, and the visitors never recovered. With ten minutes left their captain was sent off for a late tackle, and the crowd began to sing.",
};
const RUNNERS = [
  { key: "squeezebert", name: "SqueezeBERT", note: "grouped layers" },
  { key: "bert", name: "BERT", note: "the same shape, dense" },
];

const panel = find("#race");
const field = /** @type {HTMLTextAreaElement} */ (find("textarea", panel));
const task = /** @type {HTMLSelectElement} */ (find("select", panel));
const button = /** @type {HTMLButtonElement} */ (find(".primary", panel));
const result = find(".result", panel);

/** @param {(typeof RUNNERS)[number]} runner */
function lane({ key, name, note }) {
  const runner = element("span", { class: "runner" });
  const time = element("span", { class: "time" }, "–");
  const said = element("p", { class: "said" });
  const shown = element("div", { class: `lane ${key}` },
    element("h2", {}, name, element("small", {}, note)), time, element("div", { class: "track" }, runner), said);
  return { shown, runner, time, said, key, name };
}

/** @param {number[]} times */
function median(times) {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

/** What a model says, in a line. @param {Model} model @param {string} text */
async function answer(model, text) {
  if (task.value === "news") {
    const { answer, milliseconds } = await model.classify(text);
    return { milliseconds, said: `${answer.label}, ${percent(answer.scores[0]?.score ?? 0)}` };
  }
  const { answer, milliseconds } = await model.tag(text);
  return { milliseconds, said: answer.map((entity) => entity.text).join(" · ") || "no names" };
}

const lanes = RUNNERS.map(lane);

async function run() {
  button.disabled = true;
  result.textContent = "";
  try {
    const models = await openShown(...RUNNERS.map(({ key }) => `${key}-mini-${task.value}`));
    const text = field.value;
    const entrants = lanes.map((lane, i) => ({ ...lane, model: /** @type {Model} */ (models[i]), clock: 0, times: /** @type {number[]} */ ([]) }));
    // The first answers of a model wait for its compiler and its caches.
    for (let i = 0; i < 6; ++i) for (const { model } of entrants) await answer(model, text);
    let frame = performance.now();
    while (entrants.every(({ times }) => times.length < LAPS)) {
      const next = entrants.reduce((a, b) => (b.clock < a.clock ? b : a));
      const { milliseconds, said } = await answer(next.model, text);
      next.clock += milliseconds;
      next.times.push(milliseconds);
      next.said.textContent = said;
      if (performance.now() - frame > 15) {
        entrants.forEach(show);
        await new Promise(requestAnimationFrame);
        frame = performance.now();
      }
    }
    entrants.forEach(show);
    const [ours, other] = entrants.map(({ times }) => median(times));
    const ratio = (other ?? 1) / (ours ?? 1);
    result.textContent =
      ratio >= 1.05 ? `SqueezeBERT is ${ratio.toFixed(1)} times as fast.`
      : ratio <= 0.95 ? `BERT is ${(1 / ratio).toFixed(1)} times as fast this time.`
      : "Neither is faster this time.";
    fail(panel, undefined);
  } catch (error) {
    fail(panel, error);
  } finally {
    button.disabled = false;
    button.textContent = "Race again";
  }
}

/** @param {{runner: HTMLElement, time: HTMLElement, times: number[]}} entrant */
function show({ runner, time, times }) {
  runner.style.transform = `translateX(${((times.length / LAPS - 1) * 100).toFixed(2)}%)`;
  if (times.length) time.replaceChildren(median(times).toFixed(1), element("small", {}, "ms"));
}

export function start() {
  find(".lanes", panel).append(...lanes.map(({ shown }) => shown));
  const fill = () => {
    field.value = TEXTS[/** @type {"ner" | "news"} */ (task.value)];
    lanes.forEach((lane) => {
      show({ ...lane, times: [] });
      lane.time.textContent = "–";
      lane.said.textContent = "";
    });
    result.textContent = "";
  };
  task.addEventListener("change", fill);
  button.addEventListener("click", () => void run());
  fill();
}
