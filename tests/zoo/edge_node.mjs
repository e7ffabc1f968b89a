// Answers the texts of a JSON file by a specialist's folder; run in a folder that npm installed the libraries into.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [module, folder, texts, weights] = process.argv.slice(2);
const here = createRequire(`${process.cwd()}/`);
const { PreTrainedTokenizer } = here("@huggingface/transformers");
const { InferenceSession, Tensor } = here("onnxruntime-node");
const { open } = await import(pathToFileURL(module));

const read = (path) => readFile(`${folder}/${path}`);
const specialist = await open(read, { PreTrainedTokenizer, InferenceSession, Tensor }, weights);
const answers = [];
for (const text of JSON.parse(await readFile(texts, "utf8"))) {
  answers.push(await specialist.predict(text).catch((error) => ({ error: error.message })));
}
console.log(JSON.stringify(answers));
