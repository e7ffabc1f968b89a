"""The errors of the zoo: each says what is wrong, where, and what to do about it."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal


class ZooError(Exception):
    """Something the caller can put right; the base of every error the zoo raises on purpose.

    Args:
        what: what is wrong, in one sentence.
        where: the file, name or address it concerns.
        fix: what to do about it.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.fix:
            lines.append(f"  fix:   {self.fix}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        # Worker processes send exceptions home by pickling them, which forgets keyword arguments and attributes.
        return (_rebuild, (type(self), self.__dict__.copy()))


def _rebuild(kind: type[ZooError], state: dict[str, object]) -> ZooError:
    error = kind.__new__(kind, state["what"])
    error.__dict__.update(state)
    return error


class BadName(ZooError, ValueError):
    """A name or version that is not written as names and versions are."""


class NoHub(ZooError):
    """Nobody said which hub to look in, or what was said is not the address of one."""


class UnknownSpecialist(ZooError, LookupError):
    """The hub holds no specialist of this name."""


class UnknownVersion(ZooError, LookupError):
    """The hub holds the specialist, but no version that matches."""


class HubUnreachable(ZooError, OSError):
    """The hub can't be reached and the cache holds nothing that would do."""


class CannotWrite(ZooError, OSError):
    """The disk is full, or the folder can't be written."""


class VersionTaken(ZooError):
    """This version is in the hub already; versions never change."""


class BrokenSpecialist(ZooError):
    """A specialist's folder is not as it must be, or needs a newer zoo."""


class Tampered(BrokenSpecialist):
    """A file is not the one the manifest names.

    Attributes:
        file: its path inside the specialist's folder.
        expected: what the manifest promises, for example `sha256 5f3a...`.
        found: what is there.
    """

    def __init__(self, file: str, *, expected: str, found: str, where: str) -> None:
        self.file, self.expected, self.found = file, expected, found
        super().__init__(
            f"{file} is not the file that was published: expected {expected}, found {found}.",
            where=where,
            fix="Do not use this copy. Delete the folder and get it again from the hub; "
            "if it happens again, the hub's copy is damaged: tell whoever published it.",
        )


class Unsigned(BrokenSpecialist):
    """A signature is asked for, and there is none, or none by a key that counts."""


class NoQuestion(ZooError):
    """The specialist does not say what a large model is to be asked about a text."""


class Unanswered(ZooError):
    """An endpoint gave no usable reply, of which a cascade makes a reason code; or an engine gave no answer.

    Args:
        what: what happened.
        where, fix: see ZooError.
        reason: the reason code.
        again: whether it may help to ask again.
        after: seconds to wait before that, at least.
        down: whether it says that the endpoint does not work, and not only that this question was not answered.
        billed: whether it may have been paid for.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        fix: str = "",
        reason: Literal["fallback_down", "fallback_refused", "fallback_invalid"] = "fallback_down",
        again: bool = False,
        after: float = 0.0,
        down: bool = True,
        billed: bool = False,
    ) -> None:
        super().__init__(what, where=where, fix=fix)
        self.reason: Literal["fallback_down", "fallback_refused", "fallback_invalid"] = reason
        self.again, self.after, self.down, self.billed = again, after, down, billed


class BadInput(ZooError, ValueError):
    """A text the classifier can't be asked about."""


class MissingExtra(ZooError, ImportError):
    """A part of the zoo needs packages that the wheel alone does not bring."""


class BadKeys(ZooError):
    """A file of API keys can't be used as it is."""


class Unrecorded(ZooError):
    """An answer, or a correction, could not be written to the audit log."""


class BrokenLog(ZooError):
    """An audit log is not there, or not as it must be."""


class UnknownRecord(ZooError, LookupError):
    """The audit log holds no such record."""


def unknown_specialist(name: str, known: Iterable[str], hub: str) -> UnknownSpecialist:
    """The error for a name the hub at `hub` doesn't hold, with the names nearest to it."""
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        fix = f"Did you mean {' or '.join(near)}?"
    elif names:
        more = f" and {len(names) - 10} more (`zoo list`)" if len(names) > 10 else ""
        fix = f"Use one of: {', '.join(names[:10])}{more}."
    else:
        fix = "This hub holds no specialist you can see; check its address (hub=... or ZOO_HUB) and your token."
    return UnknownSpecialist(f"There is no specialist named {name!r}.", where=hub, fix=fix)


def unwritable(error: OSError, where: str) -> CannotWrite | None:
    """The same trouble in words, where it is a full disk or a closed door; else None."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return CannotWrite("The disk is full.", where=where, fix="Free some space, or set ZOO_CACHE to another disk.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
        return CannotWrite(
            "This folder can't be written.", where=where, fix="Give this user write access, or choose another folder."
        )
    return None
