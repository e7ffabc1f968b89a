"""The search engine against the truth: every kind of query Argilla knows, compared with Python over all records."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from factory.services.argilla.backup import DATABASE
from factory.services.argilla.credentials import WORKSPACE
from factory.services.argilla.server import ArgillaServer

pytestmark = pytest.mark.real

N = 300
WORDS = ["refund", "crash", "invoice", "login", "slow", "thanks"]
LABELS = ["billing", "bug", "praise"]
TAGS = ["vip", "urgent", "legal"]


def record(i: int) -> dict[str, Any]:
    """Everything about record i, as a function of i: the truth the server is compared with."""
    return {
        "id": f"r{i}",
        "text": f"{WORDS[i % 6]} {WORDS[(i * 7 + i // 6) % 6]} ticket{i}",
        "context": f"Café note{i % 13}" if i % 4 else None,
        "chat": [{"role": "user", "content": f"zebra{i % 11}"}],
        "metadata": {
            "source": f"gen-{'abc'[i % 3]}",
            "topics": ["café", TAGS[i % 3]] if i % 2 else f"[{TAGS[i % 3]}]",
            "length": 10 + i,
            "confidence": round((i * 37 % 100) / 100, 2),
        },
        "label": (LABELS[i % 3], round((i * 13 % 100) / 100, 2)),
        "tags": [TAGS[i % 3], TAGS[(i + 1) % 3]] if i % 2 else [TAGS[i % 3]],
        "quality": i % 5 + 1,
        "vector": [float(i % 7), 1.0, float(i % 3), 0.5],
    }


TRUTH = [record(i) for i in range(N)]


def words(r: dict[str, Any]) -> set[str]:
    chat = [word for message in r["chat"] for word in (message["role"], message["content"])]
    return {*r["text"].split(), *(r["context"] or "").lower().replace("é", "e").split(), *chat}


@pytest.fixture(scope="module")
def dataset(argilla: ArgillaServer) -> Any:
    import argilla as rg

    client = rg.Argilla(api_url=argilla.url, api_key=argilla.credentials.api_key, trust_env=False)
    settings = rg.Settings(
        fields=[
            rg.TextField(name="text"),
            rg.TextField(name="context", required=False),
            rg.ChatField(name="chat", required=False),
        ],
        questions=[
            rg.LabelQuestion(name="label", labels=LABELS),
            rg.MultiLabelQuestion(name="tags", labels=TAGS, required=False),
            rg.RatingQuestion(name="quality", values=[1, 2, 3, 4, 5], required=False),
        ],
        metadata=[
            rg.TermsMetadataProperty("source"),
            rg.TermsMetadataProperty("topics"),
            rg.IntegerMetadataProperty("length"),
            rg.FloatMetadataProperty("confidence"),
        ],
        vectors=[rg.VectorField("emb", dimensions=4)],
    )
    dataset = rg.Dataset("queries", workspace=WORKSPACE, settings=settings, client=client).create()
    dataset.records.log(
        [
            rg.Record(
                id=r["id"],
                fields={"text": r["text"], "context": r["context"], "chat": r["chat"]},
                metadata=r["metadata"],
                vectors={"emb": r["vector"]},
                suggestions=[
                    rg.Suggestion("label", r["label"][0], score=r["label"][1], agent="clf-v1"),
                    rg.Suggestion("tags", r["tags"], score=[0.5] * len(r["tags"]), agent="clf-v1"),
                    rg.Suggestion("quality", r["quality"]),
                ],
            )
            for r in TRUTH
        ]
    )
    answered = [
        rg.Record(
            id=r["id"],
            fields={"text": r["text"], "context": r["context"], "chat": r["chat"]},
            metadata=r["metadata"],
            responses=[
                rg.Response("label", "bug", user_id=client.me.id, status="submitted"),
                rg.Response("quality", 4, user_id=client.me.id, status="submitted"),
            ],
        )
        for r in TRUTH[:20]
    ]
    dataset.records.log(answered)
    return dataset


def ids(dataset: Any, text: str | None = None, *filters: tuple[str, str, Any]) -> set[str]:
    import argilla as rg

    query = rg.Query(query=text, filter=rg.Filter(list(filters)) if filters else None)
    found = [r.id for r in dataset.records(query=query)]
    assert len(found) == len(set(found))
    return set(found)


def topics(r: dict[str, Any]) -> set[str]:
    value = r["metadata"]["topics"]
    return {value} if isinstance(value, str) else set(value)


ANSWERED = {f"r{i}" for i in range(20)}
TEXT: list[tuple[str, Callable[[dict[str, Any]], bool]]] = [
    ("refund", lambda r: "refund" in words(r)),
    ("refund crash", lambda r: {"refund", "crash"} <= words(r)),
    ('"refund crash"', lambda r: "refund crash" in r["text"]),
    ("refund -crash", lambda r: "refund" in words(r) and "crash" not in words(r)),
    ("invoice | crash", lambda r: bool(words(r) & {"invoice", "crash"})),
    ("refu*", lambda r: "refund" in words(r)),
    ("REFUND", lambda r: "refund" in words(r)),
    ("cafe note3", lambda r: {"cafe", "note3"} <= words(r)),
    ("ticket77", lambda r: r["id"] == "r77"),
    ("zebra3", lambda r: "zebra3" in words(r)),
    ("user refund", lambda r: "refund" in words(r)),
    ("nowhere", lambda r: False),
]
FILTERS: list[tuple[list[tuple[str, str, Any]], Callable[[dict[str, Any]], bool]]] = [
    ([("metadata.source", "==", "gen-a")], lambda r: r["metadata"]["source"] == "gen-a"),
    ([("metadata.source", "in", ["gen-a", "gen-b"])], lambda r: r["metadata"]["source"] in ("gen-a", "gen-b")),
    ([("metadata.topics", "==", "café")], lambda r: "café" in r["metadata"]["topics"]),
    ([("metadata.topics", "in", ["vip", "[legal]"])], lambda r: {"vip", "[legal]"} & topics(r)),
    ([("metadata.length", ">=", 260)], lambda r: r["metadata"]["length"] >= 260),
    (
        [("metadata.confidence", ">=", 0.2), ("metadata.confidence", "<=", 0.4)],
        lambda r: 0.2 <= r["metadata"]["confidence"] <= 0.4,
    ),
    ([("label.suggestion", "==", "billing")], lambda r: r["label"][0] == "billing"),
    ([("tags.suggestion", "in", ["vip"])], lambda r: "vip" in r["tags"]),
    ([("quality.suggestion", "==", 5)], lambda r: r["quality"] == 5),
    ([("label.score", "<=", 0.3)], lambda r: r["label"][1] <= 0.3),
    ([("label.agent", "==", "clf-v1")], lambda r: True),
    ([("id", "==", "r5")], lambda r: r["id"] == "r5"),
    ([("status", "==", "pending")], lambda r: r["id"] not in ANSWERED),
    ([("status", "==", "completed")], lambda r: r["id"] in ANSWERED),
    ([("response.status", "==", "submitted")], lambda r: r["id"] in ANSWERED),
    ([("response.status", "==", "pending")], lambda r: r["id"] not in ANSWERED),
    ([("label.response", "==", "bug")], lambda r: r["id"] in ANSWERED),
    ([("quality.response", ">=", 4)], lambda r: r["id"] in ANSWERED),
]


@pytest.mark.parametrize(("text", "wanted"), TEXT, ids=[text for text, _ in TEXT])
def test_text(dataset: Any, text: str, wanted: Callable[[dict[str, Any]], bool]) -> None:
    assert ids(dataset, text) == {r["id"] for r in TRUTH if wanted(r)}


@pytest.mark.parametrize(("asked", "wanted"), FILTERS, ids=[str(asked[0][:2]) for asked, _ in FILTERS])
def test_filters(dataset: Any, asked: list[tuple[str, str, Any]], wanted: Callable[[dict[str, Any]], bool]) -> None:
    expected = {r["id"] for r in TRUTH if wanted(r)}
    assert expected
    assert ids(dataset, None, *asked) == expected


def test_text_and_filters_together(dataset: Any) -> None:
    found = ids(dataset, "refund", ("metadata.source", "==", "gen-a"), ("label.score", "<=", 0.3))
    wanted = {
        r["id"] for r in TRUTH if "refund" in words(r) and r["metadata"]["source"] == "gen-a" and r["label"][1] <= 0.3
    }
    assert found == wanted
    assert found


def test_odd_text_is_no_error(dataset: Any) -> None:
    for odd in ('"unclosed ( AND OR NEAR * ^', "f_text : x", "*", "-refund", "a:b", "'; DROP TABLE records; --"):
        ids(dataset, odd)
    assert ids(dataset, "ticket5")


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_sorting(dataset: Any, order: str) -> None:
    def found(scope: dict[str, str]) -> list[str]:
        url = f"/api/v1/me/datasets/{dataset.id}/records/search"
        body = {"sort": [{"scope": scope, "order": order}]}
        response = dataset._client.http_client.post(url, json=body, params={"limit": N})
        response.raise_for_status()
        return [item["record"]["external_id"] for item in response.json()["items"]]

    def sorted_by(key: Callable[[dict[str, Any]], float]) -> list[float]:
        return sorted((key(r) for r in TRUTH), reverse=order == "desc")

    truth = {r["id"]: r for r in TRUTH}
    by_length = found({"entity": "metadata", "metadata_property": "length"})
    assert [truth[row]["metadata"]["length"] for row in by_length] == sorted_by(lambda r: r["metadata"]["length"])
    by_topic = found({"entity": "metadata", "metadata_property": "topics"})
    pick = max if order == "desc" else min
    assert [pick(topics(truth[row])) for row in by_topic] == sorted(
        (pick(topics(r)) for r in TRUTH), reverse=order == "desc"
    )
    by_score = found({"entity": "suggestion", "question": "label", "property": "score"})
    assert [truth[row]["label"][1] for row in by_score] == sorted_by(lambda r: r["label"][1])
    by_answer = found({"entity": "response", "question": "quality"})
    assert set(by_answer[:20]) == ANSWERED  # those without a value come last, either way


def test_vectors(dataset: Any) -> None:
    import argilla as rg

    def cosine(r: dict[str, Any], target: list[float]) -> float:
        dot = sum(a * b for a, b in zip(r["vector"], target, strict=True))
        return float(dot / (sum(a * a for a in r["vector"]) ** 0.5 * sum(b * b for b in target) ** 0.5))

    target = [3.0, 1.0, 2.0, 0.5]
    found = list(dataset.records(query=rg.Query(similar=rg.Similar("emb", target)), limit=20))
    assert [score for _, score in found] == pytest.approx(
        sorted(((1 + cosine(r, target)) / 2 for r in TRUTH), reverse=True)[:20], abs=1e-5
    )
    # Asked for 20, so found in Python: the truth of each record that came back.
    assert all(score == pytest.approx((1 + cosine(TRUTH[int(r.id[1:])], target)) / 2, abs=1e-5) for r, score in found)


def test_progress(dataset: Any) -> None:
    progress = dataset.progress()
    assert (progress["total"], progress["completed"], progress["pending"]) == (N, 20, N - 20)


def test_a_deleted_record_is_found_no_more(dataset: Any) -> None:
    import argilla as rg

    extra = rg.Record(id="extra", fields={"text": "vanishing ticketX"})
    dataset.records.log([extra])
    assert ids(dataset, "vanishing") == {"extra"}
    [stored] = dataset.records(query=rg.Query(query="vanishing"))
    dataset.records.delete([stored])
    assert ids(dataset, "vanishing") == set()


def test_the_planner_knows_what_the_indexes_hold(argilla: ArgillaServer, dataset: Any) -> None:
    argilla.stop()  # while it runs it counts at twice as many records: other tests' may have made it count before these
    argilla.start()
    with closing(sqlite3.connect(argilla.home / DATABASE)) as db:
        counted = dict(db.execute("SELECT idx, stat FROM sqlite_stat1 WHERE idx LIKE 'factory_%'"))
    assert {"factory_suggestions_value", "factory_metadata_source"} <= counted.keys()
    assert int(counted["factory_metadata_source"].split()[0]) >= 100
