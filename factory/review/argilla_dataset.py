"""How a specialist's dataset looks in Argilla.

A person sees the text, what the likely labels mean, all labels with the machine's suggestion marked, and two questions
that need no answer: why no label fits, and a comment. Submit gives the label; Discard says that none fits. policy.md is
the guidelines. On an audited row there is no suggestion, and no likely labels. Where the decision is a set of spans,
the person marks words in the text instead of choosing a label; where it is a record, they correct its JSON
text; where it is an answer in words, they edit it, and say how good it was.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import Any

from factory.review.backend import DISPUTED, PROBLEMS, RATINGS, Item
from factory.row import DECIDES
from factory.spec import Spec

ALONE, SEVERAL = "", "by several"
QUEUES = (ALONE, SEVERAL, DISPUTED)
"""Which people a row is for: any one of them, as many as the spec says, or one who settles what others dispute."""
_LONGEST_GUIDELINES = 10_000  # characters; Argilla refuses more
_LONGEST_DESCRIPTION = 1_000
_VISIBLE_LABELS = 20
_NOTHING = {
    "classification": "No label fits",
    "spans": "Can it not be marked",
    "extraction": "Can it not be read",
    "generation": "Can it not be answered",
}

NAMED = {"generation": "answer"}
TYPED = ("extraction", "generation")
"""Kinds whose decisions people type."""


def queue_of(item: Item) -> str:
    """Where a row goes: to what one person judges, to what several do, or to what is to be settled."""
    if item.reason == DISPUTED:
        return DISPUTED
    return SEVERAL if item.people > 1 else ALONE


def name(spec: Spec, queue: str = ALONE) -> str:
    """`support/intent`, major 1: `support intent v1` (Argilla allows no slash, and a spec's name holds no space).

    Argilla asks the same number of people about all rows of a dataset, so each queue is one: `support intent v1 by
    several`, `support intent v1 disputed`.
    """
    return " ".join(filter(None, (spec.name.replace("/", " "), f"v{spec.major}", queue)))


def guidelines(spec: Spec) -> str:
    """policy.md, and below it every label's definition, each cut to the same length where not all of them fit."""
    policy = spec.template("policy.md").strip() or spec.question
    longest = max(len(definition.strip()) for definition in spec.labels.values())
    for length in range(longest, 30, -1):
        text = f"{policy}\n\n## The {NAMED.get(spec.kind, 'labels')}\n\n{definitions(spec, spec.labels, length)}\n"
        if len(text) <= _LONGEST_GUIDELINES:
            return text
    rest = "\n\n(There is no room for more here. The whole policy is in policy.md, the labels are in spec.yaml.)"
    return policy[: _LONGEST_GUIDELINES - len(rest)] + rest


def definitions(spec: Spec, labels: Iterable[str], length: int = 1000) -> str:
    """A Markdown list of what labels mean, each definition cut to `length` characters at a word's end."""
    return "\n".join(
        f"- **{label}**: {textwrap.shorten(spec.labels[label], length, placeholder=' …')}" for label in labels
    )


def question(spec: Spec) -> str:
    """The name of the question that decides."""
    return DECIDES[spec.kind]


def form(spec: Spec) -> str:
    """What a record or an answer looks like, for the person who corrects it; other fields make another form."""
    if spec.kind == "generation":
        shortest, longest = spec.form.words
        return f"{spec.form.definition.strip()} {shortest} to {longest} words."[:_LONGEST_DESCRIPTION]
    names = [
        f"{name}: {field.form}{'' if field.required else '; or leave it out'}" for name, field in spec.fields.items()
    ]
    return f"{{}} where the text has none of them. {'. '.join(names)}."[:_LONGEST_DESCRIPTION]


def fits(spec: Spec, asked: dict[str, Any]) -> bool:
    """Whether a question that is there already, as the server tells it, asks for what the spec asks for."""
    if spec.kind in TYPED:
        return bool(asked["description"] == form(spec))
    return {option["value"] for option in asked["settings"]["options"]} == set(spec.labels)


def beside(spec: Spec, item: Item) -> str:
    """What stands below the text: what the likely labels mean, or what people said who do not agree; may be empty."""
    if spec.kind == "classification":
        return definitions(spec, [label for label in item.said or item.candidates if label in spec.labels])
    return "\n".join(f"- {_verbatim(said)}" for said in item.said)


def _verbatim(text: str) -> str:
    """A text that Markdown shows as it is, but on one line: between more backticks than it has in a row."""
    line, fence = " ".join(text.split()), "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"`{line}`" if fence == "`" else f"{fence} {line} {fence}"


def settings(spec: Spec, client: Any, queue: str = ALONE) -> Any:
    """An argilla.Settings: the field, the questions, the metadata to filter by and the guidelines."""
    import argilla

    asked = {"name": question(spec), "title": spec.question.strip()[:500], "client": client}
    if spec.kind not in TYPED:
        visible = min(len(spec.labels), _VISIBLE_LABELS) if len(spec.labels) > 2 else None
        asked |= {"labels": list(spec.labels), "visible_labels": visible}
    if spec.kind in TYPED:
        label = argilla.TextQuestion(description=form(spec), **asked)
    elif spec.kind == "spans":
        says = "Mark the words in the text; submit without marks where there are none. Types are under Guidelines."
        label = argilla.SpanQuestion(field="text", description=says, **asked)
    else:
        says = "What each label means is under Guidelines, below the text."
        label = argilla.LabelQuestion(description=says, **asked)
    problem = argilla.LabelQuestion(
        name="problem",
        title=f"{_NOTHING[spec.kind]}? Say why, then press Discard",
        labels=PROBLEMS,
        required=False,
        client=client,
    )
    ratings = [
        argilla.RatingQuestion(
            name="rating",
            title="How good was the machine's answer? 1 is useless, 5 perfect; leave it out where none was shown",
            values=list(RATINGS),
            required=False,
            client=client,
        )
    ]
    comment = argilla.TextQuestion(name="comment", title="Anything to add?", required=False, client=client)
    return argilla.Settings(
        guidelines=guidelines(spec),
        fields=[
            argilla.TextField(name="text", title=spec.text.strip()[:500], client=client),
            argilla.TextField(
                name="candidates",
                title="What people said" if queue == DISPUTED else "Likely labels",
                use_markdown=True,
                required=False,
                client=client,
            ),
        ],
        questions=[label, *(ratings if spec.kind == "generation" else ()), problem, comment],
        metadata=[
            argilla.TermsMetadataProperty("reason", title="Why it is asked", client=client),
            argilla.FloatMetadataProperty("confidence", title="Confidence", min=0.0, max=1.0, client=client),
            argilla.TermsMetadataProperty("origin", title="Origin", client=client),
            # Would give away the machine's label on audited rows.
            argilla.TermsMetadataProperty(
                "machine", title="Machine's label", visible_for_annotators=False, client=client
            ),
        ],
        allow_extra_metadata=True,
        distribution=argilla.TaskDistribution(min_submitted=spec.review.reviewers if queue == SEVERAL else 1),
    )
