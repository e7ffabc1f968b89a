"""The dataset card: what the manifest says, for people. It computes nothing."""

from __future__ import annotations

from typing import Any

from factory.spec import Spec
from factory.template import fill

ORIGINS = {
    "generated": "written by the teacher",
    "unlabelled": "real text, labelled by the teacher",
    "reviewed": "labelled by a person",
    "example": "given with the spec",
}
REPLACED = "replaced"
"""The strategy whose rows no teacher wrote (factory.generate.strategies.replaced); they are counted by themselves."""
COUNTED = {**ORIGINS, REPLACED: "labelled by a person, with other values in its words"}

TASKS = {
    "classification": "text-classification",
    "spans": "token-classification",
    "extraction": "text-generation",
    "generation": "text-generation",
}
"""Kind of task to the Hugging Face Hub's word for it, which has none for extraction: a text becomes a JSON text."""


def render(manifest: dict[str, Any], spec: Spec) -> str:
    """README.md of a dataset version, with the metadata a Hugging Face hub and `datasets` read.

    Args:
        manifest: as `factory.dataset.build` makes it.
        spec: for words: purpose, definitions, sources.
    """
    from huggingface_hub import DatasetCard, DatasetCardData

    rows = sum(manifest["splits"].values())
    data = DatasetCardData(
        language=[manifest["language"]],
        license=manifest["licence"],
        annotations_creators=[
            *(["machine-generated"] if {"generated", "unlabelled"} & manifest["origins"].keys() else []),
            *(["expert-generated"] if manifest["reviewed"] else []),
        ],
        language_creators=["machine-generated", *(["found"] if manifest["origins"].get("unlabelled") else [])],
        multilinguality=["monolingual"],
        size_categories=[_size(rows)],
        task_categories=[TASKS[manifest.get("kind", "classification")]],
        pretty_name=f"{manifest['title']} ({manifest['version']})",
        tags=["synthetic", *(["information-extraction"] if manifest.get("kind") == "extraction" else [])],
        configs=[
            {
                "config_name": "default",
                "data_files": [
                    {"split": name, "path": f"data/{name}-*.parquet"}
                    for name, count in manifest["splits"].items()
                    if count
                ],
            }
        ],
    )

    def asked(axis: str, value: str) -> str:
        count = manifest["planned"].get(axis, {}).get(value)
        return "" if count is None else f" ({count} asked for)"

    values: dict[str, Any] = {"metadata": data.to_yaml(), "dataset": manifest, "spec": spec, "rows": rows}
    values |= {"origins": ORIGINS, "counted": COUNTED, "asked": asked}
    card = DatasetCard(fill("dataset_card.md.jinja", values))
    return f"{card.content.strip()}\n"


def _size(rows: int) -> str:
    bounds = [(1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")]
    return next((name for bound, name in bounds if rows < bound), "1M<n<10M")
