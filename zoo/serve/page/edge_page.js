// The page on which a classifier answers in the browser. Whatever comes from people or models is set as text.
import { PreTrainedTokenizer } from "../edge/transformers.js";
import { env, InferenceSession, Tensor } from "../edge/ort.js";
import { open } from "./edge.js";

env.wasm.numThreads = 1; // more need a page that is isolated from others
env.wasm.wasmPaths = { wasm: new URL("../edge/ort-wasm-simd-threaded.wasm", import.meta.url).href };

const $ = (id) => document.getElementById(id);
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const opened = new Map();
let key = "";

async function get(path) {
  const answer = await fetch(path, { headers: key ? { Authorization: `Bearer ${key}` } : {}, cache: "no-store" });
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({ detail: `The service answers with ${answer.status}.` }));
  throw Object.assign(new Error([said.detail, said.where, said.fix].filter(Boolean).join("\n")), { status: answer.status });
}

async function trying(work) {
  $("trouble").hidden = true;
  try {
    await work();
  } catch (error) {
    $("trouble").textContent = error.message;
    $("trouble").hidden = error.status === 401 && !key;
    $("answer").hidden = true;
    if (error.status === 401) $("keys").hidden = false;
  }
}

async function list() {
  const { specialists } = await (await get("v1/specialists")).json();
  const here = specialists.filter((one) => one.kind === "classification");
  $("keys").hidden = true;
  if (!here.length) throw new Error("No classifier is served here; other kinds answer over HTTP alone.");
  $("specialist").replaceChildren(...here.map((one) => new Option(`${one.name} ${one.version}: ${one.title}`, one.name)));
  $("question").hidden = false;
}

// Opened once; what could not be opened is tried again.
function specialist(name) {
  if (!opened.has(name)) {
    const read = async (path) => new Uint8Array(await (await get(`v1/specialists/${name}/files/${path}`)).arrayBuffer());
    const opening = open(read, { PreTrainedTokenizer, InferenceSession, Tensor });
    opened.set(name, opening);
    opening.catch(() => opened.delete(name));
  }
  return opened.get(name);
}

function line(words, kind) {
  const made = document.createElement("p");
  made.textContent = words;
  made.className = kind;
  return made;
}

async function ask() {
  $("ask").disabled = true;
  try {
    const { manifest, predict } = await specialist($("specialist").value);
    const started = performance.now();
    const { label, confidence, promised, unsure } = await predict($("text").value);
    const took = (performance.now() - started).toFixed(1);
    const doubt = unsure ? "Unsure: ask a person." : promised ? "Sure." : "Nothing is promised.";
    $("answer").replaceChildren(
      line(`${label} (${percent(confidence)})`, "said"),
      line(doubt, `doubt ${unsure ? "unsure" : promised ? "sure" : "none"}`),
      line(`${manifest.name} ${manifest.version}, ${took} ms in this browser`, "by"));
    $("answer").hidden = false;
  } finally {
    $("ask").disabled = false;
  }
}

$("specialist").addEventListener("change", () => { $("answer").hidden = true; });
$("question").addEventListener("submit", (event) => {
  event.preventDefault();
  trying(ask);
});
$("keys").addEventListener("submit", (event) => {
  event.preventDefault();
  key = $("key").value.trim();
  $("key").value = "";
  trying(list);
});
trying(list);
