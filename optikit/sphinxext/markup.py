"""Pages and catalogues as reStructuredText: text that Sphinx parses as if an author had written it."""

import inspect
import json
import re
from collections.abc import Iterable, Mapping
from textwrap import indent
from typing import Any

from sphinx.util.rst import escape

from optikit.page import kind_of
from optikit.probe import Abilities
from optikit.sphinxext.reports import Badge

_SECTION = re.compile(r"^([A-Z][\w ]+)\n-{3,}\n", re.MULTILINE)
_REFERENCE = re.compile(r"^\.\. \[(\w+)\] (.*(?:\n +.*)*)", re.MULTILINE)


def component(data: Mapping[str, Any], description: str, badges: Iterable[Badge]) -> str:
    """Write the page about a component, down to its fields and abilities.

    Parameters
    ----------
    data : mapping
        As `optikit.page.document` describes it.
    description : str
        Its docstring, in which sections may have been made of headings already.
    badges : iterable of Badge
        What checks have found.
    """
    parts = [_badge(badge) for badge in badges]
    parts.append(_prose(inspect.cleandoc(description)))
    if data.get("requires"):
        state = "" if data["available"] else f", which was not installed when this page was made; {data['remedy']}"
        parts.append(f"It needs {literal(data['requires'])}{escape(state)}.")
    if fields := data.get("schema", {}).get("properties"):
        required = data["schema"].get("required", [])
        parts += [rubric("Fields"), _fields(fields, required)]
    if "cost" in data:
        counts = {f"{int(n):,} coordinates": _count(cost) for n, cost in data["cost"].items()}
        parts += [rubric("Evaluations"), _pairs(counts)]
    if "error_estimate" in data:
        parts.append(f"An error estimate for every coordinate: {yes_or_no(data['error_estimate'])}.")
    if "abilities" in data:
        parts += [rubric("Abilities"), _abilities(data["abilities"])]
        if "example_fields" in data:
            given = ", ".join(f"{name}={value!r}" for name, value in data["example_fields"].items())
            parts += [f"With {literal(given)}:", _abilities(data["example_abilities"])]
    return "\n\n".join(parts)


def example(program: str) -> str:
    """Write the example."""
    return f"{rubric('Example')}\n\n.. code-block:: python\n\n{indent(program, '   ')}"


def schema(data: Mapping[str, Any], file: str) -> str:
    """Write the JSON schema, folded, with the file to download; for browsers only, as it is long."""
    body = [f":download:`Download it <{file}>`", ".. code-block:: json", indent(written(data["schema"]), "   ")]
    folded = "\n\n".join([".. admonition:: JSON schema\n   :collapsible: closed", indent("\n\n".join(body), "   ")])
    return f".. only:: html\n\n{indent(folded, '   ')}"


def written(schema: Mapping[str, Any]) -> str:
    """Write a JSON schema out."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def catalogue(rows: Iterable[Mapping[str, Any]]) -> str:
    """Write a table of components; what is the same for all of them has no column."""
    rows = list(rows)
    several = {what: len({row[what] for row in rows}) > 1 for what in ("kind", "distribution")}
    cells = [
        {
            "component": f":optikit:mention:`{row['name']} <{row['kind']}:{row['name']}>`",
            "kind": row["kind"],
            "what it is": row["summary"],
            "distribution": escape(row["distribution"]),
            "abilities": _had(row.get("abilities")),
            "needs": escape(row.get("requires") or ""),
        }
        for row in rows
    ]
    columns = [
        name
        for name in ("component", "kind", "what it is", "distribution", "abilities", "needs")
        if several.get(name, any(cell[name] for cell in cells))
    ]
    return _table("optikit-catalogue", columns, [[cell[name] for name in columns] for cell in cells])


def literal(text: str) -> str:
    """Write text that is code."""
    return f"``{text}``" if text and "`" not in text and text.strip() == text else escape(text)


def rubric(title: str) -> str:
    """Write a heading that is in no table of contents."""
    return f".. rubric:: {title}"


def yes_or_no(value: bool | None) -> str:
    """Write an answer."""
    return "unknown" if value is None else "yes" if value else "no"


def _prose(description: str) -> str:
    """Make of a docstring what may stand in the middle of a page."""
    # Sphinx warns of a footnote that nobody refers to, and a list of references is mostly such.
    description = _REFERENCE.sub(
        lambda found: found[0] if f"[{found[1]}]_" in description else f"- {' '.join(found[2].split())}", description
    )
    # A heading of the docstring would end the section that the directive stands in.
    return _SECTION.sub(r".. rubric:: \1\n\n", description)


def _badge(badge: Badge) -> str:
    verdict = "passed" if badge.passed else "failed"
    return f".. container:: optikit-badge optikit-{verdict}\n\n   {verdict}: {escape(badge.text)}"


def _fields(fields: Mapping[str, Any], required: Iterable[str]) -> str:
    rows = [
        [
            literal(name),
            escape(kind_of(field)),
            "required" if name in required else literal(json.dumps(field.get("default"), ensure_ascii=False)),
            field.get("description", ""),
        ]
        for name, field in fields.items()
    ]
    return _table("optikit-fields", ["field", "values", "default", "meaning"], rows)


def _abilities(abilities: Mapping[str, Any]) -> str:
    if abilities["unknown"]:
        return escape(f"Unknown: {abilities['unknown']}.")
    titles = {name: field.title for name, field in Abilities.model_fields.items() if field.title}
    return _pairs({title: yes_or_no(abilities[name]) for name, title in titles.items()})


def _had(abilities: Mapping[str, Any] | None) -> str:
    """Name the abilities that an optimizer has."""
    if abilities is None:
        return ""
    if abilities["unknown"]:
        return escape(f"unknown: {abilities['unknown']}")
    return ", ".join(name.replace("_", " ") for name, value in abilities.items() if value is True) or "none"


def _count(cost: int | None) -> str:
    return "unknown" if cost is None else f"{cost:,}"


def _pairs(answers: Mapping[str, str]) -> str:
    return "\n".join(f":{name}: {answer}" for name, answer in answers.items())


def _table(name: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [".. list-table::", f"   :class: {name}", "   :header-rows: 1", "   :widths: auto", ""]
    for cells in [columns, *rows]:
        inner = [indent(inspect.cleandoc(cell), "       ").lstrip() for cell in cells]
        lines += [f"   {'* ' if i == 0 else '  '}- {cell}".rstrip() for i, cell in enumerate(inner)]
    return "\n".join(lines)
