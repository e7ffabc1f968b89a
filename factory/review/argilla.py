"""Review in Argilla, the embedded one or another: a dataset a specialist (argilla_dataset.py says how it looks)."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from factory.errors import ReviewError
from factory.review import argilla_dataset, argilla_text
from factory.review.argilla_dataset import ALONE, QUEUES, SEVERAL, queue_of
from factory.review.backend import (
    Answer,
    Item,
    Pulled,
    Pushed,
    RecordAnswer,
    SpansAnswer,
    WordedAnswer,
    checked,
    record_of,
)
from factory.review.policy import identity
from factory.services.argilla.credentials import WORKSPACE
from factory.services.argilla.server import ArgillaServer
from factory.settings import Settings
from factory.span import Span, Spans, strip
from factory.spec import Spec
from factory.wording import settle

_PAGE = 500  # records a request; the most Argilla takes


def connect(settings: Settings) -> ArgillaBackend:
    """The Argilla of FACTORY_ARGILLA_URL, or the embedded one, started if it is down.

    Raises:
        ServiceError: the embedded one can't be started.
        ReviewError: the server can't be reached, or refuses the key.
    """
    if settings.argilla_url:
        return ArgillaBackend(settings.argilla_url, settings.argilla_key)
    server = ArgillaServer(settings)
    server.start()
    return ArgillaBackend(server.url, server.credentials.api_key, local=True, public_url=server.public_url)


class ArgillaBackend:
    """A backend over an Argilla server.

    Args:
        url: of the server.
        key: API key of an owner or admin.
        local: the server is on this machine: use no proxy.
        public_url: where people open it; empty: at `url`.
    """

    def __init__(self, url: str, key: str, local: bool = False, public_url: str = "") -> None:
        self.url = url.rstrip("/")
        self._public_url = public_url or self.url
        if not key:
            raise ReviewError(
                "There is no API key for Argilla.", where=self.url, fix="Set FACTORY_ARGILLA_KEY to an owner's key."
            )
        import argilla

        with self._explained():
            # One try: a server that is down should be said to be down at once.
            arguments = {"trust_env": False} if local else {}
            self._client: Any = argilla.Argilla(api_url=self.url, api_key=key, retries=1, **arguments)

    def push(self, spec: Spec, items: Sequence[Item]) -> Pushed:
        """See Backend.push."""
        with self._explained():
            asked = {queue: [item for item in items if queue_of(item) == queue] for queue in QUEUES}
            datasets = {queue: self._dataset(spec, queue) for queue in QUEUES}
            for queue in QUEUES:
                if datasets[queue] is None and (asked[queue] or queue == ALONE):
                    datasets[queue] = self._create(spec, queue)
            if datasets[SEVERAL] is not None:
                self._ask(datasets[SEVERAL], spec.review.reviewers)
            there = {queue: self._there(dataset) for queue, dataset in datasets.items()}
            shown, new = {**there[ALONE], **there[SEVERAL]}, 0
            for queue, dataset in datasets.items():
                # A row that one person was to judge may since be one for several.
                known = shown if queue == ALONE else there[queue]
                fresh = {_external_id(item): item for item in asked[queue] if _external_id(item) not in known}
                if dataset is not None:
                    self._send(dataset, spec, list(fresh.values()))
                    self._told_anew(dataset, spec, there[queue].values())
                new += len(fresh)
        where = f"{self._public_url}/dataset/{datasets[ALONE].id}/annotation-mode"
        rows = {_row_id(one) for one in shown} | {item.row_id for item in items}
        return Pushed(where=where, new=new, total=len(rows))

    def _ask(self, dataset: Any, people: int) -> None:
        """Have so many people judge each row of a dataset, those that fewer have judged already, too."""
        url = f"/api/v1/datasets/{dataset.id}"
        now = self._get(url)["distribution"]
        if now["min_submitted"] == people:
            return
        answer = self._client.http_client.patch(url, json={"distribution": now | {"min_submitted": people}})
        if answer.status_code == 422:
            raise ReviewError(
                f"{now['min_submitted']} people judge each row of {dataset.name!r}, the spec asks for {people}, and "
                "this Argilla does not let that be changed.",
                where=self.url,
                fix="Raise `major` in spec.yaml, or set `review.reviewers` to what it was.",
            )
        answer.raise_for_status()

    def _there(self, dataset: Any) -> dict[str, dict[str, Any]]:
        found = () if dataset is None else self._records(dataset, include="responses")
        return {record["external_id"]: record for record in found}

    def _told_anew(self, dataset: Any, spec: Spec, records: Iterable[dict[str, Any]]) -> None:
        """Rows that nobody has answered will be answered by the policy that is the guidelines now.

        Texts that were sent before they were escaped are, answered or not.
        """
        policy, stale = {"policy": identity(spec)}, []
        for record in records:
            there = {"fields": record["fields"], "metadata": record["metadata"] or {}}
            now = {
                "fields": record["fields"] | _text_field(_text(record, spec), spec),
                "metadata": there["metadata"] | ({} if record.get("responses") else policy),
            }
            if now != there:
                stale.append({"external_id": record["external_id"], **now})
        self._put(dataset, stale)

    def _send(self, dataset: Any, spec: Spec, items: Sequence[Item]) -> None:
        """Put rows into a dataset, which takes over policy.md if that has changed since."""
        policy = argilla_dataset.guidelines(spec)
        if (dataset.guidelines or "").strip() != policy.strip():
            url = f"/api/v1/datasets/{dataset.id}"
            self._client.http_client.patch(url, json={"guidelines": policy}).raise_for_status()
        question = str(dataset.settings.questions[argilla_dataset.question(spec)].id)
        self._put(dataset, [_record(item, question, spec) for item in items])

    def _put(self, dataset: Any, records: Sequence[dict[str, Any]]) -> None:
        for start in range(0, len(records), _PAGE):
            # Not by the SDK's `log`, which draws a progress bar over the run's own.
            body = {"items": records[start : start + _PAGE]}
            self._client.http_client.put(f"/api/v1/datasets/{dataset.id}/records/bulk", json=body).raise_for_status()

    def pull(self, spec: Spec) -> Pulled:
        """See Backend.pull; drafts are not answers."""
        pulled = Pulled([])
        with self._explained():
            found = (self._dataset(spec, queue) for queue in QUEUES)
            for record in (one for place in found if place for one in self._records(place, include="responses")):
                for response in record.get("responses") or ():
                    if response["status"] not in ("submitted", "discarded"):
                        continue
                    answer = _answer(record, response, spec)
                    where = f"{self.url}, row {record['external_id']}, {pseudonym(response['user_id'])}"
                    problem = f"{where}: {answer}" if isinstance(answer, str) else checked(spec, answer, where)
                    if problem:
                        pulled.problems.append(problem)
                    elif isinstance(answer, Answer):
                        pulled.answers.append(answer)
        return pulled

    def notify(self, url: str, wanted: bool = True) -> None:
        """Have the server POST to a URL whenever somebody answers, or no longer; asking twice changes nothing.

        Raises:
            ReviewError: the server can't be reached, or the key is not an owner's.
        """
        with self._explained():
            there = [hook for hook in self._get("/api/v1/webhooks")["items"] if hook["url"].rstrip("/") == url]
            if wanted and not there:
                body = {"url": url, "events": ["response.created", "response.updated"], "description": "builds wait"}
                self._client.http_client.post("/api/v1/webhooks", json=body).raise_for_status()
            for hook in [] if wanted else there:
                self._client.http_client.delete(f"/api/v1/webhooks/{hook['id']}").raise_for_status()

    def _dataset(self, spec: Spec, queue: str) -> Any:
        """A queue's dataset with its labels checked, or None; one that a kill left half made is removed."""
        if WORKSPACE not in [workspace.name for workspace in self._client.workspaces]:
            return None
        name = argilla_dataset.name(spec, queue)
        for dataset in self._client.workspaces(WORKSPACE).datasets:
            if dataset.name != name:
                continue
            about = self._get(f"/api/v1/datasets/{dataset.id}")
            if about["status"] != "ready":
                dataset.delete()
                return None
            questions = self._get(f"/api/v1/datasets/{dataset.id}/questions")["items"]
            asked = [one for one in questions if one["name"] == argilla_dataset.question(spec)]
            if not asked or not argilla_dataset.fits(spec, asked[0]):
                raise ReviewError(
                    f"The dataset {name!r} is there already, with other labels.",
                    where=f"{self.url}, workspace {WORKSPACE}",
                    fix="Raise `major` in spec.yaml: other labels make another specialist.",
                )
            return dataset.get()
        return None

    def _create(self, spec: Spec, queue: str) -> Any:
        import argilla

        if WORKSPACE not in [workspace.name for workspace in self._client.workspaces]:
            argilla.Workspace(name=WORKSPACE, client=self._client).create()
        settings = argilla_dataset.settings(spec, self._client, queue)
        name = argilla_dataset.name(spec, queue)
        dataset = argilla.Dataset(name, workspace=WORKSPACE, settings=settings, client=self._client)
        return dataset.create()

    def _records(self, dataset: Any, **params: str) -> Iterator[dict[str, Any]]:
        """All records as the server tells them; the SDK leaves out discards without values, and the times."""
        offset, total = 0, 1
        while offset < total:
            asked = {"offset": offset, "limit": _PAGE, **params}
            page = self._get(f"/api/v1/datasets/{dataset.id}/records", asked)
            yield from page["items"]
            total = page["total"]
            offset += _PAGE

    def _get(self, path: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        response = self._client.http_client.get(path, params=params)
        response.raise_for_status()
        value: dict[str, Any] = response.json()
        return value

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        import httpx
        from argilla._exceptions import ArgillaError  # the package exports no base class

        try:
            yield
        except httpx.TransportError as error:
            raise ReviewError(
                f"Argilla can't be reached: {error}.",
                where=self.url,
                fix="Start it (`python -m factory.services argilla up`), or set FACTORY_ARGILLA_URL.",
            ) from error
        except (ArgillaError, httpx.HTTPStatusError, ValueError) as error:
            said = f" {error.response.text[:500]}" if isinstance(error, httpx.HTTPStatusError) else ""
            raise ReviewError(
                f"Argilla refused: {error}.{said}",
                where=self.url,
                fix="See that the address is an Argilla server's, and the key an owner's or admin's.",
            ) from error


def _record(item: Item, question: str, spec: Spec) -> dict[str, Any]:
    """A record as the server takes it; its external id makes a second push find the first."""
    agent = spec.teacher.model[:200]
    suggestion: dict[str, Any] = {"question_id": question, "value": item.suggestion, "agent": agent}
    if spec.kind == "spans":
        suggestion["value"] = _marks(item.text, strip(item.suggestion or "", spec.labels)[1])
    elif spec.kind == "classification":
        suggestion["score"] = item.confidence
    candidates = argilla_dataset.beside(spec, item)
    return {
        "external_id": _external_id(item),
        "fields": _text_field(item.text, spec) | ({"candidates": candidates} if candidates else {}),
        "metadata": {
            "reason": item.reason,
            "confidence": item.confidence,
            "policy": identity(spec),
            **item.metadata,
        },
        "suggestions": [suggestion] if item.suggestion is not None else [],
    }


def _answer(record: dict[str, Any], response: dict[str, Any], spec: Spec) -> Answer | str:
    """What a person said, or what is wrong with it."""
    values = {name: value["value"] for name, value in (response.get("values") or {}).items()}
    # A person may mark a label and then discard the row after all.
    submitted = response["status"] == "submitted"
    said = {
        "row_id": _row_id(record["external_id"]),
        "reviewer": pseudonym(response["user_id"]),
        "text": _text(record, spec),
        "reason": (record.get("metadata") or {}).get("reason", ""),
        "problem": values.get("problem", ""),
        "comment": (values.get("comment") or "").strip(),
        "submitted_at": response["updated_at"],
        "policy": (record.get("metadata") or {}).get("policy", ""),
    }
    if spec.kind == "extraction":
        given = values.get("record") if submitted else None
        found, reason = (None, "") if given is None else record_of(spec, said["text"], given)
        return reason or RecordAnswer(label=None, record=found, **said)
    if spec.kind == "generation":
        answer = settle(values.get("answer") or "") if submitted else None
        return WordedAnswer(label=None, answer=answer, rating=values.get("rating"), **said)
    if spec.kind != "spans":
        return Answer(label=values.get("label") if submitted else None, **said)
    spans = _spans(said["text"], values.get("spans") or ()) if submitted else None
    return SpansAnswer(label=None, spans=spans, **said)


def _text_field(text: str, spec: Spec) -> dict[str, str]:
    return {"text": argilla_text.sent(text, spec.kind == "spans")}


def _text(record: dict[str, Any], spec: Spec) -> str:
    return argilla_text.read(record["fields"]["text"], _row_id(record["external_id"]), spec.kind == "spans")


def _marks(text: str, spans: Iterable[Span]) -> list[dict[str, Any]]:
    units = argilla_text.units
    return [{"start": units(text, one.start), "end": units(text, one.end), "label": one.label} for one in spans]


def _spans(text: str, marked: Iterable[dict[str, Any]]) -> Spans:
    """What a person marked, in order; a mark that holds no whole character of the text is none."""
    points = argilla_text.points
    found = sorted((points(text, one["start"]), points(text, one["end"]), one["label"]) for one in marked)
    return tuple(Span(start=start, end=end, label=label) for start, end, label in found if start < end)


def _external_id(item: Item) -> str:
    """What a second push finds the first by: the row, and for which policy's sake it is shown again."""
    return f"{item.row_id}@{item.again}" if item.again else item.row_id


def _row_id(external_id: str) -> str:
    return external_id.partition("@")[0]


def pseudonym(user_id: str) -> str:
    """A person's name in the factory: made of their account's random id, which only the server can resolve."""
    return "r-" + hashlib.sha256(user_id.encode()).hexdigest()[:8]
