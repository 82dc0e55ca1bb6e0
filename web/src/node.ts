/** The same for Node: models from files and from the network, in worker threads. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Task } from "./answers.js";
import { engineFor, type LoadOptions, type Source } from "./browser.js";
import { connect, type Loaded, type Port } from "./client.js";
import { download } from "./download.js";
import { SqueezeBertError } from "./errors.js";

export type * from "./answers.js";
export type { LoadOptions, Source } from "./browser.js";
export type { Classifier, Filler, Loaded, Tagger, Timed } from "./client.js";
export { forget, type Progress } from "./download.js";
export { SqueezeBertError } from "./errors.js";

export async function load<T extends Task = Task>(
  source: Source,
  options: LoadOptions<T> = {},
): Promise<Loaded[T]> {
  const threads = options.threads ?? 1;
  const engine = options.engine ?? new URL(engineFor(threads), import.meta.url);
  const [module, bundle] = await Promise.all([
    read(engine, {}).then((bytes) => WebAssembly.compile(bytes)),
    read(source, options),
  ]);
  return connect(port(), module, bundle, threads, options.task);
}

async function read(source: Source, options: LoadOptions): Promise<Uint8Array<ArrayBuffer>> {
  if (source instanceof ArrayBuffer) return new Uint8Array(source.slice(0));
  if (source instanceof Uint8Array) return new Uint8Array(source);
  const address = String(source);
  if (/^https?:/.test(address)) return download(address, options);
  const path = address.startsWith("file:") ? fileURLToPath(address) : address;
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    throw new SqueezeBertError(`${path} cannot be read: ${(error as Error).message}`);
  }
}

function port(): Port {
  // Without Node's own flags: some, such as --input-type, no worker takes.
  const worker = new Worker(new URL("./worker_node.js", import.meta.url), { execArgv: [] });
  worker.unref(); // a model that nobody waits for lets the program end
  let waiting = 0;
  return {
    send: (request, transfer) => {
      if (waiting++ === 0) worker.ref();
      worker.postMessage(request, transfer);
    },
    onResponse: (handle) =>
      worker.on("message", (response) => {
        if (--waiting === 0) worker.unref();
        handle(response);
      }),
    onFailure: (handle) =>
      worker.on("error", (error) => handle(new SqueezeBertError(`the worker failed: ${error}`))),
    close: () => void worker.terminate(),
  };
}
