"""The picture of convergence: an optimizer beside two that everybody knows, on three functions.

It is drawn in the colour of the text around it, so that it can be read on a light and on a dark page, and stands in the
page itself.  Nothing in it depends on when it was made: the same curves give the same bytes.
"""

import io
import re
from collections.abc import Sequence
from contextlib import suppress
from html import escape
from typing import Any

from optikit import catalogue
from optikit.errors import InputError
from optikit.library import import_library
from optikit.registry import Entry
from optikit.sphinxext.curves import FUNCTIONS, Curve, curves

LOWEST = 1e-16
"""Values below are drawn here; they are rounding."""
_INK = "#010203"
"""Stands for the colour of the text, which an SVG in a page calls ``currentColor``."""
# Three that can be told apart by everybody, with three to one of contrast on white and on black; and by their dashes.
_LOOKS = (("#0a84d6", "-", 2.2), ("#d55e00", "--", 1.4), ("#009e73", ":", 1.6))


def picture(entry: Entry, beside: Sequence[str]) -> str | None:
    """Draw the picture as a figure of HTML.

    Parameters
    ----------
    entry : Entry
        The optimizer.
    beside : sequence of str
        Names of those that it is compared with, of which those that cannot be used are left out.

    Returns
    -------
    str or None
        None where there is nothing to draw, or nothing to draw it with.
    """
    # Matplotlib's own types are partly unknown.
    try:
        matplotlib, drawing = import_library("matplotlib"), import_library("matplotlib.figure")
    except ImportError:
        return None
    own = curves(entry)
    if not own:
        return None
    lines = {entry.name: own}
    for name in beside:
        with suppress(InputError):
            other = catalogue.find(name, "optimizer")
            if other.item is not entry.item and (found := curves(other)):
                lines[other.name] = found
    style: dict[str, Any] = {"svg.fonttype": "none", "svg.hashsalt": entry.qualified, "font.family": "sans-serif"}
    with matplotlib.rc_context({**style, "font.size": 11}):
        figure = drawing.Figure(figsize=(9, 3.4), layout="constrained")
        _draw(figure, lines)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True)
    return _page(stream.getvalue(), _said(lines))


def _draw(figure: Any, lines: dict[str, dict[str, Curve]]) -> None:
    for axes, function in zip(figure.subplots(1, len(FUNCTIONS)), FUNCTIONS, strict=True):
        for (name, found), (color, dashes, width) in zip(lines.items(), _LOOKS, strict=False):
            count, best = found.get(function.name, ([], []))
            values = [max(value, LOWEST) for value in best]
            axes.step(
                count, values, where="post", color=color, linestyle=dashes, linewidth=width, label=name
            )  # fmt: skip
        axes.set_title(function.name, color=_INK, fontsize=12)
        axes.set(xscale="log", yscale="log")
        axes.set_xlabel("evaluations", color=_INK)
        axes.tick_params(which="both", colors=_INK)
        for spine in axes.spines.values():
            spine.set_edgecolor(_INK)
        axes.grid(color=_INK, alpha=0.2)
    figure.axes[0].set_ylabel("lowest value", color=_INK)
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, labelcolor=_INK
    )


def _said(lines: dict[str, dict[str, Curve]]) -> str:
    """Say in words what the picture shows."""
    sentences: list[str] = []
    for function in FUNCTIONS:
        reached = [
            f"{name} {found[function.name][1][-1]:.1e} after {found[function.name][0][-1]:,} evaluations"
            for name, found in lines.items()
            if function.name in found
        ]
        sentences.append(f"{function.name}: {', '.join(reached) or 'none'}.")
    return "The lowest value reached. " + " ".join(sentences)


def _page(svg: str, said: str) -> str:
    """Make a part of a page of what is a file of its own."""
    svg = svg[svg.index("<svg") :].strip()
    # The date, and who drew it.
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    # This would apply to the whole page.
    svg = re.sub(r"<style[^>]*>.*?</style>\s*", "", svg, flags=re.DOTALL)
    used = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(r' id="([\w-]+)"', lambda found: found[0] if found[1] in used else "", svg)
    box = re.search(r'viewBox="[^"]*"', svg)
    head = f'<svg {box[0] if box else ""} xmlns:xlink="http://www.w3.org/1999/xlink" role="img"'
    head = f'{head} aria-label="{escape(said)}" stroke-linejoin="round">'
    svg = re.sub(r"<svg[^>]*>", lambda _: head, svg, count=1).replace(_INK, "currentColor")
    caption = "One run each, with the defaults, from the same start; those that need gradients are given exact ones."
    return f'<figure class="optikit-convergence">\n{svg}\n<figcaption>{caption}</figcaption>\n</figure>\n'
