"""From a name to a specialist that answers: find, pull, verify, load."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from zoo import signing
from zoo.classifier import Classifier
from zoo.engine import KEY, Engine
from zoo.errors import BrokenSpecialist, ZooError
from zoo.extractor import Extractor
from zoo.hub import Hub, find, open_hub
from zoo.manifest import WRITING, Manifest, verify
from zoo.signing import Keys
from zoo.specialist import Specialist
from zoo.tagger import Tagger
from zoo.writer import Writer

_KINDS: dict[str, type[Specialist]] = {kind.KIND: kind for kind in (Classifier, Tagger, Extractor, Writer)}


def pull(name: str | Path, *, hub: str | Path | Hub | None = None) -> Path:
    """The local folder of a specialist, fetched first where that is needed. Not verified again if it was there.

    Args:
        name: as for `load`.
        hub: as for `load`.

    Returns:
        the folder of one version; read it, don't change it.
    """
    return _locate(name, hub)[0]


def inspect(
    name: str | Path, *, hub: str | Path | Hub | None = None, signed_by: Keys | None = None
) -> tuple[Path, Manifest]:
    """The local folder of a specialist, and its manifest once every file was verified; loads no model.

    Args:
        name: as for `load`.
        hub, signed_by: as for `load`.

    Raises:
        what `load` raises before it loads a model.
    """
    folder, asked = _locate(name, hub)
    try:
        manifest = verify(folder)
    except ZooError:
        raise
    except (OSError, RuntimeError) as error:  # RuntimeError: a link leads to itself
        raise BrokenSpecialist(
            f"It can't be read: {error}.", where=str(folder), fix="Let this user read the folder and all files in it."
        ) from error
    if asked and manifest.id != asked:
        raise BrokenSpecialist(
            f"The hub has {manifest.id} under the name {asked}.",
            where=str(folder),
            fix="Do not use it; tell whoever runs the hub.",
        )
    if keys := signing.asked_for(signed_by):
        signing.check(folder, keys)
    return folder, manifest


def load(
    name: str | Path,
    *,
    hub: str | Path | Hub | None = None,
    weights: str | None = None,
    threads: int = 1,
    batch_size: int | None = None,
    signed_by: Keys | None = None,
    engine: Engine | str | None = None,
) -> Any:
    """Load a specialist.

    Args:
        name: `finance/sentiment` for the newest version, `finance/sentiment@1` or `@1.2` for the newest of a line,
            `finance/sentiment@1.2.0` for one; or the folder of one version: a Path, or a text that starts with
            `/`, `.` or `~`.
        hub: a folder, `hf:<namespace>`, `https://host/<namespace>`, or `installed:` for what pip installed (see
            zoo.pack); None: what ZOO_HUB says, and what is installed where it says nothing. What is pulled from a
            server stays in ZOO_CACHE (default ~/.cache/zoo) and works without the server from then on.
        weights: `int8` or `fp32`; None: the publisher's default.
        threads: CPU threads one run of the model may use. Several threads may also call one specialist.
        batch_size: texts a run of classifiers and taggers, see `zoo.encoder`; others answer one text at a time.
        engine: a zoo.Engine, or its address up to `/v1`: a vLLM that runs the models of specialists that write, in this
            process's place; the key of one that is named by its address is in ZOO_ENGINE_KEY. Other kinds run here.
        signed_by: the file of a public key (PEM, Ed25519), or several: what none of them has signed is refused. None:
            those that ZOO_SIGNED_BY names, if it does. Needs the extra `sign`.

    Returns:
        a zoo.Classifier, or by kind: `spans` a zoo.Tagger, `extraction` a zoo.Extractor, `generation` a zoo.Writer;
        every file of it verified against the manifest's sha256. Which of them only the manifest knows: annotate the
        variable with the one you expect.

    Raises:
        BadName, NoHub, UnknownSpecialist, UnknownVersion: the name or the hub is not right.
        HubUnreachable: and nothing that would do is in the cache.
        Tampered, BrokenSpecialist: the files are not what was published, can't be read, or do not fit together.
        Unsigned: it has to be signed, and is not, or by somebody else.
        MissingExtra: it has to be, and the extra `sign` is not installed.
        BadInput: weights, threads, batch_size or an engine the specialist can't have; a key that can't be read.
    """
    folder, manifest = inspect(name, hub=hub, signed_by=signed_by)
    how: dict[str, Any] = {"weights": weights, "threads": threads, "batch_size": batch_size}
    if engine is not None and manifest.kind in WRITING:
        how["engine"] = Engine(engine, os.environ.get(KEY, "")) if isinstance(engine, str) else engine
    return open_folder(folder, manifest, **how)


def open_folder(folder: Path, manifest: Manifest, **how: Any) -> Specialist:
    """The specialist in a folder whose files were verified.

    Raises:
        BrokenSpecialist: of a kind that this zoo does not know, or as `Specialist` does.
    """
    if manifest.kind not in _KINDS:
        raise BrokenSpecialist(
            f"This zoo can't run specialists of the kind {manifest.kind!r}.",
            where=str(folder),
            fix="Upgrade the zoo: pip install --upgrade specialist-zoo.",
        )
    return _KINDS[manifest.kind](folder, manifest, **how)


def is_folder(name: str | Path) -> bool:
    """Whether this names a folder rather than a specialist in a hub."""
    return isinstance(name, Path) or name.startswith(("/", ".", "~")) or Path(name).is_absolute()


def _locate(name: str | Path, hub: str | Path | Hub | None) -> tuple[Path, str]:
    """The folder, and the `name@version` it must hold ('' where a folder was given)."""
    if is_folder(name):
        return Path(name).expanduser(), ""
    opened = open_hub(hub)
    found, version = find(str(name), opened)
    return opened.pull(found, version), f"{found}@{version}"
