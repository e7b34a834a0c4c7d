"""The report of an experiment: one document for programs, a table and a picture for people, arrays for both."""

import contextlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from optikit.errors import InputError
from optikit.experiment import Experiment
from optikit.files import save_arrays, save_text
from optikit.names import vector
from optikit.result import Result, TrainingResult
from optikit.twin import Apart

if TYPE_CHECKING:
    from rich.table import Table


def document(
    experiment: Experiment, results: Mapping[str, Result], out: Path, apart: Mapping[str, Apart]
) -> dict[str, Any]:
    """Put everything that is known of the runs into plain data.

    Parameters
    ----------
    experiment : Experiment
        What was to be done.
    results : mapping of str to Result
        What has been done, by the name of the run.
    out : Path
        Where the files lie.
    apart : mapping of str to Apart
        How far runs are from their twins with another gradient estimator.

    Returns
    -------
    dict
        Ready for JSON; numbers that are not finite are None.
    """
    return jsonable(
        {
            "optikit": version("optikit"),
            "out": str(out),
            "experiment": experiment.tables,
            "runs": {name: _summary(result, apart.get(name)) for name, result in results.items()},
        }
    )


def _summary(result: Result, apart: Apart | None) -> dict[str, Any]:
    steps = result.history.steps
    summary = {
        "loss": result.fun,
        "violation": result.violation,
        "accuracy": None,
        "nfev": result.nfev,
        "njev": result.njev,
        "nit": result.nit,
        "nfev_check": result.nfev_check,
        "seconds": result.seconds,
        "stop": result.reason.value,
        "success": result.success,
        "message": result.message,
        "nans": result.nans,
        "next": result.remedies() if result.amiss else [],
        "losses": steps["fun"],
        "compared": None if apart is None else asdict(apart),
    }
    if isinstance(result, TrainingResult):
        summary |= {
            "accuracy": result.accuracy,
            "held_out_loss": result.held_out_loss,
            "train_accuracy": result.train_accuracy,
            "curve": {field: result.curve[field] for field in cast("tuple[str, ...]", result.curve.dtype.names)},
        }
    return summary


def jsonable(value: Any) -> Any:
    """Turn arrays into lists and numbers of NumPy into plain ones, for JSON; what is not finite becomes None."""
    if isinstance(value, dict):
        return {key: jsonable(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, np.ndarray | np.generic):
        return jsonable(cast("Any", value).tolist())
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in cast("list[Any]", value)]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | None) else str(value)


def table(results: Mapping[str, Result]) -> "Table":
    """Lay the runs out for a terminal; columns that say nothing are left out."""
    from rich import box
    from rich.table import Table

    rows = [_cells(name, result) for name, result in results.items()]
    # Two spaces between columns: with the names of the main job this fits into 80 columns.
    grid = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    columns = [column for column in rows[0] if any(row[column] for row in rows)]
    for column in columns:
        grid.add_column(column, justify="left" if column in ("run", "stop") else "right", no_wrap=True)
    for row in rows:
        grid.add_row(*(row[column] for column in columns))
    return grid


def _cells(name: str, result: Result) -> dict[str, str]:
    accuracy, held_out = None, None
    if isinstance(result, TrainingResult):
        accuracy, held_out = result.accuracy, result.held_out_loss
    return {
        "run": name,
        "loss": f"{result.fun:.5g}" if result.nfev else "",
        "accuracy": "" if accuracy is None else f"{accuracy:.4f}",
        "held-out loss": "" if accuracy is not None or held_out is None else f"{held_out:.5g}",
        "evaluations": f"{result.nfev:,}",
        "grads": f"{result.njev:,}",
        "seconds": f"{result.seconds:.1f}",
        "stop": result.reason.value,
    }


def claim(out: Path) -> None:
    """Make the folder and see that it can be written to, before hours are spent on what goes into it.

    Raises
    ------
    InputError
        If it cannot.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".optikit"
        save_text(probe, "")
        probe.unlink()
    except OSError as error:
        raise InputError(f"--out {out}: it cannot be written to ({error.strerror}); choose another folder") from None


def disclaim(out: Path) -> None:
    """Remove the folder again if nothing has come into it."""
    with contextlib.suppress(OSError):
        out.rmdir()


def save(
    experiment: Experiment, results: Mapping[str, Result], out: Path, newest: str, apart: Mapping[str, Apart]
) -> None:
    """Write the document, and the arrays of the newest run.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    result = results[newest]
    arrays = {
        "x": vector(result.x),
        "fun": result.history.fun,
        "steps_nfev": result.history.steps["nfev"],
        "steps_fun": result.history.steps["fun"],
    }
    try:
        save_text(
            out / "results.json",
            json.dumps(document(experiment, results, out, apart), indent=1, allow_nan=False) + "\n",
        )
        save_arrays(out / f"{newest}.npz", arrays)
    except OSError as error:
        raise InputError(f"{out}: the results cannot be written ({error.strerror}); choose another --out") from None
