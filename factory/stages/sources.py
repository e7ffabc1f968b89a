"""What a build starts from besides the teacher: people's rows, the spec's examples, real texts; what strategies see.

What came back from production (factory.feedback) is among people's rows and among real texts, and so among the inputs
of the stages that use it; where nothing came back, these are what they always were. Strategies do not see it: a refresh
does not pay for writing all over again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from factory.feedback import kept
from factory.generate import committee
from factory.generate.confusion import read as read_confusions
from factory.generate.examples import given
from factory.generate.nearest_first import like, unknown
from factory.generate.seed import Passage, seed_passages, unlabelled
from factory.generate.strategies import Material
from factory.hygiene import check, pii, roles
from factory.hygiene import run as hygiene
from factory.progress import Progress, silent
from factory.review import merge, simulated
from factory.review.backend import Answer
from factory.row import Lineage, Row, row_id
from factory.spec import Spec
from factory.stages.answers import backend
from factory.stages.build import Build

CLEANING = tuple(name for name in hygiene.CHECKS if name not in ("consistency", "disagreement", "balance", "rubric"))
"""Those left out await the committee, or the teacher's marks."""
NEAREST = 600
"""Passages, from the first, among which the nearest to each label are sought: a minute of the encoder at most."""

_BLANK: Mapping[str, dict[str, Any]] = {
    "spans": {"spans": ()}, "extraction": {"record": {}}, "generation": {"answer": ""}
}  # fmt: skip
"""Kind to what stands for a decision in a real text that nobody has decided yet."""
_AFTER_PEOPLE = {"few_shot", "rewrite", "marked_few_shot", "filled_few_shot", "drawn", "replaced", "answered_few_shot"}
"""Strategies that look at rows people decided."""


def people(build: Build) -> list[Row]:
    """Rows that people have decided already: those corrected in production, then those that stand in for reviewers."""
    corrected, _ = kept.rows(build.spec, _feedback(build))
    found: dict[str, Row] = {}
    for row in [*reversed(corrected.values()), *_simulated(build, build.budget.review)]:
        found.setdefault(row.id, row)  # of one text what was said last, in production
    return list(found.values())


def unfit(build: Build) -> list[str]:
    """Why answers of people that came back from production can't be used."""
    return kept.rows(build.spec, _feedback(build))[1]


def came_back(build: Build, answers: Iterable[Answer]) -> dict[str, str]:
    """Ids of the rows among those answered whose texts came back from production, and their sources.

    A text that later ones have pushed out of the budget is a row all the same, made of its answer (merge.adopt).
    """
    known = {row_id(passage.text): passage.id for passage in kept.passages(build.spec, _feedback(build))}
    return {answer.row_id: known[answer.row_id] for answer in answers if answer.row_id in known}


def adopted(orphans: Sequence[Answer], spec: Spec, back: Mapping[str, str]) -> list[Row]:
    """Rows made of answers alone (merge.adopt), with the sources of those that are real texts, as `back` has them."""
    rows = merge.adopt(orphans, spec.identity)
    named = ((row, back.get(row.id, row.lineage.source)) for row in rows)
    return [row.model_copy(update={"lineage": row.lineage.model_copy(update={"source": of})}) for row, of in named]


def examples(spec: Spec) -> list[Row]:
    """The spec's own examples."""
    return given(spec, Lineage(spec=spec.identity, source="spec.yaml"))


def texts(build: Build) -> list[Passage]:
    """Real texts to be labelled, up to the budget: first those of production, half of it at most.

    What a specialist was unsure of is no sample of what it is asked: the other half keeps the rest from being
    forgotten. A budget that has no room for real texts takes none of production either.
    """
    own = unlabelled(build.spec, build.settings)
    if build.spec.reads == "like_people":
        rows = _of_every_budget(build)
        own = like(rows, unknown(own, [*(row.text for row in rows), *(row.text for row in build.gold)]))
    half = (build.budget.label + 1) // 2
    back = kept.passages(build.spec, _feedback(build), half)[:half]
    known = {passage.text.casefold() for passage in back}
    return [*back, *(one for one in own if one.text.casefold() not in known)][: build.budget.label]


def candidates(build: Build, written: Sequence[Row]) -> list[Row]:
    """Every row that may become a training row, before any check."""
    spec = build.spec.identity
    undecided = _BLANK.get(build.spec.kind, {"label": build.labels[0]})
    real = [
        Row(text=text.text, **undecided, origin="unlabelled", lineage=Lineage(spec=spec, source=text.id))
        for text in texts(build)
    ]
    return [*people(build), *examples(build.spec), *real, *written]


