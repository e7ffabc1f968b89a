"""Small domain specialists: load one by name, ask it.

    import zoo

    sentiment = zoo.load("finance/sentiment", hub="path/to/hub")
    sentiment.predict("Profit fell by a third.")  # Answer(label='negative', confidence=0.97, unsure=False, ...)

    entities = zoo.load("medical/entities", hub="path/to/hub")
    entities.predict("Lithium was given .")  # [Span(label='Chemical', start=0, end=7, text='Lithium', score=0.98, ...)]

    asked = zoo.Cascade(sentiment, zoo.Endpoint("http://127.0.0.1:8000/v1", "large-model"))
    asked.predict("Profit fell by a third.")  # LabelDecision(label='negative', ..., reason='answered', tier=..., ...)

    fields = zoo.load("legal/fields", hub="path/to/hub")
    fields.predict("The laws of Oregon govern this Agreement.")  # Extracted(values={'governing_law': 'Oregon'}, ...)

    question = zoo.load("medical/question_summary", hub="path/to/hub")
    question.predict("hi, may I have grapefruit with simvastatin?")  # Written(text='Can I eat grapefruit ...', ...)

    log = zoo.AuditLog("audit")
    zoo.audited(sentiment, log).predict("Profit fell by a third.")  # Recorded(id='1-3fa9c1d2e0b4', answer=Answer(...))

    canary = zoo.Canary(sentiment, zoo.load("finance/sentiment@1.1.0"), share=0.1, log=log)
    canary.predict("Profit fell by a third.")  # by the candidate for a tenth of the texts, until that goes wrong

    read = zoo.Step("read", fields, when={"clause": "Governing Law"})
    chain = zoo.Chain(zoo.Step("clause", zoo.load("legal/clause")), read)
    chain.predict("The laws of Oregon govern this Agreement.").of(read)  # Extracted(...), or None: not asked, or failed

Importing the zoo is cheap: ONNX Runtime, tokenizers and numpy are imported when a specialist is loaded,
huggingface_hub when a remote hub is asked, and what few applications use when it is named.
"""

from typing import TYPE_CHECKING, Any

from zoo.audit import AuditLog
from zoo.breaker import Breaker
from zoo.cascade import Cascade
from zoo.classifier import Answer, Classifier
from zoo.decision import Decision, LabelDecision, RecordDecision, SpansDecision, WordsDecision
from zoo.endpoint import Endpoint
from zoo.engine import Engine
from zoo.errors import ZooError
from zoo.extractor import Extracted, Extractor
from zoo.hub import Hub, open_hub
from zoo.loader import load, pull
from zoo.manifest import Manifest, verify
from zoo.mark import Mark
from zoo.recorded import Audited, Recorded, audited
from zoo.specialist import Specialist
from zoo.tagger import Span, Tagger
from zoo.version import __version__
from zoo.writer import Writer, Written

if TYPE_CHECKING:
    from zoo.chain import Chain, Chained
    from zoo.chain_file import load_chain
    from zoo.estimator import Estimator
    from zoo.packing import pack
    from zoo.pipelines import pipeline
    from zoo.rollout import Canary, Shadow
    from zoo.step import Outcome, Step

__all__ = ["Answer", "Breaker", "Cascade", "Classifier", "Decision", "Endpoint", "Extracted", "Extractor", "Hub"]
__all__ += ["Engine", "LabelDecision", "Mark", "RecordDecision", "SpansDecision", "WordsDecision"]
__all__ += ["Manifest", "Span", "Specialist", "Tagger", "Writer", "Written", "ZooError", "__version__"]
__all__ += ["AuditLog", "Audited", "Canary", "Recorded", "Shadow", "audited"]
__all__ += ["Chain", "Chained", "Outcome", "Step"]
__all__ += ["Estimator", "load", "load_chain", "open_hub", "pack", "pipeline", "pull", "verify"]

_LATER = {
    "Canary": "rollout",
    "Shadow": "rollout",
    "Chain": "chain",
    "Chained": "chain",
    "load_chain": "chain_file",
    "Estimator": "estimator",
    "Outcome": "step",
    "Step": "step",
    "pack": "packing",
    "pipeline": "pipelines",
}
"""Names whose modules are imported when they are first used (PEP 562)."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(f"zoo.{_LATER[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
