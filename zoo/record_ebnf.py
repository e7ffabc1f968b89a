"""How a record is written, as a grammar for other people's engines: zoo.record_grammar in EBNF, as llama.cpp has it.

It takes the same words, letter by letter; xgrammar, which vLLM is held by, reads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from zoo.form import Form

_ANY = r"""any ::= [^\x00-\x1f"\\\x7f-\x9f] | "\\" ["\\ntr]"""
# Not begun by white space, so that no string is blank.
_SPACES = r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_FIRST = r"""first ::= [^""" + _SPACES + r""""\\] | "\\" ["\\]"""
_RULES = {
    "string": r'''string ::= "\"" first any* "\""''',
    "date": r'''date ::= "\"" ([0-9] [0-9] [0-9] [0-9] | "XXXX") "-" ("0" [1-9] | "1" [0-2] | "XX") "-"'''
    r''' ("0" [1-9] | [1-2] [0-9] | "3" [0-1] | "XX") "\""''',
    "duration": r'''duration ::= "\"P" [1-9] [0-9]? [0-9]? [0-9]? [0-9]? [0-9]? [YMWD] "\""''',
    "boolean": '''boolean ::= "true" | "false"''',
    "number": """number ::= "-"? ("0" | [1-9]""" + " [0-9]?" * 14 + """) ("." [0-9]""" + " [0-9]?" * 9 + """)?""",
}
_TYPES = {"quote": "string", "text": "string"} | {name: name for name in ("date", "duration", "boolean", "number")}


def record_ebnf(fields: Mapping[str, Form]) -> str:
    """The grammar of a record; its root is `root`."""
    root, rules, used = [], [], set[str]()
    for number, (name, form) in enumerate(fields.items()):
        ways = [_literal(json.dumps(one, ensure_ascii=False)) for one in form.values]
        if form.type in _TYPES:
            used.add(_TYPES[form.type])
            ways.append(_TYPES[form.type])
        rules.append(f"one{number} ::= {' | '.join(ways)}")
        value = f'"[" one{number} (", " one{number})* "]"' if form.many else f"one{number}"
        rules.append(f"value{number} ::= {value}" + ("" if form.required else ' | "null"'))
        root += [_literal(f"{', ' if number else '{'}{json.dumps(name, ensure_ascii=False)}: "), f"value{number}"]
    rules += [_RULES[name] for name in sorted(used)]
    if "string" in used:
        rules += [_FIRST, _ANY]
    return "\n".join([f"root ::= {' '.join(root)} {_literal('}')}", *rules, ""])


def _literal(words: str) -> str:
    escaped = words.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
