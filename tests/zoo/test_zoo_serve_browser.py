"""The paths of the page that answers in the browser: only with libraries, and only files that were published."""

from __future__ import annotations

from pathlib import Path

import pytest
from served import NAME, problem, serving

from zoo.errors import BadInput
from zoo.serve.keys import KeyFile
from zoo.serve.libraries import FILES, find

FOLDER = f"/v1/specialists/{NAME}/files"


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """A folder in which npm seems to have been run."""
    for path in FILES.values():
        file = tmp_path / "npm/node_modules" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"// {path}")
    return tmp_path / "npm"


def test_libraries_are_found_in_the_folder_or_its_modules(modules: Path) -> None:
    assert find(modules) == find(modules / "node_modules")
    (modules / "node_modules" / FILES["transformers.js"]).unlink()
    with pytest.raises(BadInput, match="not in this folder") as caught:
        find(modules)
    assert "transformers.min.js" in caught.value.where and "npm install --prefix" in caught.value.fix


async def test_only_what_was_published_is_given_out(copy: Path, modules: Path) -> None:
    (copy / "notes.txt").write_text("not published")
    async with serving([copy], edge=modules) as ask:
        assert "wasm-unsafe-eval" in (await ask.get("/edge")).headers["content-security-policy"]
        assert "wasm-unsafe-eval" not in (await ask.get("/")).headers["content-security-policy"]
        assert (await ask.get("/edge/ort.js")).text == f"// {FILES['ort.js']}"
        assert (await ask.get("/edge/ort.js")).headers["content-type"].startswith("text/javascript")
        assert (await ask.get("/edge/package.json")).status_code == 404
        for script in ("edge.js", "edge_page.js"):
            assert (await ask.get(f"/page/{script}")).status_code == 200
        for path in ("manifest.json", "tokenizer.json", "onnx/model_int8.onnx"):
            assert (await ask.get(f"{FOLDER}/{path}")).content == (copy / path).read_bytes()
        for path in ("notes.txt", "onnx", "..%2f..%2fetc/passwd", "onnx/%2e%2e/notes.txt"):
            assert (await ask.get(f"{FOLDER}/{path}")).status_code == 404


async def test_without_libraries_nothing_is_given_out(copy: Path) -> None:
    async with serving([copy]) as ask:
        for path in ("/edge", "/edge/ort.js", f"{FOLDER}/manifest.json"):
            answer = await ask.get(path)
            assert "--edge FOLDER" in problem(answer, 404)["fix"]


async def test_files_need_the_scope_read(copy: Path, modules: Path, tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    keys = {scope: file.add(scope, [scope]) for scope in ("read", "predict")}
    async with serving([copy], edge=modules, keys=file.path) as ask:
        found = {
            scope: (await ask.get(f"{FOLDER}/manifest.json", headers={"Authorization": f"Bearer {key}"})).status_code
            for scope, key in keys.items()
        }
        assert found == {"read": 200, "predict": 403}
        assert (await ask.get(f"{FOLDER}/manifest.json")).status_code == 401
