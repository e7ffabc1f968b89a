"""What a spec may ask of its rows: the part `hygiene`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from factory.spec_part import Part


def _as_pair(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _in_order(value: tuple[int, int]) -> tuple[int, int]:
    shortest, longest = value
    if not 0 <= shortest <= longest:
        raise ValueError("write [shortest, longest]")
    return value


Words = Annotated[tuple[int, int], BeforeValidator(_as_pair), AfterValidator(_in_order)]

Entity = Literal[
    "CREDIT_CARD",
    "CRYPTO",
    "EMAIL_ADDRESS",
    "IBAN_CODE",
    "IP_ADDRESS",
    "MAC_ADDRESS",
    "MEDICAL_LICENSE",
    "PHONE_NUMBER",
    "UK_NHS",
    "UK_NINO",
    "UK_PASSPORT",
    "URL",
    "US_BANK_NUMBER",
    "US_DRIVER_LICENSE",
    "US_ITIN",
    "US_PASSPORT",
    "US_SSN",
]
"""Kinds of personal data, as presidio names them, that are known by their form."""

COMMON_ENTITIES: tuple[Entity, ...] = (
    "CREDIT_CARD",
    "CRYPTO",
    "EMAIL_ADDRESS",
    "IBAN_CODE",
    "IP_ADDRESS",
    "MEDICAL_LICENSE",
    "PHONE_NUMBER",
    "US_ITIN",
    "US_PASSPORT",
    "US_SSN",
)
"""Those looked for unless the spec says otherwise: no links, and nothing that any word of six letters may be."""


class Hygiene(Part):
    """What a sound row is.

    Attributes:
        words: shortest and longest text kept, in words.
        near_duplicate: Jaccard similarity of word shingles (estimated by MinHash) from which two rows are one.
        contamination: the same against gold rows; from here a row is too like a gold row to train on.
        consistency: a generated row is dropped where the committee gives its label less probability than this.
        pii: what happens to personal data: `keep` looks for none, `drop` drops rows with it, `mask` puts placeholders
            into real texts and drops generated rows with it.
        pii_entities: the kinds of personal data looked for, as presidio names them.
        pii_synthetic: the teacher is told to invent people, so personal data in generated rows is nobody's: it stays.
        semantic_duplicate: cosine similarity of the encoder's vectors from which two rows are one; null: not asked.
        semantic_contamination: the same against gold rows.
        profanity: rows with words from a list of profanity are dropped, unless people labelled them.
        label_noise: generated rows whose asked label confident learning takes for an error are dropped.
        disagreement: a row that no person labelled is dropped where the spec's judges disagree more than this, 0 (they
            say the same) to 1 (each is sure of another label); null: the score is kept and drops nothing.
        balance: a label keeps at most this many times the rows of the median label; of spans and records, texts
            that hold nothing, times those that hold the median type or field; null: not asked.
    """

    unsaid = (
        "pii", "pii_entities", "pii_synthetic", "semantic_duplicate", "semantic_contamination", "profanity",
        "label_noise", "disagreement", "balance",
    )  # fmt: skip

    words: Words = (3, 80)
    near_duplicate: float = Field(default=0.7, gt=0.0, le=1.0)
    contamination: float = Field(default=0.6, gt=0.0, le=1.0)
    consistency: float = Field(default=0.1, ge=0.0, le=1.0)
    pii: Literal["keep", "drop", "mask"] = "keep"
    pii_entities: list[Entity] = Field(default_factory=lambda: list(COMMON_ENTITIES), min_length=1)
    pii_synthetic: bool = False
    semantic_duplicate: float | None = Field(default=None, gt=0.0, le=1.0)
    semantic_contamination: float | None = Field(default=None, gt=0.0, le=1.0)
    profanity: bool = False
    label_noise: bool = False
    disagreement: float | None = Field(default=None, ge=0.0, le=1.0)
    balance: float | None = Field(default=None, ge=1.0)
