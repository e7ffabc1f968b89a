"""The service beside its own OpenAPI description: schemathesis asks what that allows, and what it does not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import tiny
import tiny_causal
from large_model import LargeModel
from running import running

import zoo
from zoo.manifest import SPANS
from zoo.serve.keys import SCOPES, KeyFile

SOAK = bool(os.environ.get("FACTORY_SOAK"))
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "unsupported_method",
)  # fmt: skip
CONFIG = """
[generation]
max-examples = {most}

[[operations]]
include-path-regex = ".*/predict"
generation.max-examples = {predict}

[dictionaries.tasks]
values = ["label", "span", "words", "record"]

[dictionaries.texts]
values = ["word1 word2", "word3", "  "]

[dictionaries.ids]
values = [{ids}]

[parameters]
"path.vertical" = "test"
"path.name" = "kitchen"
"path.task" = {{ dictionary = "tasks", probability = 0.9 }}
"path.id" = {{ dictionary = "ids", probability = 0.9 }}
"body.text" = {{ dictionary = "texts", probability = 0.5 }}
"""
"""Where what is asked for is there: names made up all day long would never meet a specialist."""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A specialist of each kind; the classifier is often unsure, and says what a large model is asked."""
    root = tmp_path_factory.mktemp("described")
    tiny.seal(tiny.ask(tiny.make(root / "test/label/1.0.0")), name="test/label", threshold=0.6)
    tiny.make(root / "test/span/1.0.0", name="test/span", kind=SPANS, labels=tiny.TYPES)
    words = {"Ċ": "H", "H": "i", "i": tiny_causal.END}
    tiny_causal.make(root / "test/words/1.0.0", after=words, name="test/words")
    fields = {"law": {"type": "text"}, "free": {"type": "boolean", "required": True}}
    prompt = {**tiny_causal.PROMPT_JSON, "fields": fields, "max_new_tokens": 60}
    named = {"kind": "extraction", "labels": ("law", "free"), "name": "test/record"}
    tiny_causal.make(root / "test/record/1.0.0", after={}, prompt=prompt, **named)
    return root


@pytest.mark.real
@pytest.mark.parametrize("keys", [False, True], ids=["open", "keys"])
def test_no_request_makes_it_fail_or_answer_otherwise_than_it_says(hub: Path, tmp_path: Path, keys: bool) -> None:
    found = shutil.which("schemathesis", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert found, "schemathesis is missing: it is among requirements/app.lock"
    with zoo.AuditLog(tmp_path / "log") as log:
        asked = zoo.audited(zoo.load("test/label", hub=hub), log)
        ids = [asked.predict(text).id for text in ("word1", "word2")]
    steps = [{"name": "mood", "asked": "test/label"}]
    steps += [{"name": "things", "asked": "test/span", "source": "mood", "feed": "word1 {answer} {text}"}]
    chain = tmp_path / "kitchen.json"
    chain.write_text(json.dumps({"format": 1, "name": "kitchen", "steps": steps}))
    often = {"most": 1000, "predict": 10_000} if SOAK else {"most": 10, "predict": 100}
    (tmp_path / "schemathesis.toml").write_text(CONFIG.format(ids=", ".join(f'"{id}"' for id in ids), **often))
    checks = ",".join([*CHECKS, *(["ignored_auth"] if keys else [])])
    command = [found, "--config-file", "schemathesis.toml", "run", "--checks", checks, "--workers", "1"]
    command += ["--phases", "coverage,fuzzing,stateful", "--no-shrink", "--suppress-health-check=all"]
    command += ["--request-timeout", "60"]
    if not SOAK:  # the same questions each time, of which enough are good ones
        command += ["--generation-deterministic"]
    more = ["--audit", str(tmp_path / "log"), "--chain", str(chain)]
    headers = {}
    if keys:
        file = KeyFile(tmp_path / "keys.json")
        headers = {"Authorization": f"Bearer {file.add('schemathesis', SCOPES)}"}
        command += [f"--header={name}: {value}" for name, value in headers.items()]
        more += ["--keys", str(file.path)]
    names = [f"test/{name}" for name in ("label", "span", "words", "record")]
    with LargeModel(lambda body: tiny.LABELS[len(str(body)) % 3]) as model:
        more += ["--fallback", f"test/label={model.url}", "--fallback-model", "large"]
        with running(*names, "--hub", str(hub), *more) as service:
            command += [f"{service.url}/v1/openapi.json"]
            ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=3600)
            assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr
            counts = httpx.get(f"{service.url}/metrics", headers=headers).text
            code, said = service.end()
    assert code == 0 and "Traceback" not in said, said
    for name in (*names, "kitchen"):
        assert f'zoo_requests_total{{specialist="{name}",status="200"}}' in counts, f"{name} was never asked well"
    with zoo.AuditLog(tmp_path / "log") as log:
        assert not log.verify().problems
