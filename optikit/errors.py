"""Errors that speak to people: what happened, to what, what to do now, in one sentence.

`InputError` is the user's to mend, `ObjectiveError` is in the function that is minimised, `ContractError` is a bug
in a component and its author's to mend.  Whoever catches `OptikitError` catches them all.
"""

import traceback
from collections.abc import Iterable
from difflib import get_close_matches

MOST, FEW = 8, 4
"""Names that a sentence lists at most, and those that it picks where there are more."""
LONGEST = 1000
"""Characters of a sentence."""


class OptikitError(Exception):
    """Any error that optikit itself raises."""


class InputError(OptikitError, ValueError):
    """Something that the user gave is wrong; the message says what, where, and what to do now.

    Parameters
    ----------
    message : str
        One sentence.  What it quotes may come from a file that nobody has looked at: it stays on one line, keeps its
        hands off the terminal, and is cut where it is longer than anybody reads.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message))


class UnsupportedError(InputError):
    """Problem and optimizer do not fit: one demands what the other has not.

    Parameters
    ----------
    demand : str
        ``bounds`` or ``constraints``, which the problem has; ``box`` or ``gradient``, which the optimizer needs.
    message : str, optional
        What is said of it, ending with the advice to choose another optimizer.
    """

    def __init__(self, demand: str, message: str | None = None) -> None:
        refused = f"the problem has {demand}, which this optimizer does not take"
        super().__init__(message or f"{refused}; leave them out, or choose one that does")
        self.demand = demand

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        """Travel between processes."""
        return type(self), (self.demand, str(self))


class ObjectiveError(OptikitError, ValueError):
    """The objective answered with something that is no value or no gradient."""


class GradientError(ObjectiveError):
    """The gradient that the user gave is not that of the function; the message says where and by how much."""


class GradientWarning(RuntimeWarning):
    """The same, where a run goes on nevertheless."""


class CheckpointWarning(UserWarning):
    """A run goes on otherwise than it began, with other versions or another function; its result may differ."""


class ContractError(OptikitError):
    """A component broke the contract of its interface; its author has to mend it."""


def one_line(text: str) -> str:
    """Write a text so that it can be shown: without line breaks and control characters, and not without end."""
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def raised(error: BaseException) -> str:
    """Say what foreign code raised and where, in one line instead of a traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"raised {type(error).__name__}: {error}{where}"


def did_you_mean(word: str, known: Iterable[str], listing: str = "") -> str:
    """Say which of the known words is meant, or list them all; where they are many, the nearest few.

    Parameters
    ----------
    word : str
        What was written.
    known : iterable of str
        What could have been written.
    listing : str
        The command that lists them all, if there is one.

    Returns
    -------
    str
        A clause to append after a semicolon, such as ``did you mean 'momentum'?``.
    """
    names = sorted(known)
    near = get_close_matches(word, names, n=1, cutoff=0.6) or [
        name for name in names if word and (word in name or name in word)
    ]
    if near:
        return f"did you mean {near[0]!r}?"
    if listing and len(names) > MOST:
        few = get_close_matches(word, names, n=FEW, cutoff=0.0)
        return f"the nearest are {', '.join(few)}; `{listing}` lists all {len(names)}"
    return f"known are {', '.join(names)}" if names else "there are none"
