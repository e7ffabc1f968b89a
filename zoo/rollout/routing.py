"""Which texts, or whose, are the candidate's: the same ones every time, on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from zoo.errors import BadInput


def falls(key: str, share: float, salt: str) -> bool:
    """Whether a key is among a share of all keys.

    By a hash, so that one key is always answered by one version, in every process and after every start. A larger share
    holds the keys of a smaller one. Another salt draws other keys, so that it is not always the same people's turn.
    """
    digest = sha256(f"{salt}\0{key}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def keys_of(texts: Sequence[str], key: str | Sequence[str] | None) -> Sequence[str]:
    """What each text is told apart by: itself, one key for all, or one for each; raises BadInput."""
    if key is None:
        return texts
    keys = [key] * len(texts) if isinstance(key, str) else list(key)
    if len(keys) != len(texts) or not all(isinstance(one, str) for one in keys):
        raise BadInput("key must be a text, or as many texts as are asked about.")
    return keys
