"""What the wheel that carries a specialist is called, and where it puts the files."""

from __future__ import annotations

import re
from hashlib import sha256

from zoo.names import Version, check_name

PLACE = "zoo_specialists"
"""The folder beside other packages that all such wheels share; it holds no code."""
ABOUT = "specialist.json"
"""In a wheel's metadata: which specialist it carries."""


def distribution(name: str) -> str:
    """The wheel's name, normalized as PEP 503 has it: `specialist-finance-sentiment`.

    PEP 503 makes one hyphen of `/`, `_` and `-`, so that `a/b_c`, `a/b-c` and `a_b/c` would be one name, and installing
    one would remove another. So all but the first of these, the plain reading, get a few digits of a hash.

    Raises:
        BadName: it is no specialist's name.
    """
    first, *rest = re.split(r"[/_-]", check_name(name))
    plain = f"{first}/{'_'.join(rest)}"
    normal = "-".join(["specialist", first, *rest])
    return normal if name == plain else f"{normal}-{sha256(name.encode()).hexdigest()[:8]}"


def place(name: str, version: Version | str) -> str:
    """The folder of a version, below that of all packages."""
    return f"{PLACE}/{check_name(name)}/{version}"
