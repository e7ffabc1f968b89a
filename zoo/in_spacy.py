"""A specialist as a component of a spaCy pipeline: `nlp.add_pipe("zoo", config={"specialist": "medical/entities"})`.

Needs the extra `spacy`. spaCy finds the factory by the wheel's entry point; nothing else here imports this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, SpanGroup
from spacy.util import filter_spans, minibatch

from zoo.classifier import Classifier
from zoo.errors import BadInput
from zoo.loader import load
from zoo.tagger import Span, Tagger

_USUAL = {"hub": None, "weights": None, "threads": 1, "ents": True}


@Language.factory("zoo", default_config=_USUAL)  # type: ignore[untyped-decorator]
def make(
    nlp: Language, name: str, specialist: str, ents: bool, hub: str | None, weights: str | None, threads: int
) -> Component:
    """spaCy's factory; its config has `specialist` (a name as for `zoo.load`), `ents`, and hub, weights, threads."""
    return Component(name, specialist, ents, hub=hub, weights=weights, threads=threads)


class Component:
    """Puts a specialist's answers into documents.

    A classifier's probabilities go into `doc.cats`. A tagger's spans go into `doc.spans[name]`, widened to whole
    tokens, their scores into its `attrs["scores"]`, and, with `ents`, into `doc.ents`, where earlier entities come
    first. The answers as the zoo gives them, with `unsure`, are in `doc._.zoo[name]`, as dicts: documents are sent to
    other processes and saved. A document of nothing but white space has none.

    Args:
        name: of the component.
        specialist, how: as for `zoo.load`.
        ents: whether spans become entities.

    Raises:
        BadInput: a specialist that writes; and what `zoo.load` raises.
    """

    def __init__(self, name: str, specialist: str, ents: bool = True, **how: Any) -> None:
        self.name, self._ents, self._given = name, ents, (specialist, how)
        found = load(specialist, **how)
        if not isinstance(found, Classifier | Tagger):
            raise BadInput(f"{found.manifest.id} writes, which a spaCy document has no place for.", where=name)
        self.specialist: Classifier | Tagger = found
        if not Doc.has_extension("zoo"):
            Doc.set_extension("zoo", default={})

    def __call__(self, doc: Doc) -> Doc:
        """Answer about one document."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Answer about documents, in their order, so many at a time."""
        for docs in minibatch(stream, batch_size):
            said = [doc for doc in docs if doc.text.strip()]
            how: Any = {"scores": True} if isinstance(self.specialist, Classifier) else {}
            answers: Any = self.specialist.predict([doc.text for doc in said], **how)
            for doc, answer in zip(said, answers, strict=True):
                if isinstance(answer, list):
                    doc._.zoo[self.name] = [asdict(span) for span in answer]
                    self._mark(doc, answer)
                else:
                    doc._.zoo[self.name] = asdict(answer)
                    doc.cats.update(answer.scores)
            yield from docs

    def _mark(self, doc: Doc, answer: list[Span]) -> None:
        spans = [doc.char_span(one.start, one.end, label=one.label, alignment_mode="expand") for one in answer]
        scores = [one.score for one in answer]
        doc.spans[self.name] = SpanGroup(doc, name=self.name, spans=spans, attrs={"scores": scores})
        if self._ents:
            free = [span for span in spans if not any(token.ent_type for token in span)]
            doc.ents = (*doc.ents, *filter_spans(free))

    def __reduce__(self) -> Any:
        # Processes of nlp.pipe(n_process=...) load their own: a session can't be sent.
        specialist, how = self._given
        return (_again, (self.name, specialist, self._ents, how))


def _again(name: str, specialist: str, ents: bool, how: dict[str, Any]) -> Component:
    return Component(name, specialist, ents, **how)
