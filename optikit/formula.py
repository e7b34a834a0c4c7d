"""A formula of a docstring as plain text, for terminals: symbols for commands, slashes for fractions.

Docstrings have formulas in LaTeX, as numpydoc wants them.  The characters of HTML have the names of LaTeX's, so a table
of symbols is there already; a command without a character, such as ``log``, is its own name.  What is grouped by
braces is grouped by parentheses, unless one word is all there is.
"""

import re
from collections.abc import Iterator
from html.entities import html5

_TOKEN = re.compile(r"\\begin\{\w+\}|\\end\{\w+\}|\\[a-zA-Z]+|\\.|\s+|.", re.DOTALL)
_OWN = {
    **dict.fromkeys(["left", "right", "bigl", "bigr", "Bigl", "Bigr", "!"], ""),
    **dict.fromkeys([",", ";", " "], " "),
    **dict.fromkeys(["quad", "qquad"], "\n"),
    "cdot": html5["centerdot;"],
    "infty": html5["infin;"],
    "begin{cases}": "{",
    "end{cases}": "}",
    "\\": "; ",
}
"""What is no character of HTML, or has another name there."""
_LOOSE = re.compile(r"(?<=[({\u230a]) | (?=[)};,\u230b])")
"""Spaces inside brackets, and before a comma."""
_ACCENTS = {"hat": "\N{COMBINING CIRCUMFLEX ACCENT}", "bar": "\N{COMBINING MACRON}"}


def plain(latex: str) -> str:
    r"""Write a formula as plain text.

    Parameters
    ----------
    latex : str
        The formula.

    Returns
    -------
    str
        With a line for each of the formulas that it sets apart.

    Examples
    --------
    >>> from optikit.formula import plain
    >>> print(plain(r"g_i = \frac{f(x + h e_i) - f(x)}{h}, \quad h = 10^{-8}"))
    g_i = (f(x + h e_i) - f(x))/h,
    h = 10^(-8)
    """
    tokens = (match[0] for match in _TOKEN.finditer(latex))
    lines = [" ".join(line.split()) for line in "".join(_one(token, tokens) for token in tokens).split("\n")]
    return "\n".join(_LOOSE.sub("", line) for line in lines if line)


def _read(tokens: Iterator[str]) -> Iterator[str]:
    """Translate tokens up to the brace that closes the group."""
    for token in tokens:
        if token == "}":
            return
        yield _one(token, tokens)


def _one(token: str, tokens: Iterator[str]) -> str:
    """Translate a token, and what belongs to it."""
    command = token[1:]
    if token in ("^", "_"):
        return token + _grouped(_next(tokens))
    if token == "{":
        return "".join(_read(tokens))
    if token == "&":
        return " if "
    if not command or token.isspace():
        return token if token.strip() else " "
    if command == "frac":
        return f"{_grouped(_next(tokens))}/{_grouped(_next(tokens))}"
    if command == "sqrt":
        return html5["Sqrt;"] + _grouped(_next(tokens))
    if command in _ACCENTS:
        return _next(tokens) + _ACCENTS[command]
    if command in ("text", "operatorname"):
        return _next(tokens)
    return _OWN.get(command, html5.get(f"{command};", command))


def _next(tokens: Iterator[str]) -> str:
    """Translate the argument of a command: a group, or one token."""
    return _one(next((token for token in tokens if not token.isspace()), " "), tokens).strip("\n")


def _grouped(text: str) -> str:
    """Put into parentheses what is more than a word, a number or a sign."""
    return text if re.fullmatch(r"[^\W\d_]+|\d+|\S", text) else f"({text.strip()})"
