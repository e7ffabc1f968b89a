"""Every figure and every recorded statement of the papers: what it is, from which record, by which rule.

Rules sort, select and copy. They compute no evidence: figures are as they stand in records.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel

from factory.dossier.records import Records, mistakes
from factory.evidence.records import (
    AnyEvidence,
    ClassFigures,
    Comparison,
    Confusion,
    Cost,
    Counterfactual,
    Coverage,
    Export,
    Footprint,
    GateLine,
    LabelPromise,
    Promise,
    Record,
    Reliability,
    Robustness,
    Seeds,
    Slice,
    Speed,
    Training,
)
from factory.spec import Spec
from zoo.manifest import SPANS, WRITING

EVIDENCE, MANIFEST, DATASET = "specialist/evidence.jsonl", "specialist/manifest.json", "dataset/manifest.json"
LEDGER, SPEC, CLEAN = "ledger/ledger.jsonl", "spec/", "stages/clean/statistics.json"


@dataclass(frozen=True)
class Rule:
    """How a fact follows from a record.

    Attributes:
        name: of the fact.
        record: path inside `records`.
        words: the rule, for a person.
        of: the rule, for a machine.
    """

    name: str
    record: str
    words: str
    of: Callable[[Records], Any]


def facts(records: Records) -> dict[str, dict[str, Any]]:
    """Every fact: name to its `value`, `record` and `rule`; the value null where the record is not there."""
    return {rule.name: {"value": rule.of(records), "record": rule.record, "rule": rule.words} for rule in RULES}


def _own(kind: type[Any]) -> Callable[[Records], list[dict[str, Any]]]:
    """The records of a kind about the published weights."""
    return lambda records: [_said(one) for one in records.evidence if isinstance(one, kind) and one.who == records.who]


def _all(kind: type[Any]) -> Callable[[Records], list[dict[str, Any]]]:
    return lambda records: [_said(one) for one in records.evidence if isinstance(one, kind)]


def _said(one: AnyEvidence) -> dict[str, Any]:
    return one.model_dump(mode="json")


def _sorted(kind: type[Any], key: Callable[[dict[str, Any]], Any], most: int = 1000) -> Callable[[Records], Any]:
    found = _own(kind)
    return lambda records: sorted(found(records), key=key)[:most]


def _confusions(records: Records) -> list[dict[str, Any]]:
    wrong = [one for one in _own(Confusion)(records) if one["gold"] != one["predicted"] and one["count"]]
    return sorted(wrong, key=lambda one: (-one["count"], one["gold"], str(one["predicted"])))[:10]


def _data(*keys: str) -> Callable[[Records], Any]:
    return lambda records: {key: records.dataset.get(key) for key in keys} if records.dataset else None


def _examples(records: Records) -> list[dict[str, Any]]:
    """Mistakes as they may be shown: what was read out of a text or written of it only where its masked text is."""
    kind, found = records.manifest.kind, []
    for one in mistakes(records.answers):
        value, text = one.model_dump(mode="json", include={"id", "gold", "predicted"}), records.texts.get(one.id)
        gold, said = value["gold"], value["predicted"]
        if kind in WRITING:
            if records.spec is None or text is None:
                continue
            mask = partial(_masked, spec=records.spec, text=text if one.id in records.covered else "")
            gold, said = {key: part if key == "told" else mask(part) for key, part in gold.items()}, mask(said)
        elif kind == SPANS:
            whole = None if one.id in records.covered else text
            gold, said = _worded(gold, whole), _worded(said, whole)
        sure = None if kind == SPANS else one.confidence  # each span has its own
        found.append({"id": one.id, "gold": gold, "predicted": said, "confidence": sure, "text": text})
    return found


def _masked(value: Any, spec: Spec, text: str) -> Any:
    """A value read or written, with personal data of a known form masked in it.

    A vague form, such as nine digits, is known by the words around it, which a value lacks: so where something was
    masked in the text (`text`, as it is then; else empty) go all words with digits that are not left in that.
    """
    from factory.hygiene import pii

    if isinstance(value, dict):
        return {key: _masked(one, spec, text) for key, one in value.items()}
    if isinstance(value, list):
        return [_masked(one, spec, text) for one in value]
    if value is None or isinstance(value, bool):
        return value
    told = pii.masked(str(value), spec)
    if text:
        told = re.sub(r"\S*\d\S*", lambda word: word[0] if word[0] in text else "<PERSONAL_DATA>", told)
    return value if told == str(value) else told


def _worded(spans: list[dict[str, Any]] | None, text: str | None) -> list[dict[str, Any]] | None:
    """Spans with their words; none where the text is not at hand as it is, since they count in that."""
    return spans and [{**one, "words": text and text[one["start"] : one["end"]]} for one in spans]


def _stages(records: Records) -> list[dict[str, Any]]:
    kept = ("number", "time", "event", "stage", "key", "inputs", "counts", "version", "operator", "commit")
    return [{key: value for key, value in asdict(entry).items() if key in kept} for entry in records.steps]


def _spec(*keys: str) -> Callable[[Records], Any]:
    def of(records: Records) -> Any:
        return {key: _whole(getattr(records.spec, key)) for key in keys} if records.spec else None

    return of


def _whole(value: Any) -> Any:
    """A part of a spec as JSON, with what a dump leaves unsaid because it is the default."""
    if isinstance(value, BaseModel):
        return {key: _whole(getattr(value, key)) for key in type(value).model_fields}
    if isinstance(value, dict):
        return {key: _whole(one) for key, one in value.items()}
    return [_whole(one) for one in value] if isinstance(value, list | tuple) else value


def _checks(stage: str, *names: str) -> Callable[[Records], Any]:
    def of(records: Records) -> Any:
        found = records.of_stage(stage, "statistics.json")
        return found if found is None or not names else [one for one in found if one["check"] in names]

    return of


def _gold(records: Records) -> dict[str, Any]:
    inputs = records.of_stage("evaluate", "inputs.json") or {}
    rows = {(one.rows, one.n) for one in records.evidence if isinstance(one, Record) and one.sample == "all"}
    return {"file": inputs.get("gold"), "rows": [{"rows": rows, "n": n} for rows, n in sorted(rows)]}


def _manifest(records: Records) -> dict[str, Any]:
    value = records.manifest.to_dict()
    return {**value, "sha256": records.seal}


RULES = (
    Rule("specialist", MANIFEST, "all of it, and its sha256", _manifest),
    Rule("purpose", SPEC, "keys of the spec", _spec("title", "purpose", "not_for", "text", "question", "language")),
    Rule("labels", SPEC, "labels and their definitions", _spec("labels")),
    Rule("recipe", SPEC, "teacher, student, judges, reader, strategies, gate", _spec(
        "teacher", "student", "judges", "reader", "strategies", "gate")),
    Rule("hygiene", SPEC, "hygiene, as the spec sets it", _spec("hygiene", "review", "unlabelled", "seed", "gold")),
    Rule("licence", SPEC, "licences, as the spec states them", _spec("licence")),
    Rule("figures", EVIDENCE, "records of kind `record` about anybody", _all(Record)),
    Rule("comparisons", EVIDENCE, "records of kind `comparison`", _all(Comparison)),
    Rule("gate", EVIDENCE, "records of kind `gate`", _all(GateLine)),
    Rule("promise", EVIDENCE, "records of kind `promise` about the published weights", _own(Promise)),
    Rule("label_promises", EVIDENCE, "records of kind `label promise`, the most often wrong first",
         _own(LabelPromise)),
    Rule("coverage", EVIDENCE, "records of kind `coverage` about the published weights, the most answered first",
         _sorted(Coverage, lambda one: -one["coverage"])),
    Rule("reliability", EVIDENCE, "records of kind `reliability` about the published weights", _own(Reliability)),
    Rule("classes", EVIDENCE, "records of kind `class` about the published weights, the weakest ten",
         _sorted(ClassFigures, lambda one: (one["f1"], one["label"]), 10)),
    Rule("confusions", EVIDENCE, "records of kind `confusion`, the ten most frequent mistakes", _confusions),
    Rule("slices", EVIDENCE, "records of kind `slice`, the weakest first, those of few rows last",
         _sorted(Slice, lambda one: (one["few"], one["value"], one["by"], one["slice"]))),
    Rule("robustness", EVIDENCE, "records of kind `robustness`, what costs most first",
         _sorted(Robustness, lambda one: (one["difference"], one["perturbation"]))),
    Rule("counterfactuals", EVIDENCE, "records of kind `counterfactual` about the published weights",
         _own(Counterfactual)),
    Rule("speed", EVIDENCE, "records of kind `speed` about the published weights", _own(Speed)),
    Rule("footprint", EVIDENCE, "records of kind `footprint` about the published weights", _own(Footprint)),
    Rule("cost", EVIDENCE, "records of kind `cost` about the published weights", _own(Cost)),
    Rule("training", EVIDENCE, "records of kind `training` about the published weights", _own(Training)),
    Rule("seeds", EVIDENCE, "records of kind `seeds` about the published weights", _own(Seeds)),
    Rule("export", EVIDENCE, "records of kind `export`", _all(Export)),
    Rule("dataset", DATASET, "keys of the manifest", _data(
        "version", "hash", "licence", "splits", "origins", "teachers", "prompts", "corrected", "audit", "dropped")),
    Rule("clean", CLEAN, "every check: rows seen, rows dropped, why", _checks("clean")),
    Rule("reviewed", "stages/review/statistics.json", "every check", _checks("review")),
    Rule("personal", CLEAN, "the check `pii`", _checks("clean", "pii")),
    Rule("masked", "masked.json", "rows and places that the verdict `mask` tells of, as counted in the stage clean",
         lambda r: r.masked),
    Rule("gold", "stages/evaluate/inputs.json", "sha256 of the gold file; of ids and labels, from evidence", _gold),
    Rule("verdict", "stages/evaluate/gate.json", "all of it", lambda r: r.of_stage("evaluate", "gate.json")),
    Rule("examples", "stages/evaluate/predictions/",
         "the wrong answers it was surest of, of spans the first; texts, and spans' words, from gold/shown.jsonl; "
         "what was read or written is masked, too, and shown only beside its text", _examples),
    Rule("stages", LEDGER, "the entries behind the specialist, the last first", _stages),
    Rule("models", "models.json", "all of it: weights that travel as packages", lambda r: r.models),
    Rule("human", "human.yaml", "what people said", lambda r: r.human),
    Rule("about", "about.json", "all of it", lambda r: r.about),
)  # fmt: skip
"""Name, record, rule: all there are."""
