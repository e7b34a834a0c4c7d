"""A page for each component, and one with all of them, written when they were asked for.

``optikit_pages = "components"`` writes them into that folder of the sources, for ``components/index`` to be named in a
``toctree``.  A page that is as it was is not written, so it is not read again either; one whose component is gone is
removed.  The folder belongs into ``.gitignore``.
"""

from pathlib import Path

from sphinx.application import Sphinx

from optikit import registry
from optikit.errors import InputError, did_you_mean
from optikit.files import save_text
from optikit.registry import BASES, Entry, canonical
from optikit.sphinxext.domain import key

MARK = ".. written by optikit.sphinxext; what you change here is lost\n"
"""The first line of each page that may be removed."""


def write_pages(app: Sphinx) -> None:
    """Write the pages, if the configuration names a folder.

    Raises
    ------
    InputError
        If there is no such distribution, or a file is in the way.
    """
    if not app.config.optikit_pages:
        return
    folder = Path(app.srcdir, app.config.optikit_pages)
    entries = _wanted(app.config.optikit_distributions)
    pages = {f"{_file(entry)}.rst": _page(entry) for entry in entries}
    pages["index.rst"] = _index(entries, app.config.optikit_distributions)
    folder.mkdir(parents=True, exist_ok=True)
    before = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.rst"))}
    for name, text in before.items():
        if name in pages and not text.startswith(MARK):
            raise InputError(f"{folder / name} is not of our making; move it, or set optikit_pages to another folder")
        if name not in pages and text.startswith(MARK):
            (folder / name).unlink()
    for name, text in pages.items():
        if before.get(name) != text:
            save_text(folder / name, text)


def _wanted(distributions: list[str]) -> list[Entry]:
    chosen = [entry for entry in registry.default().entries if entry.chosen]
    known = {canonical(entry.distribution): entry.distribution for entry in chosen}
    for name in distributions:
        if canonical(name) not in known:
            meant = did_you_mean(name, known.values())
            raise InputError(f"optikit_distributions: no distribution {name!r} brings components; {meant}")
    names = {canonical(name) for name in distributions} or known.keys()
    return sorted((entry for entry in chosen if canonical(entry.distribution) in names), key=key)


def _file(entry: Entry) -> str:
    return key(entry).replace(":", "-")


def _page(entry: Entry) -> str:
    return f"{MARK}\n{_heading(registry.default().written(entry), '=')}\n.. optikit-plugin:: {key(entry)}\n"


def _index(entries: list[Entry], distributions: list[str]) -> str:
    text = f"{MARK}\n{_heading('Components', '=')}"
    restricted = f"   :distribution: {', '.join(distributions)}\n" if distributions else ""
    for kind in [kind for kind in BASES if any(entry.kind == kind for entry in entries)]:
        text += f"\n{_heading(kind.capitalize(), '-')}\n.. optikit-catalogue::\n   :kind: {kind}\n{restricted}"
    return f"{text}\n.. toctree::\n   :hidden:\n\n" + "".join(f"   {_file(entry)}\n" for entry in entries)


def _heading(title: str, line: str) -> str:
    return f"{title}\n{line * len(title)}\n"
