"""The directive ``optikit-catalogue``: a table of components, with what a filter in the browser has to know of each."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives

from optikit import able, catalogue, registry
from optikit.errors import InputError, did_you_mean
from optikit.registry import Entry, canonical
from optikit.sphinxext import markup
from optikit.sphinxext.directive import ComponentDirective


class Row(nodes.row):
    """A row of a catalogue; in HTML it bears what the component is and can do, for the filter."""


def _begin_row(translator: Any, node: Row) -> None:
    translator.visit_row(node)
    data = "".join(f' data-{name}="{escape(value)}"' for name, value in node["data"].items())
    translator.body[-1] = translator.body[-1].replace("<tr", f"<tr{data}", 1)


def _end_row(translator: Any, node: Row) -> None:
    translator.depart_row(node)


row_of_html = (_begin_row, _end_row)


def _kind(given: str) -> str:
    kind = given.strip()
    if kind not in registry.BASES:
        raise ValueError(f"there is no kind {kind!r}; {did_you_mean(kind, registry.BASES)}")
    return kind


def _wanted(given: str) -> bool:
    return directives.choice(given, ("yes", "no")) == "yes"


def _option(ability: str) -> str:
    return ability.replace("_", "-")


class CatalogueDirective(ComponentDirective):
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
