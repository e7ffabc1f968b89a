"""Two judges that a spec names: what they leave behind, killed between the two, under a limit, and missing."""

from __future__ import annotations

import dataclasses
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from factory.evidence.intervals import wilson
from factory.files import read_json, read_jsonl
from factory.row import read_rows
from factory.teacher.cache import ReplyCache
from tests import shop
from tests.conftest import Factory
from tests.loopback_teacher import request_key

pytestmark = pytest.mark.real

NAME = "test/judged"
OTHER = "contrary"


def teach(body: dict[str, Any]) -> str:
    """As the shop's teacher; the other model takes every third text for something else."""
    right = shop.teach(body)
    choices = (body.get("structured_outputs") or {}).get("choice")
    if choices and body["model"] == OTHER and int(request_key(body), 16) % 3 == 0:
        return str(next(choice for choice in sorted(choices) if choice != right))
    return right


@pytest.fixture(scope="module")
def two(factory: Factory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    """A factory whose teacher's address serves two models."""
    teacher = shop.Teacher(answer=teach, others=[OTHER])
    home = tmp_path_factory.mktemp("judges")
    yield dataclasses.replace(factory, home=home / "home", prompts=home / "prompts", teacher=teacher)
    teacher.stop()


def newest(made: Factory, stage: str) -> Path:
    found = (made.home / "builds" / NAME / stage).glob("[!.]*")
    return max(found, key=lambda path: path.stat().st_mtime)


def judged(made: Factory) -> Counter[str]:
    """How often each model was asked to judge a text."""
    asked = [body for body in made.teacher.server.asked if body.get("top_logprobs")]
    return Counter(body["model"] for body in asked)


def test_a_build_killed_between_two_judges_goes_on_with_the_second(two: Factory) -> None:
    two.specialist(NAME, judges=[OTHER, "loopback"])
    two.teacher.server._delay = 0.1
    process = two.start("build", NAME, "--until", "judge")
    try:
        deadline = time.monotonic() + 240
        while not judged(two)[OTHER]:
            assert process.poll() is None, process.stdout and process.stdout.read()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    finally:
        process.kill()
        if process.stdout:
            process.stdout.close()
        two.teacher.server._delay = 0.0
    before = judged(two)
    assert before["loopback"] == 30 and before[OTHER] < 30  # one after the other, the teacher's own model first

    ended = two.run("build", NAME, "--until", "evaluate")
    assert ended.returncode == 0, ended.stdout
    assert judged(two)["loopback"] == 30, "no judge is asked again what it has answered"
    assert 30 <= judged(two)[OTHER] <= 30 + before[OTHER]
    lines = read_jsonl(newest(two, "judge") / "judgements.jsonl")
    ids = [[line["id"] for line in lines if line["judge"] == f"{who}@127.0.0.1"] for who in ("loopback", OTHER)]
    assert ids[0] == ids[1] and len(ids[0]) == 30 and len(lines) == 60
    assert two.run("ledger", NAME, "--verify").returncode == 0


def test_what_they_say_is_kept_with_the_row_and_told(two: Factory) -> None:
    said = read_json(newest(two, "review") / "judges.json")
    good, bad = said["judges"]
    assert (good["judge"], bad["judge"]) == ("loopback@127.0.0.1", f"{OTHER}@127.0.0.1")
    assert (good["texts"], good["unusable"], good["accuracy"]["n"], good["accuracy"]["value"]) == (30, 0, 30, 1.0)
    [pair] = said["pairs"]
    assert pair["same"] == said["all"]["same"] == pytest.approx(bad["accuracy"]["value"], abs=1e-4)
    assert pair["same"] < 1 and pair["kappa"] < pair["same"]
    assert bad["accuracy"]["high"] == pytest.approx(wilson(round(30 * pair["same"]), 30).high)
    exponents = read_json(newest(two, "review") / "committee.json")["exponents"]
    assert "teacher" not in exponents
    assert exponents["judge loopback@127.0.0.1"] > exponents[f"judge {OTHER}@127.0.0.1"]

    rows = [row for part in ("kept", "dropped") for row in read_rows(newest(two, "review") / f"{part}.jsonl")]
    verdicts = {row.id: one for row in rows for one in row.verdicts if one.check == "disagreement"}
    scored = {key: one for key, one in verdicts.items() if one.score is not None}
    assert len(scored) == 30 and all(one.passed for one in verdicts.values())
    divided = [key for key, one in scored.items() if (one.score or 0) > 0.2]
    assert len(divided) == round(30 * (1 - pair["same"]))
    life = two.run("explain", divided[0]).stdout
    assert "disagreement" in life and f"{OTHER}@127.0.0.1 says" in life
    for name in ("report.md", "report.html"):
        section = (newest(two, "evaluate") / name).read_text().split("What the judges agree on")[1]
        assert f"loopback@127.0.0.1 and {OTHER}@127.0.0.1" in section
    assert read_json(newest(two, "dataset") / "manifest.json")["judges"] == [good["judge"], bad["judge"]]
    card = (newest(two, "dataset") / "README.md").read_text()
    assert f"Judges, in the teacher's place: loopback@127.0.0.1, {OTHER}@127.0.0.1." in card
    assert (
        f"{OTHER}@127.0.0.1" in read_json(newest(two, "evaluate") / "candidate" / "manifest.json")["lineage"]["judges"]
    )


def test_a_threshold_drops_what_they_are_divided_over(two: Factory) -> None:
    asked = sum(judged(two).values())
    spec = two.prompts / NAME / "spec.yaml"
    # More is judged than people labelled, so that some of it may be dropped.
    spec.write_text(spec.read_text().replace("judge: 30", "judge: 60") + "hygiene: {disagreement: 0.2}\n")
    ended = two.run("build", NAME, "--until", "dataset")
    assert ended.returncode == 0, ended.stdout
    assert sum(judged(two).values()) > asked
    dropped = [row for row in read_rows(newest(two, "review") / "dropped.jsonl") if not row.verdicts[-1].passed]
    divided = [row for row in dropped if row.verdicts[-1].check == "disagreement"]
    assert divided and all(row.origin in ("generated", "unlabelled") for row in divided)
    assert all(row.verdicts[-1].reason.startswith("judges disagree: 0.2") for row in divided)
    assert f"dropped by disagreement: {len(divided)}" in ended.stdout
    worth = {one["check"]: one for one in read_json(newest(two, "review") / "worth.json")["checks"]}
    assert worth["disagreement"]["dropped"] > 0


def test_a_limit_counts_all_judges_and_is_shared(two: Factory) -> None:
    usual = {"generate": 36, "label": 12, "judge": 60, "review": 30, "epochs": 3, "max_tokens": 4500}
    name = two.specialist("test/limited", judges=["loopback", OTHER], budgets={"quick": usual, "full": usual})
    ended = two.run("build", name, "--until", "judge")
    assert ended.returncode == 0, ended.stdout
    (write,), (judge,) = (list((two.home / "builds" / name / stage).glob("[!.]*")) for stage in ("write", "judge"))
    spent = read_json(write / "spent.json")
    store = ReplyCache(two.settings.replies)
    lines = [line for line in read_jsonl(judge / "judgements.jsonl") if line["scores"]]
    replies = [store.get(line["key"]) or {} for line in lines]
    store.close()
    tokens = sum(reply["prompt_tokens"] + reply["completion_tokens"] for reply in replies)
    assert 4500 - 3 * 60 < spent["read"] + spent["written"] + tokens <= 4500
    one, other = Counter(line["judge"] for line in lines).values()
    assert abs(one - other) <= 2 and 10 < one < 60
    summary = read_json(judge / "summary.json")
    assert (summary["stopped by"], summary["requests not asked"]) == ("max_tokens", 120 - one - other)


def test_a_model_that_is_not_served_is_named_before_anything_is_asked(two: Factory) -> None:
    asked = len(two.teacher.asked)
    name = two.specialist("test/missing", judges=["loopback", "elsewhere"])
    ended = two.run("build", name)
    assert ended.returncode == 1
    assert "doesn't serve 'elsewhere'" in ended.stdout
    assert f"It serves: loopback, {OTHER}." in ended.stdout and "`judges`" in ended.stdout
    assert len(two.teacher.asked) == asked


def test_forecast_and_plan_name_them(two: Factory) -> None:
    plan = two.run("plan", NAME)
    assert f"to each of 2 judges: {OTHER}, loopback" in plan.stdout, plan.stdout
    lines = two.run("forecast", NAME).stdout.splitlines()
    [judge] = [line for line in lines if line.startswith("judge")]
    assert judge.split()[1] == "120"
    assert f"Judges:   {OTHER}, loopback" in two.run("show", NAME).stdout
