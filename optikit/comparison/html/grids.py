"""The tables of a page: all that its figures show, for who would rather read, or cannot see, them."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from optikit.comparison.html.charts import Chart, Sheet
from optikit.comparison.html.text import bare, told
from optikit.comparison.outcome import Comparison
from optikit.comparison.ranking import Ranking
from optikit.comparison.tables import gaps, summary
from optikit.comparison.trial import REFUSED

_MOST_ROWS = 100
_MOST_PROBLEMS = 10
"""Rows of failures, and problems in one of them, that are listed: more than anybody reads, and a bound for the page."""
_LONGEST = 300
"""Letters of a message."""


def grid(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; heads and cells are HTML, and the first cell of a row is its head."""
    top = "".join(f'<th scope="col">{head}</th>' for head in heads)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in others)}</tr>\n'
        for first, *others in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table><caption>{caption}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>\n{body}</tbody></table></div>"
    )


def ranks(comparison: Comparison, ranking: Ranking) -> str:
    """Rank the optimizers, with an interval drawn beside each score, and what they cost."""
    heads, rows = _cells(summary(comparison))
    drawn = list[list[str]]()
    for place, (which, (name, *cells)) in enumerate(zip(ranking.order, rows, strict=True), start=1):
        low, high = ranking.intervals[which] if ranking.conclusive else (math.nan, math.nan)
        drawn.append([f"{place}. {name}", _bar(float(ranking.scores[which]), float(low), float(high)), *cells])
    head, *others = heads
    return grid(
        "Share of the targets that each optimizer reached, and the means of a trial",
        [head, "0 &ndash; 1", *others],
        drawn,
    )


def _bar(score: float, low: float, high: float) -> str:
    """Draw a score as a bar from 0 to 1, and its interval on it."""
    if not math.isfinite(score):
        return ""
    whisker = f'<i style="left:{low:.1%};width:{high - low:.1%}"></i>' if math.isfinite(low + high) else ""
    return f'<span class="bar" aria-hidden="true"><b style="width:{score:.1%}"></b>{whisker}</span>'


def differences(comparison: Comparison, ranking: Ranking) -> str:
    """Compare each optimizer with each: the difference of their scores, and whether it is more than luck."""
    names = [comparison.optimizers[which] for which in ranking.order]
    rows = list[list[str]]()
    for place, a in enumerate(ranking.order):
        cells = ["" if a == b else _difference(ranking, a, b) for b in ranking.order]
        rows.append([f"{place + 1}. {told(names[place])}", *cells])
    numbers = [f'<abbr title="{bare(name)}">{number}</abbr>' for number, name in enumerate(names, start=1)]
    title = "Differences of scores; those in bold and with a star are separated by the evidence"
    return grid(title, ["row less column", *numbers], rows)


def _difference(ranking: Ranking, a: int, b: int) -> str:
    text = f"{ranking.differences[a, b]:+.3f}"
    interval = f"{ranking.low[a, b]:+.3f} to {ranking.high[a, b]:+.3f}"
    return (
        f'<b title="{interval}">{text}*</b>' if ranking.separated(a, b) else f'<span title="{interval}">{text}</span>'
    )


def ends(comparison: Comparison) -> str:
    """Show how far above the lowest value each optimizer ended on each problem."""
    heads, rows = _cells(gaps(comparison))
    return grid("Gap at the end, median over the seeds", heads, rows)


def sampled(chart: Chart, comparison: Comparison) -> str:
    """Show the sheets of a figure as tables, at a few places."""
    return "".join(_sampled(chart, sheet, comparison.optimizers) for sheet in chart.sheets)


def _sampled(chart: Chart, sheet: Sheet, optimizers: Sequence[str]) -> str:
    title = chart.title if len(chart.sheets) == 1 else f"{chart.title}, {sheet.label}"
    if chart.points:
        rows = [
            [told(name), _number(sheet.x[which, 0]), _number(sheet.bands[which, 0, 0])]
            for which, name in enumerate(optimizers)
        ]
        return grid(title, ["", chart.x, f"{chart.y} {sheet.label}"], rows)
    end = len(sheet.x) - 1
    places = [at for at, place in enumerate(sheet.x) if at == end or math.log10(place) % 1 == 0]
    rows = [
        [told(name), *(f"{sheet.bands[which, 0, at]:.2f}" for at in places)] for which, name in enumerate(optimizers)
    ]
    return grid(title, [chart.x, *(_number(sheet.x[at]) for at in places)], rows)


def problems(comparison: Comparison) -> str:
    """List what was compared on."""
    rows = [
        [
            told(case.label),
            f"{case.n:,}",
            f"{comparison.terms.allowance(case.n):,}",
            _number(comparison.lowest(case.label)),
            "known" if case.minimum is not None else "the best value found",
        ]
        for case in comparison.problems
    ]
    return grid("Problems", ["problem", "n", "evaluations of a trial", "lowest value", "which is"], rows)


def failures(comparison: Comparison) -> str:
    """List the trials that were refused or failed, with what they said; empty, if there is none."""
    found = dict[tuple[str, str, str], list[str]]()
    for trial in comparison.trials:
        if trial.failed:
            found.setdefault((trial.optimizer, trial.reason, trial.message), []).append(trial.problem)
    if not found:
        return ""
    rows = [
        [
            told(optimizer),
            "refused" if reason == REFUSED else "failed",
            f"{len(where):,}",
            _listed(list(dict.fromkeys(where))),
            told(message, _LONGEST),
        ]
        for (optimizer, reason, message), where in list(found.items())[:_MOST_ROWS]
    ]
    listed = grid("Trials that were refused or failed", ["optimizer", "how", "trials", "problems", "why"], rows)
    more = len(found) - len(rows)
    return listed + (f"<p>And {more:,} more; comparison.json has all of them.</p>" if more else "")


def _listed(labels: Sequence[str]) -> str:
    more = len(labels) - _MOST_PROBLEMS
    return ", ".join(map(told, labels[:_MOST_PROBLEMS])) + (f" and {more} more" if more > 0 else "")


def _cells(table: Any) -> tuple[list[str], list[list[str]]]:
    """Take what stands in a table for the terminal."""
    heads = [told(str(column.header)) for column in table.columns]
    columns = [[told(str(cell)) if str(cell) else "" for cell in column.cells] for column in table.columns]
    return heads, [list(row) for row in zip(*columns, strict=True)]


def _number(value: Any) -> str:
    return f"{value:,.4g}" if math.isfinite(value) else ""
