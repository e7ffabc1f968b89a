"""What the service counts, for Prometheus. No text and no key is in it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from zoo.rollout import Canary
from zoo.rollout.pair import Pair
from zoo.serve.escalating import Escalating

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_CIRCUIT = ("closed", "half-open", "open")
_TEXTS = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """Counters of one app, in a registry of their own, so that a process may hold several apps."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        one = ["specialist"]
        self.requests = Counter("zoo_requests", "Requests to predict", [*one, "status"], registry=registry)
        self.open = Gauge("zoo_requests_open", "Requests to predict that are not answered yet", registry=registry)
        self.latency = Histogram(
            "zoo_request_seconds",
            "Seconds until a request to predict was answered",
            one,
            buckets=_SECONDS,
            registry=registry,
        )
        self.texts = Counter("zoo_texts", "Texts answered", one, registry=registry)
        self.unsure = Counter("zoo_unsure", "Texts whose answer, or a span of it, was unsure", one, registry=registry)
        self.batches = Histogram("zoo_batch_texts", "Texts of a batch", one, buckets=_TEXTS, registry=registry)
        self.shed = Counter("zoo_shed", "Requests that found no room, or no answer in time", one, registry=registry)
        self.limited = Counter("zoo_rate_limited", "Requests above a key's rate", registry=registry)
        self.reloads = Counter("zoo_reloads", "What reloads did", [*one, "outcome"], registry=registry)
        self.version = Gauge("zoo_specialist", "1 for the version that answers", [*one, "version"], registry=registry)
        self._versions: dict[str, str] = {}
        self._fallbacks: dict[str, tuple[str, str]] = {}
        counted = [*one, "candidate", "outcome"]
        self.compared = Gauge("zoo_rollout_texts", "Texts a candidate was compared on", counted, registry=registry)
        two = [*one, "candidate"]
        self.back = Gauge("zoo_rolled_back", "1 once a candidate was rolled back", two, registry=registry)
        self.waiting = Gauge("zoo_queue_texts", "Texts that wait", one, registry=registry)
        about = "Texts that a cascade decided on"
        self.decisions = Counter("zoo_decisions", about, [*one, "reason"], registry=registry)
        behind = [*one, "fallback"]
        self.escalations = Gauge(
            "zoo_fallback_queue_texts", "Texts that wait for a fallback", behind, registry=registry
        )
        about = "0: the fallback is asked, 1: it is tried, 2: it is left alone"
        self.circuit = Gauge("zoo_fallback_circuit", about, behind, registry=registry)
        self.calls = Gauge(
            "zoo_fallback_calls", "Questions that the fallback's budget has paid", behind, registry=registry
        )
        self.cost = Gauge("zoo_fallback_cost", "What they cost", behind, registry=registry)

    def serves(self, name: str, version: str, waiting: Callable[[], int]) -> None:
        """Say which version of a specialist answers from now on, and how to ask how many texts wait for it."""
        if before := self._versions.get(name):
            self.version.remove(name, before)
        self._versions[name] = version
        self.version.labels(name, version).set(1)
        self.waiting.labels(name).set_function(waiting)

    def escalates(self, name: str, escalating: Escalating) -> None:
        """Say where the counts of a cascade are."""
        cascade = escalating.cascade
        labels = name, cascade.tier.name
        before = self._fallbacks.get(name, labels)
        for gauge in (self.escalations, self.circuit, self.calls, self.cost) if before != labels else ():
            gauge.remove(*before)
        self._fallbacks[name] = labels
        self.escalations.labels(*labels).set_function(lambda: escalating.waiting)
        self.circuit.labels(*labels).set_function(lambda: _CIRCUIT.index(cascade.circuit))
        self.calls.labels(*labels).set_function(lambda: cascade.spent.calls)
        self.cost.labels(*labels).set_function(lambda: cascade.spent.cost)

    def compares(self, name: str, candidate: str, pair: Pair[Any]) -> None:
        """Say where the counts of a roll-out are."""
        for outcome in ("compared", "different", "failed", "dropped"):
            self.compared.labels(name, candidate, outcome).set_function(partial(_count, pair, outcome))
        if isinstance(pair, Canary):
            self.back.labels(name, candidate).set_function(lambda: pair.state == "rolled back")

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)


def _count(pair: Pair[Any], outcome: str) -> float:
    return float(getattr(pair.compared, outcome))
