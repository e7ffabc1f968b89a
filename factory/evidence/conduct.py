"""Records of how a student behaves and came to be: where it is weak, what it bears, what it takes, how it learned."""

from __future__ import annotations

from typing import Literal

from factory.evidence.base import Evidence


class Slice(Evidence):
    """A system's main figure on a part of the gold rows; `n` and `rows` are that part's.

    Attributes:
        by: what rows are told apart by: `length`, `source` ...
        slice: which part: `up to 43 characters`.
        figure: `accuracy`, `span_f1` ...
        low, high: its 95 % interval, by `method`.
        few: fewer rows than tell much (factory.evidence.slices.FEW).
    """

    kind: Literal["slice"] = "slice"
    by: str
    slice: str
    figure: str
    value: float
    low: float
    high: float
    method: str
    few: bool


class Robustness(Evidence):
    """A system's main figure on a sample of gold rows whose texts were perturbed, beside the same rows untouched.

    Attributes:
        perturbation: `typos`, `upper case` ...; `other words`, which a teacher found.
        how: what was done, in words, with its seed.
        touched: of how many rows the text differs.
        figure: `accuracy`, `span_f1` ...
        value, untouched: it, on either texts.
        difference: value - untouched, with its 95 % interval, paired, by `method`.
    """

    kind: Literal["robustness"] = "robustness"
    perturbation: str
    how: str
    touched: int
    figure: str
    value: float
    untouched: float
    difference: float
    low: float
    high: float
    method: str


class Counterfactual(Evidence):
    """A system's main figure on gold texts that name a group of people, as they were of one and of another.

    Attributes:
        probe: what the groups are told apart by: `gender` ...
        group, beside: the two.
        figure: `accuracy`, `span_f1` ...
        value, other: it, where the texts have words of `group` alone, and of `beside` alone; with all below None where
            no gold text names either.
        difference: value - other, with its 95 % interval, by `method`.
        changed: the share of the texts that are answered otherwise, with its 95 % interval (Wilson's).
        few: fewer rows than tell much (factory.evidence.slices.FEW).
    """

    kind: Literal["counterfactual"] = "counterfactual"
    probe: str
    group: str
    beside: str
    figure: str
    value: float | None = None
    other: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    changed: float | None = None
    changed_low: float | None = None
    changed_high: float | None = None
    method: str
    few: bool


class Export(Evidence):
    """Whether an export answers as the model does that it was made from; one that does not is not published.

    Attributes:
        agreement: the share of its answers that are torch's; of spans, of the word pieces that either puts into one.
        floor: what that must reach.
        published: the weights that are published as the default.
        sentence: the same for a person.
    """

    kind: Literal["export"] = "export"
    agreement: float
    floor: float
    published: str
    sentence: str


class Speed(Evidence):
    """How fast: milliseconds a call (50th, 95th, 99th percentile over n calls) and rows a second, `batch` texts a call.

    The 99th is None in evidence from before it was taken.
    """

    kind: Literal["speed"] = "speed"
    batch: int
    p50_ms: float
    p95_ms: float
    p99_ms: float | None = None
    rows_per_second: float


class Footprint(Evidence):
    """What a specialist takes of a machine, in a fresh process that imports the zoo alone.

    Attributes:
        disk_bytes: the files that it loads: weights, tokenizer, manifest and prompt.
        peak_bytes: the most memory the process held, Python included, while it loaded and answered `n` texts.
        load_seconds: from importing the zoo until it can answer; files are verified in it.
    """

    kind: Literal["footprint"] = "footprint"
    disk_bytes: int
    peak_bytes: int
    load_seconds: float


class Cost(Evidence):
    """What answers to a million texts cost.

    Attributes:
        core_hours: hours of a core that they take; None: of a hosted model.
        price: in `currency`; None: nobody stated a price (cards/prices.yaml).
        watt_hours: the energy that these core-hours take; None: of a hosted model, or nobody stated what a core draws.
        basis: how that was reckoned, and from whose prices and power.
    """

    kind: Literal["cost"] = "cost"
    core_hours: float | None
    price: float | None
    currency: str
    watt_hours: float | None = None
    basis: str


class Training(Evidence):
    """What it took to train the published student, in the way that was kept; `n` rows were trained on.

    Attributes:
        seconds: in all, over restarts; a thousand of the rows, `seconds_per_1000`.
        peak_bytes: the most memory its process held, with all that this had loaded; None: not known there.
        threads: of a processor; None: it was trained on a GPU.
        watt_hours: the energy of these threads, a core each; None: of a GPU, or nobody stated what a core draws.
        basis: how that was reckoned.
    """

    kind: Literal["training"] = "training"
    seconds: float
    seconds_per_1000: float
    peak_bytes: int | None
    threads: int | None
    watt_hours: float | None
    basis: str


class Learned(Evidence):
    """What was wrong on held-out rows after an epoch, or with a head of a frozen encoder; `n` held-out rows.

    Attributes:
        figure: what that is, in words: `held-out loss`.
        by: what was tried one after the other: epochs, or heads by the penalty on their weights.
        at: the epoch, from 1 on, or the penalty.
        held_out: the figure; the lower the better.
        trained: the loss on the rows trained on, over the same epoch; None: of heads.
        kept: whether it is what was exported.
    """

    kind: Literal["learned"] = "learned"
    figure: str
    by: Literal["epoch", "penalty"]
    at: float
    held_out: float
    trained: float | None = None
    kept: bool


class Seeds(Evidence):
    """A figure of students that were trained alike but for the seed, by torch; the published one's first.

    Attributes:
        figure: `accuracy`, `span_f1` ...
        seeds, values: of each training.
        mean, sd: the mean of the values, and their standard deviation (of a sample: over n - 1).
    """

    kind: Literal["seeds"] = "seeds"
    figure: str
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    mean: float
    sd: float


class Rung(Evidence):
    """A way of training that was tried, from the cheapest on, as factory.students.ladder tells of it.

    Attributes:
        figure: as in Learned.
        method: `frozen`, `lora` or `full`.
        wrong: the figure on held-out rows.
        gain: by how much that is below the best before; None: there was none.
        error: the standard error of that difference; None likewise.
        pays: whether it is the best so far.
        asked, asked_gain, asked_error: on how many of people's rows, learned by nobody who was asked, it was compared
            again, and gain and error there; 0 and None: on none.
    """

    kind: Literal["rung"] = "rung"
    figure: str
    method: str
    wrong: float
    gain: float | None
    error: float | None
    pays: bool
    asked: int = 0
    asked_gain: float | None = None
    asked_error: float | None = None
