"""Components as things that other pages refer to: ``:optikit:component:`optimizer:adam```.

A reference is resolved to ``KIND:NAME``, also if only the name was written, so that a page of one project can refer to
one of another's through intersphinx.  The role `mention` is that of single backticks in the docstrings of components:
a reference where the word is a component with a page, and just the word where it is a field or anything else.
"""

import hashlib
from collections.abc import Iterable, Iterator
from importlib import metadata
from typing import Any, ClassVar

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.domains import Domain, ObjType
from sphinx.environment import BuildEnvironment
from sphinx.roles import XRefRole
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

from optikit import catalogue, registry
from optikit.errors import InputError, did_you_mean
from optikit.registry import BASES, Entry, canonical

_logger = logging.getLogger(__name__)


def key(entry: Entry) -> str:
    """Name a component as references do: kind, colon, name."""
    return f"{entry.kind}:{registry.default().written(entry)}"


def found(written: str) -> Entry:
    """Find the component that ``KIND:NAME``, ``KIND NAME`` or ``NAME`` means.

    Raises
    ------
    InputError
        If there is none, or several.
    """
    first, _, rest = written.strip().replace(":", " ", 1).partition(" ")
    if not rest.strip():
        return catalogue.find(first)
    if first in BASES:
        return catalogue.find(rest.strip(), first)
    if canonical(first) in {canonical(entry.distribution) for entry in registry.default().entries}:
        return catalogue.find(written.strip())
    raise InputError(f"there is no kind {first!r}; {did_you_mean(first, BASES)}")


class ComponentRole(XRefRole):
    """Reads what was written as a reference."""

    def process_link(
        self, env: BuildEnvironment, refnode: nodes.Element, has_explicit_title: bool, title: str, target: str
    ) -> tuple[str, str]:
        """Complete the target with the kind."""
        try:
            entry = found(target)
        except InputError as error:
            refnode["problem"] = str(error)
            return title, target
        refnode["problem"] = f"{key(entry)!r} has no page here; show it with `optikit-plugin`"
        return title if has_explicit_title else registry.default().written(entry), key(entry)


class OptikitDomain(Domain):
    """The components that have a page."""

    name = "optikit"
    label = "optikit"
    object_types: ClassVar[dict[str, ObjType]] = {"component": ObjType("component", "component", "mention")}
    roles: ClassVar[dict[str, Any]] = {"component": ComponentRole(warn_dangling=True), "mention": ComponentRole()}
    initial_data: ClassVar[dict[str, Any]] = {"components": {}, "documents": {}, "installed": ""}
    data_version = 1

    @property
    def components(self) -> dict[str, tuple[str, str]]:
        """The document and the anchor of each component."""
        return self.data["components"]

    def note(self, entry: Entry) -> str:
        """Note that the current document is about a component, and give the anchor."""
        name, document = key(entry), self.env.current_document.docname
        if (other := self.components.get(name, (document, ""))[0]) != document:
            where = f"it is shown in {other}, too; show it in one place, and refer to it in the other"
            _logger.warning("%s: %s", name, where, location=document, type="optikit", subtype="component")
        anchor = f"optikit-{entry.kind}-{registry.default().written(entry)}".replace(":", "-")
        self.components[name] = (document, anchor)
        return anchor

    def clear_doc(self, docname: str) -> None:
        """Forget a document that is about to be read again."""
        self.data["documents"].pop(docname, None)
        for name in [name for name, (document, _) in self.components.items() if document == docname]:
            del self.components[name]

    def merge_domaindata(self, docnames: Iterable[str], otherdata: dict[str, Any]) -> None:
        """Take over what another process has read."""
        read = set(docnames)
        for name, place in otherdata["components"].items():
            if place[0] in read:
                self.components[name] = place
        self.data["documents"].update({name: True for name in otherdata["documents"] if name in read})

    def resolve_xref(
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        typ: str,
        target: str,
        node: addnodes.pending_xref,
        contnode: nodes.Element,
    ) -> nodes.reference | None:
        """Refer to the page of a component."""
        if target not in self.components:
            return None
        document, anchor = self.components[target]
        return make_refnode(builder, fromdocname, document, anchor, contnode, target)

    def resolve_any_xref(
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        target: str,
        node: addnodes.pending_xref,
        contnode: nodes.Element,
    ) -> list[tuple[str, nodes.reference]]:
        """Do the same for the role `any`."""
        names = [name for name in self.components if target in (name, name.partition(":")[2])]
        found = [self.resolve_xref(env, fromdocname, builder, "component", name, node, contnode) for name in names]
        return [("optikit:component", reference) for reference in found if reference is not None]

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        """List all, for the search and for other projects."""
        for name, (document, anchor) in self.components.items():
            yield name, name.partition(":")[2], "component", document, anchor, 1


def not_found(app: Sphinx, domain: Domain | None, node: addnodes.pending_xref) -> bool | None:
    """Warn of a reference to nothing, in one sentence; a mere mention needs to be no reference."""
    if domain is None or domain.name != OptikitDomain.name:
        return None
    if node["reftype"] != "mention":
        _logger.warning("%s", node["problem"], location=node, type="optikit", subtype="component")
    return True


def outdated(app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """List the documents with components if other ones are installed than at the last build."""
    domain = env.get_domain(OptikitDomain.name)
    known = [(key(entry), _version(entry.distribution), entry.missing) for entry in registry.default().entries]
    installed = hashlib.sha256(repr(sorted(known, key=repr)).encode()).hexdigest()
    before, domain.data["installed"] = domain.data["installed"], installed
    return [] if before == installed else sorted(domain.data["documents"].keys() & env.found_docs)


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
