/** A browser's worker that helps another compute. */

import { help, type Job } from "./module.js";

self.onmessage = (event: MessageEvent<Job>) => void help(event.data);
