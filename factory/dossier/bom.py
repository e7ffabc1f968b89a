"""The bill of materials: models, data and software with their licences, as CycloneDX 1.6 has them (ECMA-424)."""

from __future__ import annotations

import json
import uuid
from typing import Any

from factory.dossier.records import Records
from factory.errors import FactoryError
from factory.evidence.records import Record
from zoo.manifest import WEIGHTS, Manifest

FILE = "bom.cdx.json"
MADE_OF = {
    "encoder": "The encoder it was trained from",
    "language model": "The language model it was trained from",
    "distilled from": "The larger model whose probabilities of every token it learned, too",
    "teacher": "The teacher",
}
"""Key of a manifest's lineage that cites a model, to what that is; `judges` cites several."""
_BOMS = uuid.UUID("6f0f4d0e-6d53-5a0e-9d0b-3f3c7a4f5f55")
"""The name space of serial numbers, drawn once: the same specialist and day have the same number."""
_TASKS = {
    "classification": "text-classification",
    "spans": "token-classification",
    "extraction": "information-extraction",
    "generation": "text-generation",
}


def bom(records: Records, facts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The bill of a specialist, from its records and the facts drawn from them."""
    software = _software(records)
    parts = [*_models(records, facts), *_data(facts), *software]
    own = _specialist(records, facts, [part["bom-ref"] for part in parts if part["type"] == "data"])
    about = facts["about"]["value"]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_BOMS, records.seal + about['created'])}",
        "version": 1,
        "metadata": {"timestamp": about["created"], "component": own},
        "components": parts,
        "dependencies": [
            {"ref": own["bom-ref"], "dependsOn": [part["bom-ref"] for part in parts if part["type"] != "library"]},
            *({"ref": part["bom-ref"]} for part in parts),
        ],
    }


def check(value: dict[str, Any]) -> str:
    """What CycloneDX's schema has to say against a bill; empty: nothing."""
    from cyclonedx.exception import MissingOptionalDependencyException
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    try:
        found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(value))
    except MissingOptionalDependencyException as error:
        raise FactoryError("CycloneDX's schema can't be read.", fix="Run `make setup`.") from error
    if found is None:
        return ""
    where = getattr(found.data, "json_path", "")
    return f"{where}: {getattr(found.data, 'message', found.data)}"[:300]


def _specialist(records: Records, facts: dict[str, dict[str, Any]], data: list[str]) -> dict[str, Any]:
    manifest, purpose = records.manifest, facts["purpose"]["value"]
    figures = [one for one in records.evidence if isinstance(one, Record) and one.who == records.who]
    return {
        "type": "machine-learning-model",
        "bom-ref": manifest.id,
        "group": manifest.name.split("/")[0],
        "name": manifest.name.split("/")[1],
        "version": manifest.version,
        "description": manifest.title,
        "hashes": [_sha256(manifest.files[manifest.default_weights].sha256)],
        "licenses": _licences(manifest.licence),
        "modelCard": {
            "modelParameters": {
                "approach": {"type": "supervised"},
                "task": _TASKS[manifest.kind],
                "modelArchitecture": manifest.lineage.get("encoder") or manifest.lineage.get("language model", ""),
                "datasets": [{"ref": ref} for ref in data[:1]],
                "inputs": [{"format": "text"}],
                "outputs": [{"format": manifest.kind}],
            },
            "quantitativeAnalysis": {"performanceMetrics": [_metric(one) for one in figures]},
            **({"considerations": _considerations(purpose)} if purpose else {}),
        },
        "properties": [
            {"name": "specialist:manifest:sha256", "value": records.seal},
            {"name": "specialist:weights", "value": {v: k for k, v in WEIGHTS.items()}[manifest.default_weights]},
            {"name": "specialist:forced", "value": str(manifest.forced).lower()},
        ],
    }


def _considerations(purpose: dict[str, Any]) -> dict[str, Any]:
    return {"useCases": [purpose["purpose"].strip()], "technicalLimitations": list(purpose["not_for"])}


def _metric(one: Record) -> dict[str, Any]:
    bounds = {} if one.low is None or one.high is None else {"lowerBound": str(one.low), "upperBound": str(one.high)}
    return {
        "type": one.metric,
        "value": str(one.value),
        "slice": f"{one.n} rows labelled by people, {one.sample}",
        **({"confidenceInterval": bounds} if bounds else {}),
    }


def cited(manifest: Manifest) -> list[tuple[str, str]]:
    """The models it was made with and from, as its lineage cites them: each with its role, `judge` once for each."""
    judges = [one for one in manifest.lineage.get("judges", "").split(", ") if one]
    said = [(role, manifest.lineage[role]) for role in MADE_OF if manifest.lineage.get(role)]
    return [*said, *(("judge", one) for one in judges)]


def _models(records: Records, facts: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    known, found = facts["models"]["value"], []
    for role, identity in cited(records.manifest):
        name, _, version = identity.partition("@")
        weights, what = known.get(name, {}), MADE_OF.get(role, "A judge")
        found.append(
            {
                "type": "machine-learning-model",
                "bom-ref": f"{role.replace(' ', '-')}:{identity}",
                "name": name,
                **({"version": version} if version else {}),
                "description": what + (f": {weights['source']}" if weights else ""),
                **({"hashes": [_sha256(weights["sha256"])]} if weights else {}),
                **({"licenses": _licences(weights["licence"])} if weights else {}),
            }
        )
    return found


def _data(facts: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    dataset, gold = facts["dataset"]["value"], facts["gold"]["value"]
    found = []
    if dataset:
        found.append(
            {
                "type": "data",
                "bom-ref": f"dataset:{dataset['version']}",
                "name": "dataset version",
                "version": dataset["version"],
                "hashes": [_sha256(dataset["hash"])],
                "licenses": _licences(dataset["licence"]),
                "data": [{"type": "dataset", "name": f"{sum(dataset['splits'].values())} rows trained on"}],
            }
        )
    if gold["file"]:
        found.append(
            {
                "type": "data",
                "bom-ref": f"gold:{gold['file']}",
                "name": "gold rows",
                "version": gold["file"],
                "hashes": [_sha256(gold["file"].removeprefix("sha256:"))],
                "data": [{"type": "dataset", "name": "rows labelled by people, measured on and never trained on"}],
            }
        )
    return found


def _software(records: Records) -> list[dict[str, Any]]:
    """A component a package and version, with the locks that name it."""
    locks: dict[str, list[str]] = {}
    for lock, lines in records.software.items():
        for line in lines:
            locks.setdefault(line, []).append(lock)
    found = []
    for line, named_by in sorted(locks.items()):
        name, _, version = line.partition("==")
        licence = records.licences.get(line)
        found.append(
            {
                "type": "library",
                "bom-ref": f"pkg:pypi/{name}@{version}",
                "name": name,
                "version": version,
                "purl": f"pkg:pypi/{name}@{version}",
                **({"licenses": _licences(licence)} if licence else {}),
                "properties": [{"name": "specialist:lock", "value": lock} for lock in named_by],
            }
        )
    return found


def _licences(name: str) -> list[dict[str, Any]]:
    """SPDX's identifier or expression where it is one; else the name as it stands."""
    from cyclonedx.spdx import fixup_id, is_expression

    if known := fixup_id(name):
        return [{"license": {"id": known}}]
    return [{"expression": name}] if is_expression(name) else [{"license": {"name": name}}]


def _sha256(value: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": value}
