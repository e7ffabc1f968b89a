"""Specialists whose model a server runs: what it is asked, what comes of its tokens, and what it is started with."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import served
import tiny_causal
import tiny_kinds
from hypothesis import given
from hypothesis import strategies as st

import zoo
from zoo.__main__ import main
from zoo.errors import BadInput, Unanswered
from zoo.guide import Guide
from zoo.manifest import PROMPT
from zoo.prompt import Prompt
from zoo.record_grammar import record_automaton

TOKENIZER = tiny_causal.tokenizer()
END = 1


@contextmanager
def serving(answer: Callable[[dict[str, Any]], dict[str, Any] | int]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server for completions; a number is a status. Its address, and what it is asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append({**body, "path": self.path, "key": self.headers.get("Authorization")})
            said = answer(body)
            data = json.dumps(said).encode()
            self.send_response(said if isinstance(said, int) else 200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        server.server_close()


def completion(ids: list[int], others: Mapping[int, float] | None = None) -> dict[str, Any]:
    """As vLLM says it: each token is half as likely as it might be, the one that stops it among them."""
    likely = {f"token_id:{one}": math.log(p) for one, p in (others or {}).items()}
    places = [{**likely, f"token_id:{one}": math.log(0.5)} for one in ids]
    return {"choices": [{"token_ids": ids, "logprobs": {"top_logprobs": places}}]}


def writing(text: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A server that wants to have written this behind the prompt, letter by letter."""

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        given = bytes_of(body["prompt"]).rpartition(b"<|end|>\n")[2]
        rest = text.encode()[len(given) :].decode()
        return completion([*(one for letter in rest for one in cut(letter)), END][: body["max_tokens"]])

    return answer


def bytes_of(ids: list[int]) -> bytes:
    return str(TOKENIZER.decode(ids, skip_special_tokens=False)).encode()


def cut(words: str) -> list[int]:
    found: list[int] = TOKENIZER.encode(words, add_special_tokens=False).ids
    return found


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return tiny_kinds.make(tmp_path_factory.mktemp("engine"))


def test_words_are_those_of_its_tokens_and_as_likely(folders: Any) -> None:
    with serving(lambda body: completion([*cut(" Hello you"), END])) as (url, asked):
        writer: zoo.Writer = zoo.load(folders["generation"], engine=zoo.Engine(url, "secret"))
        said = writer.predict("law")
    assert (said.text, said.complete, said.unsure) == ("Hello you", True, True)
    assert said.score == pytest.approx(0.5)
    (body,) = asked
    here: zoo.Writer = zoo.load(folders["generation"])
    assert body["prompt"] == here._frame.ids("law")
    assert (body["model"], body["path"], body["key"]) == ("test/generation@1.0.0", "/v1/completions", "Bearer secret")
    assert (body["temperature"], body["max_tokens"], body["stop_token_ids"]) == (0, 24, [END])


def test_an_answer_without_an_end_is_not_complete(folders: Any) -> None:
    with serving(lambda body: completion(cut("Hello"))) as (url, _):
        writer: zoo.Writer = zoo.load(folders["generation"], engine=url)
        said = writer.predict("law")
    assert (said.text, said.complete, said.unsure) == ("Hello", False, True)


def test_a_record_is_that_of_its_tokens_and_what_had_to_follow_counts_nothing(folders: Any) -> None:
    with serving(writing('{"who": "Ada", "day": null}')) as (url, asked):
        extractor: zoo.Extractor = zoo.load(folders["extraction"], engine=url)
        said = extractor.predict("Ada was here")
    assert (said.values, said.complete) == ({"who": "Ada"}, True)
    assert said.score == pytest.approx(0.5) and said.scores == pytest.approx({"who": 0.5, "day": 0.5})
    here: zoo.Extractor = zoo.load(folders["extraction"])
    assert asked[0]["prompt"] == [*here._frame.ids("Ada was here"), *here._guide.forced(0)[0]]
    assert len(asked) < 6, "it is asked anew only where it cuts otherwise what has to follow"


