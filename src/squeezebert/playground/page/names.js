// Persons, places, organizations and other names, marked in the text.

import { duration, element, find, newest, offerExamples, openShown, say, warmUp } from "./elements.js";

/** @typedef {import("./models.js").Entity} Entity */

const MODEL = "squeezebert-mini-ner";
/** @type {Record<string, [one: string, many: string]>} */
const KINDS = { PER: ["person", "persons"], LOC: ["place", "places"], ORG: ["organization", "organizations"], MISC: ["other name", "other names"] };

const panel = find("#names");
const field = /** @type {HTMLTextAreaElement} */ (find("textarea", panel));

/** @param {string} text @param {Entity[]} entities */
function draw(text, entities) {
  /** @type {(Node | string)[]} */
  const parts = [];
  let at = 0;
  for (const { start, end, type } of entities) {
    parts.push(text.slice(at, start));
    const kind = element("small", {}, type);
    kind.title = KINDS[type]?.[0] ?? type;
    parts.push(element("mark", { class: type.toLowerCase() }, text.slice(start, end), "\u00a0", kind));
    at = end;
  }
  parts.push(text.slice(at));
  find(".marked", panel).replaceChildren(...parts);
  const counts = Object.entries(KINDS)
    .map(([type, [one, many]]) => {
      const count = entities.filter((entity) => entity.type === type).length;
      return { type, count, said: `${count} ${count === 1 ? one : many}` };
    })
    .filter(({ count }) => count > 0);
  find(".legend", panel).replaceChildren(
    ...counts.map(({ type, said }) => element("li", { class: type.toLowerCase() }, said)),
  );
  say(counts.map(({ said }) => said).join(", ") || "no names");
}

const ask = newest(async () => {
  const [model] = await openShown(MODEL);
  if (!model) return;
  const text = field.value;
  const { answer, milliseconds } = await model.tag(text);
  draw(text, answer);
  find(".clock", panel).textContent = duration(milliseconds);
});

export function start() {
  field.value =
    "Angela Merkel and Emmanuel Macron met in Strasbourg on Tuesday, while Serena Williams flew to Wimbledon and the World Trade Organization waited for news in Geneva.";
  offerExamples(panel, [
    "Angela Merkel flog am Montag nach Washington.",
    "Der FC Bayern spielt am Samstag in Hamburg gegen Werder Bremen.",
    "Ada Lovelace met Charles Babbage in London.",
    "Roger Federer flew home to Switzerland.",
  ]);
  field.addEventListener("input", () => ask());
  warmUp(ask);
}
