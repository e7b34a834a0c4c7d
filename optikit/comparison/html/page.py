"""The page itself: its parts put together, and a lock on it.

The lock is a content security policy: the browser runs the two scripts that the page was written with, by their
digests, and nothing else, and loads nothing at all.  So even a label that got around `text` could do nothing, and no
figure can ask the network for anything.
"""

import base64
import hashlib
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from optikit.comparison.html import grids
from optikit.comparison.html.charts import Chart, all_charts
from optikit.comparison.html.figures import figure, library
from optikit.comparison.html.styles import DARK, LIGHT, style
from optikit.comparison.html.text import bare, clean, packed, told
from optikit.comparison.notes import caveats, verdicts
from optikit.comparison.outcome import Comparison
from optikit.errors import InputError
from optikit.files import save_text
from optikit.versions import versions

_KEY = 32
"""Letters of a label in the legend; the whole of it is shown under the pointer."""
_LEADERS = 5
"""Optimizers that the description of a figure names."""


def write(comparison: Comparison, path: Path) -> None:
    """Write a comparison as a page.

    Parameters
    ----------
    comparison : Comparison
        What to show.
    path : Path
        The file, which is replaced.

    Raises
    ------
    InputError
        If Bokeh is not installed, or the file cannot be written.
    """
    text = page(comparison)
    try:
        save_text(path, text)
    except OSError as error:
        raise InputError(f"{path}: it cannot be written ({error.strerror}); give another file") from None


def page(comparison: Comparison) -> str:
    """Give a comparison as the text of an HTML file.

    Raises
    ------
    InputError
        If Bokeh is not installed.
    """
    scripts = [library(), _asset("page.js")]
    charts, names, ranking = all_charts(comparison), comparison.optimizers, comparison.ranking()
    shown = [
        {
            **{"key": chart.key, "log": chart.log, "points": chart.points, "item": figure(chart, names)},
            "sheets": [sheet.packed(chart.log) for sheet in chart.sheets],
        }
        for chart in charts
    ]
    return Template(_asset("page.html")).substitute(
        policy=" ".join(f"'sha256-{_digest(script)}'" for script in scripts),
        style=_colours() + _asset("page.css"),
        title=f"{_many(names, 'optimizer')} on {_many(comparison.problems, 'problem')}",
        terms=_terms(comparison),
        problems=grids.problems(comparison),
        sentences=_list([*verdicts(comparison, ranking), *caveats(comparison)]),
        ranks=grids.ranks(comparison, ranking),
        differences=grids.differences(comparison, ranking),
        legend=_legend(comparison),
        figures="\n".join(_figure(chart, comparison) for chart in charts),
        failures=grids.failures(comparison) or "<p>No trial was refused, and none failed.</p>",
        data=packed(shown),
        bokeh=scripts[0],
        script=scripts[1],
    )


def _terms(comparison: Comparison) -> str:
    """Say under which terms was compared, and with what."""
    terms, seeds = comparison.terms, comparison.seeds
    whole = len(comparison.problems) * len(comparison.optimizers) * len(seeds)
    precisions = terms.precisions
    known = {
        "Trials": f"{len(comparison.trials):,} of {whole:,}"
        + (", as the comparison was interrupted" if comparison.interrupted else ""),
        "Seeds": ", ".join(map(str, seeds)),
        "Evaluations of a trial": f"{terms.max_evals}"
        + (", times the number of parameters" if isinstance(terms.max_evals, str) else "")
        + ", differences included",
        "Seconds of a trial": "no limit" if terms.max_seconds is None else f"{terms.max_seconds:g}",
        "Targets": f"{len(precisions)}, from {precisions[0]:g} to {precisions[-1]:g} above the lowest value",
        "Random numbers from": str(terms.root),
        "Page made with": ", ".join(f"{name} {version}" for name, version in versions().items()),
    }
    return "\n".join(f"<div><dt>{name}</dt><dd>{told(value, 300)}</dd></div>" for name, value in known.items())


def _legend(comparison: Comparison) -> str:
    return "\n".join(
        f'<button type="button" class="key" aria-pressed="true" data-number="{number}" title="{bare(name)}">'
        f"{style(number).swatch}<span>{told(name, _KEY)}</span></button>"
        for number, name in enumerate(comparison.optimizers)
    )


def _figure(chart: Chart, comparison: Comparison) -> str:
    """Write a figure, with what it says in words, how to read it, and its table."""
    options = "".join(
        f'<option value="{number}">{bare(sheet.label)}</option>' for number, sheet in enumerate(chart.sheets)
    )
    chooser = (
        f'<label class="choice">{chart.choice} <select data-chart="{chart.key}">{options}</select></label>'
        if len(chart.sheets) > 1
        else ""
    )
    table = grids.ends(comparison) if chart.key == "convergence" else grids.sampled(chart, comparison)
    key, described = chart.key, _described(chart, comparison)
    return (
        f'<section aria-labelledby="{key}-title">'
        f'<div class="head"><h2 id="{key}-title">{chart.title}</h2>{chooser}</div>\n'
        f'<figure><div id="{key}" class="plot" role="img" aria-label="{described}"></div>'
        f"<figcaption>{chart.reading}</figcaption></figure>\n"
        f"<details><summary>As a table</summary>{table}</details></section>"
    )


def _described(chart: Chart, comparison: Comparison) -> str:
    """Describe the first sheet of a figure in words: who ends up where."""
    said = f"{chart.title}: {chart.y} over {chart.x}."
    sheet = chart.sheets[0]
    last = sheet.bands[:, 0, -1]
    known = [int(which) for which in np.argsort(last if chart.log else -last) if np.isfinite(last[which])]
    if known:
        first = ", ".join(f"{clean(comparison.optimizers[which])} {last[which]:.3g}" for which in known[:_LEADERS])
        said += f" {'Lowest' if chart.log else 'Highest'} at the end, {sheet.label}: {first}."
    return bare(said, 1000)


def _list(sentences: list[str]) -> str:
    return "\n".join(f"<li>{told(sentence, 3000)}</li>" for sentence in sentences)


def _many(items: Any, noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def _colours() -> str:
    """Write the colours as properties that the style sheet, and the script, read."""
    light, dark = ("".join(f"--c{n}:{one};" for n, one in enumerate(colours)) for colours in (LIGHT, DARK))
    return f":root{{--colours:{len(LIGHT)};{light}}}\n:root.dark{{{dark}}}\n"


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _asset(name: str) -> str:
    return (resources.files(__package__ or "") / name).read_text(encoding="utf-8")
