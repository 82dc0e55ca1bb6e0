// Times of the models that ship in Node's V8, the same as Chromium's, a JSON line each:
//
//     make web && squeezebert playground --output build/playground
//     node experiments/web/node.mjs build/playground/models
//
// Models answer in turn, so that each meets the same machine. Medians of `milliseconds`, which are of the
// model alone: text in, answer out, in its worker.
import { basename } from "node:path";
import { readdirSync } from "node:fs";
import { load } from "../../web/dist/node.js";

const ROUNDS = 40;
const folder = process.argv[2];
const models = [];
for (const file of readdirSync(folder).sort()) {
  models.push({ name: basename(file, ".safetensors"), ask: await load(`${folder}/${file}`) });
}
for (const words of [14, 30, 62, 126]) {
  const times = new Map(models.map(({ name }) => [name, []]));
  for (let round = -10; round < ROUNDS; ++round) {
    for (const { name, ask } of models) {
      if (ask.info.task === "masked_lm" && words > 62) continue; // longer than its inputs
      const text = "word ".repeat(ask.info.task === "masked_lm" ? words - 1 : words);
      const { milliseconds } = await ask.timed(ask.info.task === "masked_lm" ? `${text}[MASK]` : text);
      if (round >= 0) times.get(name).push(milliseconds);
    }
  }
  for (const [name, all] of times) {
    if (!all.length) continue;
    all.sort((a, b) => a - b);
    console.log(JSON.stringify({ name, tokens: words + 2, median_ms: +all[all.length >> 1].toFixed(2), least_ms: +all[0].toFixed(2) }));
  }
}
