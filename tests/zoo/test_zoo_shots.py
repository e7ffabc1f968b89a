"""Rows that people labelled, shown to a large model: those like the text, few, and never its own answer."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import tiny_kinds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from large_model import LargeModel

import zoo
from zoo.errors import BadInput, NoQuestion
from zoo.kinds import kind_of
from zoo.likeness import Likeness
from zoo.shots import MOST, WORDS, Shots, read

ROWS = [(f"word{number}", tiny.LABELS[number % 3]) for number in range(20)]


def shots_of(rows: Any, specialist: Any) -> Shots:
    return Shots(rows, specialist, kind_of(specialist.manifest, specialist.folder))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> zoo.Classifier:
    folder = tiny.ask(tiny.make(tmp_path_factory.mktemp("shots") / "small"))
    found: zoo.Classifier = zoo.load(tiny.seal(folder, threshold=1.0))
    return found


def test_the_likest_by_what_the_specialist_says_come_last(small: zoo.Classifier) -> None:
    shots, text = shots_of(ROWS, small), "word30"
    logits = small.logits([one for one, _ in ROWS])
    told = np.vstack([logits, small.logits([text])]) - logits.mean(0)
    told -= told.mean(1, keepdims=True)
    cosines = told[:-1] @ told[-1] / np.linalg.norm(told[:-1], axis=1) / np.linalg.norm(told[-1])
    assert list(shots.near(text)) == [ROWS[place] for place in np.argsort(cosines)[-MOST:]]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.integers(1, 400), min_size=1, max_size=20), place=st.integers(0, 19))
def test_few_and_short_and_never_the_same_text(small: zoo.Classifier, words: list[int], place: int) -> None:
    rows = [(" ".join([f"word{n}"] * long), tiny.LABELS[n % 3]) for n, long in enumerate(words)]
    text = rows[place % len(rows)][0]
    found = shots_of(rows, small).near(text)
    assert len(found) <= MOST and sum(len(one.split()) for one, _ in found) <= WORDS
    assert set(found) <= set(rows) and text not in [one for one, _ in found]
    short = [one for one, _ in rows if len(one.split()) <= WORDS and one != text]
    assert bool(found) == bool(short)


def test_an_endpoint_is_shown_them_before_it_is_asked_and_they_are_paid_for(small: zoo.Classifier) -> None:
    text = "word30\nword31"
    near = shots_of(ROWS, small).near(text)
    with LargeModel(lambda body: "neutral") as model:
        endpoint = zoo.Endpoint(model.url, "large", read_price=1e6)
        question = zoo.question.Question.read(small.folder, small.manifest)
        alone, most = (endpoint.most(one, text) for one in (question, question.after(near)))
        poor = zoo.Cascade(small, endpoint, shots=ROWS, cost=(alone + most) / 2)
        assert poor.predict(text).reason == "budget_spent"
        assert zoo.Cascade(small, endpoint, shots=ROWS, cost=most).predict(text).reason == "unsure_escalated"
    turns = [("system", "One word.")]
    for known, label in near:
        turns += [("user", f"Which mood? {known}"), ("assistant", label)]
    turns.append(("user", "Which mood? word30 word31"))
    assert [(one["role"], one["content"]) for one in model.asked[0][1]["messages"]] == turns


def test_many_threads_are_each_shown_their_own(small: zoo.Classifier) -> None:
    def last_shown(body: dict[str, Any]) -> str:
        return str(body["messages"][-2]["content"])

    texts = [f"word{number} word{number + 1}" for number in range(20, 38)]
    with LargeModel(last_shown) as model:
        cascade = zoo.Cascade(small, zoo.Endpoint(model.url, "large"), shots=ROWS)
        found: dict[int, list[zoo.LabelDecision]] = {}
        threads = [threading.Thread(target=lambda n=n: found.update({n: cascade.predict(texts)})) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    shots = shots_of(ROWS, small)
    for said in found.values():
        assert [one.label for one in said] == [shots.near(text)[-1][1] for text in texts]
    assert len(found) == 3


def test_rows_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text('label,text\nneutral,"one, two"\npositive,three\n')
    (tmp_path / "rows.jsonl").write_text(
        "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in ROWS)
    )
    assert read(tmp_path / "rows.csv") == [("one, two", "neutral"), ("three", "positive")]
    assert read(tmp_path / "rows.jsonl") == ROWS


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("rows.jsonl", '{"text": "word1", "label": "neutral"}\n{"text": "word2"}\n', "nothing in 'label'.*row 1"),
        (
            "rows.jsonl",
            '{"text": "word1", "label": "odd"}\n',
            "not one of the labels: 'odd'.*row 0.*are negative",
        ),
        ("rows.jsonl", "", "There is no row to show"),
        ("rows.csv", "text,class\nword1,neutral\n", "no column 'label'.*rows.csv fix: Give a file whose rows"),
        ("rows.txt", "word1\n", "has texts alone"),
        ("none.csv", None, "can't be read"),
        ("rows.jsonl", '{"text": " ", "label": "neutral"}\n', "empty"),
    ],
)
def test_rows_that_can_t_be_are_told_with_their_place(
    small: zoo.Classifier, tmp_path: Path, name: str, content: str | None, says: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(BadInput) as refused:
        shots_of(tmp_path / name, small)
    assert re.search(says, " ".join(str(refused.value).split()))


def test_a_question_that_does_not_end_with_the_text_shows_nothing(copy: Path) -> None:
    tiny.ask(copy)
    said = json.loads((copy / "ask.json").read_text())
    said["messages"].append({"role": "user", "content": ["Well?"]})
    (copy / "ask.json").write_text(json.dumps(said))
    odd: zoo.Classifier = zoo.load(tiny.seal(copy, threshold=0.6))
    endpoint = zoo.Endpoint("http://127.0.0.1:1/v1", "large")
    assert zoo.Cascade(odd, endpoint).tier.name == "large"
    with pytest.raises(NoQuestion, match="does not end with the text"):
        zoo.Cascade(odd, endpoint, shots=ROWS)


SAID: dict[str, tuple[list[tuple[str, Any]], str]] = {
    "spans": (
        [("word1 word2 now", [zoo.Mark("Food", 0, 11, "word1 word2")]), ("word9", [])],
        '{"spans": [{"text": "word1 word2", "type": "Food"}]}',
    ),
    "extraction": ([("word1 for Ada", {"who": "ada"}), ("word9", {"who": "word9"})], '{"who": "Ada", "day": null}'),
    "generation": ([("word1 é?", "Is  é safe?"), ("word9", "No.")], '{"answer": "Is é safe?"}'),
}
AS_ROWS = {
    "spans": ("entities", [{"type": "Food", "start": 0, "end": 11, "text": "word1 word2"}]),
    "extraction": ("record", {"who": "ada"}),
    "generation": ("answer", "Is é safe?"),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return tiny_kinds.make(tmp_path_factory.mktemp("shots-kinds"))


@pytest.mark.parametrize("kind", SAID)
def test_every_kind_shows_replies_that_would_be_read(folders: Any, tmp_path: Path, kind: str) -> None:
    specialist: Any = zoo.load(folders[kind])
    rows, reply = SAID[kind]
    shots = shots_of(rows, specialist)
    assert shots.near("word1 again")[-1] == (rows[0][0], reply)
    assert kind_of(specialist.manifest, specialist.folder).read(rows[0][0], reply)
    column, right = AS_ROWS[kind]
    (tmp_path / "rows.jsonl").write_text(json.dumps({"text": rows[0][0], column: right}) + "\n")
    assert shots_of(tmp_path / "rows.jsonl", specialist).rows == ((rows[0][0], reply),)
    with LargeModel(lambda body: reply) as model:
        asked = zoo.Cascade(specialist, zoo.Endpoint(model.url, "large"), shots=rows)
        asked.predict("word1 word3 Ada")
    turns = [(one["role"], one["content"]) for one in model.asked[0][1]["messages"]]
    assert turns[-3:] == [
        ("user", f"What is there? Text: {rows[0][0]}"), ("assistant", reply),
        ("user", "What is there? Text: word1 word3 Ada"),
    ]  # fmt: skip


def test_what_people_corrected_is_what_is_shown(folders: Any, tmp_path: Path) -> None:
    log = zoo.AuditLog(tmp_path / "log", keep_text=True)
    for kind, right in (("spans", [zoo.Mark("Tool", 0, 5, "word9")]), ("extraction", {"who": "word9"})):
        recorded = zoo.audited(zoo.load(folders[kind]), log).predict("word9 word3")
        assert recorded.id
        log.correct(recorded.id, right, who="r-1")
    log.export(tmp_path / "out")
    spans, record = (
        shots_of(tmp_path / "out" / "test" / kind / "reviewed.jsonl", zoo.load(folders[kind])).rows
        for kind in ("spans", "extraction")
    )
    assert spans == (("word9 word3", '{"spans": [{"text": "word9", "type": "Tool"}]}'),)
    assert record == (("word9 word3", '{"who": "word9", "day": null}'),)


@given(st.lists(st.text("ab .,", min_size=1, max_size=12), min_size=1, max_size=8), st.integers(0, 7))
def test_nothing_is_liker_by_its_words_than_the_text_itself(texts: list[str], place: int) -> None:
    own = place % len(texts)
    found = Likeness(texts).to(texts[own])
    assert found[own] == pytest.approx(found.max(), abs=1e-5) and (found >= 0).all()


def test_likeness_is_that_of_tf_idf() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [row for row, _ in [*SAID["spans"][0], *SAID["generation"][0]]] + ["now now word1 word2", "Word1, again"]
    peer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\w+")
    known = peer.fit_transform(texts)
    for text in ("word1 word2 and now", "now now now", "é"):
        theirs = (known @ peer.transform([text]).T).toarray()[:, 0]
        ours = Likeness(texts).to(text)
        assert ours / np.linalg.norm(ours.max()) == pytest.approx(theirs / theirs.max(), abs=1e-5)
