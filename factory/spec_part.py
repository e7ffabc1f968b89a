"""What the parts of a spec have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


class Part(BaseModel):
    """A part of a spec: unknown keys are errors, values are not coerced.

    Attributes:
        unsaid: keys that are left out of a dump while they have their defaults, so that a key added to this class
            leaves the hashes of the specs that do not use it as they were.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    unsaid: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _without_the_unsaid(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        said: dict[str, Any] = dump(self)
        for name in self.unsaid:
            if getattr(self, name) == type(self).model_fields[name].get_default(call_default_factory=True):
                said.pop(name, None)
        return said
