"""What this machine's processor can do for a teacher that runs on it."""

from __future__ import annotations

import functools
import platform
import re
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


@functools.lru_cache
def narrow(cpuinfo: Path = CPUINFO) -> bool:
    """Whether it is an x86 processor without AVX-512: one that computes bfloat16 in float32, step by step."""
    if platform.machine() not in ("x86_64", "AMD64") or not cpuinfo.exists():
        return False
    flags = re.search(r"^flags\s*:(.*)$", cpuinfo.read_text(), re.MULTILINE)
    return flags is not None and "avx512f" not in flags.group(1).split()
