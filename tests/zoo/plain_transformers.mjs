// Logits of texts by transformers.js alone, with no code of ours; run in a folder that npm installed it into.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname } from "node:path";

const [folder, texts, dtype, longest] = process.argv.slice(2);
const { AutoModelForTokenClassification, AutoTokenizer, env } = createRequire(`${process.cwd()}/`)(
  "@huggingface/transformers",
);
env.allowRemoteModels = false;
env.localModelPath = dirname(folder);
const name = basename(folder);
const tokenizer = await AutoTokenizer.from_pretrained(name);
const model = await AutoModelForTokenClassification.from_pretrained(name, { dtype });
const answers = [];
for (const text of JSON.parse(await readFile(texts, "utf8"))) {
  const { logits } = await model(tokenizer(text, { truncation: true, max_length: Number(longest) }));
  answers.push(Array.from(logits.data));
}
console.log(JSON.stringify({ labels: model.config.id2label, answers }));
