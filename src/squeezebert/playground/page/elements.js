// What the tabs share: making elements, asking while somebody types, and telling of waits.

import { bytesReceived, offered, open, threadsUsed } from "./models.js";

/** @template {HTMLElement} [T=HTMLElement] @param {string} selector @param {ParentNode} [within] */
export const find = (selector, within = document) =>
  /** @type {T} */ (within.querySelector(selector));

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children
 */
export function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** @param {number} share */
export const percent = (share) =>
  share < 0.01 ? "<1%" : share > 0.99 && share < 1 ? ">99%" : `${Math.round(100 * share)}%`;

/** @param {number} milliseconds */
export const duration = (milliseconds) =>
  `${milliseconds < 9.95 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;

/**
 * Rows with a label, a value and a bar; those there are stay, so that bars move.
 * @param {HTMLElement} list
 * @param {{label: string, note?: string, share: number}[]} rows
 */
export function drawBars(list, rows) {
  while (list.children.length > rows.length) list.lastElementChild?.remove();
  rows.forEach(({ label, note, share }, i) => {
    let row = /** @type {HTMLElement | undefined} */ (list.children[i]);
    if (!row) {
      const track = element("span", { class: "track" }, element("span", { class: "fill" }));
      row = element("li", {}, element("span", { class: "label" }), element("span", { class: "value" }), track);
      list.append(row);
    }
    find(".label", row).replaceChildren(label, ...(note ? [element("small", {}, note)] : []));
    find(".value", row).textContent = percent(share);
    find(".fill", row).style.transform = `scaleX(${share.toFixed(4)})`;
  });
}

/**
 * Runs the newest question only, one at a time.
 * @template {unknown[]} P
 * @param {(...given: P) => Promise<void>} ask
 * @returns {(...given: P) => void}
 */
export function newest(ask) {
  /** @type {P | undefined} */
  let waiting;
  let busy = false;
  return (...given) => {
    waiting = given;
    if (busy) return;
    busy = true;
    void (async () => {
      try {
        while (waiting) {
          const next = waiting;
          waiting = undefined;
          await ask(...next);
        }
        fail(ask, undefined);
      } catch (error) {
        fail(ask, error);
      } finally {
        busy = false;
      }
    })();
  };
}

/**
 * Asks now and a few times again: the first answers wait for a compiler, so their time tells little.
 * @param {() => void} ask
 */
export function warmUp(ask) {
  for (const delay of [0, 300, 700, 1200]) setTimeout(ask, delay);
}

/** @type {Map<unknown, string>} what stopped whom, the newest last */
const failures = new Map();

/**
 * Tells what stopped a question. It stays until the same asker is answered; others' answers leave it.
 * @param {unknown} asker
 * @param {unknown} error undefined where all is well again
 */
export function fail(asker, error) {
  failures.delete(asker);
  if (error !== undefined) failures.set(asker, error instanceof Error ? error.message : String(error));
  const message = [...failures.values()].at(-1);
  const told = find(".failure");
  told.hidden = message === undefined;
  told.textContent = message ?? "";
}

/**
 * Opens models, with a bar that shows how far it is.
 * @param {...string} names
 */
export async function openShown(...names) {
  const bar = find(".loading");
  const progress = /** @type {HTMLProgressElement} */ (find("progress", bar));
  /** @type {number[]} */
  const shares = names.map(() => 0);
  // What is there at once needs no bar.
  const shown = setTimeout(() => (bar.hidden = false), 120);
  try {
    return await Promise.all(
      names.map((name, i) =>
        open(name, (share) => {
          shares[i] = share;
          progress.value = shares.reduce((a, b) => a + b, 0) / names.length;
          find("span", bar).textContent = percent(progress.value);
        }),
      ),
    );
  } finally {
    clearTimeout(shown);
    bar.hidden = true;
    const { engine } = await offered();
    find("#where").textContent =
      engine === "wasm"
        ? `The engine runs in this page, as WebAssembly on ${threadsUsed() === 1 ? "one core" : `up to ${threadsUsed()} cores`}.`
        : "This copy was built without WebAssembly: the engine behind the local server answers.";
    const bytes = bytesReceived();
    if (bytes > 0) find("#bytes").textContent = `${(bytes / 1e6).toFixed(1)} MB are loaded and kept.`;
  }
}

/** Says something to a screen reader, once nothing has come after it for a while.
 * @param {string} text */
export function say(text) {
  clearTimeout(later);
  later = setTimeout(() => (find("#spoken").textContent = text), 900);
}
let later = 0;

/**
 * Buttons that put texts into a field.
 * @param {HTMLElement} panel
 * @param {string[]} texts
 */
export function offerExamples(panel, texts) {
  const field = /** @type {HTMLTextAreaElement} */ (find("textarea", panel));
  for (const text of texts) {
    const button = element("button", { type: "button" }, text);
    button.addEventListener("click", () => {
      field.value = text;
      field.focus();
      field.setSelectionRange(text.length, text.length);
      field.dispatchEvent(new Event("input"));
    });
    find(".examples", panel).append(button);
  }
}
