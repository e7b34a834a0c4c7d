"""A comparison as files: one JSON document with everything, and a CSV file a statistic, for whoever draws their own."""

import csv
import io
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np

from optikit.comparison.notes import notes, verdicts
from optikit.comparison.outcome import Comparison, row
from optikit.comparison.tables import TAUS
from optikit.errors import InputError
from optikit.files import save_text
from optikit.report import jsonable

POINTS = 61
"""Budgets at which distributions, profiles and curves are written down, spaced evenly in their logarithm."""


def document(comparison: Comparison) -> dict[str, Any]:
    """Put everything into plain data.

    Returns
    -------
    dict
        Ready for JSON; numbers that are not finite are None.
    """
    ranking = comparison.ranking()
    return jsonable(
        {
            "optikit": version("optikit"),
            "terms": comparison.terms.model_dump(),
            "seeds": comparison.seeds,
            "precisions": comparison.terms.precisions,
            "interrupted": comparison.interrupted,
            "problems": [
                {
                    **{"label": case.label, "n": case.n, "minimum": case.minimum},
                    **{"lowest": comparison.lowest(case.label), "targets": comparison.targets(case.label)},
                    **{"max_evals": comparison.terms.allowance(case.n), "table": case.table},
                }
                for case in comparison.problems
            ],
            "optimizers": comparison.optimizers,
            "ranking": {
                "order": [comparison.optimizers[which] for which in ranking.order],
                "scores": dict(zip(comparison.optimizers, ranking.scores, strict=True)),
                "intervals": dict(zip(comparison.optimizers, ranking.intervals, strict=True)),
                "differences": [
                    {
                        **{"a": comparison.optimizers[a], "b": comparison.optimizers[b]},
                        **{"difference": ranking.differences[a, b], "separated": ranking.separated(a, b)},
                        **{"low": ranking.low[a, b], "high": ranking.high[a, b]},
                    }
                    for place, a in enumerate(ranking.order)
                    for b in ranking.order[place + 1 :]
                ],
            },
            "verdicts": verdicts(comparison, ranking),
            "notes": notes(comparison),
            "expected_runtime": comparison.expected_runtime(),
            "trials": [
                {**row(comparison, trial), "evaluations": trial.evaluations, "values": trial.values}
                for trial in comparison.trials
            ],
        }
    )


def save(comparison: Comparison, folder: Path) -> None:
    """Write all files into a folder, which is made.

    Raises
    ------
    InputError
        If it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_text(folder / "comparison.json", json.dumps(document(comparison), allow_nan=False) + "\n")
        for name, rows in sheets(comparison).items():
            save_text(folder / f"{name}.csv", _csv(rows))
    except OSError as error:
        raise InputError(f"{folder}: it cannot be written to ({error.strerror}); give another folder") from None


def sheets(comparison: Comparison) -> dict[str, list[dict[str, Any]]]:
    """Give the statistics as tables of rows, by the name of their file."""
    names = comparison.optimizers
    longest = max((comparison.terms.allowance(case.n) / case.n for case in comparison.problems), default=1.0)
    budgets = np.unique([*np.geomspace(1 / max(case.n for case in comparison.problems), longest, POINTS)])
    alphas = np.geomspace(1, max(longest, 2), POINTS)
    ranking, expected = comparison.ranking(), comparison.expected_runtime()
    sheets: dict[str, list[dict[str, Any]]] = {
        "trials": [row(comparison, trial) for trial in comparison.trials],
        "ranking": [
            {"optimizer": names[which], "score": ranking.scores[which]}
            | dict(zip(("low", "high"), ranking.intervals[which], strict=True))
            for which in ranking.order
        ],
        "runtimes": _long("evaluations_by_dimension", budgets, names, comparison.ecdf(budgets)),
        "data_profiles": [],
        "performance_profiles": [],
        "curves": [],
        "expected_runtimes": [
            {"problem": case.label, "optimizer": name, "precision": precision, "target": target, "evaluations": spent}
            for p, case in enumerate(comparison.problems)
            for o, name in enumerate(names)
            for precision, target, spent in zip(
                comparison.terms.precisions, comparison.targets(case.label), expected[o, p], strict=True
            )
        ],
    }
    for tau in TAUS:
        data = _long("simplex_gradients", budgets, names, comparison.data_profile(tau, budgets))
        performance = _long("ratio", alphas, names, comparison.performance_profile(tau, alphas))
        sheets["data_profiles"] += [{"tau": tau, **one} for one in data]
        sheets["performance_profiles"] += [{"tau": tau, **one} for one in performance]
    for case in comparison.problems:
        numbers = np.unique(np.geomspace(1, comparison.terms.allowance(case.n), POINTS).astype(np.int64))
        for name in names:
            curve = comparison.curve(case.label, name, numbers.astype(np.float64))
            sheets["curves"] += [
                {"problem": case.label, "optimizer": name, "evaluations": number}
                | dict(zip(("lower_quartile", "median", "upper_quartile"), curve[:, at], strict=True))
                for at, number in enumerate(numbers)
            ]
    return sheets


def _long(what: str, places: Sequence[float] | Any, names: Sequence[str], shares: Any) -> list[dict[str, Any]]:
    return [
        {"optimizer": name, what: place, "share": shares[which, at]}
        for which, name in enumerate(names)
        for at, place in enumerate(places)
    ]


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    if rows:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows([_cell(value) for value in one.values()] for one in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    return repr(float(cast("float", value))) if isinstance(value, float | np.floating) else value
