/** A model in the engine of this thread: the C API with JavaScript's types. */

import type {
  Answer,
  Classification,
  Entity,
  Gap,
  ModelInfo,
  Question,
  Suggestion,
  Suggestions,
  Task,
} from "./answers.js";
import { SqueezeBertError } from "./errors.js";
import type { Engine } from "./module.js";

const UTF16 = 2;
const REGRESSION = 2;
const TASKS: Record<number, Task> = {
  1: "masked_lm",
  2: "text_classification",
  3: "token_classification",
};
const KINDS: Suggestion["kind"][] = ["next", "typed", "completion", "correction"];

export class Model {
  readonly info: ModelInfo;

  private constructor(
    private readonly engine: Engine,
    private handle: number,
  ) {
    this.info = this.describe();
  }

  /** @param bundle the file that `squeezebert bundle` writes */
  static open(engine: Engine, bundle: Uint8Array): Model {
    const { memory, functions } = engine;
    const data = memory.put(bundle);
    const options = memory.allocate(8); // precision, threads
    const out = memory.allocate(4);
    try {
      memory.setU32(options, 0);
      memory.setU32(options + 4, engine.threads);
      check(engine, functions["squeezebert_open_memory"]!(data, bundle.length, options, out));
      return new Model(engine, memory.u32(out));
    } finally {
      [data, options, out].forEach(memory.free);
    }
  }

  close(): void {
    this.engine.functions["squeezebert_close"]!(this.handle);
    this.handle = 0;
  }

  answer(question: Question): Answer {
    switch (question.call) {
      case "classify":
        return this.classify(question.text, question.pair);
      case "tag":
        return this.tag(question.text);
      case "fill":
        return this.fill(question.text, question.topK);
      case "suggest":
        return this.suggest(question.text, question.cursor, question.topK);
    }
  }

  classify(text: string, pair?: string): Classification {
    const { memory } = this.engine;
    const ask = (at: number, bytes: number, second: number, secondBytes: number) =>
      this.call("squeezebert_classify", [at, bytes, second, secondBytes], (result) => {
        const names = memory.u32(result + 16);
        const values = memory.u32(result + 12);
        const regression = memory.i32(result) === REGRESSION;
        const scores = Array.from({ length: memory.u32(result + 8) }, (_, i) => ({
          label: regression ? "" : memory.text(memory.u32(names + 4 * i)),
          score: memory.f64(values + 8 * i),
        }));
        const best = memory.i32(result + 4);
        const label = regression ? "" : (scores[best]?.label ?? "");
        return { label, scores: scores.sort((a, b) => b.score - a.score) };
      });
    return memory.withText(text, (at, bytes) =>
      pair === undefined
        ? ask(at, bytes, 0, 0)
        : memory.withText(pair, (second, length) => ask(at, bytes, second, length)),
    );
  }

  tag(text: string): Entity[] {
    const { memory } = this.engine;
    return memory.withText(text, (at, bytes) =>
      this.call("squeezebert_tag", [at, bytes, UTF16], (result) =>
        memory.list(memory.u32(result + 4), memory.u32(result), 16, (entity) => {
          const start = memory.u32(entity + 4);
          const end = memory.u32(entity + 8);
          return {
            type: memory.text(memory.u32(entity)),
            text: text.slice(start, end),
            start,
            end,
            score: memory.f32(entity + 12),
          };
        }),
      ),
    );
  }

  fill(text: string, topK: number): Gap[] {
    const { memory } = this.engine;
    return memory.withText(text, (at, bytes) =>
      this.call("squeezebert_fill", [at, bytes, topK, UTF16], (result) =>
        memory.list(memory.u32(result + 4), memory.u32(result), 16, (gap) => ({
          start: memory.u32(gap),
          end: memory.u32(gap + 4),
          candidates: memory.list(memory.u32(gap + 12), memory.u32(gap + 8), 16, (one) => ({
            token: memory.text(memory.u32(one + 4)),
            score: memory.f64(one + 8),
          })),
        })),
      ),
    );
  }

  suggest(text: string, cursor: number, topK: number): Suggestions {
    const { memory } = this.engine;
    return memory.withText(text, (at, bytes) =>
      this.call("squeezebert_suggest", [at, bytes, cursor, topK, UTF16], (result) => ({
        start: memory.u32(result),
        end: memory.u32(result + 4),
        words: memory.list(memory.u32(result + 12), memory.u32(result + 8), 16, (one) => ({
          word: memory.text(memory.u32(one)),
          kind: KINDS[memory.i32(one + 4)]!,
          score: memory.f64(one + 8),
        })),
      })),
    );
  }

  /** Calls a function whose last argument is where its structure goes, reads that and frees it. */
  private call<T>(name: string, values: number[], read: (result: number) => T): T {
    const { memory, functions } = this.engine;
    if (this.handle === 0) throw new SqueezeBertError("the model is closed");
    const out = memory.allocate(4);
    try {
      check(this.engine, functions[name]!(this.handle, ...values, out));
      const result = memory.u32(out);
      try {
        return read(result);
      } finally {
        functions["squeezebert_free"]!(result);
      }
    } finally {
      memory.free(out);
    }
  }

  private describe(): ModelInfo {
    const { memory, functions } = this.engine;
    const info = memory.allocate(36);
    const out = memory.allocate(4);
    try {
      check(this.engine, functions["squeezebert_describe"]!(this.handle, info));
      const task = TASKS[memory.i32(info)];
      if (task === undefined) throw new SqueezeBertError("the model has no head that answers texts");
      const labels: string[] = [];
      for (let i = 0; task !== "masked_lm" && i < memory.i32(info + 4); ++i) {
        check(this.engine, functions["squeezebert_label"]!(this.handle, i, out));
        labels.push(memory.text(memory.u32(out)));
      }
      return {
        task,
        labels,
        hiddenSize: memory.i32(info + 8),
        vocabSize: memory.i32(info + 12),
        layers: memory.i32(info + 24),
        threads: this.engine.threads,
        version: memory.text(functions["squeezebert_version"]!()),
      };
    } finally {
      [info, out].forEach(memory.free);
    }
  }
}

function check(engine: Engine, status: number): void {
  if (status === 0) return;
  throw new SqueezeBertError(engine.memory.text(engine.functions["squeezebert_last_error"]!()));
}
