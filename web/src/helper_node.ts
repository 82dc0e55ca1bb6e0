/** A worker thread of Node that helps another compute. */

import { workerData } from "node:worker_threads";
import { help } from "./module.js";

await help(workerData);
