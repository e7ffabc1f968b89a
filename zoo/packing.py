"""A published specialist as a wheel, for networks that have a package index or a memory stick, and no hub."""

from __future__ import annotations

import json
from pathlib import Path

from zoo.distribution import ABOUT, distribution, place
from zoo.errors import CannotWrite, unwritable
from zoo.files import SIGNATURE, inside
from zoo.hub import Hub
from zoo.loader import inspect
from zoo.manifest import FILE, Manifest

CARD = "README.md"


def pack(name: str | Path, *, hub: str | Path | Hub | None = None, out: str | Path = ".") -> Path:
    """Make a wheel that carries a specialist; where it is installed, `zoo.load(name)` finds it.

    Every file that the manifest names is verified first, and again when it is loaded. The wheel holds no code, and
    requires nothing. The same files make the same bytes.

    Args:
        name, hub: as for `zoo.load`.
        out: the folder to write into.

    Returns:
        the wheel: `specialist_finance_sentiment-1.2.0-py3-none-any.whl`.

    Raises:
        what `zoo.load` raises before it loads a model.
        CannotWrite: the disk is full, or the folder can't be written.
    """
    from zoo import wheel  # here: importing the zoo is cheap

    folder, manifest = inspect(name, hub=hub)
    base = place(manifest.name, manifest.version)
    signed = [SIGNATURE] if (folder / SIGNATURE).is_file() else []
    files = {f"{base}/{path}": inside(folder, path) for path in (FILE, *signed, *manifest.files)}
    named = distribution(manifest.name)
    about = json.dumps({"name": manifest.name, "version": manifest.version}) + "\n"
    try:
        return wheel.write(
            Path(out),
            named,
            manifest.version,
            files=files,
            metadata=_metadata(named, manifest, folder),
            more={ABOUT: about},
        )
    except OSError as error:
        known = unwritable(error, str(out))
        raise known or CannotWrite(f"The wheel can't be written: {error}.", where=str(out)) from error


def _metadata(named: str, manifest: Manifest, folder: Path) -> str:
    """METADATA (core metadata 2.1), with the card as description."""
    fields = {
        "Metadata-Version": "2.1",
        "Name": named,
        "Version": manifest.version,
        "Summary": manifest.title,
        "License": manifest.licence,
        "Requires-Python": ">=3.11",
        "Description-Content-Type": "text/markdown; charset=UTF-8",
    }
    lines = [f"{key}: {' '.join(value.split())}\n" for key, value in fields.items()]  # a value is one line
    card = inside(folder, CARD)
    text = card.read_text(encoding="utf-8", errors="replace") if CARD in manifest.files else ""
    return "".join(lines) + "\n" + text
