/** A browser's worker. */

import { serve, type Request, type Response } from "./serve.js";

// In a worker, unlike in a window, a message needs no origin.
const reply = self.postMessage.bind(self) as (response: Response) => void;
const handle = serve(reply, (job) =>
  new Worker(new URL("./helper.js", import.meta.url), { type: "module" }).postMessage(job),
);
self.onmessage = (event: MessageEvent<Request>) => void handle(event.data);
