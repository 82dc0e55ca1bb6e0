/** A worker thread of Node. */

import { parentPort } from "node:worker_threads";
import { serve, type Request } from "./serve.js";

const handle = serve((response) => parentPort!.postMessage(response));
parentPort!.on("message", (request: Request) => void handle(request));
