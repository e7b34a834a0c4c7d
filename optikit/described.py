"""Fields that are described by the string under them, in the code where they are defined.

This does what pydantic's `use_attribute_docstrings` does.  Pydantic finds the source of every class by looking through
all loaded modules, which took a sixth of the time of `optikit list`; here each file is parsed once.
"""

import ast
import functools
import inspect
import itertools
import linecache
import sys
from typing import Any

from pydantic import BaseModel, ConfigDict


class Described(BaseModel):
    """A frozen, strict pydantic model whose fields have descriptions."""

    # Schemas are built at the first use: listing components needs none.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Take the descriptions from the source; a class without a source file, as in a console, has none."""
        super().__pydantic_init_subclass__(**kwargs)
        own = inspect.get_annotations(cls).keys() & cls.model_fields.keys()
        if own:
            file = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
            found = _descriptions(file).get(cls.__qualname__.replace("<locals>.", ""), {})
            for name in own & found.keys():
                field = cls.model_fields[name]
                field.description = field.description or found[name]


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
