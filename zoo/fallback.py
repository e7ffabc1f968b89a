"""Whom cascades ask where their specialists are not sure, by one budget and one circuit: `--fallback` and its kin."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.breaker import Breaker
from zoo.budget import Budget
from zoo.cascade import Cascade, Unpromised
from zoo.endpoint import Endpoint
from zoo.errors import BadInput
from zoo.names import NAME

KEY = "ZOO_FALLBACK_KEY"
"""The variable with an endpoint's key: arguments are seen by whoever lists processes."""
_HTTP = ("http://", "https://")


class Fallback:
    """A large model or a larger specialist, and what it may be asked. Budget and circuit are one for all its cascades.

    Args:
        where: an endpoint's address up to `/v1`, or a specialist as `zoo.load` takes it.
        model, key, timeout, read_price, write_price: of an endpoint, see zoo.Endpoint.
        calls, cost, retries, concurrency, unpromised: see zoo.Cascade.
        failures, pause: see zoo.Breaker.
        shots: files of labelled rows (see zoo.Cascade) by the specialist's name that they are for, or by '' for any.

    Raises:
        BadInput: an endpoint without a model, what only endpoints have for a specialist, or a number that can't be.
    """

    def __init__(
        self,
        where: str | Path,
        *,
        model: str | None = None,
        key: str = "",
        timeout: float = 30.0,
        read_price: float = 0.0,
        write_price: float = 0.0,
        calls: int | None = None,
        cost: float | None = None,
        retries: int = 1,
        concurrency: int = 8,
        failures: int = 5,
        pause: float = 30.0,
        unpromised: Unpromised | None = None,
        shots: Mapping[str, str | Path] | None = None,
    ) -> None:
        self.where, self._unpromised, self.shots = where, unpromised, dict(shots or {})
        self._how: dict[str, Any] = {"retries": retries, "concurrency": concurrency}
        self._endpoint: Endpoint | None = None
        if str(where).startswith(_HTTP):
            if not model:
                raise BadInput("An endpoint serves models by name.", fix="Say which one: --fallback-model NAME.")
            prices: dict[str, Any] = {"read_price": read_price, "write_price": write_price}
            self._endpoint = Endpoint(str(where), model, key, timeout=timeout, **prices)
            self._how |= {"budget": Budget(calls, cost), "breaker": Breaker(failures, pause)}
        elif calls is not None or cost is not None:
            raise BadInput("Calls and cost limit what an endpoint is asked, not a specialist.", where=str(where))

    def __str__(self) -> str:
        return str(self.where) if self._endpoint is None else self._endpoint.model

    @property
    def specialist(self) -> str | Path | None:
        """Who it is, as `zoo.load` takes it; None: an endpoint."""
        return self.where if self._endpoint is None else None

    def behind(self, specialist: Any, load: Callable[[str | Path], Any]) -> Cascade[Any]:
        """The cascade of a specialist, or a roll-out of two, and this; raises what zoo.Cascade and `load` raise."""
        fallback = self._endpoint or load(self.where)
        shots = self.shots.get(specialist.name, self.shots.get(""))
        return Cascade(specialist, fallback, unpromised=self._unpromised, shots=shots, **self._how)


def add(parser: argparse.ArgumentParser, **how: Any) -> None:
    """Add the arguments to those of a command; `how` is --fallback's own, for argparse."""
    parser.add_argument("--fallback", **how)
    parser.add_argument("--fallback-model", metavar="M", help=f"the endpoint's model; its key is in {KEY}")
    parser.add_argument("--fallback-calls", type=int, metavar="N", help="ask it at most so often (default: no limit)")
    parser.add_argument("--fallback-cost", type=float, metavar="C", help="spend at most so much (default: no limit)")
    prices: dict[str, Any] = {"type": float, "nargs": 2, "metavar": ("READ", "WRITE"), "default": (0.0, 0.0)}
    about = "of a million tokens read and written; --fallback-cost counts in them"
    parser.add_argument("--fallback-prices", **prices, help=about)
    parser.add_argument("--fallback-timeout", type=float, default=30.0, metavar="S", help="seconds (default 30)")
    about = "ask again so often what was not answered (default 1)"
    parser.add_argument("--fallback-retries", type=int, default=1, metavar="N", help=about)
    about = "questions on their way at once (default 8)"
    parser.add_argument("--fallback-concurrency", type=int, default=8, metavar="N", help=about)
    about = "leave it alone after so many failures in a row (default 5)"
    parser.add_argument("--fallback-failures", type=int, default=5, metavar="N", help=about)
    about = "for so many seconds (default 30)"
    parser.add_argument("--fallback-pause", type=float, default=30.0, metavar="S", help=about)
    about = "rows that people labelled (.jsonl, .csv, .parquet; see zoo.Cascade): an endpoint is shown those that are "
    about += "like a text before it is asked; NAME=FILE: of that specialist alone"
    parser.add_argument("--fallback-shots", action="append", default=[], metavar="[NAME=]FILE", help=about)
    about = "with --fallback, of a specialist without a threshold: escalate, answer, or the confidence to answer from"
    parser.add_argument("--unpromised", type=unpromised, metavar="HOW", help=about)


def told(where: str, options: argparse.Namespace, *, several: bool = False) -> Fallback:
    """The fallback that the arguments tell of; raises BadInput as it does.

    Args:
        where: what --fallback says.
        options: of the command.
        several: it is one of several, and what limits endpoints is not meant for specialists.
    """
    names = ("calls", "cost", "timeout", "retries", "concurrency", "failures", "pause")
    how = {name: getattr(options, f"fallback_{name}") for name in names}
    if several and not where.startswith(_HTTP):
        how |= {"calls": None, "cost": None}
    read, write = options.fallback_prices
    how |= {"read_price": read, "write_price": write, "unpromised": options.unpromised}
    if not several or where.startswith(_HTTP):
        how["shots"] = _shots(options.fallback_shots)
    return Fallback(where, model=options.fallback_model, key=os.environ.get(KEY, ""), **how)


def require(fallbacks: Mapping[str, Fallback], names: Collection[str]) -> None:
    """Raise BadInput where a fallback, or a file of rows for one, is for a specialist that is not among these names."""
    for what, those in (
        ("a fallback", fallbacks),
        ("a file of rows", (n for f in fallbacks.values() for n in f.shots)),
    ):
        if strange := ", ".join(sorted(set(those) - {"", *names})):
            raise BadInput(f"There is {what} for {strange}, which is not asked here.")


def _shots(said: Sequence[str]) -> dict[str, str]:
    """Files by the name before `=`, or by ''; raises BadInput where there are two for one."""
    found: dict[str, str] = {}
    for one in said:
        name, _, file = one.partition("=")
        if not NAME.fullmatch(name):  # a path may hold that sign, too
            name, file = "", one
        if name in found:
            raise BadInput(f"There are two files of rows for {name or 'any'}.", where="--fallback-shots")
        found[name] = file
    return found


def unpromised(said: str) -> Any:
    """What --unpromised says, a number where it is one; zoo.Cascade says what can be."""
    try:
        return float(said)
    except ValueError:
        return said
