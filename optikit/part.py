"""A part: a component as a field of another, so that compositions are written like everything else.

``optimizer: Annotated[Optimizer[Any], Part("optimizer")]`` takes a component; through `optikit.get` and experiment
files also its name, or a table with its name and fields, to any depth.  Written out, a part is such a table.
"""

import reprlib
from collections.abc import Callable
from typing import Any, cast

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, SerializationInfo, ValidationInfo
from pydantic_core import PydanticCustomError, core_schema

from optikit.component import Component
from optikit.errors import InputError

Maker = Callable[[str, Any, Any], Any]
"""Makes a component of a kind of what a user wrote, relative to a folder: `Registry.make`."""


class Part:
    """Marks a field that holds a component.

    Parameters
    ----------
    kind : str
        Which kind of component.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Say how a part is read and written."""
        return core_schema.with_info_plain_validator_function(
            self._read,
            serialization=core_schema.plain_serializer_function_ser_schema(_written, info_arg=True),
        )

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        """Name the kind, whatever components there are of it."""
        return {"type": ["object", "string"], "component": self.kind}

    def _read(self, given: Any, info: ValidationInfo) -> Component:
        if isinstance(given, Component) and given.kind == self.kind:
            return given
        context = cast("dict[str, Any]", info.context or {})
        make = cast("Maker | None", context.get("make"))
        if make is None or not isinstance(given, str | dict):
            wanted = f"is {reprlib.repr(given)}; give a component, as by optikit.get({self.kind!r}, ...)"
            wanted += ", its name, or a table with its name and fields" if make else ""
            raise PydanticCustomError("part", "{sentence}", {"sentence": wanted})
        try:
            return make(self.kind, given, context.get("folder"))
        except InputError as error:
            raise PydanticCustomError("part", "{sentence}", {"sentence": f"is wrong: {error}"}) from None


def _written(part: Component, info: SerializationInfo) -> dict[str, Any]:
    return {"name": part.name, **part.model_dump(mode=info.mode)}
