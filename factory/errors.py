"""The one family of errors a person is meant to read."""

from __future__ import annotations


class FactoryError(Exception):
    """Something a person can put right.

    Args:
        what: what is wrong, in one sentence.
        where: the file, key, address or row it concerns.
        fix: what to do about it.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        parts = [what]
        if where:
            parts.append(f"  where: {where}")
        if fix:
            parts.append(f"  fix:   {fix}")
        super().__init__("\n".join(parts))

    def __reduce__(self) -> tuple[object, ...]:
        # distilabel and Prefect carry exceptions between processes; keyword arguments need help to travel.
        return (_rebuild, (type(self), self.what, self.where, self.fix))


def _rebuild(kind: type[FactoryError], what: str, where: str, fix: str) -> FactoryError:
    return kind(what, where=where, fix=fix)


class SpecError(FactoryError):
    """A spec, or a file it names, is not as it must be."""


class TeacherError(FactoryError):
    """The teacher can't be reached, started or understood."""


class DataError(FactoryError):
    """Rows, gold sets or seed text that cannot be used."""


class ReviewError(FactoryError):
    """The review backend refused or can't be reached."""


class ReviewPendingError(FactoryError):
    """The spec requires review, and people have not finished; asking again at once would change nothing."""


class GateError(FactoryError):
    """The evidence does not allow what was asked."""


class HubError(FactoryError):
    """The hub refused, can't be reached or holds something unexpected."""


class ServiceError(FactoryError):
    """An embedded server can't be started: missing environment, port in use, died at start."""
