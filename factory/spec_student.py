"""What is trained, and how. A part of a spec."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from factory.spec_part import Part

WRITER = "smollm2-135m-instruct"
"""What students that write start from where the spec names nothing else."""


class Distil(Part):
    """A larger language model that a student that writes learns from, token by token (factory.students.distilled).

    Attributes:
        model: named as `student.base` is, of the same family: both must cut texts into the same tokens. It is loaded by
            transformers, beside the student.
        share: of the loss; the rest is the answers' own.
        temperature: of its probabilities and the student's; the higher, the more the unlikely tokens count.
    """

    model: str = Field(min_length=1)
    share: float = Field(default=0.5, gt=0.0, le=1.0)
    temperature: float = Field(default=2.0, gt=0.0, le=20.0)


class Student(Part):
    """What is trained.

    Attributes:
        encoder: a name from factory.teacher.weights, a Hub id, or a local folder; what gives texts their vectors.
        base: what is trained, named the same way: an encoder, or under `extraction` and `generation` a causal language
            model; where none is named it is `encoder`, or WRITER.
        recipe: what of the model is trained: `lora`, adapters; `qlora`, adapters over weights in 4 bits, for extraction
            and generation, on a GPU (factory.students.quantized); `frozen`, nothing but the head, which these two do
            not have; `full`, all of its weights; `auto`, the first of `frozen`, `lora` and `full` after which the next
            does not pay (factory.students.ladder).
        lora_rank: rank of the adapters.
        learning_rate: peak, of adapters; where all weights are trained, a tenth of it.
        max_tokens: longer texts are cut here, or, of spans, read in windows.
        synthetic_weight: how much the loss listens to rows no person has seen, against a reviewed row.
        risk: answers (or spans) that are not marked unsure should be wrong at most this often; where too few reviewed
            rows can show it, nothing is promised.
        risk_by_label: that holds of each label (or type of span) by itself where reviewed rows suffice to show it, and
            of the rest together; it takes more rows, and marks more answers unsure.
        layers: the model is pruned to its first so many layers before it learns (factory.students.pruning), which makes
            it smaller and faster; the report then has a student that was not, too. None: it keeps all.
        distil: a larger model whose probabilities it learns beside the answers, under `extraction` and `generation`.
        seeds: so many trainings that differ by their seed alone are measured, the published one among them, to tell how
            much of a figure is luck (factory.stages.reseeding).
        folds: in how many parts it is trained anew without one of them, so that reviewed rows that it has learned can
            show that, too (factory.stages.cross_fit); 0: held-out ones alone. None: as its kind has it.
    """

    unsaid = ("risk", "risk_by_label", "base", "recipe", "layers", "distil", "seeds", "folds")

    encoder: str = "all-minilm-l6-v2"
    base: str | None = None
    recipe: Literal["lora", "qlora", "frozen", "full", "auto"] = "lora"
    layers: int | None = Field(default=None, ge=1)
    lora_rank: int = Field(default=16, ge=1, le=256)
    learning_rate: float = Field(default=1e-3, gt=0.0)
    max_tokens: int = Field(default=64, ge=8, le=8192)
    synthetic_weight: float = Field(default=0.5, gt=0.0, le=1.0)
    risk: float = Field(default=0.1, gt=0.0, lt=1.0)
    risk_by_label: bool = False
    distil: Distil | None = None
    seeds: int = Field(default=1, ge=1, le=10)
    folds: int | None = Field(default=None, ge=0, le=20)
