"""What is on its way out still works, and says once who uses it, where, and what to write instead.

The framework calls `deprecated` where such a thing is used.  Whose code that is, is found on the stack: the first frame
outside of optikit.  Each plugin is told once a process, so that a loop of a million steps does not fill a terminal.
"""

import inspect
import sys
import warnings
from importlib.metadata import packages_distributions
from types import FrameType

told: list[str] = []
"""What has been said in this process."""
_known: set[tuple[str, str]] = set()


def deprecated(what: str, instead: str, gone: int, cls: type | None = None) -> None:
    """Warn that something will not be there much longer.

    Parameters
    ----------
    what, instead : str
        What is used, and what to write instead.
    gone : int
        The plugin API that no longer has it.
    cls : type, optional
        Whose definition is meant, where it is not the call.
    """
    module, file, line = _called_from(inspect.currentframe()) if cls is None else _defined(cls)
    package = module.partition(".")[0]
    if (what, package) in _known:
        return
    _known.add((what, package))
    owner = packages_distributions().get(package, [package])[0]
    sentence = f"{owner} uses {what} ({file}:{line}), which the plugin API {gone} will not have; write {instead}"
    told.append(sentence)
    warnings.warn_explicit(sentence, DeprecationWarning, file, line, module)


def _called_from(frame: FrameType | None) -> tuple[str, str, int]:
    """Find the first frame that is neither ours nor that of an import statement."""
    module, file, line = "", "", 0
    while frame is not None:
        module, file, line = str(frame.f_globals.get("__name__", "")), frame.f_code.co_filename, frame.f_lineno
        if module.partition(".")[0] not in ("optikit", "importlib"):
            break
        frame = frame.f_back
    return module, file, line


def _defined(cls: type) -> tuple[str, str, int]:
    """Find where a class is defined."""
    try:
        return cls.__module__, inspect.getsourcefile(cls) or "", inspect.getsourcelines(cls)[1]
    except (OSError, TypeError):  # it was made by a program
        return cls.__module__, getattr(sys.modules.get(cls.__module__), "__file__", None) or "", 0
