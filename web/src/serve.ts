/** The worker's side: one model, questions in, answers out. */

import type { Answer, ModelInfo, Question } from "./answers.js";
import { Model } from "./model.js";
import { start, type Hire } from "./module.js";

export type Request =
  | { id: number; open: { module: WebAssembly.Module; bundle: Uint8Array; threads: number } }
  | { id: number; ask: Question };

export type Response =
  | { id: number; info: ModelInfo }
  | { id: number; answer: Answer; milliseconds: number }
  | { id: number; error: string };

/** Gives a handler of requests. They are answered in their order. */
export function serve(
  reply: (response: Response) => void,
  hire: Hire,
): (request: Request) => Promise<void> {
  let model: Model | undefined;
  let last: Promise<void> = Promise.resolve();
  const handle = async (request: Request): Promise<void> => {
    const { id } = request;
    try {
      if ("open" in request) {
        const { module, bundle, threads } = request.open;
        model = Model.open(await start(module, threads, hire), bundle);
        reply({ id, info: model.info });
      } else {
        const begin = performance.now();
        const answer = model!.answer(request.ask);
        reply({ id, answer, milliseconds: performance.now() - begin });
      }
    } catch (error) {
      reply({ id, error: error instanceof Error ? error.message : String(error) });
    }
  };
  return (request) => (last = last.then(() => handle(request)));
}
