"""Does a text give away a person? Found by presidio's patterns and checksums; dropped or masked, as the spec says.

Names and addresses need a language model for their recognition; none comes with the packages this project installs,
so what is found is what has a form: numbers, addresses of mail and machines, documents. Words around a number count
(`passport 123456789`), compared as they stand, without lemmas.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from factory.errors import DataError
from factory.hygiene.check import Context, invented, not_asked, unasked
from factory.row import Gold, Row, Verdict
from factory.spec import Spec

NAME = "pii"
MASKED = "mask"
"""The verdict that tells of a masked row: how many places, of which kinds, and the id it had."""

SURE = 0.4
"""presidio's score from which a find counts: a form that speaks for itself (a phone number), a checksum that is right,
or a vague form (nine digits) beside a word that belongs to it (passport)."""

_ROUNDS = 5  # a placeholder may join what stood apart
_RECOGNIZERS = {
    "CREDIT_CARD": "CreditCardRecognizer",
    "CRYPTO": "CryptoRecognizer",
    "EMAIL_ADDRESS": "EmailRecognizer",
    "IBAN_CODE": "IbanRecognizer",
    "IP_ADDRESS": "IpRecognizer",
    "MAC_ADDRESS": "MacAddressRecognizer",
    "MEDICAL_LICENSE": "MedicalLicenseRecognizer",
    "PHONE_NUMBER": "PhoneRecognizer",
    "UK_NHS": "NhsRecognizer",
    "UK_NINO": "UkNinoRecognizer",
    "UK_PASSPORT": "UkPassportRecognizer",
    "URL": "UrlRecognizer",
    "US_BANK_NUMBER": "UsBankRecognizer",
    "US_DRIVER_LICENSE": "UsLicenseRecognizer",
    "US_ITIN": "UsItinRecognizer",
    "US_PASSPORT": "UsPassportRecognizer",
    "US_SSN": "UsSsnRecognizer",
}


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop rows that hold personal data of the kinds in `hygiene.pii_entities`; the score is presidio's highest.

    Of every origin; where `hygiene.pii_synthetic` says that the teacher invents people, not generated ones.
    """
    hygiene = context.spec.hygiene
    if hygiene.pii == "keep":
        return unasked(NAME, rows)

    def verdict(row: Row) -> Verdict:
        if hygiene.pii_synthetic and invented(row):
            return not_asked(NAME, "invented people")
        found = find(row.text, context.spec)
        if not found:
            return Verdict(check=NAME, passed=True)
        kinds = ", ".join(sorted({one.entity_type for one in found}))
        score = max(float(one.score) for one in found)
        return Verdict(check=NAME, passed=False, score=score, reason=f"personal data: {kinds}")

    return [verdict(row) for row in rows]


def find(text: str, spec: Spec) -> list[Any]:
    """presidio's results (entity_type, start, end, score) of the kinds the spec looks for, from SURE up."""
    wanted = spec.hygiene.pii_entities
    found: list[Any] = _analyzer(spec.language, tuple(sorted(wanted))).analyze(
        text, language=spec.language, entities=list(wanted), score_threshold=SURE
    )
    return found


def mask(rows: Sequence[Row], spec: Spec) -> list[Row]:
    """Rows whose personal data is replaced by placeholders such as `<EMAIL_ADDRESS>`; others as they are.

    Only of real texts, and only where `hygiene.pii` is `mask`: a generated row with a placeholder would be no text
    anybody writes, so the check drops it instead. A masked row has another text, so another id; its verdict MASKED
    names the id it had, and its lineage rests on that row where it rested on nothing else.

    Raises:
        DataError: a text in which placeholders bring ever new finds.
    """
    if spec.hygiene.pii != "mask":
        return list(rows)
    return [row if invented(row) else _masked(row, spec) for row in rows]


def masked(text: str, spec: Spec) -> str:
    """A text for more eyes than its row's, with placeholders for personal data, whatever the spec does with rows."""
    try:
        return _replace(text, spec)[0]
    except DataError:
        return "<PERSONAL_DATA>"


def mask_gold(gold: Sequence[Gold], spec: Spec) -> list[Gold]:
    """Gold rows, and masked copies of those that hold personal data: so that a masked row is still found to be one."""
    if spec.hygiene.pii != "mask":
        return list(gold)
    copies = [one.model_copy(update={"text": _replace(one.text, spec)[0]}) for one in gold]
    return [*gold, *(copy for one, copy in zip(gold, copies, strict=True) if copy.text != one.text)]


def _masked(row: Row, spec: Spec) -> Row:
    text, kinds = _replace(row.text, spec)
    if not kinds:
        return row
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    verdict = Verdict(check=MASKED, passed=True, score=float(kinds.total()), reason=f"masked: {told}; was {row.id}")
    lineage = row.lineage.model_copy(update={"source": row.lineage.source or row.id})
    return row.model_copy(update={"text": text, "lineage": lineage, "verdicts": [*row.verdicts, verdict]})


def _replace(text: str, spec: Spec) -> tuple[str, Counter[str]]:
    """The text with placeholders, and how many there are of each kind."""
    from presidio_anonymizer import AnonymizerEngine
    from presidio_anonymizer.entities import RecognizerResult

    kinds: Counter[str] = Counter()
    for _ in range(_ROUNDS):
        found = find(text, spec)
        if not found:
            return text, kinds
        results = [RecognizerResult(one.entity_type, one.start, one.end, one.score) for one in found]
        done = AnonymizerEngine().anonymize(text, results)  # type: ignore[no-untyped-call,unused-ignore]
        text = done.text
        kinds.update(item.entity_type for item in done.items)
    if find(text, spec):
        raise DataError(
            f"After {_ROUNDS} rounds of masking this text still holds personal data: {text[:80]!r}.",
            where="hygiene.pii: mask",
            fix="Leave the row out, or set hygiene.pii to drop.",
        )
    return text, kinds


@lru_cache(maxsize=4)
def _analyzer(language: str, entities: tuple[str, ...]) -> Any:
    """presidio's engine with the recognizers of these entities; it reads nothing from the network."""
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry, predefined_recognizers
    from presidio_analyzer.nlp_engine import SlimSpacyNlpEngine

    class Words(SlimSpacyNlpEngine):  # type: ignore[misc,unused-ignore]
        """A tokenizer without a trained model; a word is its own lemma."""

        def load(self) -> None:
            try:
                self.nlp = {language: spacy.blank(language)}
            except ImportError:  # a language spaCy has no rules for
                self.nlp = {language: spacy.blank("xx")}

        def _doc_to_nlp_artifact(self, doc: Any, language: str) -> Any:
            for token in doc:
                token.lemma_ = token.lower_
            return super()._doc_to_nlp_artifact(doc, language)

    # presidio's own asks tldextract, which fetches the list of public suffixes; the list that comes with it does.
    suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

    class Email(predefined_recognizers.EmailRecognizer):  # type: ignore[misc,unused-ignore]
        """Mail addresses under a public suffix."""

        def validate_result(self, pattern_text: str) -> bool:
            return bool(suffixes(pattern_text).fqdn)

    registry = RecognizerRegistry(supported_languages=[language])
    for entity in entities:
        known = getattr(predefined_recognizers, _RECOGNIZERS[entity])
        recognizer = Email if entity == "EMAIL_ADDRESS" else known
        registry.add_recognizer(recognizer(supported_language=language))
    return AnalyzerEngine(registry=registry, nlp_engine=Words(), supported_languages=[language])