def known_to_checks(build: Build) -> check.Context:
    """What checks that need no committee may know."""
    return check.context(build.spec, pii.mask_gold(build.gold, build.spec), lambda texts: build.encoder.vectors(texts))


def checked(build: Build, rows: Sequence[Row], progress: Progress = silent) -> hygiene.Result:
    """Rows through every check that the spec asks for and that needs no committee; masked first, if asked."""
    spec = build.spec
    checks = hygiene.of_kind(spec.kind, check.asked(spec.hygiene, CLEANING))
    return hygiene.run(pii.mask(rows, spec), known_to_checks(build), checks, progress)


def candidate_inputs(build: Build) -> dict[str, Any]:
    """What the checks' verdicts on candidates depend on, besides the written rows, as a stage's inputs."""
    spec = build.spec
    own = sorted(roles.in_use(spec))
    return {
        "unlabelled": [passage.id for passage in texts(build)],
        "people": [_as_checked(row) for row in people(build)],
        "examples": [example.model_dump() for example in spec.examples],
        "gold": build.gold_file,
        "hygiene": spec.hygiene.model_dump(mode="json"),
        "language": spec.language,
        "policy": spec.template("policy.md"),
        **({"in use": own} if own else {}),  # of most specs nothing is: what they have finished stays finished
    }


def _as_checked(row: Row) -> dict[str, Any]:
    """A row without the spec that it cites, which is another one as soon as the student's recipe is."""
    said = row.to_json()
    return said | {"lineage": {name: value for name, value in said["lineage"].items() if name != "spec"}}


def material(build: Build, *, writing: bool = False) -> Material:
    """What the spec's strategies may look at; what none of them needs is left out, because some of it takes time.

    Args:
        build: the build.
        writing: requests are to be made, too; these name a label's neighbours.
    """
    spec, named = build.spec, build.spec.strategies.keys()
    passages = seed_passages(spec, build.settings)
    return Material(
        spec,
        passages,
        known=_known(build) if named & _AFTER_PEOPLE else (),
        neighbours=neighbours(build) if writing or "contrastive" in named else {},
        near=_near(build, passages[:NEAREST]) if "seed_grounded" in named and passages else {},
        confused=read_confusions(spec) if "contrastive" in named else (),
    )


def neighbours(build: Build) -> Mapping[str, Sequence[str]]:
    """For each label the others, most alike first, in the encoder's space."""
    vectors: Any = build.encoder.vectors(committee.label_texts(build.spec))
    votes = committee.definitions(vectors, vectors)
    order = np.argsort(-votes, axis=1, kind="stable")
    return {label: [build.labels[j] for j in order[i] if j != i] for i, label in enumerate(build.labels)}


def _near(build: Build, passages: Sequence[Passage]) -> Mapping[str, Sequence[Passage]]:
    """For each label the passages, nearest to its definition first."""
    labels = build.encoder.vectors(committee.label_texts(build.spec))
    votes = committee.definitions(build.encoder.vectors([passage.text for passage in passages]), labels)
    order = np.argsort(-votes, axis=0, kind="stable")
    return {label: [passages[row] for row in order[:, place]] for place, label in enumerate(build.labels)}


def _known(build: Build) -> list[Row]:
    """Rows with labels by people that every budget of the spec trains on, if no check objects.

    Those of the smallest review budget, so that a small plan stays the beginning of a large one. Checks are applied
    before a teacher sees them: a reviewed row that is too like a gold row must not come back as a generated one.
    A build that waits for people does not learn to write from what they answer meanwhile: it would find other rows
    than those they were asked about, and wait for ever.
    """
    spec = build.spec
    rows = _of_every_budget(build)
    if not rows and not spec.review.required:
        real = {row_id(passage.text): passage.id for passage in texts(build)}
        rows = adopted(merge.merge([], backend(build.settings).pull(spec).answers).orphans, spec, real)
        rows.sort(key=lambda row: row.id)
    found = rows + examples(spec)
    return checked(build, found).kept


def _feedback(build: Build) -> kept.Feedback:
    return kept.read(build.settings.home, build.spec.name)


def _of_every_budget(build: Build) -> list[Row]:
    """People's rows that the smallest review budget has, and so every larger one."""
    return _simulated(build, min(budget.review for budget in build.spec.budgets.values()))


def _simulated(build: Build, budget: int) -> list[Row]:
    spec, settings = build.spec, build.settings
    if not settings.simulate_review or not (settings.gold / spec.gold / "reviewed.jsonl").exists():
        return []
    return simulated.read(spec, settings.gold, budget)
