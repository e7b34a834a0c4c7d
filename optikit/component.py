"""A component: the thing that a plugin brings, and its own configuration at once.

A component is a frozen pydantic model.  Its fields are its options, so it validates, compares, hashes, prints and
round-trips through JSON and TOML without any code of its author, and its JSON schema is its reference page.  There is
no config class beside it and no factory: ``GradientDescent(learning_rate=0.1)`` is both the choice and the worker.
"""

from abc import ABC
from pathlib import Path
from typing import Annotated, Any, ClassVar, cast

import numpy as np
from pydantic import AfterValidator, Field, GetJsonSchemaHandler, ValidationError, ValidationInfo, model_validator
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError

from optikit.described import Described
from optikit.errors import did_you_mean


class Component(Described, ABC):
    """Base of all components; authors derive from one of its kinds, such as `optikit.Optimizer`.

    A component has a class attribute `name` (kebab-case), a docstring whose first line says what it is, and fields
    with a description (the string under the field), a range, and a default where one is sensible.

    Raises
    ------
    pydantic.ValidationError
        If a field is unknown, missing, of another type or out of its range.  Types are strict: a number in
        quotes is no number.
    """

    kind: ClassVar[str]
    """Which of the interfaces this is: ``"model"``, ``"loss"``, ``"gradient"``, ``"optimizer"``, ``"data"``,
    ``"schedule"``, ``"stopping"``, ``"observer"`` or ``"problem"``."""

    name: ClassVar[str]
    """What users call it, unique in its kind: lower-case words joined by hyphens."""

    requires: ClassVar[str | None] = None
    """The top-level module that the component needs when it is used, and that its distribution's extra of the same name
    installs.  Methods import it, so that the component can be listed without it."""

    @model_validator(mode="before")
    @classmethod
    def _normalize(cls, data: Any) -> Any:
        """Refuse unknown fields with the nearest known one, and make values hashable."""
        if not isinstance(data, dict):
            return data
        fields = cast("dict[str, Any]", data)
        for field in fields:
            if field not in cls.model_fields:
                meant = did_you_mean(field, cls.model_fields)
                raise PydanticCustomError(
                    "unknown_field",
                    "{name} has no field '{field}'; {meant}",
                    {"name": cls.name, "field": field, "meant": meant},
                )
        return {field: _hashable(value) for field, value in fields.items()}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        """Write a component that is the default of a field as the table that makes it."""
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, field in cls.model_fields.items():
            if isinstance(field.default, Component):
                fields = field.default.model_dump(mode="json", exclude_defaults=True)
                properties[name]["default"] = {"name": field.default.name, **fields}
        return schema


def _hashable(value: Any) -> Any:
    """Turn lists into tuples and NumPy values into plain ones, so that strict types and hashing take both."""
    if isinstance(value, np.generic | np.ndarray):
        value = cast("Any", value).tolist()
    if isinstance(value, list | tuple):
        return tuple(_hashable(item) for item in cast("list[Any]", value))
    return value


def _find(path: Path, info: ValidationInfo) -> Path:
    folder = cast("dict[str, Any]", info.context or {}).get("folder")
    beside = None if folder is None else Path(folder) / path
    return path if beside is None or (path.exists() and not beside.exists()) else beside


FilePath = Annotated[Path, Field(strict=False), AfterValidator(_find)]
"""A field that names a file.  In an experiment file a relative path is looked for beside that file first, then in
the current folder."""


def explain(error: ValidationError) -> list[tuple[tuple[int | str, ...], str]]:
    """Turn a pydantic error into pairs of a place and a sentence without a full stop.

    Parameters
    ----------
    error : pydantic.ValidationError
        What building a component, or any pydantic model, raised.

    Returns
    -------
    list of (tuple, str)
        The path to the field, empty for the whole table, and what is wrong there.
    """
    return [(detail["loc"], _sentence(detail)) for detail in error.errors(include_url=False)]


_WANTED = {
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "path_type": "must be a path",
    "too_short": "must have {min_length} or more items",
    "too_long": "must have {max_length} or fewer items",
}
"""What is wanted, in the words of those who write the files, by pydantic's names of its errors."""


def _sentence(detail: ErrorDetails) -> str:
    message, value = detail["msg"].removeprefix("Value error, "), detail["input"]
    match detail["type"]:
        case "missing":
            return "is required and missing"
        case "unknown_field" | "part":
            return message
        case "extra_forbidden":
            return "is no field of this table"
        case "value_error" | "assertion_error":
            return message
        case _:
            wanted = _WANTED.get(detail["type"], "").format(**detail.get("ctx", {}))
            return f"is {_shown(value)}, but {wanted or message.replace('Input should be', 'must be')}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def packages(component: "Component") -> set[str]:
    """Give the packages that the classes of a component and of its parts come from.

    Parameters
    ----------
    component : Component
        With all its fields.

    Returns
    -------
    set of str
        Names of top-level packages.
    """
    found = {cls.__module__.partition(".")[0] for cls in type(component).__mro__}
    for name in type(component).model_fields:
        if isinstance(part := getattr(component, name), Component):
            found |= packages(part)
    return found
