// What the browser does for experiments/web/peers.py: opens run-times, lets them take turns.

const softmax = (logits) => {
  const most = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
};
const bytesOf = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());
/** A text of so many tokens: two stand around it. */
const text = (tokens) => "word ".repeat(tokens - 2).trim();
// The number of "word" in the vocabularies of the models measured; all have the same.
let word = 0;

/** How each run-time gets its code, before any clock runs. */
const prepare = {
  async ours(threads) {
    const { engineFor, load } = await import("/ours/browser.js");
    const build = await bytesOf(new URL(engineFor(threads), new URL("/ours/", location.href)));
    const engine = URL.createObjectURL(new Blob([build], { type: "application/wasm" }));
    return { load, engine, threads };
  },
  async ort(threads) {
    const ort = await import("/npm/onnxruntime-web/dist/ort.wasm.min.mjs");
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.wasmPaths = "/npm/onnxruntime-web/dist/";
    ort.env.wasm.wasmBinary = await bytesOf("/npm/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm");
    return ort;
  },
  async transformers(threads) {
    const { env, pipeline } = await import("/npm/@huggingface/transformers/dist/transformers.min.js");
    const dist = "/npm/@huggingface/transformers/node_modules/onnxruntime-web/dist/";
    env.allowRemoteModels = false;
    env.allowLocalModels = true;
    env.localModelPath = "/models/";
    env.useBrowserCache = false;
    env.backends.onnx.wasm.numThreads = threads;
    env.backends.onnx.wasm.wasmPaths = {
      mjs: new URL(`${dist}ort-wasm-simd-threaded.mjs`, location.href).href,
      wasm: new URL(`${dist}ort-wasm-simd-threaded.wasm`, location.href).href,
    };
    return pipeline;
  },
};

/** Downloads of a model, before any clock runs; then a function that answers a text of so many tokens
 * with the first label's probability. */
const open = {
  async ours({ load, engine, threads }, model) {
    const bundle = await bytesOf(`/models/${model}.safetensors`);
    return async () => {
      const ask = await load(bundle, { engine, threads, cache: false });
      const first = ask.info.labels[0];
      return async (tokens) =>
        (await ask(text(tokens))).scores.find(({ label }) => label === first).score;
    };
  },
  async ort(ort, model, file) {
    const graph = await bytesOf(`/models/${model}/onnx/${file}.onnx`);
    return async () => {
      const session = await ort.InferenceSession.create(graph, { executionProviders: ["wasm"] });
      return async (tokens) => {
        const shape = [1, tokens];
        const full = (value) => new ort.Tensor("int64", new BigInt64Array(tokens).fill(value), shape);
        const ids = full(BigInt(word));
        [ids.data[0], ids.data[tokens - 1]] = [2n, 3n];
        const given = { input_ids: ids, attention_mask: full(1n), token_type_ids: full(0n) };
        const feeds = Object.fromEntries(session.inputNames.map((name) => [name, given[name]]));
        return softmax([...(await session.run(feeds))[session.outputNames[0]].data])[0];
      };
    };
  },
  async transformers(pipeline, model, file) {
    return async () => {
      const dtype = file === "model" ? "fp32" : "q8";
      const ask = await pipeline("text-classification", model, { dtype, device: "wasm" });
      const first = Object.values(ask.model.config.id2label)[0];
      return async (tokens) =>
        (await ask(text(tokens), { top_k: null })).find(({ label }) => label === first).score;
    };
  },
};

const opened = new Map();

/** Opens a model and answers once. @returns milliseconds from the downloaded files to the answer */
async function first(key, peer, model, file, wordId, tokens, threads) {
  word = wordId;
  const start = await open[peer](await prepare[peer](threads), model, file);
  const begin = performance.now();
  const ask = await start();
  await ask(tokens);
  const ms = performance.now() - begin;
  opened.set(key, ask);
  return ms;
}

/** Times of those that are open, in turn: first to last and back. */
async function race(tokens, warm, rounds) {
  const times = Object.fromEntries([...opened.keys()].map((key) => [key, []]));
  const answers = {};
  for (let round = -warm; round < rounds; ++round) {
    const order = [...opened.keys()];
    if (round % 2) order.reverse();
    for (const key of order) {
      const begin = performance.now();
      answers[key] = await opened.get(key)(tokens);
      if (round >= 0) times[key].push(performance.now() - begin);
    }
  }
  return { times, answers };
}

Object.assign(globalThis, { first, race });
