// The page to try a specialist. Whatever comes from people or models is set as text, never as HTML.
"use strict";

const $ = (id) => document.getElementById(id);
let key = "";
let specialists = [];

function make(name, words = "", kind = "") {
  const made = document.createElement(name);
  made.textContent = words;
  if (kind) made.className = kind;
  return made;
}

async function call(path, body) {
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  const options = { headers, cache: "no-store" };
  if (body) {
    headers["Content-Type"] = "application/json";
    Object.assign(options, { method: "POST", body: JSON.stringify(body) });
  }
  const answer = await fetch(path, options);
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({ detail: `The service answers with ${answer.status}.` }));
  throw Object.assign(new Error([said.detail, said.where, said.fix].filter(Boolean).join("\n")), { status: answer.status });
}

// Run something; what goes wrong is told, and where it is the key, another one is asked for.
async function trying(work) {
  $("trouble").hidden = true;
  try {
    await work();
  } catch (error) {
    const down = error instanceof TypeError ? "The service can't be reached." : error.message;
    $("trouble").textContent = down;
    $("trouble").hidden = error.status === 401 && !key;
    if (error.status === 401) {
      $("keys").hidden = false;
      $("key").focus();
    }
  }
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;
const chosen = () => specialists.find((one) => one.name === $("specialist").value);

async function refresh() {
  specialists = (await (await call("v1/specialists")).json()).specialists;
}

async function list() {
  await refresh();
  $("keys").hidden = true;
  $("question").hidden = specialists.length === 0;
  if (!specialists.length) throw new Error("No specialist is loaded yet: look again in a moment.");
  $("specialist").replaceChildren(...specialists.map((one) => {
    const option = make("option", `${one.name} ${one.version}: ${one.title}`);
    option.value = one.name;
    return option;
  }));
  describe();
}

function describe() {
  const one = chosen();
  const named = { classification: "Labels", spans: "Types", extraction: "Fields", generation: "Writes" }[one.kind];
  const forced = one.forced ? " Published although its gate failed: read the card." : "";
  const more = one.labels.length > 12 ? ` and ${one.labels.length - 12} more` : "";
  const behind = one.fallback === null ? "" : ` Where it is not sure, ${one.fallback} is asked.`;
  $("about").textContent = `${named}: ${one.labels.slice(0, 12).join(", ")}${more}.${forced}${behind}`;
  $("answer").hidden = true;
}

// Sure or not, in words a person can act on; of a label, or of the first span that is not sure.
function doubt({ unsure, label, complete = true }) {
  const { threshold, thresholds, risk } = chosen();
  const edge = thresholds[label] ?? threshold;
  if (!complete) return make("p", "Not complete: there was no room for all of it. Ask a person.", "doubt unsure");
  if (unsure) {
    const why = edge === null ? "of this label nothing is promised" : `below the ${percent(edge)} from which it is to be believed`;
    return make("p", `Unsure: ${why}. Ask a person.`, "doubt unsure");
  }
  if (edge === null) return make("p", "Nothing is promised: no threshold could be shown for this specialist.", "doubt none");
  const promise = risk === null ? "" : ` Of such answers at most ${percent(risk)} are wrong, on texts like those it was measured on.`;
  return make("p", `Sure: at or above its threshold.${promise}`, "doubt sure");
}

function scores(values) {
  const rows = make("dl", "", "scores");
  for (const [name, share] of Object.entries(values).sort((one, other) => other[1] - one[1]).slice(0, 8)) {
    const meter = make("meter");
    meter.value = share;
    meter.setAttribute("aria-label", `${name}: ${percent(share)}`);
    const bar = make("dd");
    bar.append(meter);
    rows.append(make("dt", name), bar, make("dd", percent(share)));
  }
  return rows;
}

const WHY = {
  answered: "The specialist is sure, so nobody else was asked.",
  unsure_escalated: "The specialist is not sure, so the next one was asked, and answered.",
  fallback_unsure: "Neither the specialist nor the next one is sure.",
  fallback_invalid: "The specialist is not sure; what the next one replied is no answer.",
  fallback_refused: "The specialist is not sure, and the next one would not take this text.",
  fallback_down: "The specialist is not sure, and the next one did not answer.",
  circuit_open: "The specialist is not sure. The next one has failed too often, and is left alone for a while.",
  budget_spent: "The specialist is not sure, and no more may be asked of the next one.",
  fallback_busy: "The specialist is not sure, and the next one has too much to do.",
};

// A cascade's choice: who stands for the label, or that nobody does, and why.
function choice(answer) {
  const by = make("p", answer.unsure ? "Nobody stands for this: ask a person. It is the best guess of " : "Answered by ",
    `doubt ${answer.unsure ? "unsure" : "sure"}`);
  by.append(make("strong", answer.tier), ".");
  return [by, make("p", `${WHY[answer.reason]} (${answer.reason}, ${answer.seconds.toFixed(3)} s)`, "why")];
}

// How far an answer is to be believed: by the specialist's threshold, or by what a cascade decided.
const standing = (answer, part = answer) => (answer.reason === undefined ? [doubt(part)] : choice(answer));

function label(answer) {
  const sure = answer.confidence === null ? "" : ` (${percent(answer.confidence)})`;
  const heading = answer.reason === undefined ? [] : [make("p", "What the specialist makes of it:", "why")];
  return [make("p", `${answer.label}${sure}`, "said"), ...standing(answer), ...heading, scores(answer.scores)];
}

// Offsets are in code points; JavaScript's strings count UTF-16 units.
function marked(text, spans) {
  const letters = Array.from(text);
  const out = make("p", "", "marked");
  let place = 0;
  for (const span of spans) {
    out.append(letters.slice(place, span.start).join(""));
    const found = make("mark", letters.slice(span.start, span.end).join(""), span.unsure ? "unsure" : "");
    const score = span.score === null ? "" : ` ${percent(span.score)}`;
    found.append(make("small", `${span.label}${score}${span.unsure ? ", unsure" : ""}`));
    out.append(found);
    place = span.end;
  }
  out.append(letters.slice(place).join(""));
  return out;
}

const SHOW = {
  classification: label,
  spans: (answer, text) => [
    marked(text, answer.spans),
    ...(answer.spans.length ? [] : [make("p", "Nothing was found.", "doubt none")]),
    ...(answer.reason === "unsure_escalated" && answer.spans.some((span) => span.score !== null)
      ? [make("p", "What has a score is the specialist's, which was sure of that.", "why")] : []),
    ...(answer.spans.length || answer.reason ? standing(answer, answer.spans.find((span) => span.unsure) ?? answer.spans[0]) : [])],
  extraction: (answer) => [
    make("p", JSON.stringify(answer.values, null, 2), "said"), ...standing(answer), ...(answer.scores ? [scores(answer.scores)] : [])],
  generation: (answer) => [make("p", answer.text, "said"), ...standing(answer)],
};

async function ask() {
  const text = $("text").value;
  const started = performance.now();
  $("ask").disabled = true;
  try {
    const body = { text, scores: chosen().kind === "classification" };
    const said = await (await call(`v1/specialists/${chosen().name}/predict`, body)).json();
    const took = Math.round(performance.now() - started);
    if (said.version !== chosen().version) await refresh(); // reloaded meanwhile: another threshold
    $("answer").replaceChildren(
      ...SHOW[said.kind](said.answers[0], text), make("p", `${said.specialist} ${said.version}, ${took} ms`, "by"));
    $("answer").hidden = false;
  } catch (error) {
    $("answer").hidden = true;
    throw error;
  } finally {
    $("ask").disabled = false;
  }
}

// With a key a plain link would not do: the browser does not send it. The card is fetched, and shown as Markdown.
async function card() {
  const path = `v1/specialists/${chosen().name}/card`;
  if (!key) {
    window.location.assign(`${path}.html`);
    return;
  }
  const said = await (await call(path)).text();
  $("answer").replaceChildren(make("pre", said));
  $("answer").hidden = false;
}

$("specialist").addEventListener("change", describe);
$("card").addEventListener("click", () => trying(card));
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
