// A classifier answered where the text is: in a browser, or in Node, from the folder that was published.
//
// The libraries are given, not imported: a browser and Node find them in different places. transformers.js cuts the
// text into tokens, ONNX Runtime runs the model, and what zoo.Classifier does around them is done here, too: each file
// is compared with the manifest's sha256, texts are cut at max_tokens with their special tokens kept, and logits are
// divided by the temperature. (transformers.js' pipeline("text-classification") opens the folder as well, with
// dtype "int8", but knows neither temperature nor threshold.)

const MODELS = ["WordPiece", "BPE", "Unigram"]; // kinds of tokenizers that transformers.js knows
const WEIGHTS = { int8: "onnx/model_int8.onnx", fp32: "onnx/model.onnx" };

/**
 * Open a specialist.
 *
 * @param {(path: string) => Promise<Uint8Array>} read gives a file of the folder: by fetch, or from a disk.
 * @param {object} libraries `PreTrainedTokenizer` of @huggingface/transformers; `InferenceSession` and `Tensor` of
 *   onnxruntime-web or onnxruntime-node.
 * @param {string} [weights] "int8" or "fp32"; the publisher's choice unless given.
 * @returns {Promise<{manifest: object, predict: (text: string) => Promise<object>}>} predict gives `label`,
 *   `confidence`, `unsure` and `scores`, as zoo.Classifier's does.
 * @throws {Error} a file is not the one that was published, or the specialist is none that can answer here.
 */
export async function open(read, { PreTrainedTokenizer, InferenceSession, Tensor }, weights) {
  const manifest = json(await read("manifest.json"));
  if (manifest.kind !== "classification") {
    throw new Error(`${manifest.name} is of the kind ${manifest.kind}; here only classifiers answer. Ask it over HTTP.`);
  }
  const model = weights ? WEIGHTS[weights] : manifest.default_weights;
  const tokens = json(await verified(read, manifest, "tokenizer.json"));
  if (!MODELS.includes(tokens.model.type)) {
    throw new Error(`transformers.js can't cut texts as ${manifest.name} does (${tokens.model.type}). Ask it over HTTP.`);
  }
  // The zoo neither pads nor cuts as the file says.
  const tokenizer = new PreTrainedTokenizer({ ...tokens, padding: null, truncation: null }, {});
  const session = await InferenceSession.create(await verified(read, manifest, model));

  const encode = (text, special) => Array.from(
    tokenizer(text, { add_special_tokens: special, return_tensor: false }).input_ids, Number);

  async function predict(text) {
    check(text);
    const ids = cut(encode(text, true), () => encode(text, false), manifest.max_tokens);
    if (!ids.length) throw new Error("This text holds nothing the specialist can read.");
    const row = (values) => new Tensor("int64", BigInt64Array.from(values, BigInt), [1, ids.length]);
    const { logits } = await session.run({ input_ids: row(ids), attention_mask: row(ids.map(() => 1)) });
    return answer(Array.from(logits.data, Number), manifest);
  }
  return { manifest, predict };
}

const json = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

async function verified(read, manifest, path) {
  const entry = manifest.files[path];
  if (!entry) throw new Error(`${manifest.name} was published without ${path}.`);
  const bytes = await read(path);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== entry.sha256) throw new Error(`${path} is not the file that was published: its sha256 is ${found}.`);
  return bytes;
}

function check(text) {
  if (typeof text !== "string") throw new Error("Give a text.");
  if (!text.trim()) throw new Error("The text is empty.");
  if (!text.isWellFormed()) throw new Error("The text is not Unicode: half of a surrogate pair is missing.");
}

// As the tokenizers library cuts: the end of the text goes, and the special tokens around it stay. transformers.js
// would cut the last special token off, too.
function cut(ids, plain, limit) {
  if (ids.length <= limit) return ids;
  const content = plain();
  const special = ids.length - content.length;
  let before = 0;
  while (before < special && !content.every((id, place) => ids[before + place] === id)) before += 1;
  const after = ids.slice(before + content.length);
  return [...ids.slice(0, before), ...content.slice(0, Math.max(0, limit - special)), ...after];
}

function answer(logits, { labels, temperature, threshold, thresholds = {} }) {
  const most = Math.max(...logits);
  const shares = logits.map((logit) => Math.exp((logit - most) / temperature));
  const total = shares.reduce((sum, share) => sum + share, 0);
  const scores = Object.fromEntries(labels.map((label, place) => [label, shares[place] / total]));
  const label = labels[logits.indexOf(most)];
  const confidence = scores[label];
  const promised = threshold !== null || Object.keys(thresholds).length > 0;
  const edge = thresholds[label] ?? threshold;
  return { label, confidence, promised, unsure: promised && (edge === null || confidence < edge), scores };
}
