from __future__ import annotations

import platform
from pathlib import Path

import pytest

from factory.teacher import launch, processor


@pytest.mark.parametrize(
    ("machine", "flags", "narrow"),
    [
        ("x86_64", "fpu sse avx avx2 fma", True),
        ("x86_64", "fpu avx2 avx512f avx512_vnni", False),
        ("aarch64", "fp asimd bf16", False),
    ],
)
def test_which_processors_compute_bfloat16_step_by_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str, flags: str, narrow: bool
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t: none\n")
    assert processor.narrow(cpuinfo) is narrow
    assert processor.narrow(tmp_path / "none") is False


@pytest.mark.parametrize(("narrow", "kind"), [(True, "float32"), (False, "bfloat16")])
def test_vllm_computes_in_what_the_processor_is_good_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, narrow: bool, kind: str
) -> None:
    monkeypatch.setattr(launch, "narrow", lambda: narrow)
    monkeypatch.setattr(launch, "on_cpu", lambda python: True)
    words = launch.command(Path("python"), tmp_path, "model", 1)
    assert words[words.index("--dtype") + 1] == kind
