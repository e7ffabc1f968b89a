"""How a record is written: JSON with its fields in order, each with a value of its form, or null where it is absent.

Written as `json.dumps(record, ensure_ascii=False)` writes it, and in no other way: so models are trained to write.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from zoo.automaton import Automaton, Grammar, automaton, byte, either, repeat, seq, words
from zoo.form import Form

_TAIL = byte(0x80, 0xBF)
# UTF-8 (RFC 3629) without surrogates, and without U+0080 to U+009F, which are control characters.
_AFTER_E2 = (
    seq(byte(0xE4, 0xEC), _TAIL, _TAIL),
    seq(byte(0xED), byte(0x80, 0x9F), _TAIL),
    seq(byte(0xEE, 0xEF), _TAIL, _TAIL),
    seq(byte(0xF0), byte(0x90, 0xBF), _TAIL, _TAIL),
    seq(byte(0xF1, 0xF3), _TAIL, _TAIL, _TAIL),
    seq(byte(0xF4), byte(0x80, 0x8F), _TAIL, _TAIL),
)
_UNBROKEN = (byte(0x21), byte(0x23, 0x5B), byte(0x5D, 0x7E), words('\\"'), words("\\\\"))
_ANY = either(
    *_UNBROKEN,
    byte(0x20),
    *map(words, ("\\n", "\\t", "\\r")),
    seq(byte(0xC2), byte(0xA0, 0xBF)),
    seq(byte(0xC3, 0xDF), _TAIL),
    seq(byte(0xE0), byte(0xA0, 0xBF), _TAIL),
    seq(byte(0xE1, 0xE3), _TAIL, _TAIL),
    *_AFTER_E2,
)
"""A character of a string."""
_FIRST = either(
    *_UNBROKEN,
    seq(byte(0xC2), byte(0xA1, 0xBF)),
    seq(byte(0xC3, 0xDF), _TAIL),
    seq(byte(0xE0), byte(0xA0, 0xBF), _TAIL),
    seq(byte(0xE1), either(byte(0x80, 0x99), byte(0x9B, 0xBF)), _TAIL),
    seq(byte(0xE1), byte(0x9A), byte(0x81, 0xBF)),
    seq(byte(0xE2), byte(0x80), either(byte(0x8B, 0xA7), byte(0xAA, 0xAE), byte(0xB0, 0xBF))),
    seq(byte(0xE2), byte(0x81), either(byte(0x80, 0x9E), byte(0xA0, 0xBF))),
    seq(byte(0xE2), byte(0x82, 0xBF), _TAIL),
    seq(byte(0xE3), byte(0x80), byte(0x81, 0xBF)),
    seq(byte(0xE3), byte(0x81, 0xBF), _TAIL),
    *_AFTER_E2,
)
"""A character that is not white space: a string begins with one, so that it is never blank."""
_DIGIT = byte(0x30, 0x39)
_FROM_ONE = byte(0x31, 0x39)
_MONTH = either(seq(words("0"), _FROM_ONE), seq(words("1"), byte(0x30, 0x32)), words("XX"))
_DAY = either(seq(words("0"), _FROM_ONE), seq(byte(0x31, 0x32), _DIGIT), seq(words("3"), byte(0x30, 0x31)), words("XX"))
_YEAR = either(repeat(_DIGIT, 4, 4), words("XXXX"))
_STRING = seq(words('"'), _FIRST, repeat(_ANY), words('"'))
_TYPES: Mapping[str, Grammar] = {
    "quote": _STRING,
    "text": _STRING,
    "date": seq(words('"'), _YEAR, words("-"), _MONTH, words("-"), _DAY, words('"')),
    "duration": seq(words('"P'), _FROM_ONE, repeat(_DIGIT, 0, 5), either(*map(words, "YMWD")), words('"')),
    "boolean": either(words("true"), words("false")),
    # Of at most 15 digits before the point, so that all who read JSON read the same number (RFC 8259, section 6).
    "number": seq(
        repeat(words("-"), 0, 1),
        either(words("0"), seq(_FROM_ONE, repeat(_DIGIT, 0, 14))),
        repeat(seq(words("."), repeat(_DIGIT, 1, 10)), 0, 1),
    ),
}


def record_automaton(fields: Mapping[str, Form]) -> Automaton:
    """The automaton of a record; its parts are, of every field, what stands before its value, and it."""
    parts: list[Grammar] = []
    for number, (name, form) in enumerate(fields.items()):
        value = _value(form)
        if not form.required:
            value = either(value, words("null"))
        parts += [words(f"{', ' if number else '{'}{_quoted(name)}: "), value]
    return automaton([*parts, words("}")])


def _value(form: Form) -> Grammar:
    ways = [words(_quoted(one)) for one in form.values]
    if form.type in _TYPES:
        ways.append(_TYPES[form.type])
    one = either(*ways)
    return seq(words("["), one, repeat(seq(words(", "), one)), words("]")) if form.many else one


def _quoted(said: str) -> str:
    return json.dumps(said, ensure_ascii=False)
