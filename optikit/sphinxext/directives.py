"""The two directives: ``optikit-plugin`` is a page about a component, ``optikit-catalogue`` a table of components."""

import inspect
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from html import escape as escape_html
from pathlib import Path
from typing import Any, ClassVar, cast

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.parsers.rst.states import RSTState
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from optikit import able, catalogue, page, registry
from optikit.errors import InputError, did_you_mean
from optikit.files import save_text
from optikit.registry import Entry, canonical
from optikit.sphinxext import convergence, markup
from optikit.sphinxext.domain import OptikitDomain, found
from optikit.sphinxext.reports import badges

_logger = logging.getLogger(__name__)


class Row(nodes.row):
    """A row of a catalogue; in HTML it bears what the component is and can do, for the filter."""


def _begin_row(translator: Any, node: Row) -> None:
    translator.visit_row(node)
    data = "".join(f' data-{name}="{escape_html(value)}"' for name, value in node["data"].items())
    translator.body[-1] = translator.body[-1].replace("<tr", f"<tr{data}", 1)


def _end_row(translator: Any, node: Row) -> None:
    translator.depart_row(node)


row_of_html = (_begin_row, _end_row)


class _Directive(SphinxDirective):
    """What both directives do."""

    def run(self) -> list[nodes.Node]:
        """Show what was asked for, or warn, in one sentence, and show nothing."""
        self.domain.data["documents"][self.env.current_document.docname] = True
        try:
            return self.shown()
        except InputError as error:
            _logger.warning("%s", error, location=self.get_location(), type="optikit", subtype="component")
            return []

    def shown(self) -> list[nodes.Node]:
        """Give what the directive stands for."""
        raise NotImplementedError

    @property
    def domain(self) -> OptikitDomain:
        """Who knows what is on which page."""
        domain = self.env.get_domain(OptikitDomain.name)
        assert isinstance(domain, OptikitDomain)
        return domain

    def parse(self, text: str) -> list[nodes.Node]:
        """Parse reStructuredText in which single backticks mention components, whatever the language of the page."""
        outer = self.env.current_document.default_role
        text = f".. default-role:: optikit:mention\n\n{text}\n\n.. default-role:: {outer or ''}\n"
        if not isinstance(cast("object", self.state), RSTState):  # it is MyST's
            fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
            text = f"{fence}{{eval-rst}}\n{text}\n{fence}\n"
        source = f"{self.get_source_info()[0]}:{self.name} {' '.join(self.arguments)}".rstrip()
        lines: Any = StringList(text.splitlines(), source)
        parsed = self.parse_text_to_nodes(lines)
        self.env.current_document.default_role = outer  # the empty one is registered, but not noted
        return parsed

    def depend(self, entry: Entry) -> None:
        """Have the page read again when a source of the component changes."""
        for cls in inspect.getmro(entry.item) if entry.chosen else ():
            file = getattr(sys.modules.get(cls.__module__), "__file__", None)
            if file is not None and Path(file).is_file() and not file.startswith(sys.base_prefix):
                self.env.note_dependency(file)


class PluginDirective(_Directive):
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


def _kind(given: str) -> str:
    kind = given.strip()
    if kind not in registry.BASES:
        raise ValueError(f"there is no kind {kind!r}; {did_you_mean(kind, registry.BASES)}")
    return kind


def _wanted(given: str) -> bool:
    return directives.choice(given, ("yes", "no")) == "yes"


def _option(ability: str) -> str:
    return ability.replace("_", "-")


class CatalogueDirective(_Directive):
    """Show a table of components, of one kind or of all, that can be filtered in the browser."""

    option_spec: ClassVar[dict[str, Callable[[str], Any]] | None] = {
        "kind": _kind,
        "distribution": directives.unchanged_required,
        **{_option(ability): _wanted for ability in able.NAMES},
    }

    def shown(self) -> list[nodes.Node]:
        """Show the table."""
        rows = self._rows()
        shown = self.parse(markup.catalogue(rows)) if rows else self.parse("There are none.")
        bodies = [body for node in shown for body in node.findall(nodes.tbody)]
        for body in bodies:
            for old, row in zip(list(body.children), rows, strict=True):
                assert isinstance(old, nodes.row)
                body.replace(old, Row("", *old.children, data=_data(row)))
        return shown

    def _rows(self) -> list[dict[str, Any]]:
        """List the components that are wanted, each with what it requires."""
        wanted = {ability: self.options[_option(ability)] for ability in able.NAMES if _option(ability) in self.options}
        kind: str | None = self.options.get("kind", "optimizer" if wanted else None)
        if wanted and kind != "optimizer":
            raise InputError(f"a {kind} has no abilities; leave out {', '.join(map(_option, wanted))}")
        rows = [] if kind == "optimizer" else [row for row in catalogue.rows(kind) if row["kind"] != "optimizer"]
        if kind in (None, "optimizer"):
            rows += catalogue.optimizers(wanted)
        rows.sort(key=lambda row: catalogue.KINDS.index(row["kind"]) if row["kind"] in catalogue.KINDS else -1)
        distributions = self._distributions()
        entries: dict[tuple[str, str], Entry] = {}
        for entry in registry.default().entries:
            if kind in (None, entry.kind) and (not distributions or canonical(entry.distribution) in distributions):
                self.depend(entry)  # also one without an ability that it may have the next time
                entries[entry.kind, registry.default().written(entry)] = entry
        # What is broken is in no registry.
        known = [(row, entries.get((row["kind"], row["name"]))) for row in rows]
        return [{**row, "requires": getattr(entry.item, "requires", None)} for row, entry in known if entry is not None]

    def _distributions(self) -> set[str]:
        known = {canonical(entry.distribution): entry.distribution for entry in registry.default().entries}
        given: Sequence[str] = self.options.get("distribution", "").replace(",", " ").split()
        for name in given:
            if canonical(name) not in known:
                meant = did_you_mean(name, known.values())
                raise InputError(f"no distribution {name!r} brings components; {meant}")
        return {canonical(name) for name in given}


def _data(row: Mapping[str, Any]) -> dict[str, str]:
    """Say what the filter has to know of a component."""
    data = {"kind": row["kind"], "distribution": row["distribution"], "extra": row["requires"] or "none"}
    abilities = row.get("abilities", {})
    return data | {_option(name): markup.yes_or_no(abilities[name]) for name in able.NAMES if name in abilities}