def test_where_it_would_write_what_may_not_stand_the_likeliest_of_the_rest_is_taken(folders: Any) -> None:
    (quote,), (nine,), (n,) = cut('"'), cut("9"), cut("n")

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        given = bytes_of(body["prompt"])
        others = {quote: 0.2, nine: 0.1, n: 0.3}
        return completion(cut("<>") if given.endswith(b": ") else cut('Ada"'), others)

    with serving(answer) as (url, _):
        extractor: zoo.Extractor = zoo.load(folders["extraction"], engine=url)
        said = extractor.predict("Ada was here")
    assert said.values == {"who": "Ada"} and said.complete, "null is likelier than a date, and who may not be null"
    assert said.scores == pytest.approx({"who": 0.5, "day": 0.3})


@pytest.mark.parametrize(
    ("text", "values"),
    [('{"who": "Ada L', {"who": "Ada L"}), ('{"who": "Ada", "da', {"who": "Ada"}), ("So: {", None), ("", None)],
)
def test_a_record_that_broke_off_is_closed_and_says_so(folders: Any, text: str, values: Any) -> None:
    with serving(writing(text)) as (url, asked):
        extractor: zoo.Extractor = zoo.load(folders["extraction"], engine=url)
        said = extractor.predict("Ada was here")
    assert not said.complete and said.unsure and (values is None or said.values == values)
    assert set(said.values) <= {"who", "day"} and 0 < said.score <= 1 and len(asked) < 5


@given(st.text('a"é{}:, null', max_size=30), st.integers(0, 2**32))
def test_whatever_an_engine_writes_a_record_comes_of_it(words: str, seed: int) -> None:
    fields = Prompt._of(tiny_kinds.RECORDS["prompt"]).fields
    guide = Guide(record_automaton(fields), TOKENIZER)
    ids, state = guide.forced(0)
    for token in cut(words):
        chosen = None if guide.ended(state) else guide.choose_among({token: -0.1, seed % 300: -2.0}, state)
        if chosen is None:
            break
        following, state = guide.forced(chosen[1])
        ids = [*ids, chosen[0], *following]
    assert list(json.loads(guide.said([*ids, *guide.closing(state)]))) == ["who", "day"]


def test_a_list_is_asked_side_by_side_in_its_order(folders: Any) -> None:
    gate = threading.Barrier(4, timeout=20)

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        gate.wait()
        return completion([*body["prompt"][-3:-2], END])

    with serving(answer) as (url, asked):
        writer: zoo.Writer = zoo.load(folders["generation"], engine=zoo.Engine(url, concurrency=4))
        said = writer.predict(list("abcdefgh"))
    assert [one.text for one in said] == list("abcdefgh") and len(asked) == 8
    assert writer.predict([]) == []


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (503, "HTTP 503"),
        ({"choices": []}, "no completion"),
        ({"choices": [{"text": "Hi"}]}, "no completion"),
        (
            {"choices": [{**completion([1, 2])["choices"][0], "token_ids": [1]}]},
            "1 tokens, and not the probability of each",
        ),
        ({"choices": [{**completion([1])["choices"][0], "token_ids": [2]}]}, "not the probability of each"),
    ],
)
def test_an_engine_that_does_not_answer_says_what_to_do(folders: Any, answer: Any, says: str) -> None:
    with serving(lambda body: answer) as (url, _):
        writer: zoo.Writer = zoo.load(folders["generation"], engine=url)
        with pytest.raises(Unanswered, match=says) as found:
            writer.predict("law")
    assert url in str(found.value) and "zoo engine" in found.value.fix
    with pytest.raises(Unanswered, match="ConnectionRefusedError"):
        writer.predict("law")


def test_others_run_here_and_what_engines_can_not_do_is_refused(folders: Any) -> None:
    assert zoo.load(folders["spans"], engine="http://127.0.0.1:1/v1").predict("word1")
    odd = tiny_causal.make(folders["hub"] / "odd", **tiny_kinds.WORDS, temperature=2.0)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="divides logits by 2"):
        zoo.load(odd, engine="http://127.0.0.1:1/v1")
    with pytest.raises(BadInput, match="not the address"):
        zoo.Engine("elsewhere")


