"""Ways to round a published classifier to int8: what each answers as fp32 does, how often it is right, how fast it is.

    python benchmarks/int8.py [SPEC ...] [--hub FOLDER] [--texts 200]

`published` is how specialists are (factory.students.int8): tokens scaled each by itself, and after that one scale for
all; `by token, dynamic` how they were until November 2026. `dynamic` is ONNX Runtime's own, one scale for all
activations of a run; `static` has its scales from texts that it is shown beforehand, unlabelled ones of the spec, or
people's. Weights have a scale a channel in all. `as_fp32`, `accuracy` and `p50_ms`: one text a call;
`texts_per_second`: 8 of like lengths a call, and `moved` is the share of texts answered otherwise then. One thread, all
in one run; `times_as_fast` is beside fp32. Results: benchmarks/results/int8.csv.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantType,
    quant_pre_process,
    quantize_dynamic,
    quantize_static,
)
from tokenizers import Tokenizer

import zoo
from benchmarks.parts.table import save
from factory import settings
from factory import spec as specs
from factory.evidence.circumstances import here
from factory.files import read_jsonl
from factory.gold import gold_of
from factory.students.encoder import quiet
from factory.students.int8 import by_token, to_int8
from zoo.manifest import TOKENIZER, WEIGHTS, Manifest

RESULTS = Path(__file__).parent / "results" / "int8.csv"
KEY = ("spec", "version", "way", "hardware")
SPECS = ("support/intent",)
WAYS = ("published", "by token, dynamic", "dynamic", "static")
BATCH = 8
Given = dict[str, Any]
"""A text as the model is given it."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Round each specialist in each way and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", nargs="*", default=list(SPECS), help=f"published ones; default {', '.join(SPECS)}")
    parser.add_argument("--hub", help="default: FACTORY_HUB")
    parser.add_argument("--texts", type=int, default=200, help="that static scales are taken from")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    where = settings.load()
    for name in asked.spec:
        spec, folder = specs.load(name, where.prompts), zoo.pull(name, hub=asked.hub or where.hub)
        manifest, gold = Manifest.read(folder), gold_of(spec, where.gold)
        others = where.gold / spec.gold / "reviewed.jsonl"
        if spec.unlabelled:
            others = where.gold / spec.unlabelled
        shown = _given(folder, manifest, [line["text"] for line in read_jsonl(others)[: asked.texts]])
        texts, wanted = _given(folder, manifest, [row.text for row in gold]), [row.label for row in gold]
        for line in _lines(folder / WEIGHTS["fp32"], shown, texts, [manifest.labels.index(one) for one in wanted]):
            about = {"spec": name, "version": manifest.version, "shown": len(shown), "gold": len(gold)}
            save(asked.out, KEY, about | line | vars(here()))


def _given(folder: Path, manifest: Manifest, texts: Sequence[str]) -> list[Given]:
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.enable_truncation(manifest.max_tokens)
    cut = [tokenizer.encode(text) for text in texts]
    return [
        {"input_ids": np.array([one.ids], np.int64), "attention_mask": np.array([one.attention_mask], np.int64)}
        for one in cut
    ]


def _lines(
    fp32: Path, shown: Sequence[Given], texts: Sequence[Given], wanted: Sequence[int]
) -> Iterator[dict[str, Any]]:
    """A line a way, fp32 first."""
    with tempfile.TemporaryDirectory() as scratch, quiet():
        files = {"fp32": fp32, **{way: Path(scratch, f"{way}.onnx") for way in WAYS}}
        plain, scaled = Path(scratch, "plain.onnx"), onnx.load(fp32)
        quant_pre_process(fp32, plain, skip_symbolic_shape=True)
        by_token(scaled)
        weights: dict[str, Any] = {"weight_type": QuantType.QInt8, "per_channel": True}
        to_int8(fp32, files["published"])
        quantize_dynamic(scaled, files["by token, dynamic"], **weights)
        quantize_dynamic(plain, files["dynamic"], **weights)
        quantize_static(
            plain,
            files["static"],
            _Shown(shown),
            activation_type=QuantType.QUInt8,
            op_types_to_quantize=["MatMul"],
            **weights,
        )
        first, slowest = np.zeros(0), 0.0
        for way, file in files.items():
            session = _session(file)
            said, seconds = _one_by_one(session, texts)
            beside, rate = _side_by_side(session, texts)
            first, slowest = (said, seconds) if way == "fp32" else (first, slowest)
            yield {
                "way": way,
                "as_fp32": round(float(np.mean(said == first)), 4),
                "accuracy": round(float(np.mean(said == np.array(wanted))), 4),
                "p50_ms": round(1000 * seconds, 3),
                "times_as_fast": round(slowest / seconds, 2),
                "texts_per_second": round(rate, 1),
                "moved": round(float(np.mean(said != beside)), 4),
                "mb": round(file.stat().st_size / 1e6, 1),
            }


class _Shown(CalibrationDataReader):  # type: ignore[misc]
    """Texts, one after the other."""

    def __init__(self, texts: Sequence[Given]) -> None:
        self._left = iter(texts)

    def get_next(self) -> Given | None:
        return next(self._left, None)


def _session(file: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def _one_by_one(session: onnxruntime.InferenceSession, texts: Sequence[Given]) -> tuple[Any, float]:
    """The best output for each text, and the median of the seconds that one takes."""
    best, seconds = [], []
    for one in texts:
        begun = time.perf_counter()
        (logits,) = session.run(["logits"], one)
        seconds.append(time.perf_counter() - begun)
        best.append(int(logits[0].argmax()))
    return np.array(best), float(np.median(seconds))


def _side_by_side(session: onnxruntime.InferenceSession, texts: Sequence[Given]) -> tuple[Any, float]:
    """The same of BATCH texts a call, those of like lengths together, and texts a second."""
    best, begun = np.zeros(len(texts), int), time.perf_counter()
    order = sorted(range(len(texts)), key=lambda place: texts[place]["input_ids"].shape[1])
    for start in range(0, len(order), BATCH):
        some = order[start : start + BATCH]
        longest = texts[some[-1]]["input_ids"].shape[1]
        given = {
            name: np.concatenate(
                [np.pad(texts[one][name], [(0, 0), (0, longest - texts[one][name].shape[1])]) for one in some]
            )
            for name in ("input_ids", "attention_mask")
        }
        (logits,) = session.run(["logits"], given)
        best[some] = logits.argmax(axis=1)
    return best, len(texts) / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
