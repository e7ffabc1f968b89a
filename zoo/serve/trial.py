"""A roll-out that a service is told to hold: by names, loaded when the service starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.audit import AuditLog
from zoo.errors import BadInput
from zoo.loader import is_folder
from zoo.names import Reference

if TYPE_CHECKING:
    from zoo.rollout import Canary, Shadow


@dataclass(frozen=True)
class Trial:
    """A version in use and one that may follow it.

    Attributes:
        current, candidate: as `zoo.load` takes them.
        share: of the texts that the candidate answers (zoo.Canary); None: none of them (zoo.Shadow).
        how: of a canary, what else zoo.Canary takes: `errors`, `disagreement`, `timeout`, `alpha`, `again`.
    """

    current: str | Path
    candidate: str | Path
    share: float | None = None
    how: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        how = "beside it" if self.share is None else f"{100 * self.share:g} % by"
        return f"{self.current}, {how} {self.candidate}"

    def open(self, load: Callable[[str | Path], Any], log: AuditLog | None) -> Shadow[Any] | Canary[Any]:
        """Load both; raises what `zoo.load` and the roll-out raise."""
        from zoo.rollout import Canary, Shadow  # here: the command line has other commands than serve

        current, candidate = load(self.current), load(self.candidate)
        if self.share is None:
            return Shadow(current, candidate, log=log)
        return Canary(current, candidate, share=self.share, log=log, **self.how)


def with_trials(
    names: Sequence[str | Path], *, shadows: Sequence[str], canaries: Sequence[str], share: float, **how: Any
) -> list[str | Path | Trial]:
    """What to serve, with each candidate beside the version in use that has its name.

    Raises:
        BadName: a candidate is not written as names are.
        BadInput: the version in use is not served, or there are two candidates for it.
    """
    served: list[str | Path | Trial] = [*names]
    places = {Reference.parse(str(name)).name: place for place, name in enumerate(names) if not is_folder(name)}
    for candidate, part in [*((one, None) for one in shadows), *((one, share) for one in canaries)]:
        place = places.get(Reference.parse(candidate).name)
        current = None if place is None else served[place]
        if place is None or not isinstance(current, str | Path):
            what = "has a candidate already" if current else "is not among what is served"
            fix = "Name the version in use, and one candidate: zoo serve a/b@1.0.0 --shadow a/b@1.1.0."
            raise BadInput(f"What {candidate} is to follow {what}.", fix=fix)
        served[place] = Trial(current, candidate, part, {} if part is None else how)
    return served
