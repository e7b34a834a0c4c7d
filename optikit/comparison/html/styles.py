"""How each optimizer looks: a colour, a dash and a marker, no two of them the same in all three.

The colours are few, so that whoever does not see red or green apart still sees them apart, and there are two sets of
them, as none has enough contrast on white and on black.  What is drawn in one colour differs by dash and marker.
"""

from dataclasses import dataclass

LIGHT = ("#0064b4", "#c84b00", "#00876a", "#b0418f", "#3c3c3c")
DARK = ("#5ab4f0", "#ff8c4b", "#2fc79a", "#f09ad0", "#e6e6e6")
"""The same five colours on a dark ground."""
DASHES: tuple[tuple[int, ...], ...] = ((), (7, 3), (2, 3), (9, 3, 2, 3))
"""Lengths of strokes and gaps, in pixels."""
MARKERS = {
    "circle": "M8 5a3 3 0 1 0 .01 0z",
    "square": "M5.4 5.4h5.2v5.2h-5.2z",
    "triangle": "M8 4.4l3.4 6.2h-6.8z",
    "diamond": "M8 4l3.2 4-3.2 4-3.2-4z",
    "inverted_triangle": "M8 11.6l3.4-6.2h-6.8z",
    "cross": "M8 4.4v7.2M4.4 8h7.2",
    "x": "M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2",
}
"""Bokeh's markers, each with its path in a box of 16 by 16."""


@dataclass(frozen=True, slots=True)
class Style:
    """How an optimizer is drawn."""

    colour: int
    """Its number in `LIGHT` and `DARK`."""
    dash: tuple[int, ...]
    marker: str

    @property
    def swatch(self) -> str:
        """Show it as a small picture."""
        dashes = f' stroke-dasharray="{" ".join(map(str, self.dash))}"' if self.dash else ""
        return (
            f'<svg class="swatch" viewBox="-10 0 36 16" style="color:var(--c{self.colour})" aria-hidden="true">'
            f'<path d="M-10 8h36"{dashes}/><path class="mark" d="{MARKERS[self.marker]}"/></svg>'
        )


def style(number: int) -> Style:
    """Choose a style by an optimizer's number, so that 140 in a row differ and neighbours differ in colour."""
    return Style(number % len(LIGHT), DASHES[number // len(LIGHT) % len(DASHES)], list(MARKERS)[number % len(MARKERS)])
