"""Text in a page: what users have named may hold anything, and is to be read, never run."""

import base64
import json
import unicodedata
import zlib
from html import escape
from typing import Any

_LONGEST = 120
"""Letters of a label; of a longer one the middle is left out."""


def clean(text: str, longest: int = _LONGEST) -> str:
    """Put text in one line, without what cannot be seen, and not longer than can be read."""
    shown = "".join("\N{REPLACEMENT CHARACTER}" if _hidden(letter) else letter for letter in " ".join(text.split()))
    half = longest // 2
    return shown if len(shown) <= longest else f"{shown[:half]} \N{HORIZONTAL ELLIPSIS} {shown[-half:]}"


def told(text: str, longest: int = _LONGEST) -> str:
    """Write text as HTML; its direction does not reach beyond it."""
    return f"<bdi>{bare(text, longest)}</bdi>"


def bare(text: str, longest: int = _LONGEST) -> str:
    """Write text for an attribute, or where no element may stand."""
    return escape(clean(text, longest))


def packed(value: Any) -> str:
    """Write plain data as letters and digits only: JSON, deflated, in base 64."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode("ascii"), 9)).decode()


def _hidden(letter: str) -> bool:
    """Say of a letter whether it is a control, a surrogate, or turns the direction of what follows."""
    return unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Cn", "Co")
