// What a text is about as news, and whether it is spam as a message.

import { drawBars, duration, find, newest, offerExamples, openShown, percent, warmUp } from "./elements.js";

/** @typedef {import("./models.js").Classification} Classification */

const MODELS = ["squeezebert-mini-news", "squeezebert-mini-spam"];
const panel = find("#news");
const field = /** @type {HTMLTextAreaElement} */ (find("textarea", panel));
const parts = [find(".about", panel), find(".spam", panel)]; // of MODELS

/** @param {HTMLElement} part @param {Classification | undefined} answer undefined for no text */
function draw(part, answer) {
  const best = answer?.scores[0];
  const isSpam = part.className.includes("spam");
  part.classList.toggle("warn", best?.label === "spam");
  find(".verdict strong", part).textContent = best ? (best.label === "ham" ? "no spam" : best.label) : "…";
  find(".verdict span", part).textContent = best ? percent(best.score) : "";
  // Of two classes one bar tells both.
  const shown = (answer?.scores ?? []).filter(({ label }) => !isSpam || label === "spam");
  drawBars(find(".bars", part), shown.map(({ label, score }) => ({ label, share: score })));
}

const ask = newest(async () => {
  const models = await openShown(...MODELS);
  const text = field.value;
  let took = 0;
  for (const [i, model] of models.entries()) {
    const { answer, milliseconds } = await model.classify(text);
    took += milliseconds;
    const part = parts[i];
    if (part) draw(part, text.trim() === "" ? undefined : answer);
  }
  find(".clock", panel).textContent = duration(took);
});

export function start() {
  field.value =
    "The striker scored twice in the second half, and the visitors never recovered. With ten minutes left their captain was sent off for a late tackle.";
  offerExamples(panel, [
    "URGENT! You have won a free weekend. Text CLAIM to 80123 now.",
    "Running late, the train stopped again. Start without me!",
    "The central bank left interest rates unchanged.",
    "A new phone that folds twice went on sale today.",
    "A yearly blood test may find the disease before the first symptoms.",
    "The museum opens its exhibition of forgotten women painters.",
  ]);
  field.addEventListener("input", () => ask());
  warmUp(ask);
}
