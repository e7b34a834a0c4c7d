"""What is kept between processes: small JSON documents in the user's cache folder.

Only what can be found out again is kept, so nothing depends on it: a document that is damaged, too large or not
readable is as if it were not there, and a folder that cannot be written to makes things slower, never wrong.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from optikit.files import save_text

MOST_BYTES = 4 << 20
"""Most that is read from one document, 4 MiB."""


def folder() -> Path:
    """Give the folder: that of the environment variable ``OPTIKIT_CACHE``, or the usual one of the system.

    Raises
    ------
    RuntimeError
        If the user has no home.
    """
    if chosen := os.environ.get("OPTIKIT_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "optikit" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "optikit"
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The specification of XDG has relative paths ignored.
    return (base if base.is_absolute() else Path.home() / ".cache") / "optikit"


def recall(name: str) -> dict[str, Any]:
    """Read a document; an empty one if there is none, or none that can be read."""
    try:
        with (folder() / f"{name}.json").open("rb") as stream:
            document: Any = json.loads(stream.read(MOST_BYTES))  # a larger one is cut off, and so is none
    except (OSError, RuntimeError, ValueError):  # among them damaged UTF-8 and JSON, and brackets nested without end
        return {}
    return cast("dict[str, Any]", document) if isinstance(document, dict) else {}


def keep(name: str, entries: Mapping[str, Any]) -> None:
    """Put entries into a document, if the folder lets us; the others stay."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        document = dict(sorted({**recall(name), **entries}.items()))
        save_text(folder() / f"{name}.json", json.dumps(document, indent=1))
    except (OSError, RuntimeError):
        pass
