"""A Sphinx extension: pages about components and catalogues of them, in any project's documentation.

An author names it in ``conf.py``, as ``extensions = ["optikit.sphinxext"]``, and a page about a component is one line::

    .. optikit-plugin:: optimizer:compass-search

All that is shown is what optikit knows of a component anyway: `optikit.page` describes it, `optikit.able` probes it.
Here that becomes reStructuredText (`markup`), which Sphinx parses as if an author had written it; so every builder
can show it, and other extensions see nothing unusual.  What is broken is a warning of Sphinx, and the build goes on.
"""

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

from optikit import registry
from optikit.errors import InputError
from optikit.sphinxext.component import PluginDirective
from optikit.sphinxext.domain import OptikitDomain, not_found, outdated
from optikit.sphinxext.pages import write_pages
from optikit.sphinxext.reports import read_reports
from optikit.sphinxext.table import CatalogueDirective, Row, row_of_html

_logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, Any]:
    """Make the extension known to Sphinx."""
    app.add_config_value("optikit_conformance", [], "env", [str, list, tuple])
    app.add_config_value("optikit_pages", "", "env", [str])
    app.add_config_value("optikit_distributions", [], "env", [list, tuple])
    app.add_config_value("optikit_pictures", True, "env", [bool])
    app.add_config_value("optikit_beside", ["scipy-nelder-mead", "lbfgs"], "env", [list, tuple])
    app.add_domain(OptikitDomain)
    app.add_directive("optikit-plugin", PluginDirective)
    app.add_directive("optikit-catalogue", CatalogueDirective)
    app.add_node(Row, html=row_of_html)
    app.add_css_file("optikit.css")
    app.add_js_file("optikit.js", loading_method="defer")
    app.connect("config-inited", _read_config)
    app.connect("builder-inited", _begin)
    app.connect("env-get-outdated", outdated)
    app.connect("warn-missing-reference", not_found)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}


def _read_config(app: Sphinx, config: Config) -> None:
    """Find the reports beside ``conf.py``."""
    given: str | list[str] = config.optikit_conformance
    config.optikit_conformance = [str(app.confdir / name) for name in ([given] if isinstance(given, str) else given)]


def _begin(app: Sphinx) -> None:
    """Report what is broken, once a build, and write the pages that were asked for."""
    app.config.html_static_path.append(str(Path(__file__).parent / "static"))
    for fault in registry.default().faults:
        _logger.warning("%s", fault, type="optikit", subtype="plugin")
    for file in app.config.optikit_conformance:
        try:
            read_reports(file)
        except InputError as error:
            _logger.warning("%s", error, type="optikit", subtype="conformance")
    try:
        write_pages(app)
    except InputError as error:
        _logger.warning("%s", error, type="optikit", subtype="pages")
