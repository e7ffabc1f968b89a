import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
from large_model import LargeModel

import zoo
from zoo.__main__ import main

ROOT = Path(zoo.__file__).parent.parent


@pytest.fixture
def ask(hub, monkeypatch, capsys):
    """ask(*arguments, stdin=b""): run the command in this process; returns (exit code, stdout, stderr)."""
    monkeypatch.setenv("ZOO_HUB", str(hub))

    def run(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


def test_list(ask):
    assert ask("list") == (0, "finance/sentiment\t2.0.0, 1.10.0, 1.2.0, 1.0.0\nsupport/intent\t1.0.0\n", "")


def test_show(ask):
    code, out, _ = ask("show", "finance/sentiment@1")
    assert code == 0
    for text in ("finance/sentiment@1.10.0", "negative, neutral, positive", "int8 (default)", "below 0.500", "abc"):
        assert text in out
    assert "WARNING" not in out and "nothing is promised" not in out
    assert json.loads(ask("show", "support/intent", "--json")[1])["name"] == "support/intent"


def test_show_says_what_is_promised(ask, hub):
    folder = hub / "support/intent/1.0.0"
    tiny.seal(folder, name="support/intent", risk=0.05)
    assert "below 0.500; of the others at most 5 % are wrong" in ask("show", "support/intent")[1]
    tiny.seal(folder, name="support/intent", risk=0.05, thresholds={tiny.LABELS[0]: 0.9})
    assert f"{tiny.LABELS[0]} below 0.900, others below 0.500; of the" in ask("show", "support/intent")[1]
    tiny.seal(folder, name="support/intent", threshold=None, risk=0.05, thresholds={tiny.LABELS[0]: 0.9})
    assert f"{tiny.LABELS[0]} below 0.900, others always; of the" in ask("show", "support/intent")[1]
    tiny.seal(folder, name="support/intent", threshold=None, risk=0.05)
    assert "never: no threshold could be shown, so nothing is promised" in ask("show", "support/intent")[1]


def test_show_warns_of_a_failed_gate(ask, hub):
    tiny.seal(hub / "support/intent/1.0.0", name="support/intent", forced=True)
    assert "gate failed" in ask("show", "support/intent")[1]


def test_pull_prints_the_folder(ask, hub, server):
    assert ask("pull", "support/intent")[1] == f"{hub / 'support/intent/1.0.0'}\n"
    folder = Path(ask("pull", "support/intent", "--hub", server.address)[1].strip())
    assert (folder / "manifest.json").is_file()
    assert folder.is_relative_to(hub.parent / "cache")


def test_verify(ask, hub):
    folder = hub / "support/intent/1.0.0"
    code, out, _ = ask("verify", folder)
    assert code == 0
    assert "support/intent@1.0.0: 5 files" in out
    (folder / "config.json").write_text("[]")
    for name in ("support/intent", folder):
        code, out, err = ask("verify", name)
        assert (code, out) == (1, "")
        assert "config.json is not the file that was published" in err


def test_predict_arguments(ask, hub):
    expected = zoo.load("support/intent", hub=hub).predict("word1")
    code, out, err = ask("predict", "support/intent", "word1", "word2\tword3")
    assert (code, err) == (0, "")
    first, second = (line.split("\t") for line in out.splitlines())
    assert first == [expected.label, f"{expected.confidence:.4f}", "unsure" if expected.unsure else "sure", "word1"]
    assert second[3] == "word2 word3"


def test_predict_scores_and_weights(ask):
    _, out, _ = ask("predict", "support/intent", "word1", "--scores", "--weights", "fp32")
    scores = dict(pair.split("=") for pair in out.split("\t")[3].split(" "))
    assert set(scores) == set(tiny.LABELS)
    assert list(scores.values()) == sorted(scores.values(), reverse=True)


def test_predict_lines_as_json(ask, hub):
    _, out, _ = ask("predict", "support/intent", "--jsonl", "--scores", stdin="word1\r\nwörd2\n".encode())
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["text"] for row in rows] == ["word1", "wörd2"]
    expected = zoo.load("support/intent", hub=hub).predict("word1", scores=True)
    assert rows[0]["scores"] == expected.scores
    assert rows[0]["label"] == expected.label


