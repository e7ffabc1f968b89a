"""The specialists that a service has loaded, and how newer versions take their places."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.audit import AuditLog
from zoo.cascade import Cascade
from zoo.errors import BadInput, ZooError
from zoo.fallback import Fallback, require
from zoo.hub import Hub, find, open_hub
from zoo.loader import is_folder, load
from zoo.manifest import CLASSIFICATION
from zoo.names import Reference
from zoo.serve.batcher import Workers
from zoo.serve.limits import Limits
from zoo.serve.metrics import Metrics
from zoo.serve.resident import Name, Resident, settle
from zoo.serve.served import Served
from zoo.serve.trial import Trial
from zoo.yanked import given as newest

log = logging.getLogger("zoo.serve")


@dataclass(frozen=True)
class Change:
    """What a reload did with one specialist: version before and after, and why another could not be loaded.

    Of one that was not served, before is empty; of one that is not served still, after is, too.
    """

    name: str
    before: str
    after: str
    error: ZooError | None = None


class Shelf:
    """Specialists by name. Loading happens in threads: the event loop stays free.

    Args:
        names: as `zoo.load` takes them, roll-outs of two, or what is loaded already; None: all that the hub gives, and
            at every reload those that have come since. There may be none yet, and one that can't be loaded stops no
            other.
        hub: as for `zoo.load`.
        limits: of their queues.
        metrics: what is counted.
        log: where every decision is recorded before it is given out; None: nowhere.
        how: weights, threads and engine, as for `zoo.load`.
        fallbacks: whom classifiers ask where they are not sure: by a specialist's name, or by '' for all others.

    Raises:
        BadInput, BadName, NoHub: see `zoo.serve.app`.
    """

    def __init__(
        self,
        names: Sequence[Name] | None,
        hub: str | Path | Hub | None,
        limits: Limits,
        metrics: Metrics,
        log: AuditLog | None,
        how: Mapping[str, Any],
        fallbacks: Mapping[str, Fallback],
    ) -> None:
        self._whole = names is None
        if not names and not self._whole:
            raise BadInput(
                "Say which specialists to serve.", fix="Name them: zoo serve support/intent; or serve all: --all"
            )
        names = names or ()
        asked = [called(name) for name in names]
        if twice := sorted({str(name) for name in asked if asked.count(name) > 1}):
            raise BadInput(f"One version of a specialist is served, not several of {', '.join(twice)}.")
        self._names, self._limits, self._metrics, self._log, self._how = names, limits, metrics, log, how
        self._fallbacks = fallbacks
        in_hub = self._whole or any(_in_hub(part) for name in names for part in _parts(name))
        self._hub = open_hub(hub) if in_hub else None
        self._executor = ThreadPoolExecutor(limits.workers, thread_name_prefix="zoo")
        self._workers = Workers(self._executor, limits.workers)
        self._residents: dict[str, Resident] = {}
        self._changing = asyncio.Lock()
        self.fits: Callable[[Served], Any] = lambda specialist: None
        """Asked before a newer version takes the place of what is served; raises ZooError where it must not."""
        self.opened = False
        """Whether all that were asked for are loaded; whoever opened it says so."""

    async def open(self) -> None:
        """Load everything, once; raises what `zoo.load` raises, and BadInput where a folder holds one that is there."""
        async with self._changing:
            for name in self._names:
                resident = await asyncio.to_thread(self._load, name, name)
                if resident.specialist.name in self._residents:
                    raise BadInput(f"{resident.specialist.name} is there already.", where=str(name))
                self._residents[resident.specialist.name] = resident
                self._announce(resident)
            if self._whole:  # what is not there yet may come
                await self._take_in()
                if not self._residents:
                    log.info("no specialist is served yet; SIGHUP looks for them again")
            else:
                require(self._fallbacks, self._residents)

    def get(self, name: str) -> Resident | None:
        """The version that answers now, or None."""
        return self._residents.get(name)

    def find(self, name: str | Path) -> Resident | None:
        """What was asked for by this folder, or answers under this name; None: nothing does."""
        if not is_folder(name):
            return self.get(Reference.parse(str(name)).name)
        return next((one for one in self.all() if str(one.follows) == str(name)), None)

    def all(self) -> list[Resident]:
        """All of them, by name."""
        return [resident for _, resident in sorted(self._residents.items())]

    async def reload(self) -> list[Change]:
        """Load what the names mean now, beside what is loaded, and let it answer from one moment on.

        So it is with fallbacks: specialists by their names, and files of rows, which are read again.
        Requests in flight end on the old versions. Where one can't be found or loaded the old one stays, and the change
        says why. Reloads wait for one another.
        """
        async with self._changing:
            fresh: dict[str, Resident] = {}
            changes = []
            for name, old in sorted(self._residents.items()):
                before = old.specialist.version
                try:
                    new = await asyncio.to_thread(self._newer, old)
                    if new:
                        self.fits(new.specialist)
                except ZooError as error:
                    log.error("%s stays at %s: %s", name, before, error)
                    self._metrics.reloads.labels(name, "failed").inc()
                    changes.append(Change(name, before, before, error))
                    continue
                self._metrics.reloads.labels(name, "changed" if new else "unchanged").inc()
                changes.append(Change(name, before, new.specialist.version if new else before))
                if new:
                    fresh[name] = new
                else:
                    log.info("%s stays at %s: it is what %s means", name, before, old.follows)
            self._residents = {**self._residents, **fresh}
            for resident in fresh.values():
                self._announce(resident)
            if self._whole:
                changes += await self._take_in()
        return changes

    def close(self) -> None:
        """End the threads, once what they are at is done; and let roll-outs record what they have counted."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        for resident in self._residents.values():
            resident.close()

    async def _take_in(self) -> list[Change]:
        """Load those that the hub gives and that are not served yet; call it with the lock."""
        changes = []
        for name in await asyncio.to_thread(self._given):
            if name in self._residents:
                continue
            try:
                resident = await asyncio.to_thread(self._load, name, name)
            except ZooError as error:
                log.error("%s is not served: %s", name, error)
                self._metrics.reloads.labels(name, "failed").inc()
                changes.append(Change(name, "", "", error))
                continue
            self._residents = {**self._residents, name: resident}
            self._announce(resident)
            changes.append(Change(name, "", resident.specialist.version))
        return changes

    def _given(self) -> list[str]:
        """The hub's names that have a version which was not yanked; none where it can't be reached, which is logged."""
        try:
            hub = open_hub(self._hub)
            return [name for name in hub.names() if newest(hub, name)]
        except ZooError as error:
            log.error("which specialists there are is not known: %s", error)
            return []

    def _newer(self, old: Resident) -> Resident | None:
        """What the resident's name means now, before what its fallback is now, loaded; None: both are the same."""
        means = self._means(old.follows)
        if means not in (None, old.specialist.manifest.id):
            return self._load(means, old.follows)
        cascade = old.specialist
        if isinstance(cascade, Cascade) and cascade is not old.follows and (fallback := self._fallback(cascade)):
            return self._renewed(cascade, fallback, old.follows)
        return None

    def _renewed(self, before: Cascade[Any], fallback: Fallback, follows: Name) -> Resident | None:
        """The same version, not loaded again, before what its fallback is now; None: that is the same, too."""
        means = None if fallback.specialist is None else self._means(fallback.specialist)
        if not fallback.shots and means in (None, before.tier.name):
            return None
        after = fallback.behind(before.specialist, self._loaded)
        same = (after.tier.name, after.rows) == (before.tier.name, before.rows)
        return None if same else self._settle(after, follows)

    def _means(self, name: Name) -> str | None:
        """The `name@version` that this is now; None: it is the same at any time."""
        if not _in_hub(name) or Reference.parse(str(name)).exact:
            return None
        found, version = find(str(name), open_hub(self._hub))
        return f"{found}@{version}"

    def _opened(self, name: Name) -> Served:
        """What a name means, loaded."""
        if isinstance(name, Trial):
            return name.open(self._opened, self._log)
        found: Served = self._loaded(name) if isinstance(name, str | Path) else name
        return found

    def _loaded(self, name: str | Path) -> Any:
        return load(name, hub=self._hub, **self._how)

    def _load(self, name: Name, follows: Name) -> Resident:
        return self._settle(self._behind(self._opened(name)), follows)

    def _settle(self, specialist: Served, follows: Name) -> Resident:
        seen: Callable[[int], Any] = self._metrics.batches.labels(specialist.name).observe
        how: dict[str, Any] = {"workers": self._workers, "limits": self._limits, "seen": seen, "log": self._log}
        return settle(specialist, follows, **how)

    def _fallback(self, specialist: Served) -> Fallback | None:
        """The specialist's own, or the one for all others, which is of classifiers."""
        classifies = specialist.manifest.kind == CLASSIFICATION
        return self._fallbacks.get(specialist.name) or (self._fallbacks.get("") if classifies else None)

    def _behind(self, specialist: Served) -> Served:
        """With its fallback behind it, where it has one."""
        fallback = self._fallback(specialist)
        if fallback is None or isinstance(specialist, Cascade):
            return specialist
        return fallback.behind(specialist, self._loaded)

    def _announce(self, resident: Resident) -> None:
        specialist, batcher = resident.specialist, resident.batcher
        self._metrics.serves(specialist.name, specialist.version, lambda: batcher.waiting)
        if (rollout := resident.rollout) is not None:
            self._metrics.compares(specialist.name, rollout.candidate.manifest.version, rollout)
        if (escalating := resident.escalating) is not None:
            self._metrics.escalates(specialist.name, escalating)
        behind = "" if resident.fallback is None else f"; where it is not sure, {resident.fallback}"
        log.info("%s answers%s", specialist.manifest.id, behind)


def _parts(name: Name) -> tuple[Name, ...]:
    return (name.current, name.candidate) if isinstance(name, Trial) else (name,)


def _in_hub(name: Name) -> bool:
    return isinstance(name, str | Path) and not is_folder(name)


def called(name: Name) -> str | Path:
    """What tells that one is named twice: a specialist's name without a version, or a folder."""
    first = _parts(name)[0]
    if not isinstance(first, str | Path | Trial):
        return first.name
    return Reference.parse(str(first)).name if _in_hub(first) else str(first)
