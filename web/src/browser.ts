/**
 * Small BERT and SqueezeBERT models in a worker.
 *
 *     const tag = await load("ner.safetensors", { task: "token_classification" });
 *     await tag("Ada Lovelace met Charles Babbage in London.");
 *
 * @module
 */

import type { Task } from "./answers.js";
import { connect, type Loaded, type Port } from "./client.js";
import { download, type DownloadOptions } from "./download.js";
import { SqueezeBertError } from "./errors.js";

export type * from "./answers.js";
export type { Classifier, Filler, Loaded, Tagger, Timed } from "./client.js";
export { forget, type Progress } from "./download.js";
export { SqueezeBertError } from "./errors.js";

export interface LoadOptions<T extends Task = Task> extends DownloadOptions {
  /** What the model must be for; gives the result its type. */
  task?: T;
  /** How many compute an answer. More than one where the page is isolated from other origins
   * (`crossOriginIsolated`; up to 4 by default); 1 elsewhere. In Node 1 by default. */
  threads?: number;
  /** Where the engine is, if not beside this file. */
  engine?: string | URL;
}

/** What `squeezebert bundle` writes: its address, or its bytes. In Node also a path. */
export type Source = string | URL | Uint8Array | ArrayBuffer;

/** Loads a model into a worker of its own.
 * @throws SqueezeBertError for what cannot be reached, is no bundle or has another task */
export async function load<T extends Task = Task>(
  source: Source,
  options: LoadOptions<T> = {},
): Promise<Loaded[T]> {
  const threads = globalThis.crossOriginIsolated
    ? (options.threads ?? Math.min(MOST_THREADS, navigator.hardwareConcurrency))
    : 1;
  const [module, bundle] = await Promise.all([
    compile(options, threads),
    bytesOf(source, options),
  ]);
  return connect(port(), module, bundle, threads, options.task);
}

/** Small models on short texts gain nothing from more. */
const MOST_THREADS = 4;

/** The file of the engine: memory that is shared needs a build of its own. */
export const engineFor = (threads: number) =>
  threads > 1 ? "./engine_threads.wasm" : "./engine.wasm";

const modules = new Map<string, Promise<WebAssembly.Module>>();

/** The engine, compiled once for all models. */
function compile({ engine, cache }: LoadOptions, threads: number): Promise<WebAssembly.Module> {
  const address = String(engine ?? new URL(engineFor(threads), import.meta.url));
  let module = modules.get(address);
  if (module === undefined) {
    module = download(address, cache === undefined ? {} : { cache }).then((bytes) =>
      WebAssembly.compile(bytes),
    );
    modules.set(address, module);
    module.catch(() => modules.delete(address));
  }
  return module;
}

async function bytesOf(
  source: Source,
  options: DownloadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  if (source instanceof ArrayBuffer) return new Uint8Array(source.slice(0));
  if (source instanceof Uint8Array) return new Uint8Array(source);
  return download(new URL(source, globalThis.location?.href), options);
}

function port(): Port {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  return {
    send: (request, transfer) => worker.postMessage(request, transfer),
    onResponse: (handle) => (worker.onmessage = (event) => handle(event.data)),
    onFailure: (handle) =>
      (worker.onerror = (event) =>
        handle(new SqueezeBertError(`the worker failed: ${event.message ?? "it cannot be started"}`))),
    close: () => worker.terminate(),
  };
}
