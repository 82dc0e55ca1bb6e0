// Where answers come from: the engine in a worker of this page, or the one behind the server where
// the page was built without. Both answer alike.

/** @typedef {import("../../../../web/dist/browser.js")} Package */
/** @typedef {import("../../../../web/dist/browser.js").Classification} Classification */
/** @typedef {import("../../../../web/dist/browser.js").Entity} Entity */
/** @typedef {import("../../../../web/dist/browser.js").Suggestions} Suggestions */
/** @typedef {{name: string, task: string, url: string, bytes: number}} Listed */
/** @typedef {{url: string, bytes: number}} Build of the engine: for one thread, or for several */
/** @typedef {{engine: "wasm" | "native", one: Build | null, threads: Build | null, engineScripts: string[], models: Listed[]}} Offer */
/** @template A @typedef {{answer: A, milliseconds: number}} Timed */

/**
 * A model that this page asks.
 * @typedef {object} Model
 * @property {(text: string) => Promise<Timed<Classification>>} classify
 * @property {(text: string) => Promise<Timed<Entity[]>>} tag
 * @property {(text: string, cursor: number, topK: number) => Promise<Timed<Suggestions>>} suggest
 */

/** @type {Promise<Offer> | undefined} */
let offer;
/** What the server has. */
export function offered() {
  if (!offer) {
    offer = fetch("models.json").then((response) => response.json());
    offer.catch(() => (offer = undefined)); // to be tried again
  }
  return offer;
}

/** @type {Map<string, Promise<Model>>} */
const opened = new Map();
let received = 0;
let team = 1;
/** Threads that compute an answer. */
export const threadsUsed = () => team;
/** Bytes of models and engine that this page holds. */
export const bytesReceived = () => received;

/**
 * @param {string} name
 * @param {(share: number) => void} onProgress how much has come, from 0 to 1
 * @returns {Promise<Model>}
 */
export function open(name, onProgress) {
  let model = opened.get(name);
  if (!model) {
    model = start(name, onProgress);
    opened.set(name, model);
    model.catch(() => opened.delete(name));
  }
  return model;
}

/** @param {string} name @param {(share: number) => void} onProgress @returns {Promise<Model>} */
async function start(name, onProgress) {
  const { engine, one, threads, models } = await offered();
  const listed = models.find((model) => model.name === name);
  if (!listed) throw new Error(`the server has no model ${name}`);
  const build = crossOriginIsolated ? threads : one;
  if (engine === "native" || !build) return remote(name);
  /** @type {Package} */
  const { load } = await import(new URL("engine/browser.js", document.baseURI).href);
  const model = await load(listed.url, {
    engine: new URL(build.url, document.baseURI),
    onProgress: ({ loaded }) => onProgress(Math.min(1, loaded / listed.bytes)),
  });
  team = model.info.threads;
  if (received === 0) received = build.bytes;
  received += listed.bytes;
  return /** @type {Model} */ ({
    classify: (text) => /** @type {any} */ (model).timed(text),
    tag: (text) => /** @type {any} */ (model).timed(text),
    suggest: (text, cursor, topK) => /** @type {any} */ (model).timedSuggest(text, cursor, topK),
  });
}

/** @param {string} model @returns {Model} */
function remote(model) {
  /** @param {object} question */
  const ask = async (question) => {
    const response = await fetch("answer", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model, ...question }),
    });
    const said = await response.json();
    if (!response.ok) throw new Error(said.error);
    return said;
  };
  return {
    classify: (text) => ask({ call: "classify", text }),
    tag: (text) => ask({ call: "tag", text }),
    suggest: (text, cursor, topK) => ask({ call: "suggest", text, cursor, topK }),
  };
}
