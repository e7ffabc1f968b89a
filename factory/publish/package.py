"""The specialist's folder: model files, evidence, card, and a manifest that seals each; its format is the zoo's."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from factory.errors import FactoryError
from factory.files import digest, explained, file_sha256, write_jsonl, write_text
from factory.spec import Spec
from zoo.doubt import Doubt
from zoo.manifest import ADAPTER, PROMPT, TOKENIZER, WEIGHTS, WRITING, FileEntry, Manifest, describe_files
from zoo.question import FILE as ASK

MODEL_FILES = ("config.json", "model.safetensors", TOKENIZER, WEIGHTS["fp32"])
COMPANIONS = ("tokenizer_config.json", "special_tokens_map.json", *ADAPTER)
"""Published where a model has them: what transformers' AutoTokenizer reads its settings from, and guesses without; and
the adapter of a model that writes."""
CARD, EVIDENCE, CHANGELOG = "README.md", "evidence.jsonl", "CHANGELOG.md"
PAPERS = (CARD, EVIDENCE)
"""What people read of a specialist, beside its manifest, and what each has; newer ones have a CHANGELOG, too."""


@dataclass(frozen=True)
class Trained:
    """A student, as training and export left it.

    Attributes:
        folder: holds `MODEL_FILES`, the `weights`, of kinds whose model writes the zoo's `PROMPT`, and perhaps
            `COMPANIONS`; nothing else in it is published.
        max_tokens: longer texts are cut here.
        temperature: calibration; probabilities are softmax(logits / temperature).
        doubt: which answers are marked unsure.
        lineage: what it was made from; `dataset` (its version) must be there, usually also `teacher`, `encoder`.
        risk: how often answers that are not marked may be wrong.
        ask: the text of ask.json (factory.publish.ask); empty: it is published without.
        weights: of `zoo.manifest.WEIGHTS`, what is loaded by default; where that is fp32, int8 is not published.
    """

    folder: Path
    max_tokens: int
    temperature: float
    doubt: Doubt
    lineage: Mapping[str, str] = field(default_factory=dict)
    risk: float | None = None
    ask: str = ""
    weights: str = "int8"

    @property
    def exports(self) -> tuple[str, ...]:
        """What is published of `zoo.manifest.WEIGHTS`, the default first."""
        return tuple(dict.fromkeys((self.weights, "fp32")))

    @property
    def who(self) -> str:
        """How records call it: `student:int8`."""
        return f"student:{self.weights}"


def who(manifest: Manifest) -> str:
    """How records call a published student, on the weights loaded by default."""
    names = {path: name for name, path in WEIGHTS.items()}
    return f"student:{names.get(manifest.default_weights, manifest.default_weights)}"


def describe(trained: Trained, spec: Spec, version: str, *, forced: bool = False) -> Manifest:
    """The manifest of a student's model files, before card and evidence are there.

    Enough for a card to be written from and for `content` to be compared with what is published already.

    Raises:
        FactoryError: a model file is missing, or the dataset's version is.
    """
    prompt = (PROMPT,) if spec.kind in WRITING else ()
    needed = list(dict.fromkeys((*MODEL_FILES, WEIGHTS[trained.weights], *prompt)))
    missing = [name for name in needed if not (trained.folder / name).is_file()]
    if missing:
        raise FactoryError(
            f"The model lacks {', '.join(missing)}.", where=str(trained.folder), fix="Run the training stage again."
        )
    if not trained.lineage.get("dataset"):
        raise FactoryError("The model does not say which dataset version it was trained on.", where=str(trained.folder))
    return Manifest(
        name=spec.name,
        version=version,
        title=spec.title,
        kind=spec.kind,
        language=spec.language,
        labels=tuple(spec.labels),
        max_tokens=trained.max_tokens,
        temperature=trained.temperature,
        threshold=trained.doubt.threshold,
        thresholds=trained.doubt.thresholds,
        risk=trained.risk,
        licence=spec.licence.model,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        lineage={"spec": spec.identity, **trained.lineage},
        forced=forced,
        default_weights=WEIGHTS[trained.weights],
        files={
            name: FileEntry(file_sha256(path), path.stat().st_size)
            for name in (*needed, *COMPANIONS)
            if (path := trained.folder / name).is_file()
        }
        | ({ASK: FileEntry(sha256(data).hexdigest(), len(data))} if (data := trained.ask.encode()) else {}),
    )


def package(
    trained: Trained,
    manifest: Manifest,
    *,
    card: str,
    evidence: Iterable[Mapping[str, Any]],
    out: Path,
    changelog: str = "",
) -> Manifest:
    """Assemble the folder that any hub can hold.

    Args:
        trained: where the model files are.
        manifest: what `describe` said of them.
        card: the text of README.md.
        evidence: the records behind every figure on the card, one JSON object each.
        out: a folder to be written; what it held before is removed. manifest.json comes last.
        changelog: the text of CHANGELOG.md; empty: it has none.

    Returns:
        The manifest as written, which names every file.

    Raises:
        FactoryError: a model file changed since it was described, a full disk, or a folder that can't be written.
    """
    with explained(out):
        if out.exists():
            shutil.rmtree(out)
        for path in manifest.files:
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            if path == ASK:
                write_text(out / path, trained.ask)
            else:
                shutil.copyfile(trained.folder / path, out / path)
        write_text(out / CARD, card)
        if changelog:
            write_text(out / CHANGELOG, changelog)
        write_jsonl(out / EVIDENCE, evidence)
        files = describe_files(out)
        changed = [path for path, entry in manifest.files.items() if files[path] != entry]
        if changed:
            raise FactoryError(
                "The model's files changed while it was being packaged.",
                where=", ".join(changed),
                fix="See that no other run is writing there, and publish again.",
            )
        complete = replace(manifest, files=files)
        complete.write(out)
    return complete


def content(manifest: Manifest) -> str:
    """64 hex digits that are the same when a specialist answers the same and was made from the same data.

    Left out: the version and the day, the card, the changelog and the evidence (latencies differ at every measuring),
    and the lineage but for the dataset (an edited comment in the spec is not a new model).
    """
    kept = ("name", "labels", "kind", "language", "max_tokens", "temperature", "threshold", "risk", "forced", "licence")
    files = {path: entry.sha256 for path, entry in manifest.files.items() if path not in (*PAPERS, CHANGELOG)}
    values = manifest.to_dict()
    told = {key: values[key] for key in (*kept, "thresholds") if key in values}
    return digest([told, manifest.lineage.get("dataset", ""), files])
