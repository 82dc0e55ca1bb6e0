/** A worker thread of Node. */

import { parentPort, Worker } from "node:worker_threads";
import { serve, type Request } from "./serve.js";

const handle = serve(
  (response) => parentPort!.postMessage(response),
  (job) =>
    new Worker(new URL("./helper_node.js", import.meta.url), {
      workerData: job,
      execArgv: [],
    }).unref(),
);
parentPort!.on("message", (request: Request) => void handle(request));
