"""A text as Argilla 2.8 takes it, which makes two assumptions about texts that the factory does not.

Its pages put a field's text down as HTML, unsanitised: what a customer wrote would run in the reviewer's browser, or be
lost. So a text is sent escaped. And they count a mark's offsets in UTF-16 units, as JavaScript does, while its server
holds them against the text's length in code points: a text that people mark is followed by as many spaces as it has
characters of two units.
"""

from __future__ import annotations

import html
from bisect import bisect_right
from itertools import accumulate

from factory.row import row_id


def sent(text: str, marked: bool) -> str:
    """A text as a record's field holds it.

    Args:
        text: the row's.
        marked: people mark words in it.
    """
    # Parsers of HTML read a carriage return as a line feed, and two of them as one.
    escaped = html.escape(text, quote=False).replace("\r", "&#13;")
    return escaped + " " * _wide(text) if marked else escaped


def read(field: str, of: str, marked: bool) -> str:
    """The text of a record's field; what was sent before texts were escaped is told by its row's id.

    Args:
        field: as the server tells it.
        of: the row's id.
        marked: as for `sent`.
    """
    if row_id(field) == of:
        return field
    text = html.unescape(field)
    return text.removesuffix(" " * _wide(text)) if marked else text


def units(text: str, at: int) -> int:
    """The offset in UTF-16 units of one in code points."""
    return at + _wide(text[:at])


def points(text: str, at: int) -> int:
    """The offset in code points of one in UTF-16 units; in the middle of a character, before it; at most the end's."""
    return bisect_right(list(accumulate(1 + (character > "\uffff") for character in text)), at)


def _wide(text: str) -> int:
    """How many characters take two UTF-16 units."""
    return sum(character > "\uffff" for character in text)
