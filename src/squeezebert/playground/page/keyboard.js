// The next word, the rest of a word, and corrections, while one types.

import { drawBars, duration, element, find, newest, offerExamples, openShown, say, warmUp } from "./elements.js";

/** @typedef {import("./models.js").Suggestions} Suggestions */

const MODEL = "squeezebert-mini-mlm";
const SHOWN = 6;
/** From where on a finished word is called a mistake. */
const SURE = 0.75;
const NOTES = { next: "", typed: "as it is", completion: "", correction: "corrected" };

const panel = find("#keyboard");
const field = /** @type {HTMLTextAreaElement} */ (find("textarea", panel));
const strip = find(".strip", panel);

/** @param {number} start @param {number} end @param {string} word */
function take(start, end, word) {
  const after = field.value.slice(end);
  const gap = /^[\s.,;:!?)]/.test(after) ? "" : " ";
  field.setRangeText(word + gap, start, end, "end");
  field.focus();
  ask();
}

/** @param {Suggestions} offers @param {Suggestions | undefined} mistake of the word before */
function draw(offers, mistake) {
  const buttons = offers.words.slice(0, 3).map(({ word }) => {
    const button = element("button", { type: "button" }, word);
    button.addEventListener("click", () => take(offers.start, offers.end, word));
    return button;
  });
  const better = mistake?.words[0];
  if (mistake && better) {
    const wrong = field.value.slice(mistake.start, mistake.end);
    const button = element("button", { type: "button", class: "fix", "aria-label": `${better.word} instead of ${wrong}` },
      element("s", {}, wrong), better.word);
    button.addEventListener("click", () => take(mistake.start, mistake.end, better.word));
    buttons.splice(0, 0, button);
    buttons.length = Math.min(buttons.length, 3);
  }
  strip.replaceChildren(...buttons);
  drawBars(find(".bars", panel), offers.words.map(({ word, kind, score }) => ({ label: word, note: NOTES[kind], share: score })));
  say(buttons.length ? `Suggestions: ${buttons.map((one) => one.ariaLabel ?? one.textContent).join(", ")}` : "");
}

const ask = newest(async () => {
  const [model] = await openShown(MODEL);
  if (!model) return;
  const text = field.value;
  const cursor = field.selectionEnd;
  const { answer, milliseconds } = await model.suggest(text, cursor, SHOWN);
  const before = text.slice(0, cursor).trimEnd().length;
  let mistake;
  if (answer.start === answer.end && before > 0 && before < cursor) {
    const earlier = (await model.suggest(text, before, 1)).answer;
    const best = earlier.words[0];
    if (best?.kind === "correction" && best.score > SURE) mistake = earlier;
  }
  draw(answer, mistake);
  find(".clock", panel).textContent = duration(milliseconds);
});

export function start() {
  field.value = "Good morning! Thank you for ";
  offerExamples(panel, ["I would like to ", "Where is the statoin ", "What do you want to eat for din", "Ich habe heute keine Ze", "Das weiß ich nihct ", "Ich bin in Deutschland gebor"]);
  for (const event of ["input", "click", "keyup"]) field.addEventListener(event, () => ask());
  field.addEventListener("keydown", (event) => {
    const nth = event.altKey ? ["Digit1", "Digit2", "Digit3"].indexOf(event.code) : -1;
    const button = strip.children[nth];
    if (!(button instanceof HTMLElement)) return;
    event.preventDefault();
    button.click();
  });
  field.setSelectionRange(field.value.length, field.value.length);
  warmUp(ask);
}
