"""What all specialists have in common: a folder, a manifest, and which of its weights are run on how many threads."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from zoo.errors import BadInput, BrokenSpecialist
from zoo.manifest import WEIGHTS, Manifest
from zoo.named import Named


class Specialist(Named):
    """A loaded specialist; safe to use from several threads at once. Made by `zoo.load`.

    Args:
        folder: the specialist's folder, verified by the caller.
        manifest: its manifest.
        weights: `int8`, `fp32`, or None for the manifest's default.
        threads: CPU threads one run of the model may use.

    Attributes:
        KIND: the kind of task whose specialists it runs.

    Raises:
        BrokenSpecialist: another kind, weights that are not there, or files that do not fit together (the model is run
            once to find out).
    """

    KIND: ClassVar[str]

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        *,
        weights: str | None = None,
        threads: int = 1,
    ) -> None:
        if manifest.kind != self.KIND:
            raise BrokenSpecialist(
                f"This is a specialist of the kind {manifest.kind!r}; {type(self).__name__} runs {self.KIND!r}.",
                where=str(folder),
                fix="Use zoo.load, which knows the kinds; of one it does not know, upgrade the zoo.",
            )
        check_count("threads", threads)
        self.folder, self._manifest = folder, manifest
        self.weights = _weights(manifest, weights)

    @property
    def manifest(self) -> Manifest:
        """As it was verified."""
        return self._manifest

    def __repr__(self) -> str:
        return f"<zoo.{type(self).__name__} {self.manifest.id}, {len(self.labels)} labels, {self.weights}>"

    @property
    def batch_size(self) -> int | None:
        """Texts a run of the model takes at most; None: they are answered one by one."""
        return None

    @abstractmethod
    def predict(self, text: Any) -> Any:
        """The answer about a text; a list of them for a list of texts."""

    def _broken(self, why: str) -> BrokenSpecialist:
        return BrokenSpecialist(
            f"{self.manifest.id} is broken: {why}.",
            where=str(self.folder / self.weights),
            fix="Use another version, and tell whoever published this one.",
        )


def _weights(manifest: Manifest, asked: str | None) -> str:
    if asked is None:
        return manifest.default_weights
    there = [name for name, path in WEIGHTS.items() if path in manifest.files]
    if asked not in there:
        raise BadInput(f"{manifest.id} has no {asked!r} weights.", fix=f"Use one of: {', '.join(there)}.")
    return WEIGHTS[asked]


def check_count(name: str, value: object) -> None:
    """See that an argument is a whole number from 1; raises BadInput naming it."""
    if not isinstance(value, int) or value < 1:
        raise BadInput(f"{name} must be a whole number from 1, not {value!r}.")


def check_texts(texts: object) -> None:
    """See that these are texts that can be asked about; raises BadInput naming the place of the first that is not."""
    if not isinstance(texts, list | tuple):
        raise BadInput(f"Give a text or a list of texts, not {type(texts).__name__}.")
    for place, text in enumerate(texts):
        where = f"text {place}" if len(texts) > 1 else ""
        if not isinstance(text, str):
            raise BadInput(f"Give texts, not {type(text).__name__}.", where=where)
        if not text.strip():
            raise BadInput("The text is empty.", where=where, fix="Leave empty texts out before asking.")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise BadInput(
                f"The text is not Unicode: {error.reason} at character {error.start}.",
                where=where,
                fix="Read the file with its own encoding, or with errors='replace'.",
            ) from error