def test_predict_without_a_threshold_calls_nothing_sure(ask, hub):
    tiny.seal(hub / "support/intent/1.0.0", name="support/intent", threshold=None)
    assert ask("predict", "support/intent", "word1")[1].split("\t")[2] == "no promise"


def test_predict_with_a_fallback_says_who_answered_and_why(ask, hub, monkeypatch):
    folder = tiny.seal(tiny.ask(hub / "support/intent/1.0.0"), name="support/intent", threshold=0.6)
    expected = zoo.load(folder).predict(["word3", "word5"])
    monkeypatch.setenv("ZOO_FALLBACK_KEY", "secret")
    with LargeModel(lambda body: "neutral") as model:
        named = ["--fallback", model.url, "--fallback-model", "large"]
        code, out, err = ask("predict", "support/intent", "word3", "word5", *named)
        assert (code, err) == (0, "")
        for line, one, text in zip(out.splitlines(), expected, ("word3", "word5"), strict=True):
            found = ["neutral", "-", "sure", "unsure_escalated", "large", text]
            known = [one.label, f"{one.confidence:.4f}", "sure", "answered", "support/intent@1.0.0", text]
            assert line.split("\t") == (found if one.unsure else known)
        assert [one.unsure for one in expected] == [True, False]
        assert [headers["Authorization"] for headers, _ in model.asked] == ["Bearer secret"]
        spent = json.loads(ask("predict", "support/intent", "word3", *named, "--fallback-calls", "0", "--jsonl")[1])
    assert (spent["label"], spent["unsure"], spent["reason"]) == (expected[0].label, True, "budget_spent")
    down = json.loads(ask("predict", "support/intent", "word3", *named, "--jsonl")[1])
    assert (down["reason"], down["tier"]) == ("fallback_down", "support/intent@1.0.0")


def test_predict_shows_a_fallback_rows_that_people_labelled(ask, hub, tmp_path):
    tiny.seal(tiny.ask(hub / "support/intent/1.0.0"), name="support/intent", threshold=1.0)
    (tmp_path / "rows.csv").write_text("label,text\nnegative,word7\npositive,word9\n")
    with LargeModel(lambda body: "neutral") as model:
        named = ["--fallback", model.url, "--fallback-model", "large", "--fallback-shots"]
        code, _, err = ask("predict", "support/intent", "word3", *named, str(tmp_path / "rows.csv"))
        assert (code, err) == (0, "")
        code, _, err = ask("predict", "support/intent", "word3", *named, f"support/other={tmp_path / 'rows.csv'}")
        assert code == 1 and "a file of rows for support/other" in err
        ((_, shown),) = model.asked
    assert [one["content"] for one in shown["messages"][2::2]] in (["negative", "positive"], ["positive", "negative"])
    assert len(shown["messages"]) == 6
    code, _, err = ask("predict", "support/intent", "w", *named, "/no/rows.csv")
    assert code == 1 and "/no/rows.csv" in err and "Traceback" not in err


def test_predict_with_a_larger_specialist_behind(ask, hub):
    tiny.seal(hub / "support/intent/1.0.0", name="support/intent", threshold=1.0)
    _, out, _ = ask("predict", "support/intent", "word1", "--fallback", "finance/sentiment@2.0.0")
    assert out.split("\t")[4] == "finance/sentiment@2.0.0"
    named = ("--fallback", "finance/sentiment@2.0.0", "--scores", "--jsonl")
    assert set(json.loads(ask("predict", "support/intent", "word1", *named)[1])["scores"]) == set(tiny.LABELS)


def test_predict_may_be_told_from_which_confidence_to_answer(ask, hub):
    folder = tiny.seal(hub / "support/intent/1.0.0", name="support/intent", threshold=None)
    texts = ["word3", "word5"]
    confidences = [one.confidence for one in zoo.load(folder).predict(texts)]
    least = max(confidences)
    told = ("--fallback", "finance/sentiment@2.0.0", "--jsonl", "--unpromised")
    lines = ask("predict", "support/intent", *texts, *told, str(least))[1].splitlines()
    assert [json.loads(line)["reason"] == "answered" for line in lines] == [one == least for one in confidences]
    for nonsense in ("1.5", "nan", "perhaps"):
        code, out, err = ask("predict", "support/intent", *texts, *told, nonsense)
        assert (code, out) == (1, "") and "'escalate', 'answer' or a number from 0 to 1" in err


