// What a piece of news is about.

import { drawBars, duration, find, newest, offerExamples, openShown, percent, warmUp } from "./elements.js";

const MODEL = "squeezebert-mini-news";

const panel = find("#news");
const field = /** @type {HTMLTextAreaElement} */ (find("textarea", panel));

const ask = newest(async () => {
  const [model] = await openShown(MODEL);
  if (!model) return;
  const empty = field.value.trim() === "";
  const { answer, milliseconds } = await model.classify(field.value);
  find(".verdict strong", panel).textContent = empty ? "…" : answer.label;
  find(".verdict span", panel).textContent = empty ? "" : percent(answer.scores[0]?.score ?? 0);
  drawBars(find(".bars", panel), answer.scores.map(({ label, score }) => ({ label, share: empty ? 0 : score })));
  find(".clock", panel).textContent = duration(milliseconds);
});

export function start() {
  field.value =
    "The striker scored twice in the second half, and the visitors never recovered. With ten minutes left their captain was sent off for a late tackle.";
  offerExamples(panel, [
    "The central bank left interest rates unchanged and warned that inflation could stay high until spring.",
    "A new phone that folds twice went on sale today, with a battery that its maker says lasts two days.",
    "Parliament passed the bill by a narrow vote after a night of debate.",
    "Doctors report that a yearly blood test may find the disease long before the first symptoms.",
    "The museum opens its exhibition of forgotten women painters on Friday.",
  ]);
  field.addEventListener("input", () => ask());
  warmUp(ask);
}
