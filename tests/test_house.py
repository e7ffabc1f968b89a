"""The house rules that a machine can check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 400


def tracked(*patterns: str) -> list[Path]:
    """Files that git knows or would know, without what it ignores; the folder's own where there is no git."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return sorted({ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()})


def imports(file: Path) -> Iterator[str]:
    """Full names of the modules a file imports, inside functions too."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: import by full name"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def importers(package: str, *folders: str) -> set[str]:
    """The files under these folders that import a package."""
    files = tracked(*(f"{folder}/*.py" for folder in folders))
    assert files
    return {
        file.relative_to(ROOT).as_posix()
        for file in files
        if any(name == package or name.startswith(f"{package}.") for name in imports(file))
    }


def outside(found: set[str], *allowed: str) -> set[str]:
    return {name for name in found if not name.startswith(allowed)}


def test_imports_go_one_way() -> None:
    assert not importers("factory", "zoo")
    assert not importers("flows", "zoo", "factory")
    assert not importers("tests", "zoo", "factory", "flows")


def graph(room: Callable[[str], str]) -> dict[str, set[str]]:
    """What imports what, type hints' sake and functions' own imports included; `room` calls a module by its place."""
    files = tracked("zoo/*.py", "factory/*.py", "flows/*.py")
    dotted = [file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for file in files]
    modules = dict(zip((name.removesuffix(".__init__") for name in dotted), files, strict=True))
    found: dict[str, set[str]] = {}
    for module, file in modules.items():
        if module.endswith("__main__"):  # a program stands above all that it starts
            continue
        for name in imports(file):
            asked = next((known for known in (name, name.rpartition(".")[0]) if known in modules), module)
            if room(asked) != room(module) and not module.startswith(f"{asked}."):  # its package comes first anyway
                found.setdefault(room(module), set()).add(room(asked))
    return found


@pytest.mark.parametrize("room", [str, lambda module: ".".join(module.split(".")[:2])], ids=["modules", "packages"])
def test_no_imports_run_in_a_circle(room: Callable[[str], str]) -> None:
    found = graph(room)
    assert len(found) > 60
    TopologicalSorter(found).prepare()


def test_engines_stay_in_their_rooms() -> None:
    assert not outside(importers("prefect", "zoo", "factory", "flows"), "flows/")
    assert not outside(
        importers("distilabel", "zoo", "factory", "flows"), "factory/generate/", "factory/teacher/llm.py"
    )
    argilla = importers("argilla", "zoo", "factory", "flows") | importers("argilla_server", "zoo", "factory", "flows")
    assert argilla
    assert not outside(argilla, "factory/review/", "factory/services/argilla/")


@pytest.mark.parametrize("package", ["torch", "transformers", "peft", "requests", "aiohttp"])
def test_the_zoo_is_light(package: str) -> None:
    assert not importers(package, "zoo")


@pytest.mark.parametrize("package", ["fastapi", "starlette", "uvicorn", "prometheus_client", "pydantic", "markdown_it"])
def test_what_an_extra_brings_stays_in_its_room(package: str) -> None:
    found = importers(package, "zoo")
    assert found
    assert not outside(found, "zoo/serve/")


def test_signatures_are_the_affair_of_one_file() -> None:
    assert importers("cryptography", "zoo") == {"zoo/signing.py"}


def test_the_database_is_the_affair_of_few_files() -> None:
    assert not outside(importers("psycopg", "zoo", "factory", "flows"), "zoo/audit/postgres")


@pytest.mark.parametrize("package", ["pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"])
def test_nothing_that_runs_code_is_read(package: str) -> None:
    assert not importers(package, "zoo", "factory", "flows", "benchmarks")


@pytest.mark.parametrize(
    "pattern",
    [
        r"\btorch\.(load|save)\(",
        r"trust_remote_code\s*=\s*True",
        r"allow_pickle\s*=\s*True",
        r"yaml\.(load|unsafe_load)\((?!.*Loader=_UniqueKeys)",
        r"\b0\.0\.0\.0\b",
        r"shell\s*=\s*True",
    ],
)
def test_what_the_code_never_says(pattern: str) -> None:
    said = [
        f"{file.relative_to(ROOT)}: {found[0]}"
        for file in tracked("zoo/*.py", "factory/*.py", "flows/*.py", "benchmarks/*.py")
        if (found := re.search(pattern, file.read_text()))
    ]
    assert not said


def test_no_file_is_long() -> None:
    long = {
        str(file.relative_to(ROOT)): lines
        for file in tracked("*.py", "*.sh", "Makefile")
        if (lines := file.read_text().count("\n")) > LONGEST
    }
    assert not long


def test_no_paths_of_one_machine() -> None:
    path = re.compile(r"(?<![\w.])/(?:work|root|opt)/")
    found = []
    for file in tracked("*"):
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue
        if file != Path(__file__).resolve() and (match := path.search(text)):
            found.append(f"{file.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}")
    assert not found


HEAVY = (
    "torch",
    "transformers",
    "distilabel",
    "argilla",
    "prefect",
    "datasets",
    "sklearn",
    "onnxruntime",
    "pandas",
    "psycopg",
)
SERVING = ("fastapi", "starlette", "uvicorn", "prometheus_client", "pydantic", "markdown_it")


@pytest.mark.parametrize("module", ["factory.spec", "factory.settings", "factory.errors", "zoo"])
def test_light_modules_stay_light(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


@pytest.mark.parametrize("module", ["zoo", "zoo.__main__", "zoo.serve", "zoo.serve.command"])
def test_serving_is_imported_where_it_is_served(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {SERVING} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_nobody_is_called_at_home() -> None:
    code = (
        "import factory, os; from huggingface_hub import constants as hub;"
        "print(hub.HF_HUB_DISABLE_TELEMETRY, hub.HF_HUB_DISABLE_XET, os.environ['DO_NOT_TRACK'])"
    )
    bare = {"PATH": "", "HOME": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=bare, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["True", "True", "1"]
