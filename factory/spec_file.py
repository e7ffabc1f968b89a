"""How a spec file is read, and how its mistakes are told: the file, the key and what is allowed."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from factory.errors import SpecError


class _UniqueKeys(yaml.SafeLoader):
    """YAML allows a key twice and keeps the last; a label named twice is a mistake, so here it is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[Hashable, int] = {}
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"`{key}` is named twice (lines {seen[key]} and {line})", key_node.start_mark
                )
            seen[key] = line
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """A mapping from a YAML file; raises SpecError naming the file and line where it can't be read."""
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506  (a SafeLoader)
    except UnicodeDecodeError as error:
        raise SpecError("This file is not UTF-8 text.", where=str(path), fix="Save it as UTF-8.") from error
    except ValueError as error:  # of a day that there is not, such as 2011-02-30, which PyYAML makes a date of
        raise SpecError(f"A value of this YAML can't be: {error}.", where=str(path)) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f":{mark.line + 1}" if mark else ""
        raise SpecError(f"This YAML can't be read: {error.problem}.", where=f"{path}{line}") from error
    except yaml.YAMLError as error:
        raise SpecError(f"This YAML can't be read: {error}.", where=str(path)) from error
    if not isinstance(raw, dict):
        raise SpecError("A spec is a mapping of keys to values.", where=str(path))
    return raw


def explain(item: Any, model: Any) -> str:
    """One of pydantic's errors in a sentence: the key, what is wrong and what is allowed there.

    Args:
        item: an entry of ValidationError.errors().
        model: the model that was validated.
    """
    key = ".".join(str(part) for part in item["loc"]) or "(the whole file)"
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        allowed = _allowed(item["loc"][:-1], model)
        return f"{key}: unknown key" + (f"; allowed here: {', '.join(allowed)}" if allowed else "")
    if item["type"] == "missing":
        return f"{key}: this key is required"
    got = f" (got {item['input']!r})" if not isinstance(item["input"], dict | list) else ""
    return f"{key}: {message}{got}"


def _allowed(path: tuple[Any, ...], model: Any) -> list[str]:
    """The keys allowed at a place in the spec, found by walking the models' annotations."""
    for step in path:
        field = getattr(model, "model_fields", {}).get(step)
        if field:  # else a place in a list or a key of a mapping, whose model is found already
            model = _model_in(field.annotation)
    fields = getattr(model, "model_fields", {})
    return [name for name in fields if name not in ("name", "folder")]


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _model_in(inner)
        if found is not None:
            return found
    return None
