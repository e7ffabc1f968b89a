"""How a specialist's dataset looks in Argilla.

A person sees the text, the labels with the machine's suggestion marked, and two questions that need no answer: why no
label fits, and a comment. Submit gives the label; Discard says that none fits. policy.md is the guidelines.
"""

from __future__ import annotations

from typing import Any

from factory.review.backend import PROBLEMS
from factory.spec import Spec

_LONGEST_GUIDELINES = 10_000  # characters; Argilla refuses more
_VISIBLE_LABELS = 20


def name(spec: Spec) -> str:
    """`support/intent`, major 1: `support intent v1` (Argilla allows no slash, and a spec's name holds no space)."""
    return f"{spec.name.replace('/', ' ')} v{spec.major}"


def guidelines(spec: Spec) -> str:
    """policy.md, and every label's definition below it as far as there is room for all of them."""
    policy = spec.template("policy.md").strip() or spec.question
    labels = "\n".join(f"- **{label}**: {definition.strip()}" for label, definition in spec.labels.items())
    whole = f"{policy}\n\n## The labels\n\n{labels}\n"
    for text in (whole, policy):
        if len(text) <= _LONGEST_GUIDELINES:
            return text
    rest = f"\n\n(Cut here: Argilla shows {_LONGEST_GUIDELINES} characters. The whole policy is in policy.md.)"
    return policy[: _LONGEST_GUIDELINES - len(rest)] + rest


def settings(spec: Spec, client: Any) -> Any:
    """An argilla.Settings: the field, the questions, the metadata to filter by and the guidelines."""
    import argilla

    label = argilla.LabelQuestion(
        name="label",
        title=spec.question.strip()[:500],
        description="What each label means is under Guidelines, below the text.",
        labels=list(spec.labels),
        visible_labels=min(len(spec.labels), _VISIBLE_LABELS) if len(spec.labels) > 2 else None,
        client=client,
    )
    problem = argilla.LabelQuestion(
        name="problem",
        title="No label fits? Say why, then press Discard",
        labels=PROBLEMS,
        required=False,
        client=client,
    )
    comment = argilla.TextQuestion(name="comment", title="Anything to add?", required=False, client=client)
    return argilla.Settings(
        guidelines=guidelines(spec),
        fields=[argilla.TextField(name="text", title=spec.text.strip()[:500], client=client)],
        questions=[label, problem, comment],
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
    )