def test_a_bad_line_costs_no_other_line_its_answer(ask):
    lines = b"word1\n\nword2 \xff\nword3\n"
    code, out, err = ask("predict", "support/intent", "--jsonl", stdin=lines)
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert ["error" in row for row in rows] == [False, True, True, False]
    assert "text 2: The text is empty." in err
    code, out, _ = ask("predict", "support/intent", stdin=lines)
    assert code == 1
    assert [bool(line) for line in out.splitlines()] == [True, False, False, True]


def test_predict_over_a_file_tells_how_far_it_is_and_loses_no_good_row(ask, tmp_path):
    rows = ['{"said": "word1"}', "{", '{"said": ""}', '{"said": "word3"}']
    (tmp_path / "a.jsonl").write_text("\n".join(rows))
    command = ["predict", "support/intent", "--in", tmp_path / "a.jsonl", "--column", "said", "--jsonl"]
    code, out, err = ask(*command, "--progress")
    found = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [one.get("text") for one in found] == ["word1", None, "", "word3"]
    assert ["error" in one for one in found] == [False, True, True, False]
    assert "text 2: The line is not JSON" in err and "zoo: 4 texts, " in err
    assert "a second" not in ask(*command)[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["predict", "support/intent", "word1", "--in", "a.csv"], "not from both"),
        (["predict", "support/intent", "--in", "/no/such.csv"], "No such file"),
        (["show", "finance/sentimnt"], "Did you mean finance/sentiment?"),
        (["show", "finance/sentiment@7"], "Use one of: 2.0.0"),
        (["show", "nonsense"], "not the name of a specialist"),
        (["list", "--hub", "/no/such/folder"], "There is no hub here"),
        (["verify", "/no/such/folder"], "no manifest.json"),
        (["predict", "support/intent", "word1", "--threads", "0"], "threads"),
        (["predict", "support/intent", "word1", "--fallback", "http://x/v1"], "--fallback-model NAME"),
        (["predict", "support/intent", "word1", "--fallback", "support/nothing"], "no specialist named"),
        (
            ["predict", "support/intent", "w", "--fallback", "support/intent", "--fallback-calls", "1"],
            "not a specialist",
        ),
        (["predict", "support/intent", "w", "--fallback", "http://x/v1", "--fallback-model", "m"], "holds no ask.json"),
    ],
)
def test_errors_are_words_and_an_exit_code(ask, arguments, said):
    code, out, err = ask(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith("zoo: ")
    assert said in err
    assert "Traceback" not in err


def test_wrong_usage_is_two(ask):
    for arguments in ([], ["dance"], ["show"]):
        with pytest.raises(SystemExit) as caught:
            ask(*arguments)
        assert caught.value.code == 2


def test_as_a_module_and_into_a_closed_pipe(hub):
    command = [sys.executable, "-m", "zoo", "predict", "support/intent", "--hub", str(hub)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(b"word1\n")
    process.stdin.flush()
    assert process.stdout.readline().decode().split("\t")[0] in tiny.LABELS  # answers line by line, before the end
    process.stdout.close()
    _, err = process.communicate(b"word1\n" * 100)
    assert process.returncode == 1
    assert b"Traceback" not in err
    assert b"Exception" not in err


def test_importing_the_zoo_imports_nothing_heavy():
    code = (
        "import sys, zoo, zoo.__main__; heavy = {'numpy', 'onnxruntime', 'tokenizers', 'huggingface_hub', 'factory', "
        "'torch', 'transformers'}; print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_imported_later_is_there_all_the_same():
    for name in zoo.__all__:
        assert getattr(zoo, name) is not None and name in dir(zoo)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = zoo.Nothing
    code = "import sys, zoo; print([name for name in sys.modules if name.startswith(('zoo.rollout', 'zoo.chain'))])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
