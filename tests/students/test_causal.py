"""A causal student learns answers alone, goes on after a kill as if nothing had been, and writes what it learned."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from factory.errors import FactoryError, SpecError
from factory.files import read_json
from factory.row import Lineage, Row, write_rows
from factory.students import causal, prompt
from factory.students.by_torch import opened
from factory.students.causal import Causal, WritingRecipe
from factory.students.distilled import divergence
from factory.students.lesson import average
from tests import lost, registry, tiny_llama
from zoo.form import Form
from zoo.guide import Guide
from zoo.manifest import ADAPTER, PROMPT
from zoo.prompt import Prompt
from zoo.record_grammar import record_automaton

HELD = 40  # rows from here are held out
FIELDS = {"thing": {"type": "text"}, "colour": {"type": "choice", "values": lost.COLOURS}}


def answered(number: int) -> Row:
    colour, thing, place = lost.COLOURS[number % 3], lost.THINGS[number % 9], lost.PLACES[number % 5]
    text = f"a {colour} {thing} on the {place}"
    return Row(text=text, answer=f"{colour}?", origin="reviewed", lineage=Lineage(spec="s"))


@pytest.fixture(scope="module")
def written_rows() -> list[Row]:
    return [answered(number * 5 % 48) for number in range(48)]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama.make(tmp_path_factory.mktemp("llama"), [answered(number).text for number in range(48)])


@pytest.fixture(scope="module")
def recipe(llama: Path) -> WritingRecipe:
    """All weights: adapters on random ones learn little."""
    return WritingRecipe(
        str(llama), ("answer",), 48, rank=0, learning_rate=1e-2, epochs=12, instruction="What?", max_new_tokens=12
    )


@pytest.fixture(scope="module")
def trained(recipe: WritingRecipe, written_rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    causal.train(causal.Answers, written_rows[:HELD], written_rows[HELD:], recipe, out)
    return out


def test_it_takes_all_cores_unless_told(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.delenv("OMP_NUM_THREADS", raising=False)
        patch.setattr(causal, "cores", lambda: 3)
        Causal.load(llama)
        assert torch.get_num_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    Causal.load(llama)
    assert torch.get_num_threads() == 1


def test_answers_are_learned(trained: Path, written_rows: list[Row]) -> None:
    rows = written_rows[HELD:]
    found = opened(trained, "generation", ["answer"], 48).predict([row.text for row in rows])
    assert sum(one.text == row.answer for one, row in zip(found, rows, strict=True)) >= 6
    assert all(0.0 < one.score <= 1.0 and one.complete for one in found)
    history = read_json(trained / "training.json")["epochs"]
    assert history[-1]["train"] < history[0]["train"] / 4


def test_the_zoo_s_way_to_write_is_what_transformers_generates(trained: Path, written_rows: list[Row]) -> None:
    import torch

    student, model = opened(trained, "generation", ["answer"], 48), Causal.load(trained)
    asked = Prompt.read(trained / PROMPT)
    frame = prompt.frame(asked, prompt.cutter(model.tokenizer), 48)
    for place, row in enumerate(written_rows[:6]):
        text = f"{row.text} {'and so on ' * (place % 3)}"
        ids = frame.ids(text)
        said = model.model.generate(
            torch.tensor([ids]), do_sample=False, max_new_tokens=12, eos_token_id=list(asked.stop)
        )
        words = [token for token in said[0, len(ids) :].tolist() if token not in asked.stop]
        assert model.tokenizer.decode(words).strip() == student.predict(text).text


def test_its_adapter_is_kept_over_the_base_and_names_no_path(
    recipe: WritingRecipe, written_rows: list[Row], tmp_path: Path
) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    small = dataclasses.replace(recipe, rank=2, epochs=1)
    causal.train(causal.Answers, written_rows[:20], written_rows[20:24], small, tmp_path)
    config = tmp_path / ADAPTER[0]
    assert json.loads(config.read_text())["base_model_name_or_path"] is None
    assert sorted(path.name for path in config.parent.iterdir()) == sorted(Path(path).name for path in ADAPTER)
    merged, base = (AutoModelForCausalLM.from_pretrained(one) for one in (tmp_path, recipe.encoder))
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        before = base(ids).logits
        over = PeftModel.from_pretrained(base, config.parent).eval()(ids).logits
        assert torch.allclose(over, merged(ids).logits, atol=1e-4) and not torch.allclose(over, before, atol=1e-4)
    for way, without in (("pruned", {"layers": 1}), ("whole", {"rank": 0})):
        other = dataclasses.replace(small, **without)  # type: ignore[arg-type]
        causal.train(causal.Answers, written_rows[:20], written_rows[20:24], other, tmp_path / way)
    assert not any((tmp_path / way / ADAPTER[0]).exists() for way in ("pruned", "whole"))


def test_the_prompt_travels_without_a_template(trained: Path, llama: Path) -> None:
    asked = Prompt.read(trained / PROMPT)
    assert asked == Prompt("<|system|>What?<|end|><|user|>", "<|end|><|assistant|>", (1,), 12)
    assert "fields" not in read_json(trained / PROMPT)
    cut = prompt.cutter(Causal.load(llama).tokenizer)
    assert len(prompt.frame(asked, cut, 48).ids("the hat " * 100)) == 48
    with pytest.raises(FactoryError, match="leaves no room for a text"):
        prompt.frame(asked, cut, 6)


KILLED = """
import os, signal, sys
from pathlib import Path
from factory.row import read_rows
from factory.students.causal import Answers, WritingRecipe, train
llama, file, out, held = sys.argv[1:]
rows = read_rows(Path(file))
def kill(done, total):
    if done == 8:
        os.kill(os.getpid(), signal.SIGKILL)
