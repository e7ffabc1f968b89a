"""The audit log: what an application writes decisions and corrections into."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from zoo.audit import answers, export, reading
from zoo.audit.answers import Right, Said
from zoo.audit.chain import Chain
from zoo.audit.export import Exported
from zoo.audit.opening import opened
from zoo.audit.record import CORRECTION, DECISION, DIFFERENCE, GAP, ROLLOUT, Record, now, sha256
from zoo.audit.storage import Place, Rotation, Unsettled
from zoo.audit.verify import Verified, verify
from zoo.decision import Decision
from zoo.errors import BadInput, UnknownRecord, Unrecorded, ZooError
from zoo.names import Version, check_name

Trouble = Literal["fail", "shed", "block"]


class AuditLog:
    """An append-only, hash-chained log of decisions. Several threads and processes may write into one at once.

    A decision's record holds its time, the specialist's name and version, the sha256 of the text in UTF-8, the answer,
    of a cascade's the reason and the tier, and the seconds it took; and the hash of the record before it. What a call
    has recorded outlives every kill of the process (a power cut only with `sync`).

    **What a hash gives away.** It hides a text only as far as the text can't be guessed: whoever reads the log can hash
    every likely text and compare. That finds short ones (`yes`, a name, an account number, a stock phrase), and shows
    which decisions were about the same text. It is not salted, so that somebody who has a text can find the decisions
    about it: that is what it is for. Let those alone read the log who might read the texts.

    **What is kept of texts.** Without `keep_text` no text is. An extractor's values and a writer's answer are words of
    the text, or close to them, and are always kept; `mask` is applied to them too. Of spans the places are kept, not
    the words. The detail of a cascade's decision may hold words of a reply and is kept with texts alone.

    Args:
        path: the log's folder, made where it is missing, for its owner alone; or the URL of a PostgreSQL database,
            `postgresql://user@host/database`, with the extra `postgres` (see zoo.audit.postgres).
        keep_text: keep the texts: needed to export rows.
        mask: what is kept in place of a text, or of words from it: a function from text to text, such as presidio's
            anonymizer. Its errors are passed on, and nothing is recorded then.
        megabytes: a file of the log that has grown so large is followed by a new one.
        days: so is a file so many days old; None: at any age. Old files may be moved away (see zoo.audit.verify).
        on_trouble: what to do where the disk is full or closed, the database can't be reached, or others hold the log
            for longer than `timeout`:
            `fail`: raise Unrecorded, so that no answer is given out unrecorded;
            `shed`: give the answer without an id, count it, and record how many were lost as soon as that is possible
            (a process that ends before that takes the count with it);
            `block`: wait, and try again until it works.
        timeout: seconds to wait for a turn to write. A write that has begun is waited for, however long it takes.
        sync: wait for the disk at every commit, so that decisions outlive a power cut too. A database always does.

    Attributes:
        where: it is: the folder, or the database, without a password.
        folder: the same; None where it is a database.
        lost: how many decisions this object has shed.

    Raises:
        BadInput: a number, word or URL that can't be.
        MissingExtra: a database needs psycopg.
        Unrecorded: the folder can't be made or written, or the database not reached.
    """

    def __init__(
        self,
        path: Place,
        *,
        keep_text: bool = False,
        mask: Callable[[str], str] | None = None,
        megabytes: float = 1000,
        days: float | None = None,
        on_trouble: Trouble = "fail",
        timeout: float = 10.0,
        sync: bool = False,
    ) -> None:
        if on_trouble not in ("fail", "shed", "block"):
            raise BadInput(f"on_trouble can't be {on_trouble!r}.", fix="Use one of: fail, shed, block.")
        for what, value in {"megabytes": megabytes, "days": days, "timeout": timeout}.items():
            if value is not None and not 0 < value < float("inf"):
                raise BadInput(f"{what} must be a number above 0, not {value!r}.")
        self.keep_text, self.on_trouble, self._mask = keep_text, on_trouble, mask
        self._storage = opened(path, rotation=Rotation(megabytes, days), timeout=timeout, sync=sync)
        self.where, self.folder = self._storage.where, self._storage.folder
        self._chain = Chain(self._storage, timeout)
        self._counting = threading.Lock()
        self._gap: dict[str, Any] | None = None
        self.lost = 0

    def __repr__(self) -> str:
        return f"<zoo.AuditLog {self.where}, on trouble {self.on_trouble}>"

    def __enter__(self) -> AuditLog:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def record(
        self, model: str | Sequence[str], texts: Sequence[str], said: Sequence[Said], seconds: Sequence[float]
    ) -> list[str] | list[None]:
        """Record decisions, in one commit; `zoo.audited` does it for a specialist.

        Args:
            model: `name@version` of who was asked, or of who answered each.
            texts: what it was asked about.
            said, seconds: the answer about each, and how long it took.

        Returns:
            the ids of the records, in the texts' order; None for each where they were shed.

        Raises:
            BadInput: other than that, or an answer of no kind of the zoo's.
            Unrecorded: on_trouble is `fail`, and it could not be written.
            BrokenLog: the log was damaged, and nothing can be added; not with on_trouble `shed`.
        """
        models = [model] * len(texts) if isinstance(model, str) else model
        for one in {model} if isinstance(model, str) else set(model):
            _check_model(one)
        events = [self._decision(*decided) for decided in zip(models, texts, said, seconds, strict=True)]
        if not events:
            return []
        added = self._append(events)
        return [None] * len(events) if added is None else [one.end.id for one in added]

    def correct(self, id: str, right: Right, *, who: str, note: str = "") -> str:
        """Append what a person says is right; the decision itself stays as it is, and the last correction counts.

        Args:
            id: of the decision.
            right: a label, or of a writer words; spans (zoo.Span, or objects with label, start and end, in code points
                of the text that was asked about); or an object of values.
            who: says so: a pseudonym will do, and will stay.
            note: why.

        Returns:
            the id of the correction. It is never shed: where it can't be recorded this waits (`block`) or raises.

        Raises:
            UnknownRecord: there is no such decision.
            BadInput: not what corrects an answer of its kind, or nobody says so.
            Unrecorded, BrokenLog: it could not be written.
        """
        if not isinstance(who, str) or not who.strip():
            raise BadInput("Nobody says who corrects.", fix="Give who='...': a name, or a pseudonym.")
        decision = self.find(id)
        if decision.get("event") != DECISION:
            raise UnknownRecord(f"Record {id} is no decision.", where=self.where, fix="Correct a decision.")
        value = answers.corrected(decision["answer"]["kind"], right, self._masked)
        event = {"event": CORRECTION, "of": id, "who": who, "right": value, **({"note": note} if note else {})}
        return self._append_one(event)

    def difference(self, text: str, said: Sequence[tuple[str, Said]]) -> str:
        """Record that versions answer a text differently; zoo.Shadow and zoo.Canary do it.

        Args:
            text: what they were asked about; kept as in decisions.
            said: of each its `name@version`, and what it says; the version in use first.

        Returns:
            the id of the record, which is never shed; raises as `correct`.
        """
        for model, _ in said:
            _check_model(model)
        answered = [{"model": model, "answer": answers.described(one, self._masked)} for model, one in said]
        return self._append_one({"event": DIFFERENCE, **self._about(text), "answers": answered})

    def rollout(self, what: str, current: str, candidate: str, **more: Any) -> str:
        """Record what becomes of a candidate: `begun`, `compared`, `promoted`, `rolled back`.

        Args:
            what: one of these.
            current, candidate: `name@version` of the version in use, and of the one that may follow it.
            more: counts and reasons, as JSON can say them.

        Returns:
            the id of the record, which is never shed; raises as `correct`.
        """
        return self._append_one({"event": ROLLOUT, "what": what, "current": current, "candidate": candidate, **more})

    def rollouts(self, current: str, candidate: str) -> Iterator[dict[str, Any]]:
        """What became of a candidate, the newest first, as `rollout` recorded it; raises BrokenLog."""
        for one in reading.latest(self._storage, ROLLOUT):
            if (one.get("current"), one.get("candidate")) == (current, candidate):
                yield one

    def find(self, id: str) -> dict[str, Any]:
        """The record of an id; raises UnknownRecord where there is none, or another in its place."""
        return reading.find(self._storage, id)

    def verify(self, after: str | None = None) -> Verified:
        """Whether every record still is as it was written; see zoo.audit.verify."""
        return verify(self._storage, after)

    def export(self, path: str | Path, *, unsure: bool = True, corrected: bool = True) -> Exported:
        """Write what people corrected, and what the specialists were not sure of, for the factory to read.

        Each specialist gets a folder as FACTORY_GOLD has them, `<path>/<vertical>/<task>/`: in it `reviewed.jsonl` with
        the texts that were corrected, by what is right, and `unlabelled.jsonl` with those that were unsure and are not
        corrected. Nothing that is there already is replaced.

        Args:
            path: a folder.
            unsure, corrected: which of the two to write.

        Returns:
            how many rows there are, and how many could not be written, and why.

        Raises:
            BadInput: a file that would be written is there already.
            BrokenLog: a record can't be read.
            CannotWrite: nor the folder be written.
        """
        return export.export(self._storage, Path(path), unsure=unsure, corrected=corrected)

    def close(self) -> None:
        """Record what was shed, if that is possible now, and let go of the files; the log can be used again."""
        with self._counting:
            gap, self._gap = self._gap, None
        if gap:
            try:
                self._chain.append([gap])
            except ZooError:
                self._miss(gap)
        self._chain.close()

    def _append_one(self, event: Mapping[str, Any]) -> str:
        """The id of an event that is never shed."""
        return (self._append([event], never_shed=True) or [])[0].end.id

    def _append(self, events: Sequence[Mapping[str, Any]], *, never_shed: bool = False) -> Sequence[Record] | None:
        """The records of events; None where they were shed."""
        pause = 0.05
        doubtful: Sequence[Record] = ()
        while True:
            with self._counting:
                gap, self._gap = self._gap, None
            try:
                added = self._chain.append([gap, *events] if gap else events, doubtful)
                return added[-len(events) :]
            except BaseException as error:  # whatever stops this, the count must not go with it
                if gap:
                    self._miss(gap)
                if not isinstance(error, ZooError):
                    raise
                if self.on_trouble == "shed" and not never_shed:
                    self._miss({"lost": len(events), "since": now(), "until": now(), "why": error.what})
                    with self._counting:
                        self.lost += len(events)
                    return None
                if self.on_trouble != "block" or not isinstance(error, Unrecorded):
                    raise
                doubtful = error.records if isinstance(error, Unsettled) else ()
            time.sleep(pause)
            pause = min(1.0, 2 * pause)

    def _miss(self, gap: Mapping[str, Any]) -> None:
        """Count decisions that are in no record."""
        with self._counting:
            known = self._gap or {"lost": 0, "since": gap["since"], "until": gap["until"]}
            self._gap = {
                "event": GAP,
                "lost": known["lost"] + gap["lost"],
                "since": min(known["since"], gap["since"]),
                "until": max(known["until"], gap["until"]),
                "why": gap["why"],
            }

    def _decision(self, model: str, text: str, said: Said, seconds: float) -> dict[str, Any]:
        event = {
            "event": DECISION,
            "model": model,
            **self._about(text),
            "answer": answers.described(said, self._masked),
            "seconds": round(seconds, 6),
        }
        if isinstance(said, Decision):
            event |= {"reason": said.reason, "tier": said.tier}
        if self.keep_text and isinstance(said, Decision) and said.detail:
            event["detail"] = self._masked(said.detail)
        return event

    def _about(self, text: str) -> dict[str, Any]:
        """What is kept of a text."""
        about: dict[str, Any] = {"sha256": sha256(text.encode("utf-8", "surrogatepass"))}
        if self.keep_text:
            kept = self._masked(text)
            about |= {"text": kept, "masked": kept != text}
        return about

    def _masked(self, words: str) -> str:
        if self._mask is None:
            return words
        if not isinstance(masked := self._mask(words), str):
            raise BadInput(f"mask must return a text, not {type(masked).__name__}.")
        return masked


def _check_model(model: str) -> None:
    name, _, version = model.partition("@")
    check_name(name)
    Version.parse(version)
