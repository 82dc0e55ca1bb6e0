/** A model in a worker, as a function. */

import type {
  Answer,
  Classification,
  Entity,
  Gap,
  ModelInfo,
  Question,
  Suggestions,
  Task,
} from "./answers.js";
import { SqueezeBertError } from "./errors.js";
import type { Request, Response } from "./serve.js";

/** An answer, and how long the model took for it: milliseconds in the worker. */
export interface Timed<T> {
  answer: T;
  milliseconds: number;
}

interface Common {
  readonly info: ModelInfo;
  /** Ends the worker; questions under way fail. */
  close(): void;
}

export interface Classifier extends Common {
  (text: string, pair?: string): Promise<Classification>;
  timed(text: string, pair?: string): Promise<Timed<Classification>>;
}

export interface Tagger extends Common {
  (text: string): Promise<Entity[]>;
  timed(text: string): Promise<Timed<Entity[]>>;
}

export interface Filler extends Common {
  /** Candidates for each [MASK], `topK` of them (5). */
  (text: string, topK?: number): Promise<Gap[]>;
  timed(text: string, topK?: number): Promise<Timed<Gap[]>>;
  /** Words for a cursor, as a keyboard offers them, `topK` of them (5). */
  suggest(text: string, cursor?: number, topK?: number): Promise<Suggestions>;
  timedSuggest(text: string, cursor?: number, topK?: number): Promise<Timed<Suggestions>>;
}

export interface Loaded {
  text_classification: Classifier;
  token_classification: Tagger;
  masked_lm: Filler;
}

/** What a platform's worker has in common with others'. */
export interface Port {
  send(request: Request, transfer: ArrayBuffer[]): void;
  onResponse(handle: (response: Response) => void): void;
  onFailure(handle: (error: Error) => void): void;
  close(): void;
}

/** Sends requests and matches responses to them. */
class Conversation {
  private readonly waiting = new Map<
    number,
    { resolve: (response: Response) => void; reject: (error: Error) => void }
  >();
  private next = 0;
  private ended: Error | undefined;

  constructor(private readonly port: Port) {
    port.onResponse((response) => {
      const asked = this.waiting.get(response.id);
      this.waiting.delete(response.id);
      if ("error" in response) asked?.reject(new SqueezeBertError(response.error));
      else asked?.resolve(response);
    });
    port.onFailure((error) => this.end(error));
  }

  send(request: DistributedOmit<Request>, transfer: ArrayBuffer[] = []): Promise<Response> {
    if (this.ended) return Promise.reject(this.ended);
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.port.send({ ...request, id } as Request, transfer);
    });
  }

  end(error: Error): void {
    if (this.ended) return;
    this.ended = error;
    this.port.close();
    this.waiting.forEach(({ reject }) => reject(error));
    this.waiting.clear();
  }
}

type DistributedOmit<T> = T extends unknown ? Omit<T, "id"> : never;

/** Opens a model in the worker behind `port`. */
export async function connect<T extends Task>(
  port: Port,
  module: WebAssembly.Module,
  bundle: Uint8Array<ArrayBuffer>,
  threads: number,
  task: T | undefined,
): Promise<Loaded[T]> {
  const conversation = new Conversation(port);
  let info: ModelInfo;
  try {
    const opened = await conversation.send({ open: { module, bundle, threads } }, [bundle.buffer]);
    info = (opened as { info: ModelInfo }).info;
    if (task !== undefined && task !== info.task) {
      throw new SqueezeBertError(`the model's task is ${info.task}, expected ${task}`);
    }
  } catch (error) {
    conversation.end(error as Error);
    throw error;
  }
  const ask = async <A extends Answer>(question: Question): Promise<Timed<A>> => {
    const response = await conversation.send({ ask: question });
    const { answer, milliseconds } = response as Extract<Response, { answer: Answer }> & Timed<A>;
    return { answer, milliseconds };
  };
  const common = {
    info,
    close: () => conversation.end(new SqueezeBertError("the model is closed")),
  };
  return face(info.task, ask, common) as Loaded[T];
}

type Ask = <A extends Answer>(question: Question) => Promise<Timed<A>>;

/** The function that a task's model is. */
function face(task: Task, ask: Ask, common: Common): Loaded[Task] {
  if (task === "text_classification") {
    const timed = (text: string, pair?: string) =>
      ask<Classification>({ call: "classify", text, ...(pair === undefined ? {} : { pair }) });
    return callable(timed, common, {});
  }
  if (task === "token_classification") {
    return callable((text: string) => ask<Entity[]>({ call: "tag", text }), common, {});
  }
  const timedSuggest = (text: string, cursor = text.length, topK = 5) =>
    ask<Suggestions>({ call: "suggest", text, cursor, topK });
  const timedFill = (text: string, topK = 5) => ask<Gap[]>({ call: "fill", text, topK });
  const suggest = async (text: string, cursor?: number, topK?: number) =>
    (await timedSuggest(text, cursor, topK)).answer;
  return callable(timedFill, common, { timedSuggest, suggest }) satisfies Filler;
}

function callable<P extends unknown[], A, More extends object>(
  timed: (...given: P) => Promise<Timed<A>>,
  common: Common,
  more: More,
) {
  const call = async (...given: P): Promise<A> => (await timed(...given)).answer;
  return Object.assign(call, common, { timed }, more);
}
