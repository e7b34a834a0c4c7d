"""The picture of an experiment: what each run reached, and what it cost."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optikit.files import write_whole
from optikit.result import Result, TrainingResult


def draw(results: Mapping[str, Result], path: Path) -> str:
    """Draw the learning curves of a training, or the best values of a minimisation.

    Parameters
    ----------
    results : mapping of str to Result
        The runs.
    path : Path
        The picture's file, PNG.

    Returns
    -------
    str
        Where the picture is, or why there is none.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return "no picture without matplotlib; `python -m pip install matplotlib` brings it"
    results = {name: result for name, result in results.items() if result.nfev}
    if not results:
        return "no picture of no evaluations"
    trained = {name: result for name, result in results.items() if isinstance(result, TrainingResult)}
    # Matplotlib's own types are partly unknown.
    figure: Any = Figure(figsize=(11 if trained else 6, 4.2), layout="constrained")
    if trained:
        loss, held_out = figure.subplots(1, 2)
        _losses(loss, trained)
        _held_out(held_out, trained)
    else:
        _values(figure.subplots(), results)
    for axes in figure.axes:
        axes.grid(alpha=0.3)
    figure.axes[0].legend()
    write_whole(path, lambda stream: figure.savefig(stream, format="png", dpi=120))
    return str(path)


def _losses(axes: Any, results: Mapping[str, TrainingResult]) -> None:
    for index, (name, result) in enumerate(results.items()):
        color, losses = f"C{index}", result.history.steps["fun"]
        axes.plot(np.arange(1, len(losses) + 1), losses, color=color, linewidth=0.5, alpha=0.4)
        axes.plot(result.curve["step"][1:], result.curve["loss"][1:], color=color, marker="o", markersize=3, label=name)
    axes.set(xlabel="steps", ylabel="training loss", xscale="log")
    _logarithmic(axes, np.concatenate([result.history.steps["fun"] for result in results.values()]))


def _held_out(axes: Any, results: Mapping[str, TrainingResult]) -> None:
    labelled = any(result.accuracy is not None for result in results.values())
    field = "accuracy" if labelled else "held_out_loss"
    for name, result in results.items():
        spent = np.concatenate([[0], result.history.steps["nfev"]])[result.curve["step"]]
        axes.plot(spent, result.curve[field], marker="o", markersize=3, label=name)
    axes.set(xlabel="evaluations of the loss", xscale="symlog")
    if labelled:
        axes.set(ylabel="accuracy on held-out samples", ylim=(0, 1))
    else:
        axes.set(ylabel="loss on held-out samples")
        _logarithmic(axes, np.concatenate([result.curve[field] for result in results.values()]))


def _values(axes: Any, results: Mapping[str, Result]) -> None:
    curves = {name: result.history.best for name, result in results.items()}
    for name, best in curves.items():
        axes.plot(np.arange(1, len(best) + 1), best, label=name)
    axes.set(xlabel="evaluations", ylabel="best value so far", xscale="log")
    _logarithmic(axes, np.concatenate(list(curves.values())))


def _logarithmic(axes: Any, values: NDArray[Any]) -> None:
    """Use a logarithmic axis where all finite values allow it."""
    values = values[np.isfinite(values)]
    if values.size and (values > 0).all():
        axes.set_yscale("log")
