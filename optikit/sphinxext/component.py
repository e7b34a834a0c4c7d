"""The directive ``optikit-plugin``: a page about a component."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes

from optikit import page
from optikit.files import save_text
from optikit.registry import Entry
from optikit.sphinxext import convergence, markup
from optikit.sphinxext.directive import ComponentDirective
from optikit.sphinxext.domain import found
from optikit.sphinxext.reports import badges


class PluginDirective(ComponentDirective):
    """Show a component: what it is, its fields, what it can do, how it converges, and an example."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Callable[[str], Any]] | None] = {
        "no-picture": directives.flag,
        "no-schema": directives.flag,
        "no-example": directives.flag,
    }

    def shown(self) -> list[nodes.Node]:
        """Show one component."""
        entry = found(self.arguments[0])
        data = page.document(entry)
        self.depend(entry)
        for file in self.config.optikit_conformance:
            self.env.note_dependency(file)
        target = nodes.target("", "", ids=[self.domain.note(entry)])
        self.state.document.note_explicit_target(target)
        description = self._docstring(entry, data["description"])
        shown = self.parse(markup.component(data, description, badges(entry, self.config.optikit_conformance)))
        if self._wants_picture(entry) and (svg := convergence.picture(entry, self.config.optikit_beside)):
            drawn = [*self.parse(markup.rubric("Convergence")), nodes.raw("", svg, format="html")]
            shown.append(addnodes.only("", *drawn, expr="html"))
        if data.get("example") and "no-example" not in self.options:
            shown += self.parse(markup.example(data["example"]))
        if "schema" in data and "no-schema" not in self.options:
            shown += self.parse(markup.schema(data, self._file_of_schema(entry, data)))
        return [target, nodes.container("", *shown, classes=["optikit-component"])]

    def _wants_picture(self, entry: Entry) -> bool:
        return entry.kind == "optimizer" and self.config.optikit_pictures and "no-picture" not in self.options

    def _docstring(self, entry: Entry, text: str) -> str:
        """Have the docstring converted by what converts docstrings here, such as numpydoc, if anything does."""
        lines = text.splitlines()
        if "autodoc-process-docstring" in self.env.events.events:
            name = f"{entry.item.__module__}.{entry.item.__qualname__}"
            self.env.events.emit(
                "autodoc-process-docstring", "class", name, entry.item, {"show_class_members": False}, lines
            )
        return "\n".join(lines)

    def _file_of_schema(self, entry: Entry, data: Mapping[str, Any]) -> str:
        """Write the schema for who downloads it, and give its place as Sphinx wants it."""
        name = f"{entry.kind}-{data['name'].replace(':', '-')}.json"
        file, text = Path(self.env.doctreedir, "optikit", name), markup.written(data["schema"])
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(exist_ok=True)
            save_text(file, text)
        return "/" + Path(os.path.relpath(file, self.env.srcdir)).as_posix()
