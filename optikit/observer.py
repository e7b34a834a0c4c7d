"""An observer: a component that shows or writes down how a run goes, and has no say in it.

`watch(run)` is called once a run and gives a watcher, a function of a `Progress`, exactly as the hook
``optikit_observer`` does.  The hook is for plugins that watch every run, the component for what users ask for by name.
"""

from abc import abstractmethod
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

from optikit.component import Component
from optikit.errors import InputError, raised
from optikit.loop import Progress, Run
from optikit.watch import Named, Watchers, complain


class Observer(Component):
    """Shows or writes down how runs go; authors write `watch`."""

    kind: ClassVar[str] = "observer"

    draws: ClassVar[bool] = False
    """Whether it draws on the terminal: ``optikit run`` shows its own bar only where no other observer draws."""

    @abstractmethod
    def watch(self, run: Run) -> Callable[[Progress], Any] | None:
        """Begin to watch a run.

        Parameters
        ----------
        run : Run
            What is about to begin; `x0` is a copy.

        Returns
        -------
        callable or None
            Called with a `Progress` after every step.  If it has a method `within`, that is called with a `Progress`
            within steps that take long: about every hundredth of their time, and ten times a second at most; `step` is
            the number of finished steps then, `fun` the lowest answer of the step until now, and `x` the best point.
            If it has a method `close`, that is called at the end with the `Result`; or with None, where the run was
            refused before it began, or the watcher has raised.  None looks away.

        Raises
        ------
        InputError
            If a field is wrong for this run; nothing has been evaluated then.
        """

    def placed(self, folder: Path, name: str) -> Self:
        """Give the observer of one run of an experiment: what it writes is in `folder`, under `name`, by default."""
        return self


@contextmanager
def watched(run: Run, every: Callable[[Run], list[Named]], observers: Iterable[Observer]) -> Generator[Watchers]:
    """Have a run watched; who watches is told of the end, whatever happens.

    Parameters
    ----------
    run : Run
        The run.
    every : callable
        Gives those who watch every run.
    observers : iterable of Observer
        Those that the user has chosen.

    Yields
    ------
    Watchers
        To be shown what happens.

    Raises
    ------
    InputError
        If an observer refuses the run.
    """
    seen = replace(run, x0=run.x0.copy())
    watchers = Watchers(every(seen))
    try:
        for observer in observers:
            try:
                watcher = observer.watch(seen)
            except (KeyboardInterrupt, InputError):
                raise
            except BaseException as error:
                complain(f"the observer {observer.name} {raised(error)} and is left out")
            else:
                if watcher is not None:
                    watchers.add(observer.name, watcher)
        yield watchers
    finally:
        watchers.close(None)
