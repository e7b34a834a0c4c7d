"""What the two directives share: what is wrong is a warning, what is shown is parsed, what it depends on is noted."""

import inspect
import re
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, cast

from docutils import nodes
from docutils.parsers.rst.states import RSTState
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from optikit.errors import InputError
from optikit.registry import Entry
from optikit.sphinxext.domain import OptikitDomain

_logger = logging.getLogger(__name__)


class ComponentDirective(SphinxDirective, ABC):
    """A directive that shows components."""

    def run(self) -> list[nodes.Node]:
        """Show what was asked for, or warn, in one sentence, and show nothing."""
        self.domain.data["documents"][self.env.current_document.docname] = True
        try:
            return self.shown()
        except InputError as error:
            _logger.warning("%s", error, location=self.get_location(), type="optikit", subtype="component")
            return []

    @abstractmethod
    def shown(self) -> list[nodes.Node]:
        """Give what the directive stands for."""

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
            if file is not None and Path(file).is_file():
                self.env.note_dependency(file)
