"""Continue a run from its checkpoint: by the same front door, with the same arguments, and a journal that answers.

No module may be called as a public function is: once it is imported, `optikit.resume` would be the module.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from optikit.checkpoint import GIVEN
from optikit.database import named_file
from optikit.errors import InputError
from optikit.journal import Journal
from optikit.loop import Progress
from optikit.observer import Observer
from optikit.result import Result
from optikit.run import fit, minimize
from optikit.store import Entry, Store

_ENDS = {"max_evals", "max_grads", "max_steps", "target", "stop"}
_ARGUMENTS = {
    "minimize": {
        *("fun", "x0", "optimizer", "gradient", "bounds", "fixed", "scale", "constraints", "feasibility_tol"),
        *("check_gradient", "on_error", "history", "max_seconds", "rng", *_ENDS),
    },
    "fit": {
        *("model", "loss", "data", "optimizer", "gradient", "epochs", "batch_size", "l2"),
        *("on_error", "history", "max_seconds", "rng", "fingerprint", *_ENDS),
    },
    "session": {
        *("x0", "optimizer", "gradient", "bounds", "fixed", "scale", "constraints", "feasibility_tol"),
        *("on_error", "history", "rng", *_ENDS),
    },
}
"""What a run of each front door is begun with."""


def runs(path: str | Path) -> list[Entry]:
    """List the runs in a checkpoint.

    Parameters
    ----------
    path : str or Path
        The file; nothing in it is run or changed.

    Returns
    -------
    list of Entry
        In the order in which they were begun.

    Raises
    ------
    InputError
        If it is no checkpoint, or damaged.
    """
    store = Store(named_file("path", path), write=False)
    try:
        return store.entries()
    finally:
        store.close()


def resume(
    path: str | Path,
    fun: Callable[[Any], Any] | None = None,
    *,
    run: int | None = None,
    gradient: Any = None,
    constraints: Any = None,
    data: Any = None,
    optimizer: Any = None,
    model: Any = None,
    loss: Any = None,
    max_evals: int | None = None,
    max_grads: int | None = None,
    max_steps: int | None = None,
    max_seconds: float | None = None,
    epochs: int | None = None,
    target: float | None = None,
    stop: Any = None,
    callback: Callable[[Progress], Any] | None = None,
    observers: Sequence[Observer | str | dict[str, Any]] = (),
    workers: Any = None,
) -> Result:
    """Continue a run to the bitwise same result that it would have had without a break.

    What was evaluated before is not evaluated again, but for the check of a gradient that was not done, and for
    constraints.  Callbacks and observers see the steps since the last snapshot once more.

    Parameters
    ----------
    path : str or Path
        The checkpoint.
    fun : callable, optional
        The function, if the run minimises one: functions are not saved.
    run : int, optional
        Its number in the file, as `runs` gives it; the last one if not given.
    gradient : callable, optional
        The gradient, if the user had given a function.
    constraints : list, optional
        The constraints, if there were any.
    data : optional
        The data, if they were given as arrays.
    optimizer, model, loss : Component, optional
        Those that no installed plugin brings.
    max_evals, max_grads, max_steps, max_seconds, epochs, target : optional
        Limits to replace those of the run, all counted from its very beginning: a run that had used its budget up goes
        on.  An optimizer that plans with its budget may find that it cannot, and says so.
    stop : optional
        Stopping rules to replace those of the run; an empty list for none.  Others than before begin anew.
    callback, observers, workers : optional
        As for `minimize`; they are not saved, and the numbers do not depend on them.

    Returns
    -------
    Result
        As from `minimize`, or a TrainingResult as from `fit`.

    Raises
    ------
    InputError
        If the file is no checkpoint, damaged or in use; if something that has to be passed again is missing; or if what
        is passed makes another run of it.
    """
    journal = Journal.reopen(named_file("path", path), run)
    try:
        again = {
            **{"fun": fun, "gradient": gradient, "constraints": constraints, "data": data},
            **{"optimizer": optimizer, "model": model, "loss": loss},
            **{"max_evals": max_evals, "max_grads": max_grads, "max_steps": max_steps, "max_seconds": max_seconds},
            **{"epochs": epochs, "target": target, "stop": stop},
        }
        door, arguments = begun(journal, again, session=False)
        arguments.pop("fingerprint", None)
        made = minimize if door == "minimize" else fit
        return made(**arguments, checkpoint=journal, callback=callback, workers=workers, observers=observers)
    finally:
        journal.close()


def begun(journal: Journal, again: Mapping[str, Any], *, session: bool) -> tuple[str, dict[str, Any]]:
    """Give what a run was begun with, and what is passed again in its place.

    Parameters
    ----------
    journal : Journal
        Of the run.
    again : mapping
        By the names of arguments; None where nothing is passed.
    session : bool
        Whether it shall be a session.

    Returns
    -------
    door : {"minimize", "fit", "session"}
        What the run was begun by.
    arguments : dict
        Its arguments.

    Raises
    ------
    InputError
        If something that has to be passed is missing, or nothing that the run has is passed; or if a session is
        continued as a run, or a run as a session.
    """
    arguments, path = journal.arguments(), journal.path
    door = arguments.pop("door", None)
    if not isinstance(door, str) or door not in _ARGUMENTS or set(arguments) != _ARGUMENTS[door]:
        raise InputError(f"{path}: run {journal.run} is damaged: it has not the arguments of a run")
    if (door == "session") != session:
        what, front, word = ("no session", "", "resume") if session else ("a session", "Session.", "session --resume")
        raise InputError(
            f"{path}: run {journal.run} is {what}; optikit.{front}resume(path) continues it, or `optikit {word} {path}`"
        )
    subject = journal.entry.about.get("problem")
    for name, value in again.items():
        if value is not None and name not in arguments:
            raise InputError(f"{name} is nothing that run {journal.run} of {path} has, which is of {subject}")
        if value is not None:
            arguments[name] = value
        elif isinstance(arguments.get(name), str) and arguments[name] == GIVEN:
            call = "path, fun" if name == "fun" else f"path, {'fun, ' * ('fun' in arguments)}{name}={name}"
            front = "Session.resume" if door == "session" else "resume"
            raise InputError(
                f"{path}: run {journal.run} is of {subject}, and {name} is not saved; pass it again: "
                f"optikit.{front}({call})"
            )
    return door, arguments
