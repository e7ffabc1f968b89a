"""The manifest: what a specialist is, and the sha256 of every file that makes it.

It is `manifest.json` in the specialist's folder and names every other file there. A reader ignores keys it doesn't
know, so that keys which change no answer can be added without a new format. Format 2 is that of manifests with
`thresholds`, which an older reader would miss; all others are written in format 1.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

from zoo.doubt import Doubt
from zoo.errors import BrokenSpecialist, Tampered, ZooError
from zoo.files import FILE, FileEntry, describe_files, file_sha256, inside, safe
from zoo.names import Version, check_name

FORMAT = 2
"""The newest that is read."""
TOKENIZER = "tokenizer.json"
WEIGHTS = {"int8": "onnx/model_int8.onnx", "fp32": "onnx/model.onnx"}
CLASSIFICATION = "classification"
SPANS = "spans"
EXTRACTION = "extraction"
GENERATION = "generation"
PROMPT = "prompt.json"
"""What a model that writes is told before and after the text (zoo.prompt)."""
ADAPTER = ("adapter/adapter_config.json", "adapter/adapter_model.safetensors")
"""What a model that writes has learned over the language model it was trained from, if apart: peft's LoRA."""
WRITING = (EXTRACTION, GENERATION)
"""Kinds whose model writes: theirs alone have a prompt."""
__all__ = ["ADAPTER", "CLASSIFICATION", "EXTRACTION", "FILE", "FORMAT", "GENERATION", "PROMPT", "SPANS", "TOKENIZER"]
__all__ += ["WEIGHTS", "WRITING", "FileEntry", "Manifest", "describe_files", "verify"]
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Manifest:
    """What a specialist is. Constructing one checks it; raises BrokenSpecialist (or BadName) naming the key.

    Attributes:
        name: `<vertical>/<task>`.
        version: `major.minor.patch`.
        title: one line for people.
        kind: `classification`, `spans`, `extraction` or `generation`; others need a newer zoo to be loaded.
        language: ISO 639-1 code of the texts.
        labels: in the order of the model's outputs; of `spans` the types, whose tags zoo.decoding orders; of
            `extraction` the fields; of `generation` one name for what is written.
        max_tokens: what the model is given at once, special tokens and prompt included; longer texts are cut here, or,
            of `spans`, read in windows.
        temperature: calibration; probabilities are softmax(logits / temperature).
        threshold: an answer less confident than this is marked unsure, or a span; None: no risk could be shown on rows
            that people labelled, so nothing is promised and nothing marked.
        thresholds: of labels or types of spans that have one of their own (zoo.doubt).
        risk: what the threshold promises: answers (or spans) from it up are wrong at most this often, on texts like
            those rows, with 95 % confidence; each of `thresholds` promises it of its label. None: published before
            risks were stated.
        licence: SPDX identifier, or the name of the licence.
        created: ISO date or date and time.
        lineage: where it comes from: spec, dataset, teacher, commit and the like, as texts.
        forced: published although its gate failed.
        default_weights: path of the weights loaded unless told otherwise.
        files: path inside the folder, with `/`, to what the file must be; every file but manifest.json.
        format: of this manifest; None: the one it needs.
    """

    name: str
    version: str
    title: str
    language: str
    labels: tuple[str, ...]
    max_tokens: int
    licence: str
    created: str
    files: Mapping[str, FileEntry]
    temperature: float = 1.0
    threshold: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    risk: float | None = None
    kind: str = CLASSIFICATION
    lineage: Mapping[str, str] = field(default_factory=dict)
    forced: bool = False
    default_weights: str = WEIGHTS["int8"]
    format: int | None = None

    def __post_init__(self) -> None:
        if self.format is None:
            object.__setattr__(self, "format", FORMAT if self.thresholds else 1)
        _check(self)

    @classmethod
    def from_dict(cls, raw: Any, *, where: str = "") -> Manifest:
        """Read the JSON value of a manifest; raises BrokenSpecialist naming the key and `where`."""
        if not isinstance(raw, dict):
            raise BrokenSpecialist("The manifest is not a JSON object.", where=where)
        number = raw.get("format")
        if isinstance(number, int) and not isinstance(number, bool) and number > FORMAT:
            raise BrokenSpecialist(
                f"This specialist was published in format {number}; this zoo reads up to format {FORMAT}.",
                where=where,
                fix="Upgrade the zoo: pip install --upgrade specialist-zoo.",
            )
        values = {key.name: raw[key.name] for key in fields(cls) if key.name in raw}
        if isinstance(values.get("labels"), list):
            values["labels"] = tuple(values["labels"])
        try:
            if isinstance(values.get("files"), dict):
                values["files"] = {path: _entry(path, entry) for path, entry in values["files"].items()}
            missing = sorted(_REQUIRED - set(values))
            if missing:
                raise BrokenSpecialist(f"The manifest lacks {', '.join(missing)}.")
            return cls(**values)
        except ZooError as error:
            fix = error.fix or "Publish the specialist again; a manifest is never edited by hand."
            raise BrokenSpecialist(error.what, where=where, fix=fix) from error

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read a folder's manifest; raises BrokenSpecialist where it is missing or wrong. Checks no other file."""
        path = inside(folder, FILE)
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise BrokenSpecialist(
                f"This is not a specialist: it has no {FILE}.",
                where=str(folder),
                fix="Give the folder of one version, the one that holds manifest.json.",
            ) from error
        except ValueError as error:  # also what is not UTF-8
            raise BrokenSpecialist(f"The manifest is not JSON: {error}.", where=str(path)) from error
        except RecursionError as error:
            raise BrokenSpecialist("The manifest is nested too deeply to be one.", where=str(path)) from error
        return cls.from_dict(raw, where=str(path))

    def to_dict(self) -> dict[str, Any]:
        """The JSON value; `from_dict` gives this manifest back."""
        left = () if self.thresholds else ("thresholds",)
        return {
            "format": self.format,
            **{key: value for key, value in asdict(self).items() if key not in ("format", "labels", "files", *left)},
            "labels": list(self.labels),
            "files": {path: asdict(entry) for path, entry in sorted(self.files.items())},
        }

    def write(self, folder: Path) -> Path:
        """Write manifest.json into the folder (last of all files: a folder without it is no specialist)."""
        path = folder / FILE
        path.write_text(json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return path

    @property
    def doubt(self) -> Doubt:
        """Which answers are marked unsure."""
        return Doubt(self.threshold, self.thresholds)

    @property
    def id(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"


_REQUIRED = {"format", "name", "version", "title", "kind", "language", "labels", "max_tokens", "temperature"} | {
    "licence",
    "created",
    "default_weights",
    "files",
}


def verify(folder: str | Path) -> Manifest:
    """Read the manifest and compare size and sha256 of every file it names.

    Files the manifest doesn't name are not looked at: nothing reads them. Reads the whole folder once (the cost
    is that of sha256 over some 200 MB).

    Returns:
        the manifest, whose promises hold.

    Raises:
        BrokenSpecialist: no manifest, or a wrong one, or a link that leads outside the folder.
        Tampered: the first file, in the manifest's order, that is missing or different.
    """
    folder = Path(folder)
    manifest = Manifest.read(folder)
    for path, entry in manifest.files.items():
        full = inside(folder, path)
        if not full.is_file():
            raise Tampered(path, expected=f"a file of {entry.bytes} bytes", found="no file", where=str(full))
        size = full.stat().st_size
        if size != entry.bytes:
            raise Tampered(path, expected=f"{entry.bytes} bytes", found=f"{size} bytes", where=str(full))
        sha256 = file_sha256(full)
        if sha256 != entry.sha256:
            raise Tampered(path, expected=f"sha256 {entry.sha256}", found=f"sha256 {sha256}", where=str(full))
    return manifest


def _entry(path: str, raw: Any) -> FileEntry:
    if not isinstance(raw, dict):
        raise BrokenSpecialist(f"The manifest's files.{path} is not an object.")
    return FileEntry(raw.get("sha256", ""), raw.get("bytes", -1))


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    """Whether it is one that fits a float; neither "not a number" nor infinity does."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _is_date(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value[:10]))
    except ValueError:
        return False


def _check(manifest: Manifest) -> None:
    def need(good: bool, key: str, rule: str) -> None:
        if not good:
            raise BrokenSpecialist(f"The manifest's {key} must be {rule}.")

    m = manifest
    need(_whole(m.format) and m.format in range(1, FORMAT + 1), "format", f"a whole number from 1 to {FORMAT}")
    for key in ("name", "version", "title", "kind", "language", "licence", "default_weights"):
        value = getattr(m, key)
        need(isinstance(value, str) and value.strip() != "", key, "a text that is not empty")
    check_name(m.name)
    Version.parse(m.version)
    need(isinstance(m.labels, tuple) and all(isinstance(x, str) and x for x in m.labels), "labels", "a list of texts")
    need(len(set(m.labels)) == len(m.labels), "labels", "different from one another")
    least = 2 if m.kind == CLASSIFICATION else 1
    need(len(m.labels) >= least, "labels", f"at least {least}")
    need(_whole(m.max_tokens) and m.max_tokens >= 1, "max_tokens", "a whole number from 1")
    need(_number(m.temperature) and m.temperature > 0, "temperature", "a number above 0")
    need(m.threshold is None or (_number(m.threshold) and 0 <= m.threshold <= 1), "threshold", "null or from 0 to 1")
    need(isinstance(m.thresholds, Mapping), "thresholds", "an object")
    need(not m.thresholds or m.kind not in WRITING, "thresholds", f"left out under {m.kind}")
    for label, edge in m.thresholds.items():
        need(label in m.labels, f"thresholds key {label!r}", "one of the labels")
        need(_number(edge) and 0 <= edge <= 1, f"thresholds.{label}", "from 0 to 1")
    need(not m.thresholds or m.format == FORMAT, "format", f"{FORMAT} where there are thresholds")
    need(m.risk is None or (_number(m.risk) and 0 < m.risk < 1), "risk", "null or between 0 and 1")
    need(_is_date(m.created), "created", "an ISO date")
    need(isinstance(m.forced, bool), "forced", "true or false")
    need(
        isinstance(m.lineage, Mapping) and all(isinstance(x, str) for pair in m.lineage.items() for x in pair),
        "lineage",
        "an object of texts",
    )
    need(isinstance(m.files, Mapping), "files", "an object")
    for path, entry in m.files.items():
        need(safe(path), f"files key {path!r}", "a plain path inside the folder, with / and no ..")
        need(isinstance(entry, FileEntry), f"files.{path}", "a FileEntry")
        need(isinstance(entry.sha256, str) and bool(_SHA256.fullmatch(entry.sha256)), f"files.{path}.sha256", "64 hex")
        need(_whole(entry.bytes) and entry.bytes >= 0, f"files.{path}.bytes", "a whole number from 0")
    for path in (TOKENIZER, m.default_weights, *([PROMPT] if m.kind in WRITING else [])):
        need(path in m.files, "files", f"naming {path}")
