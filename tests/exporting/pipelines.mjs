// Answers of transformers.js as one JSON line: node pipelines.mjs NODE_MODULES FOLDER MODEL DTYPE TASK TEXT
import { createRequire } from "node:module";

const [modules, folder, model, dtype, task, text] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { env, pipeline } = require("@huggingface/transformers");
env.allowRemoteModels = false;
env.allowLocalModels = true;
env.localModelPath = `${folder}/`;
const ask = await pipeline(task, model, { dtype });
console.log(JSON.stringify(await ask(text)));
