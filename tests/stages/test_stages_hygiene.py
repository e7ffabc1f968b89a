"""A build whose spec asks for every check there is: what is masked, what is dropped, and that nothing is lost."""

from __future__ import annotations

import json

import pytest

from factory.files import read_json
from factory.hygiene import run as hygiene
from factory.hygiene import worth
from factory.row import read_rows, row_id
from tests import shop
from tests.conftest import Factory

pytestmark = pytest.mark.real

ALL = {
    "pii": "mask",
    "semantic_duplicate": 0.999,
    "semantic_contamination": 0.999,
    "profanity": True,
    "label_noise": True,
    "balance": 1.0,
}
ONE_JUDGE = ("disagreement",)  # it compares judges, and here the teacher alone judges
ASKED = tuple(name for name in hygiene.of_kind("classification", hygiene.CHECKS) if name not in ONE_JUDGE)
MAIL = "My username is lost, so write to jane.doe@example.com about it, please."
RUDE = "Where is my fucking parcel? The postman has not come."


def test_a_build_with_every_check(factory: Factory) -> None:
    real = [
        MAIL,
        RUDE,
        *(shop.text_of(label, 300 + number) for number, label in enumerate([*shop.WORDS, "parcel"] * 2)),
    ]
    lines = [json.dumps({"id": f"real-{number}", "text": text}) for number, text in enumerate(real)]
    (factory.gold / "test" / "real.jsonl").write_text("\n".join(lines) + "\n")
    name = factory.specialist("test/clean", unlabelled="test/real.jsonl", hygiene=ALL)
    ended = factory.run("build", name, "--until", "review")
    assert ended.returncode == 0, ended.stdout
    stages = factory.home / "builds" / name
    [clean], [review] = (list((stages / stage).glob("[!.]*")) for stage in ("clean", "review"))

    kept, dropped = (read_rows(clean / f"{part}.jsonl") for part in ("kept", "dropped"))
    assert [item["check"] for item in read_json(clean / "statistics.json")] == [
        check for check in ASKED if check not in ("consistency", "balance")
    ]
    [masked] = [row for row in kept if "<EMAIL_ADDRESS>" in row.text]
    assert masked.verdicts[0].reason == f"masked: 1 EMAIL_ADDRESS; was {row_id(MAIL)}"
    assert masked.lineage.source
    assert "jane.doe" not in (clean / "kept.jsonl").read_text() + (clean / "dropped.jsonl").read_text()
    [rude] = [row for row in dropped if row.text == RUDE]
    assert rude.verdicts[-1].check == "profanity"
    written = read_rows(next((stages / "write").glob("[!.]*")) / "rows.jsonl")
    assert len(kept) + len(dropped) == len(written) + len(real) + 30

    after = read_rows(review / "kept.jsonl") + read_rows(review / "dropped.jsonl")
    assert {row.id for row in after} == {row.id for row in kept}
    assert [item["check"] for item in read_json(review / "statistics.json")] == ["consistency", "balance"]
    assert not [row for row in read_rows(review / "dropped.jsonl") if row.origin in ("reviewed", "example")]

    truth = {row.id: shop.label_of(row.text) for row in written}
    found = {one.check: one for one in worth.table([*after, *dropped], truth)}
    assert set(ASKED) <= set(found)
    assert found["schema"].judged == len({row.id for row in written})
