"""A scaffold: the project that a new plugin begins with, whole and publishable, and its way to newer templates.

The template is Copier's and travels in the wheel.  What a project was made of is kept in it, with the checksum of every
file: so an update replaces what its author has left alone, and only that.
"""

import hashlib
import json
import keyword
import re
import sys
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field, ValidationError

from optikit import registry
from optikit.api import API
from optikit.component import explain
from optikit.described import Described
from optikit.errors import InputError
from optikit.files import save_text

KINDS = {
    **{"optimizer": "optimizer", "gradient-estimator": "gradient", "model": "model", "loss": "loss"},
    **{"data": "data", "observer": "observer"},
}
"""What a project can be made for, and the kind of component that it is."""
LONGEST = 30
"""Letters of a name; the template's lines are short enough for that."""
RECORD = ".optikit-new.json"
"""The file in a project that says what it was made of."""
_TAKEN = {
    *("Any", "Array", "Component", "Data", "Dataset", "Field", "Loss", "Model", "Objective", "Observer", "Optimizer"),
    *("Oracle", "Progress", "Result", "Run", "State", "Stop", "Targets", "Watcher", "GradientEstimator", "NDArray"),
    *("DifferentiableLoss", "DifferentiableModel", "InputError"),
}
"""Names that the template's examples use."""
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class Record(Described):
    """What a project was made of."""

    format: Literal[1] = 1
    """Of this file."""
    name: str = Field(pattern=f"^{_NAME.pattern}$")
    """Of the distribution."""
    kind: Literal["optimizer", "gradient-estimator", "model", "loss", "data", "observer"]
    """What it brings."""
    author: str
    """Who holds the copyright."""
    year: str
    """Of the copyright."""
    optikit: str
    """The release whose template it was."""
    files: dict[str, str]
    """The checksum of each file as the template made it, by its path."""


class Updated(NamedTuple):
    """What an update did to the files of a project, by their paths."""

    replaced: list[str]
    added: list[str]
    beside: list[str]
    """Those that the author has changed, so that the new version lies beside, as ``FILE.new``."""


def create(name: str, kind: str, folder: Path, author: str | None = None) -> list[str]:
    """Make a project.

    Parameters
    ----------
    name : str
        Of the distribution and of its component.
    kind : str
        One of `KINDS`.
    folder : Path
        Where it shall be; made if it is not there.
    author : str, optional
        Who holds the copyright.

    Returns
    -------
    list of str
        The files.

    Raises
    ------
    InputError
        If the name cannot be that of a plugin, or something is in the folder.
    """
    _check_name(name, kind)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is there already, and no empty folder; choose another one with --to")
    if author is not None and not (author.strip() and author.isprintable()):
        raise InputError(f"--author {author!r} is no name; write one, on one line")
    made = _rendered({"name": name, "kind": kind, **({} if author is None else {"author": author})})
    answers = made.pop(RECORD)
    for path, text in made.items():
        _write(folder / path, text)
    record = Record(**json.loads(answers), files={path: _checksum(text) for path, text in made.items()})
    _write(folder / RECORD, record.model_dump_json(indent=1) + "\n")
    return [*made, RECORD]


def update(folder: Path) -> Updated:
    """Take over what the template of this release has better.

    A file that is as an older template made it is replaced.  Where both the author and the template have changed one,
    the new version is put beside it.  One that the author has deleted stays so.

    Parameters
    ----------
    folder : Path
        The project.

    Returns
    -------
    Updated
        What was done.

    Raises
    ------
    InputError
        If no project is there, or what it was made of cannot be read.
    """
    record, done = _recorded(folder), Updated([], [], [])
    answers = record.model_dump(include={"name", "kind", "author", "year"})
    made = _rendered(answers)
    fresh = json.loads(made.pop(RECORD))
    for path, text in made.items():
        file, known = folder / path, record.files.get(path)
        if known == _checksum(text):
            continue
        now = _checksum(file.read_bytes()) if file.is_file() else None
        if now == _checksum(text) or (now is None and known is not None):
            continue
        if now is None:
            done.added.append(path)
        elif now == known:
            done.replaced.append(path)
        else:
            done.beside.append(f"{path}.new")
            file = folder / f"{path}.new"
            if file.exists():
                raise InputError(
                    f"{file} is there from an earlier update; take over what you want of it, and remove it"
                )
        _write(file, text)
    files = {path: _checksum(text) for path, text in made.items()}
    _write(folder / RECORD, Record(**fresh, files=files).model_dump_json(indent=1) + "\n")
    return done


def _check_name(name: str, kind: str) -> None:
    if kind not in KINDS:
        raise InputError(f"--kind {kind}: write one of {', '.join(KINDS)}")
    if not _NAME.fullmatch(name) or len(name) > LONGEST:
        want = f"lower-case words joined by hyphens, at most {LONGEST} letters: my-search"
        raise InputError(f"{name!r} cannot be the name of a plugin; write {want}")
    package = name.replace("-", "_")
    cls = "".join(map(str.capitalize, name.split("-")))
    if keyword.iskeyword(cls) or cls in _TAKEN:
        raise InputError(
            f"the class of {name!r} would be {cls}, which is taken; choose another name, such as my-{name}"
        )
    if keyword.iskeyword(package) or package in sys.stdlib_module_names or find_spec(package) is not None:
        raise InputError(f"there is a module {package} already, which the plugin would hide; choose another name")
    for entry in registry.default().entries:
        if (entry.kind, entry.name) == (KINDS[kind], name):
            taken = f"{entry.distribution} has the {kind} {name!r} already"
            raise InputError(f"{taken}; choose another name, such as my-{name}")


def _rendered(answers: dict[str, str]) -> dict[str, str]:
    """Render the template: the text of each file by its path."""
    try:
        from copier import run_copy
    except ModuleNotFoundError:
        raise InputError(
            "`optikit new` needs copier, which is not installed; run `python -m pip install 'optikit[new]'`"
        ) from None
    data = {**answers, "optikit": ".".join(version("optikit").split(".")[:2]), "api": API}
    with tempfile.TemporaryDirectory() as folder:
        run_copy(str(Path(__file__).parent), folder, data=data, defaults=True, quiet=True)
        files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


def _recorded(folder: Path) -> Record:
    file = folder / RECORD
    try:
        return Record.model_validate_json(file.read_bytes()[:1_000_000])
    except OSError as error:
        raise InputError(
            f"{file} cannot be read ({error.strerror}); give the folder of a project that `optikit new` has made"
        ) from None
    except ValidationError as error:
        loc, sentence = explain(error)[0]
        raise InputError(f"{file} is damaged: {'.'.join(map(str, loc)) or 'it'} {sentence}") from None


def _checksum(text: str | bytes) -> str:
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        save_text(file, text)
    except OSError as error:
        raise InputError(f"{file} cannot be written ({error.strerror})") from None
