"""Croissant metadata: what a dataset version holds, for machines (MLCommons Croissant 1.0, JSON-LD).

Written when a version is published: it names the day, and the version's own name and rows stay what they are. Anything
that reads Croissant opens it, for example `mlcroissant.Dataset("croissant.json").records("train")`.

Source: https://docs.mlcommons.org/croissant/docs/croissant-spec.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from factory.dataset.version import FORMAT, SPLITS, open_version, parquet_file
from factory.files import file_sha256, read_json, write_json

FILE = "croissant.json"
PARQUET = "application/x-parquet"
# The context every Croissant 1.0 file carries, word for word as its specification has it.
CONTEXT = json.loads(
    """{"@language": "en", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs", "column": "cr:column",
    "conformsTo": "dct:conformsTo", "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/", "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty", "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract", "field": "cr:field", "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet", "format": "cr:format", "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path",
    "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated",
    "replace": "cr:replace", "samplingRate": "cr:samplingRate", "sc": "https://schema.org/",
    "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform"}"""
)
COLUMNS = {
    "id": ("sc:Text", "16 hex digits of the text's sha256"),
    "text": ("sc:Text", "what the specialist will be given"),
    "label": ("cr:Int64", "the class, a number; `classes` names it"),
    "soft": ("cr:Float64", "a probability for each class, in their order; sums to 1"),
    "weight": ("cr:Float64", "how much training listens to the row, 0 to 1"),
    "origin": ("sc:Text", "who wrote the text: generated, unlabelled (real text), reviewed, example"),
    "attributes": ("sc:Text", "the plan's axes for a written row, as JSON"),
}
"""Column to its type and what it holds; `lineage` and `verdicts`, which are tables themselves, are on the card."""
SPANS = {
    "start": "where each span begins, in Unicode code points",
    "end": "where each span ends",
    "label": "each span's type, a number; `classes` names it",
}
"""What takes the place of `label` and `soft` where the kind of task is `spans`: lists, span by span."""
RECORD = ("record", "sc:Text", "what was read out of the text, a JSON object; the manifest holds its JSON schema")
"""What takes their place where the kind is `extraction`; `fields`, the same with types, is a table itself."""
ANSWER = ("answer", "sc:Text", "what is to be answered to the text")
"""What takes their place where the kind is `generation`."""
LINEAGE = ("spec", "cell", "source", "prompt", "reply", "teacher", "was")


def add(folder: Path, published: str) -> None:
    """Describe a dataset version's folder in croissant.json, and seal that in its manifest, which is written last.

    Args:
        folder: a version's folder of one's own; its rows and its name stay what they are.
        published: the day, ISO 8601.

    Raises:
        DataError: the folder is not a sound version.
    """
    version = open_version(folder)
    path = folder / FILE
    write_json(path, describe(version.manifest, published))
    manifest = read_json(folder / "manifest.json")
    manifest["files"][FILE] = {"sha256": file_sha256(path), "bytes": path.stat().st_size}
    manifest["files"] = dict(sorted(manifest["files"].items()))
    write_json(folder / "manifest.json", manifest)


def describe(manifest: Mapping[str, Any], published: str) -> dict[str, Any]:
    """The JSON-LD of a version, from its manifest."""
    rows = sum(manifest["splits"].values())
    splits = [split for split in SPLITS if manifest["splits"][split]]
    kind = manifest.get("kind", "classification")
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": f"{manifest['name'].replace('/', '-')}-{manifest['version']}",
        "description": f"{manifest['title']}: {rows} rows to train a specialist on, written or labelled by a teacher "
        "model unless their origin says otherwise. Not for measuring. The version is named by its content: sha256 "
        f"{manifest['hash']}.",
        # Croissant wants three numbers; the content's name is what counts, so it is the build.
        "version": f"{FORMAT}.0.0+{manifest['version']}",
        "citeAs": f"{manifest['title']}, dataset version {manifest['version']} of the specialist {manifest['name']}",
        "license": manifest["licence"],
        "inLanguage": manifest["language"],
        "datePublished": published,
        "distribution": [_file(manifest, split) for split in splits],
        "recordSet": [
            *([_classes(manifest["labels"])] if kind != "generation" else []),
            *(_rows(split, kind) for split in splits),
        ],
    }


def _file(manifest: Mapping[str, Any], split: Any) -> dict[str, Any]:
    name = parquet_file(Path(), split).as_posix()
    seal = manifest["files"][name]
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "encodingFormat": PARQUET,
        "contentSize": f"{seal['bytes']} B",
        "sha256": seal["sha256"],
    }


def _classes(labels: list[str]) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "classes",
        "name": "classes",
        "dataType": "sc:Enumeration",
        "key": {"@id": "classes/number"},
        "field": [
            {"@type": "cr:Field", "@id": "classes/number", "name": "number", "dataType": "cr:Int64"},
            {"@type": "cr:Field", "@id": "classes/name", "name": "name", "dataType": "sc:Text"},
        ],
        "data": [{"classes/number": number, "classes/name": label} for number, label in enumerate(labels)],
    }


def _rows(split: Any, kind: str) -> dict[str, Any]:
    file = parquet_file(Path(), split).as_posix()

    def field(name: str, data_type: str, says: str, column: str, **more: Any) -> dict[str, Any]:
        source = {"fileObject": {"@id": file}, "extract": {"column": column}, **more.pop("source", {})}
        named = {"@type": "cr:Field", "@id": f"{split}/{name}", "name": name, "description": says}
        return {**named, "dataType": data_type, "source": source, **more}

    extra: dict[str, dict[str, Any]] = {
        "label": {"references": {"field": {"@id": "classes/number"}}},
        "soft": {"repeated": True},
    }
    columns = {name: column for name, column in COLUMNS.items() if kind == "classification" or name not in extra}
    fields = [field(name, typed, says, name, **extra.get(name, {})) for name, (typed, says) in columns.items()]
    if kind == "extraction":
        fields.append(field(*RECORD, RECORD[0]))
    if kind == "generation":
        fields.append(field(*ANSWER, ANSWER[0]))
    for part, says in SPANS.items() if kind == "spans" else ():
        source = {"transform": {"jsonPath": f"[*].{part}"}}
        fields.append(field(f"spans_{part}", "cr:Int64", says, "spans", source=source, repeated=True))
    fields += [
        field(
            f"lineage_{part}",
            "sc:Text",
            f"`{part}` of the row's lineage",
            "lineage",
            source={"transform": {"jsonPath": part}},
        )
        for part in LINEAGE
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": split,
        "name": split,
        "key": {"@id": f"{split}/id"},
        "field": fields,
    }