def test_the_command_line_asks_an_engine(
    folders: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_ENGINE_KEY", "secret")
    with serving(lambda body: completion([*cut("Hello"), END])) as (url, asked):
        named = ["predict", "test/generation", "law", "--hub", str(folders["hub"]), "--engine", url]
        assert main(named) == 0
    assert capsys.readouterr().out.split("\t")[0] == "Hello" and asked[0]["key"] == "Bearer secret"


async def test_a_service_asks_an_engine_and_tells_no_client_where_it_is(folders: Any) -> None:
    with serving(lambda body: completion([*cut("Hello"), END])) as (url, asked):
        how: dict[str, Any] = {"hub": folders["hub"], "engine": url}
        async with served.serving(["test/generation", "test/spans"], **how) as client:
            said = (await served.ask(client, "test/generation", ["law", "order"])).json()
            spans = (await served.ask(client, "test/spans", "word1")).json()
    assert [one["text"] for one in said["answers"]] == ["Hello", "Hello"] and len(asked) == 2
    assert spans["answers"][0]["spans"]
    with serving(lambda body: 503) as (url, _):
        async with served.serving(["test/generation"], hub=folders["hub"], engine=url) as client:
            down = await served.ask(client, "test/generation", "law")
    assert down.status_code == 503 and url not in down.text


def adapted(folder: Path, rank: int, **sealed: Any) -> None:
    (folder / "adapter").mkdir()
    (folder / "adapter/adapter_config.json").write_text(json.dumps({"r": rank}))
    tiny_kinds.tiny.seal(folder, **sealed)


def test_what_vllm_is_started_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hub = tmp_path / "hub"
    folders = tiny_kinds.make(hub)
    out = tmp_path / "engine.yaml"
    alone = ["engine", "test/generation", "--hub", str(hub), "--out", str(out), "--port", "8123"]
    assert main(alone) == 0
    assert capsys.readouterr().out == f"vllm serve --config {out}\n"
    assert json.loads(out.read_text()) == {
        "host": "127.0.0.1", "port": 8123, "model": str(folders["generation"]),
        "served-model-name": ["test/generation@1.0.0"], "max-model-len": 84, "generation-config": "vllm",
    }  # fmt: skip
    both = ["test/generation", "test/extraction", "--hub", str(hub), "--out", str(out)]
    for arguments, says in (
        (["engine", *both], "Several specialists need one base"),
        (["engine", *both, "--base", "large"], "without an adapter"),
        (["engine", "test/spans", *both[2:]], "writes nothing"),
        (["engine", *both[:-1], str(tmp_path / "engine.json")], "end in .yaml"),
    ):
        assert main(arguments) == 1
        assert says in capsys.readouterr().err
    adapted(folders["generation"], 4, name="test/generation", kind="generation", labels=("answer",), max_tokens=60)
    fields = tuple(tiny_kinds.FIELDS)
    adapted(folders["extraction"], 20, name="test/extraction", kind="extraction", labels=fields, max_tokens=60)
    assert main(["engine", *both, "--base", "large"]) == 0
    config = json.loads(out.read_text())
    assert (config["model"], config["enable-lora"], config["max-loras"], config["max-lora-rank"]) == (
        "large", True, 2, 32,
    )  # fmt: skip
    assert config["lora-modules"] == [
        f"test/{kind}@1.0.0={folders[kind] / 'adapter'}" for kind in ("generation", "extraction")
    ]
    longest = max(Prompt.read(folders[kind] / PROMPT).max_new_tokens for kind in ("generation", "extraction"))
    assert config["max-model-len"] == 60 + longest
    (folders["generation"] / "adapter/adapter_config.json").write_text('{"r": 512}')
    tiny_kinds.tiny.seal(folders["generation"], name="test/generation", kind="generation", labels=("answer",))
    assert main(["engine", *both, "--base", "large"]) == 1
    assert "a rank up to 256; one of these has 512" in capsys.readouterr().err
