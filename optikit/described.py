"""Fields that are described by the string under them, in the code where they are defined.

This does what pydantic's `use_attribute_docstrings` does.  Pydantic finds the source of every class by looking through
all loaded modules, which took a sixth of the time of `optikit list`; here each file is parsed once, and not before a
schema is asked for.
"""

import ast
import functools
import inspect
import itertools
import linecache
import sys
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema


class Described(BaseModel):
    """A frozen, strict pydantic model whose fields have descriptions."""

    # Schemas are built at the first use: listing components needs none.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler, /) -> CoreSchema:
        """Take the descriptions from the source first; a class without a source file, as in a console, has none."""
        for name, field in cls.model_fields.items():
            field.description = field.description or _description(cls, name)
        return handler(source)


def _description(cls: type[Any], name: str) -> str | None:
    """Find the string under a field, in the class nearest to `cls` that annotates it."""
    for base in cls.__mro__:
        if name in inspect.get_annotations(base):
            file = getattr(sys.modules.get(base.__module__), "__file__", None) or ""
            return _descriptions(file).get(base.__qualname__.replace("<locals>.", ""), {}).get(name)
    return None


@functools.cache
def _descriptions(file: str) -> dict[str, dict[str, str]]:
    """Read the strings under the annotated names of all classes in a file."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:  # the file has changed since it was loaded
        return {}
    found: dict[str, dict[str, str]] = {}
    _collect(tree, "", found)
    return found


def _collect(node: ast.AST, prefix: str, found: dict[str, dict[str, str]]) -> None:
    body: list[ast.stmt] = getattr(node, "body", [])
    for above, below in itertools.pairwise(body):
        match above, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found.setdefault(prefix.removesuffix("."), {})[name] = inspect.cleandoc(text)
            case _:
                pass
    for inner in body:
        if isinstance(inner, ast.ClassDef | ast.FunctionDef):
            _collect(inner, f"{prefix}{inner.name}.", found)
