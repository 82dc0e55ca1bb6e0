// What a text is about as news, and whether it is spam as a message.

import { drawBars, duration, find, newest, offerExamples, openShown, percent, warmUp } from "./elements.js";

/** @typedef {import("./models.js").Classification} Classification */

const MODELS = ["squeezebert-mini-news", "squeezebert-mini-spam"];
/** What labels are called, where it is not their name. @type {Record<string, string>} */
const NAMES = { ham: "no spam" };

const panel = find("#news");
const field = /** @type {HTMLTextAreaElement} */ (find("textarea", panel));
const parts = [find(".about", panel), find(".spam", panel)];

/** @param {HTMLElement} part @param {Classification | undefined} answer undefined for no text */
function draw(part, answer) {
  const rows = answer?.scores.map(({ label, score }) => ({ label: NAMES[label] ?? label, share: score }));
  part.classList.toggle("warn", answer?.label === "spam");
  find(".verdict strong", part).textContent = rows?.[0]?.label ?? "…";
  find(".verdict span", part).textContent = rows ? percent(rows[0]?.share ?? 0) : "";
  drawBars(find(".bars", part), rows ?? []);
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
    "URGENT! You have won a free weekend for two. Text CLAIM to 80123 now, 1.50 a message.",
    "Running late, the train stopped again. Start without me, I'll bring the cake.",
    "The central bank left interest rates unchanged and warned that inflation could stay high until spring.",
    "A new phone that folds twice went on sale today, with a battery that its maker says lasts two days.",
    "Doctors report that a yearly blood test may find the disease long before the first symptoms.",
    "The museum opens its exhibition of forgotten women painters on Friday.",
  ]);
  field.addEventListener("input", () => ask());
  warmUp(ask);
}
