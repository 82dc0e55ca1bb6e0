/** Starts the WebAssembly module, and gives it what it asks of a system: the time, and refusals. */

import { Memory } from "./memory.js";

/** Functions of native/include/squeezebert.h. Addresses and sizes are numbers. */
export type Functions = Record<string, (...values: number[]) => number>;

export interface Engine {
  functions: Functions;
  memory: Memory;
  /** That compute an answer, this one included. */
  threads: number;
}

/** What a helper is given: the module with the memory of the engine that it helps. */
export interface Job {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  worker: number;
  stackTop: number;
}

/** Starts a worker that calls `help`. It may come late, or never. */
export type Hire = (job: Job) => void;

const NO_SYSTEM_CALL = -38; // -ENOSYS, as Emscripten's C library expects it
const NOT_SUPPORTED = 58; // ENOTSUP of WASI
/** Of the build that shares its memory, in pages of 64 KB: as native/web.cmake says. */
const SHARED = { initial: 256, maximum: 16384, shared: true };
const STACK_BYTES = 1 << 18;

/** The engine is one thread's: a worker has its own. Of the build that shares its memory it hires
 * `threads - 1` helpers; any other build has one thread. */
export async function start(
  module: WebAssembly.Module,
  threads = 1,
  hire?: Hire,
): Promise<Engine> {
  const asksForMemory = WebAssembly.Module.imports(module).some(({ kind }) => kind === "memory");
  const shared = asksForMemory ? new WebAssembly.Memory(SHARED) : undefined;
  const exports = await instantiate(module, shared);
  const functions = exports as unknown as Functions;
  functions["_initialize"]!();
  const memory = new Memory(
    shared ?? (exports["memory"] as WebAssembly.Memory),
    functions["malloc"]!,
    functions["free"]!,
  );
  const team = shared && hire ? threads : 1;
  for (let worker = 1; worker < team; ++worker) {
    const stackTop = memory.allocate(STACK_BYTES) + STACK_BYTES;
    hire!({ module, memory: shared!, worker, stackTop: stackTop - (stackTop % 16) });
  }
  return { functions, memory, threads: team };
}

/** A helper's whole life: it waits in the memory that is shared, and computes. */
export async function help({ module, memory, worker, stackTop }: Job): Promise<void> {
  const exports = await instantiate(module, memory);
  (exports as unknown as Functions)["squeezebert_help"]!(worker, stackTop);
}

async function instantiate(
  module: WebAssembly.Module,
  shared: WebAssembly.Memory | undefined,
): Promise<WebAssembly.Exports> {
  let exports: WebAssembly.Exports = {};
  const view = () =>
    new DataView((shared ?? (exports["memory"] as WebAssembly.Memory)).buffer);
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
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    // No files, no signals: a model comes from memory.
    const refused = from.startsWith("wasi") ? NOT_SUPPORTED : NO_SYSTEM_CALL;
    (imports[from] ??= {})[name] =
      kind === "memory" ? shared! : (provided[name] ?? (() => refused));
  }
  exports = (await WebAssembly.instantiate(module, imports)).exports;
  return exports;
}
