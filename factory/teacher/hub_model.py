"""A model on the Hugging Face Hub: which commit its name means, looked up once, and its files at that commit.

What was asked of a teacher, and what was made from an encoder, is found again by the model's revision. So a name means
the same weights before they are downloaded and after, and whatever becomes of the Hub's main branch meanwhile.

At import this module needs the standard library alone; whoever names a Hub id needs huggingface_hub.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from factory.errors import TeacherError
from factory.files import explained
from factory.settings import Settings

_COMMIT = re.compile("[0-9a-f]{40}")
_WEIGHTS = "*.safetensors"  # never *.bin, which is pickled
_FILES = [_WEIGHTS, "*.json", "*.txt", "*.model", "*.tiktoken", "*.jinja"]
_PATIENCE = 30.0


def commit(model: str, settings: Settings) -> str:
    """The commit that a Hub id means here, 40 hex digits: the one remembered under settings.hub_models.

    Where there is none yet it is that of the Hub's local cache, or else the newest there is, and remembered from then
    on. Whoever takes the file away goes to a newer one.

    Raises:
        TeacherError: there is no such model, or the Hub can't be reached and nothing local says which commit it is; or
            the file holds something else.
    """
    file = settings.hub_models / model.replace("/", "--")
    if not file.is_file():
        _remember(file, _cached(model) or _newest(model))
    found = file.read_text().strip()
    if not _COMMIT.fullmatch(found):
        raise TeacherError("This is no commit of the Hub.", where=str(file), fix=f"Put {model}'s there, or remove it.")
    return found


def folder(model: str, settings: Settings) -> Path:
    """The model's files at that commit, in transformers' format; those not in the Hub's cache are downloaded to it.

    Raises:
        TeacherError: as `commit`; or they can't be downloaded, or hold no weights that transformers reads.
    """
    from huggingface_hub import snapshot_download

    at = commit(model, settings)
    place = _place(model)
    quiet = {"tqdm_class": _silent()} if (place / "snapshots" / at).is_dir() else {}
    with _explained(model, place):
        found = Path(snapshot_download(model, revision=at, allow_patterns=_FILES, **quiet))
    if any(found.rglob(_WEIGHTS)):
        return found
    raise TeacherError(
        f"{model} holds no weights as safetensors.",
        where=str(found),
        fix="Name a repository that does, or a folder with the model converted to them; pickled ones are not read.",
    )


def _place(model: str) -> Path:
    """Where the Hub's local cache has a model, wherever HF_HUB_CACHE and HF_HOME put that."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).expanduser() / f"models--{model.replace('/', '--')}"


def _cached(model: str) -> str:
    """The commit that was downloaded as the newest, whoever did; empty: none."""
    ref = _place(model) / "refs" / "main"
    found = ref.read_text().strip() if ref.is_file() else ""
    return found if _COMMIT.fullmatch(found) else ""


def _newest(model: str) -> str:
    from huggingface_hub import HfApi

    with _explained(model, _place(model)):
        found = HfApi(library_name="specialist-factory").model_info(model, revision="main", timeout=_PATIENCE)
        if not _COMMIT.fullmatch(found.sha or ""):
            raise ValueError(f"its newest commit is {found.sha!r}")
        return str(found.sha)


def _remember(file: Path, found: str) -> None:
    """Write it down; what another process wrote first stays."""
    with explained(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".{file.name}.{secrets.token_hex(8)}.part")
        part.write_text(found + "\n")
        try:
            with suppress(FileExistsError):
                os.link(part, file)
        finally:
            part.unlink()


def _silent() -> Any:
    """A progress bar for what is there already: none."""
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]

    class Silent(tqdm):  # type: ignore[misc]
        def __init__(self, *values: Any, **named: Any) -> None:
            super().__init__(*values, **{**named, "disable": True})  # type: ignore[no-untyped-call]

    return Silent


@contextmanager
def _explained(model: str, place: Path) -> Iterator[None]:
    """What the network and the Hub may raise, as a TeacherError."""
    # HTTPError is the HTTP library's own base class: httpx's or httpx2's, as the version of huggingface_hub has it.
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError, HTTPError  # type: ignore[attr-defined]

    try:
        with explained(place):
            yield
    except HfHubHTTPError as error:
        status = error.response.status_code
        hidden = status in (401, 403, 404)
        raise TeacherError(
            f"The Hub does not give {model} ({status}): {_line(error.server_message or str(error))}",
            where=constants.ENDPOINT,
            fix="See how it is spelt; one that is private or gated needs HF_TOKEN, of somebody who may read it."
            if hidden
            else "See what the Hub says, and run the same command again.",
        ) from error
    except (OSError, HTTPError, ValueError, RuntimeError, LookupError, TypeError, AttributeError) as error:
        # The last four: an answer huggingface_hub can't read, a web page or JSON of another shape.
        cause = error.__cause__ or error
        raise TeacherError(
            f"{model} is not whole on this machine, and the Hub can't be reached or understood:"
            f" {_line(str(cause)) or type(cause).__name__}",
            where=f"{constants.ENDPOINT}; {place}",
            fix="Let this machine reach the Hub (HF_ENDPOINT names a mirror; HF_HUB_OFFLINE must not be set), copy the "
            "model into its cache (HF_HUB_CACHE) from a machine that can, or name a folder that holds it.",
        ) from error


def _line(text: str) -> str:
    return text.strip().split("\n")[0][:200]