recipe = WritingRecipe(llama, ("answer",), 48, rank=2, dropout=0.1, learning_rate=1e-2, epochs=3, instruction="What?")
train(Answers, rows[:int(held)], rows[int(held):], recipe, Path(out), kill)
"""


def test_killed_training_ends_with_the_same_bytes(
    recipe: WritingRecipe, written_rows: list[Row], tmp_path: Path
) -> None:
    """Five batches an epoch: it is killed within the second."""
    recipe = dataclasses.replace(recipe, rank=2, dropout=0.1, epochs=3, max_new_tokens=64)
    rows, held, whole, out = written_rows[:HELD], written_rows[HELD:], tmp_path / "whole", tmp_path / "out"
    causal.train(causal.Answers, rows, held, recipe, whole)
    write_rows(tmp_path / "rows.jsonl", written_rows)
    command = [sys.executable, "-c", KILLED, recipe.encoder, str(tmp_path / "rows.jsonl"), str(out), str(HELD)]
    killed = subprocess.run(command, capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr.decode()
    assert (out / "checkpoint" / "history.json").exists()
    seen: list[int] = []
    causal.train(causal.Answers, rows, held, recipe, out, lambda done, _: seen.append(done))
    assert seen[0] == 6
    for name in ("model.safetensors", "training.json", PROMPT):
        assert (out / name).read_bytes() == (whole / name).read_bytes()


def test_only_the_answer_counts_and_a_row_counts_its_weight(recipe: WritingRecipe, written_rows: list[Row]) -> None:
    learner = Causal.load(recipe.encoder)
    learner.model.double()  # in float32 the sums of differently padded batches differ by processor, from 1e-5 on
    rows = [row.model_copy(update={"weight": 0.25 if place else 1.0}) for place, row in enumerate(written_rows[:2])]
    lesson = causal.Answers(rows, rows, recipe, learner)
    wrong, weights = lesson.held_out(learner)
    sizes = [len(one.answer) for one in lesson.examples]
    assert weights.tolist() == [sizes[0], 0.25 * sizes[1]]
    each, counts = lesson.losses(learner, [0, 1])
    assert len(each) == sum(sizes) and counts.tolist() == [1.0] * sizes[0] + [0.25] * sizes[1]
    assert average(wrong, weights) == pytest.approx(average(each, counts), abs=1e-5)
    longer = [rows[0].model_copy(update={"text": rows[0].text + " and found"}), rows[1]]
    again, _ = causal.Answers(longer, longer, recipe, learner).held_out(learner)
    assert float(again[0]) != pytest.approx(float(wrong[0]), abs=1e-4)
    assert float(again[1]) == pytest.approx(float(wrong[1]), abs=1e-5)


def test_what_all_begin_with_is_read_once_and_said_of_as_if_each_had_read_it(llama: Path) -> None:
    learner = Causal.load(llama)
    learner.model.double()
    before, rests = [3, 4, 5, 6], [[7, 8, 9, 10, 11], [12, 13], [14, 15, 16]]
    said = learner.logits(before, rests, 2)
    for place, rest in enumerate(rests):
        alone = learner.logits([], [[*before, *rest]], 2)
        assert said[place].detach().numpy() == pytest.approx(alone[0].detach().numpy(), abs=1e-6)
    weight = learner.model.get_input_embeddings().weight
    said.square().sum().backward()
    shared = weight.grad.clone()
    learner.model.zero_grad()
    sum(learner.logits([], [[*before, *rest]], 2).square().sum() for rest in rests).backward()
    assert shared.numpy() == pytest.approx(weight.grad.numpy(), abs=1e-5)
    assert float(shared[before].abs().sum()) > 0


def example_of(recipe: WritingRecipe, source: Path, row: Row) -> tuple[causal.Example, Causal]:
    learner = Causal.load(source)
    return causal.Answers([row], [row], dataclasses.replace(recipe, fields=FIELDS), learner).examples[0], learner


def test_values_are_learned_but_for_those_that_nobody_told(recipe: WritingRecipe, llama: Path) -> None:
    row = Row(text="a red hat", record={"colour": "red"}, origin="reviewed", lineage=Lineage(spec="s"))
    told = row.model_copy(update={"attributes": {"told": "colour"}})
    (whole, learner), (partly, _) = (example_of(recipe, llama, one) for one in (row, told))
    assert learner.tokenizer.decode(whole.answer[:-1]) == '{"thing": null, "colour": "red"}'

    def learned(one: causal.Example) -> str:
        said: str = learner.tokenizer.decode([t for t, yes in zip(one.answer, one.learned, strict=True) if yes][:-1])
        return said

    assert learned(whole) == '{"thing": null, "colour": "red"}' and partly.answer == whole.answer
    assert learned(partly) == '{"thing": , "colour": "red"}'


@pytest.mark.parametrize("record", [{}, {"thing": "green hat"}, {"colour": "red"}, {"thing": "null", "colour": "grey"}])
def test_a_record_is_cut_into_the_tokens_that_the_zoo_lets_a_model_write(
    recipe: WritingRecipe, tmp_path: Path, record: dict[str, str]
) -> None:
    texts = [json.dumps({"thing": None, "colour": colour, "hat": "green hat"}) for colour in lost.COLOURS]
    source = tiny_llama.make(tmp_path, texts)
    row = Row(text="a text", record=record, origin="reviewed", lineage=Lineage(spec="s"))
    made, learner = example_of(recipe, source, row)
    tokenizer = prompt.cutter(learner.tokenizer)
    whole = "".join(part.text for part in prompt.record(FIELDS, record))
    assert made.answer[:-1] != tokenizer.encode(whole).ids, "else there is nothing to be seen here"
    guide = Guide(record_automaton({name: Form.of(name, one) for name, one in FIELDS.items()}), tokenizer)
    written, state = guide.forced(0)
    while not guide.ended(state):
        logits = np.zeros(len(learner.tokenizer), np.float32)
        logits[made.answer[len(written)]] = 1.0
        token, state, _ = guide.choose(logits, state, short=False)
        following, state = guide.forced(state)
        written = [*written, token, *following]
    assert written == made.answer[:-1]


def test_a_record_is_written_as_json_writes_it() -> None:
    parts = prompt.record(["borrower", "due"], {"borrower": ["Ada Lind"]}, ["borrower"])
    assert "".join(part.text for part in parts) == '{"borrower": ["Ada Lind"], "due": null}'
    assert [part.text for part in parts if not part.learned] == ["null"]
    for number in range(20):
        record = registry.sample(registry.STRATA[number % 8], number)[1]
        said = json.loads("".join(part.text for part in prompt.record(list(registry.FIELDS), record)))
        assert {name: value for name, value in said.items() if value is not None} == record
        assert list(said) == list(registry.FIELDS)


@pytest.fixture(scope="module")
def elder(recipe: WritingRecipe, written_rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has learned another answer to every text: its colour, and no mark."""
    out = tmp_path_factory.mktemp("elder")
    rows = [row.model_copy(update={"answer": (row.answer or "").rstrip("?")}) for row in written_rows]
    causal.train(causal.Answers, rows[:HELD], rows[HELD:], recipe, out)
    return out


