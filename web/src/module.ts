/** Starts the WebAssembly module, and gives it what it asks of a system: the time, and refusals. */

import { Memory } from "./memory.js";

/** Functions of native/include/squeezebert.h. Addresses and sizes are numbers. */
export type Functions = Record<string, (...values: number[]) => number>;

export interface Engine {
  functions: Functions;
  memory: Memory;
}

const NO_SYSTEM_CALL = -38; // -ENOSYS, as Emscripten's C library expects it
const NOT_SUPPORTED = 58; // ENOTSUP of WASI

/** The engine is one thread's: a worker has its own. */
export async function start(module: WebAssembly.Module): Promise<Engine> {
  let exports: WebAssembly.Exports = {};
  const view = () => new DataView((exports["memory"] as WebAssembly.Memory).buffer);
  const provided: Record<string, (...values: number[]) => number> = {
    clock_time_get: (_clock, _precision, at) => {
      view().setBigUint64(at!, BigInt(Math.round(performance.now() * 1e6)), true);
      return 0;
    },
    environ_sizes_get: (count, bytes) => {
      view().setUint32(count!, 0, true);
      view().setUint32(bytes!, 0, true);
      return 0;
    },
    environ_get: () => 0,
    emscripten_notify_memory_growth: () => 0,
    proc_exit: (code) => {
      throw new Error(`the engine stopped with code ${code}`);
    },
  };
  const imports: WebAssembly.Imports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    // No files, no signals: a model comes from memory.
    const refused = from.startsWith("wasi") ? NOT_SUPPORTED : NO_SYSTEM_CALL;
    (imports[from] ??= {})[name] = provided[name] ?? (() => refused);
  }
  exports = (await WebAssembly.instantiate(module, imports)).exports;
  const functions = exports as unknown as Functions;
  functions["_initialize"]!();
  const memory = new Memory(
    exports["memory"] as WebAssembly.Memory,
    functions["malloc"]!,
    functions["free"]!,
  );
  return { functions, memory };
}
