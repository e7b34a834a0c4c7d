"""Functions that are named in text: ``module:name``, or ``file.py:name``.

Naming one is no more than text; its code runs when it is asked for here, and nowhere else.
"""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from optikit.errors import InputError, did_you_mean


def imported(name: str, folder: Path) -> Any:
    """Import what a name means.

    Parameters
    ----------
    name : str
        ``module:name`` or ``file.py:name``.
    folder : Path
        Where the file, or the module, may lie.

    Returns
    -------
    object
        What has that name in the module.

    Raises
    ------
    InputError
        If there is none, or importing it raises.
    """
    module, colon, attribute = name.rpartition(":")
    if not (colon and module and attribute):
        raise InputError("it must be written as module:name or file.py:name")
    path = str(folder.resolve())
    sys.path.insert(0, path)
    try:
        loaded = _load(folder / module) if module.endswith(".py") else importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise InputError(f"it cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(path)
    if not hasattr(loaded, attribute):
        own = [key for key, value in vars(loaded).items() if callable(value) and not key.startswith("_")]
        raise InputError(f"{module} has no {attribute!r}; {did_you_mean(attribute, own)}")
    return getattr(loaded, attribute)


def _load(file: Path) -> ModuleType:
    """Run a file as a module of its own name, whatever else has that name (`random.py`, say)."""
    key = f"optikit-file:{file.resolve()}"
    if key not in sys.modules:
        if not file.is_file():
            raise FileNotFoundError("there is no such file")
        spec = importlib.util.spec_from_file_location(key, file)
        if spec is None or spec.loader is None:
            raise ImportError("it is no Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[key] = module  # pickling and dataclasses look there for the names of a module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[key]
            raise
    return sys.modules[key]
