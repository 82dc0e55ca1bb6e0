// Answers questions on standard input, a JSON array of {model, call, ...}, by the npm package.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , dist, models] = process.argv;
const { load } = await import(pathToFileURL(`${dist}/node.js`));
const opened = new Map();
const answers = [];
for (const { model, call, text, topK, cursor } of JSON.parse(readFileSync(0, "utf8"))) {
  if (!opened.has(model)) opened.set(model, await load(`${models}/${model}.safetensors`));
  const ask = opened.get(model);
  answers.push(
    await (call === "suggest" ? ask.suggest(text, cursor, topK) : ask(text, topK)),
  );
}
console.log(JSON.stringify(answers));