def test_what_a_mentor_thinks_is_learned_in_its_share(
    elder: Path, recipe: WritingRecipe, written_rows: list[Row], tmp_path: Path
) -> None:
    texts = [row.text for row in written_rows[HELD:]]
    said = {}
    for share in (0.05, 1.0):
        taught = dataclasses.replace(recipe, mentor=str(elder), distil=share, softness=1.0)
        causal.train(causal.Answers, written_rows[:HELD], written_rows[HELD:], taught, tmp_path / str(share))
        found = opened(tmp_path / str(share), "generation", ["answer"], 48).predict(texts)
        said[share] = sum(one.text.endswith("?") for one in found)
    assert said[0.05] >= 6 and said[1.0] <= 2  # people's answers end with a mark, the mentor's do not
    told = read_json(tmp_path / "1.0" / "training.json")["recipe"]
    assert told["mentor"] == elder.name and told["distil"] == 1.0  # and no place on this machine


def test_a_mentor_of_another_family_is_refused(recipe: WritingRecipe, written_rows: list[Row], tmp_path: Path) -> None:
    other = tiny_llama.make(tmp_path / "other", ["quite other words than these, of which there are some"])
    taught = dataclasses.replace(recipe, mentor=str(other), distil=0.5, softness=2.0)
    with pytest.raises(SpecError, match=r"(?s)other tokens than the student.*where: student\.distil\.model"):
        causal.train(causal.Answers, written_rows[:HELD], written_rows[HELD:], taught, tmp_path / "out")


@given(st.integers(0, 2**31), st.integers(1, 4), st.integers(2, 9), st.sampled_from([0.5, 1.0, 4.0]))
def test_divergence_is_none_from_oneself_and_never_below(seed: int, rows: int, size: int, temperature: float) -> None:
    import torch

    torch.manual_seed(seed)
    mine, theirs = torch.randn(rows, size, dtype=torch.float64), torch.randn(rows, size + 2, dtype=torch.float64)
    assert torch.allclose(divergence(mine, mine, temperature), torch.zeros(rows), atol=1e-5)
    found = divergence(mine, theirs, temperature)
    p, q = (torch.softmax(one[:, :size].float() / temperature, -1) for one in (theirs, mine))
    by_hand = temperature**2 * (p * (p / q).log()).sum(-1)
    assert (found >= 0).all() and torch.allclose(found, by_hand, atol=1e-4)
