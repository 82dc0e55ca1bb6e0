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
const buttons = [0, 1, 2].map((i) => {
  const button = element("button", { type: "button", hidden: "" });
  button.addEventListener("click", () => {
    const offer = offered[i];
    if (offer) take(offer.start, offer.end, offer.word);
  });
  return button;
});

/** @param {number} start @param {number} end @param {string} word */
function take(start, end, word) {
  const after = field.value.slice(end);
  const gap = /^[\s.,;:!?)]/.test(after) ? "" : " ";
  field.setRangeText(word + gap, start, end, "end");
  field.focus();
  ask();
}

/** What the buttons stand for. @type {{start: number, end: number, word: string}[]} */
let offered = [];

/** @param {Suggestions} offers @param {Suggestions | undefined} mistake of the word before */
function draw(offers, mistake) {
  offered = [mistake, offers].flatMap((place) =>
    place ? place.words.map(({ word }) => ({ start: place.start, end: place.end, word })) : [],
  );
  // The buttons stay: one of them may have the focus.
  buttons.forEach((button, i) => {
    const offer = offered[i];
    button.hidden = !offer;
    if (!offer) return;
    const wrong = i === 0 && mistake ? field.value.slice(mistake.start, mistake.end) : "";
    button.classList.toggle("fix", wrong !== "");
    if (wrong) button.ariaLabel = `${offer.word} instead of ${wrong}`;
    else button.removeAttribute("aria-label");
    button.replaceChildren(...(wrong ? [element("s", {}, wrong)] : []), offer.word);
  });
  drawBars(find(".bars", panel), offers.words.map(({ word, kind, score }) => ({ label: word, note: NOTES[kind], share: score })));
  const said = buttons.filter((button) => !button.hidden).map((button) => button.ariaLabel ?? button.textContent);
  say(said.length ? `Suggestions: ${said.join(", ")}` : "");
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
  find(".strip", panel).append(...buttons);
  field.value = "Good morning! Thank you for ";
  offerExamples(panel, ["I would like to ", "Where is the statoin ", "What do you want to eat for din", "Ich habe heute keine Ze", "Das weiß ich nihct ", "Ich bin in Deutschland gebor"]);
  for (const event of ["input", "click", "keyup"]) field.addEventListener(event, () => ask());
  field.addEventListener("keydown", (event) => {
    const nth = event.altKey ? ["Digit1", "Digit2", "Digit3"].indexOf(event.code) : -1;
    if (nth < 0) return;
    event.preventDefault();
    buttons[nth]?.click();
  });
  field.setSelectionRange(field.value.length, field.value.length);
  warmUp(ask);
}
