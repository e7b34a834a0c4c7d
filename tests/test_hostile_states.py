"""A snapshot that somebody has changed and signed again is continued or refused in one sentence; nothing of it runs."""

import json
import sqlite3
import zlib
from contextlib import closing
from copy import deepcopy

import numpy as np
import pytest
from mutated import LONGEST, nothing_runs

import optikit
from optikit import InputError

LOWEST = np.array([0.3, -0.7, 1.1])
VALUES = [
    None,
    True,
    -1,
    0,
    3,
    10**9,
    10**400,
    0.5,
    float("nan"),
    "",
    "x",
    [],
    [[1.0]],
    {"$": "array", "at": 0},
    {"$": 1},
]
CLASSES = ["subprocess:Popen", "optikit.stop:Stop", "optikit.optimizer:State", "builtins:object", "optikit.loop:Run"]


class Enough(Exception):
    """What the function raises before it takes too long."""


def bowl(x):
    bowl.calls += 1
    if bowl.calls > 300:
        raise Enough
    return float(((x - LOWEST) ** 2).sum())


def slope(x):
    return 2 * (x - LOWEST)


def signed(header, arrays):
    head = json.dumps(header).encode()
    body = len(head).to_bytes(8, "little") + head + arrays
    return zlib.crc32(body).to_bytes(4, "little") + body


def read(data):
    length = int.from_bytes(data[4:12], "little")
    return json.loads(data[12 : 12 + length]), data[12 + length :]


def leaves(value):
    """Give all places in a header, as pairs of what holds them and where."""
    for key, item in enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ():
        yield value, key
        yield from leaves(item)


def changed(data, rng):
    """Put something else in one place or two, and sign it."""
    header, arrays = read(data)
    for _ in range(int(rng.integers(1, 3))):
        places = list(leaves(header))
        if rng.random() < 0.7:  # most of a header are tables, which are not looked into if one of them is no table
            places = [(holder, key) for holder, key in places if not isinstance(holder[key], list | dict | str)]
        holder, key = places[int(rng.integers(len(places)))]
        if key == "class":
            holder[key] = CLASSES[int(rng.integers(len(CLASSES)))]
        elif isinstance(holder, dict) and rng.random() < 0.1:
            del holder[key]
        else:
            holder[key] = deepcopy(VALUES[int(rng.integers(len(VALUES)))])
    return signed(header, arrays)


def put(path, whole, table, column, data):
    path.write_bytes(whole)
    with closing(sqlite3.connect(path)) as client, client:
        client.execute(f"UPDATE {table} SET {column} = ?", (data,))


def begun(path, optimizer):
    """Make half a run, and give the bytes of its file."""
    bowl.calls = 0
    optikit.minimize(
        bowl, np.zeros(3), optimizer=optimizer, gradient=slope, bounds=(-2, 2), max_evals=30, rng=3,
        stop=["patience"], check_gradient=False, checkpoint=path,
    )  # fmt: skip
    with closing(sqlite3.connect(path)) as client:
        client.execute("PRAGMA journal_mode = DELETE")
    return path.read_bytes()


OPTIMIZERS = ["lbfgs", "adam", "one-plus-one-es", "lookahead", "simulated-annealing", "scipy-nelder-mead"]


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")  # numbers without sense give them
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(("table", "column"), [("snapshots", "state"), ("runs", "arguments")])
def test_what_is_changed_and_signed_is_continued_or_refused(name, table, column, tmp_path, record_property):
    path, rng = tmp_path / "run.db", np.random.default_rng(7)
    inner = {"optimizer": optikit.get("optimizer", "adam")} if name == "lookahead" else {}
    whole = begun(path, optikit.get("optimizer", name, **inner))
    with closing(sqlite3.connect(path)) as client:
        ((data,),) = client.execute(f"SELECT {column} FROM {table}").fetchall()
    counts, said = {"files": 0, "continued": 0}, list[str]()
    optikit.resume(path, bowl, gradient=slope, max_evals=50)  # loads what is loaded when it is used first
    for _ in range(60):
        put(path, whole, table, column, changed(data, rng))
        bowl.calls = 0
        counts["files"] += 1
        try:
            with nothing_runs():
                optikit.resume(path, bowl, gradient=slope, max_evals=80)
            counts["continued"] += 1
        except Enough:
            counts["continued"] += 1
        except InputError as error:
            said.append(str(error))
    assert [sentence for sentence in said if not sentence.isprintable() or len(sentence) > LONGEST] == []
    assert min(counts["continued"], len(said)) > 2
    record_property("counted", f"changed and signed {column} of {name}: {counts}, {len(said)} refused")


def test_a_state_that_does_not_fit_is_told_from_a_function_that_fails(tmp_path):
    path = tmp_path / "run.db"
    whole = begun(path, "adam")
    with closing(sqlite3.connect(path)) as client:
        ((data,),) = client.execute("SELECT state FROM snapshots").fetchall()
    header, arrays = read(data)
    state = dict(header["value"]["items"])["state"]["fields"]
    places = [name for name, value in state.items() if name not in ("x", "stop")]
    state.update(dict.fromkeys(places, "x"))
    put(path, whole, "snapshots", "state", signed(header, arrays))
    with pytest.raises(InputError, match=r"run 1 cannot be continued: in the first step from its snapshot adam raised"):
        optikit.resume(path, bowl, gradient=slope, max_evals=50)
    path.write_bytes(whole)
    with pytest.raises(ZeroDivisionError):
        optikit.resume(path, lambda x: 1 / 0, gradient=slope, max_evals=50)
