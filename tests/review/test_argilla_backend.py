"""The backend on a real Argilla: pushing, asking, answering, pulling."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from review_specs import make_spec

from factory import settings
from factory.errors import ReviewError
from factory.review import argilla_dataset, argilla_text
from factory.review.argilla import ArgillaBackend, connect
from factory.review.backend import Backend, Item
from factory.review.edition import Editions
from factory.review.merge import appeal, audit, merge
from factory.review.select import select
from factory.row import Lineage, Row, Verdict
from factory.services.argilla.credentials import REVIEWER
from factory.services.argilla.server import ArgillaServer
from factory.services.process import free_port
from factory.spec import Spec


def rows(spec: Spec, n: int) -> list[Row]:
    labels = list(spec.labels)
    return [
        Row(
            text=f"question{i} about matter{i}",
            label=labels[i % len(labels)],
            soft={labels[i % len(labels)]: 0.6, labels[(i + 1) % len(labels)]: 0.4},
            origin="generated",
            lineage=Lineage(spec=spec.identity),
        )
        for i in range(n)
    ]


class Reviewer:
    """A person, by the same HTTP calls that the web pages make."""

    def __init__(self, server: ArgillaServer, backend: ArgillaBackend, spec: Spec) -> None:
        form = {"username": REVIEWER, "password": server.credentials.reviewer_password}
        token = httpx.post(f"{server.url}/api/v1/token", data=form, trust_env=False).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=f"{server.url}/api/v1", headers=headers, trust_env=False, timeout=30)
        mine = self.http.get("/me/datasets").raise_for_status().json()["items"]
        self.dataset = next(d["id"] for d in mine if d["name"] == argilla_dataset.name(spec))

    def search(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        url = f"/me/datasets/{self.dataset}/records/search?limit=1000&include=suggestions"
        return [item["record"] for item in self.http.post(url, json=body).raise_for_status().json()["items"]]

    def answer(self, record: dict[str, Any], status: str = "submitted", **values: str) -> None:
        body = {"status": status, "values": {name: {"value": value} for name, value in values.items()}}
        self.http.post(f"/records/{record['id']}/responses", json=body).raise_for_status()


@pytest.mark.real
def test_the_whole_way(argilla: ArgillaServer, own_settings: settings.Settings, tmp_path: Path) -> None:
    spec = make_spec(tmp_path / "spec")
    made = rows(spec, 120)
    chosen = select(made, 50, 0.3)
    backend = connect(own_settings)
    as_backend: Backend = backend
    assert backend.pull(spec).answers == []
    pushed = as_backend.push(spec, [selection.item() for selection in chosen])
    assert (pushed.new, pushed.total) == (50, 50)
    assert pushed.where.startswith(argilla.url)

    person = Reviewer(argilla, backend, spec)
    about = person.http.get(f"/datasets/{person.dataset}").json()
    assert "choose the **one** label" in about["guidelines"]
    assert spec.labels["topic_05"] in about["guidelines"]
    records = {record["external_id"]: record for record in person.search({})}
    assert set(records) == {selection.row.id for selection in chosen}
    for selection in chosen:
        record = records[selection.row.id]
        suggested = [suggestion["value"] for suggestion in record["suggestions"]]
        assert suggested == ([] if selection.reason == "audit" else [selection.row.label])
        assert record["metadata"]["reason"] == selection.reason
        shown = record["fields"].get("candidates", "")
        assert (spec.labels[selection.row.label] in shown) == (selection.reason != "audit")
        assert "machine" not in record["metadata"]  # the machine's label is not for the reviewer's eyes
    terms = {"type": "terms", "scope": {"entity": "metadata", "metadata_property": "reason"}, "values": ["audit"]}
    assert len(person.search({"filters": {"and": [terms]}})) == 15
    [found] = person.search({"query": {"text": {"q": chosen[20].row.text.split()[0]}}})
    assert found["external_id"] == chosen[20].row.id

    confirmed, corrected, discarded, drafted = (selection.row for selection in chosen[:4])
    person.answer(records[confirmed.id], label=confirmed.label)
    person.answer(records[corrected.id], label="topic_76", comment=" two wishes ")
    person.answer(records[discarded.id], status="discarded")
    person.answer(records[drafted.id], status="draft", label="topic_01")
    again = backend.push(spec, [selection.item() for selection in select(made, 60, 0.3)])
    assert (again.new > 0, again.total) == (True, 50 + again.new)
    (spec.folder / "policy.md").write_text("A better policy.")
    assert backend.push(spec, []) == dataclasses.replace(again, new=0)
    assert "A better policy." in person.http.get(f"/datasets/{person.dataset}").json()["guidelines"]

    pulled = connect(own_settings).pull(spec)
    assert pulled.problems == []
    assert {answer.row_id: answer.label for answer in pulled.answers} == {
        confirmed.id: confirmed.label,
        corrected.id: "topic_76",
        discarded.id: None,
    }
    merged = merge(made, pulled.answers)
    assert [row.lineage.was for row in merged.rows if row.id == corrected.id] == [corrected.label]
    assert [row.id for row in merged.dropped] == [discarded.id]
    assert (audit(made, pulled.answers).n, audit(made, pulled.answers).right) == (3, 1)


@pytest.mark.real
def test_other_labels_under_the_same_name_are_refused(argilla: ArgillaServer, tmp_path: Path) -> None:
    backend = ArgillaBackend(argilla.url, argilla.credentials.api_key, local=True)
    name = "support/relabelled"
    backend.push(make_spec(tmp_path / "a", {"x": "X.", "y": "Y."}, name), [])
    with pytest.raises(ReviewError, match="other labels") as error:
        backend.push(make_spec(tmp_path / "b", {"x": "X.", "z": "Z."}, name), [])
    assert "major" in error.value.fix


@pytest.mark.real
def test_a_dataset_half_made_by_a_kill_is_made_again(argilla: ArgillaServer, tmp_path: Path) -> None:
    spec = make_spec(tmp_path / "a", {"x": "X.", "y": "Y."}, "support/halfmade")
    backend = ArgillaBackend(argilla.url, argilla.credentials.api_key, local=True)
    key = {"X-Argilla-Api-Key": argilla.credentials.api_key}
    http = httpx.Client(base_url=argilla.url, headers=key, trust_env=False)
    workspace = http.get("/api/v1/me/workspaces").json()["items"][0]["id"]
    body = {"name": argilla_dataset.name(spec), "workspace_id": workspace}
    http.post("/api/v1/datasets", json=body).raise_for_status()
    assert backend.push(spec, [s.item() for s in select(rows(spec, 3), 3, 0.0)]).new == 3


@pytest.mark.real
def test_a_wrong_key_is_said(argilla: ArgillaServer) -> None:
    with pytest.raises(ReviewError, match="refused") as error:
        ArgillaBackend(argilla.url, "wrong", local=True)
    assert "key" in error.value.fix


def test_a_server_that_is_not_there_is_said(own_settings: settings.Settings) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ReviewError, match="can't be reached"):
        connect(dataclasses.replace(own_settings, argilla_url=url, argilla_key="key"))
    with pytest.raises(ReviewError, match="no API key"):
        connect(dataclasses.replace(own_settings, argilla_url=url))


def test_an_argilla_that_lets_no_more_people_be_asked_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    backend: Any = object.__new__(ArgillaBackend)
    backend.url = "http://elsewhere"
    there = {"distribution": {"strategy": "overlap", "min_submitted": 2}}
    sent: list[Any] = []

    def patch(url: str, json: Any) -> httpx.Response:
        sent.append(json)
        return httpx.Response(422)

    backend._client = SimpleNamespace(http_client=SimpleNamespace(patch=patch))
    monkeypatch.setattr(backend, "_get", lambda path: there)
    dataset = SimpleNamespace(id="1", name="support intent v1 by several")
    backend._ask(dataset, 2)
    assert not sent
    with pytest.raises(ReviewError, match="does not let that be changed") as error:
        backend._ask(dataset, 3)
    assert sent == [{"distribution": {"strategy": "overlap", "min_submitted": 3}}]
    assert "major" in error.value.fix


def test_guidelines_hold_every_label_as_far_as_there_is_room(tmp_path: Path) -> None:
    spec = make_spec(tmp_path / "spec")
    assert all(definition in argilla_dataset.guidelines(spec) for definition in spec.labels.values())
    (spec.folder / "policy.md").write_text("word " * 1000)
    tight = argilla_dataset.guidelines(spec)
    assert len(tight) <= 10_000
    assert all(f"- **{label}**: The customer asks" in tight for label in spec.labels)
    assert " …" in tight
    (spec.folder / "policy.md").write_text("word " * 3000)
    cut = argilla_dataset.guidelines(spec)
    assert len(cut) <= 10_000
    assert "policy.md" in cut[-150:]


def test_names_differ_where_specs_differ(tmp_path: Path) -> None:
    names = ["a/b-c", "a-b/c", "a/b_c", "a_b/c"]
    assert len({argilla_dataset.name(make_spec(tmp_path, name=name)) for name in names}) == 4
    assert argilla_dataset.name(make_spec(tmp_path)) == "support intent v1"


@pytest.mark.real
def test_dropped_rows_are_judged_blind_and_known_again(
    argilla: ArgillaServer, own_settings: settings.Settings, tmp_path: Path
) -> None:
    spec = make_spec(tmp_path / "spec", name="support/spots")
    refusal = Verdict(check="length", passed=False, score=2.0, reason="too short: 2 words, 3 are asked")
    *kept, dropped = rows(spec, 9)
    dropped = dropped.model_copy(update={"verdicts": [refusal]})
    backend = connect(own_settings)
    backend.push(spec, [one.item() for one in select(kept, 4, 1.0, dropped=[dropped], share=0.25)])
    person = Reviewer(argilla, backend, spec)
    records = person.search({})
    assert len(records) == 4
    assert all(record["suggestions"] == [] for record in records)
    assert all("candidates" not in record["fields"] for record in records)
    [record] = [one for one in records if one["fields"]["text"] == dropped.text]
    assert "length" not in str(record["metadata"])
    person.answer(record, label=dropped.label)
    [answer] = backend.pull(spec).answers
    assert (answer.row_id, answer.label, answer.reason) == (dropped.id, dropped.label, "spot check")
    assert [row.id for row in appeal([dropped], [answer]).rows] == [dropped.id]


@pytest.mark.real
def test_a_new_policy_asks_again_about_what_it_touches(argilla: ArgillaServer, tmp_path: Path) -> None:
    spec = make_spec(tmp_path / "spec", {"lost": "A card is gone.", "fee": "A charge is disputed."}, "test/edition")
    backend = ArgillaBackend(argilla.url, argilla.credentials.api_key, local=True)
    made = rows(spec, 3)
    backend.push(spec, [Item(row.id, row.text, row.label, 0.5, "uncertain") for row in made])
    person = Reviewer(argilla, backend, spec)
    shown = {record["external_id"]: record for record in person.search({})}
    for row in made[:2]:  # the first is of lost, the second of fee
        person.answer(shown[row.id], label=row.label)
    then = Editions.of(tmp_path, spec)
    before = backend.pull(spec).answers
    assert {answer.policy for answer in before} == {then.now}

    changed = spec.model_copy(update={"labels": spec.labels | {"lost": "A card is gone, or broken."}})
    now = Editions.of(tmp_path, changed)
    again = [now.item(row_id, one) for row_id, one in now.touched(before, {}).items()]
    assert [item.row_id for item in again] == [made[0].id]
    assert (backend.push(changed, again).new, backend.push(changed, again).new) == (1, 0)
    shown = {record["external_id"]: record for record in person.search({})}
    assert len(shown) == 4
    first, third = shown[f"{made[0].id}@{now.now}"], shown[made[2].id]
    assert third["suggestions"] and third["fields"]["text"] == made[2].text
    assert "lost" in first["fields"]["candidates"] and not first["suggestions"]
    person.answer(third, label="lost")  # nobody had answered it under the older one
    person.answer(first, label="fee")
    found = now.counting(backend.pull(changed).answers)
    assert {(one.row_id, one.decision, one.policy) for one in found} == {
        (made[0].id, "fee", now.now),
        (made[1].id, made[1].label, then.now),
        (made[2].id, "lost", now.now),
    }


@pytest.mark.real
def test_texts_are_escaped_there_and_those_sent_before_too(
    argilla: ArgillaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec(tmp_path / "spec", {"lost": "A card is gone.", "fee": "A charge is disputed."}, "test/escaped")
    backend = ArgillaBackend(argilla.url, argilla.credentials.api_key, local=True)
    first, second = (
        made.model_copy(update={"text": f"R&D {made.text} <img src=x onerror=alert(1)>"}) for made in rows(spec, 2)
    )
    items = [Item(row.id, row.text, row.label, 0.5, "uncertain") for row in (first, second)]
    with monkeypatch.context() as patch:  # as an older factory did
        patch.setattr(argilla_text, "sent", lambda text, marked: text)
        backend.push(spec, items[:1])
    person = Reviewer(argilla, backend, spec)
    [record] = person.search({})
    assert record["fields"]["text"] == first.text
    person.answer(record, label="fee")
    [before] = backend.pull(spec).answers
    assert (backend.push(spec, items).new, backend.push(spec, items).new) == (1, 0)
    records = {record["external_id"]: record for record in person.search({})}
    assert all("<" not in record["fields"]["text"] for record in records.values())
    assert len(person.search({"query": {"text": {"q": "R&D"}}})) == 2
    assert len(person.search({"query": {"text": {"q": "amp"}}})) == 0
    person.answer(records[second.id], label="lost")
    answers = backend.pull(spec).answers
    assert {answer.row_id: answer.text for answer in answers} == {first.id: first.text, second.id: second.text}
    assert before in answers  # with its policy and its time
