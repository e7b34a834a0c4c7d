"""What a run in a file may say is what `minimize` and `fit` take, by the same names and with the same results."""

import json

import numpy as np
import pytest

import optikit
from optikit import Failures, InputError
from optikit.conduct import conduct
from optikit.experiment import read_experiment

HEAD = """
[problem]
function = "valley.py:fun"
x0 = [0.5, 0.5]
bounds = [-2.0, 2.0]
[runs.search]
optimizer = "random-search"
max_evals = 30
"""
FUNCTION = """
import math

def fun(x):
    if x[0] > 1:
        raise ValueError("no mesh")
    return math.nan if x[1] > 1 else float(x @ x)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "valley.py").write_text(FUNCTION)
    return tmp_path


def write(folder, text):
    (folder / "e.toml").write_text(text)
    return folder / "e.toml"


def made(folder, text):
    """Make the runs, and give what was written of them."""
    assert conduct(write(folder, text), (), (), folder / "out", as_json=False) == 0
    kept = json.loads((folder / "out" / "results.json").read_text())["runs"]
    return {name: (row, optikit.load_arrays(folder / "out" / f"{name}.npz")) for name, row in kept.items()}


def valley(x):
    space = {}
    exec(FUNCTION, space)
    return space["fun"](x)


@pytest.mark.parametrize(
    ("written", "policy"),
    [
        ("'skip'", "skip"),
        ("'penalise'", "penalise"),
        ("{ error = 'skip', nan = 'penalise' }", Failures(error="skip", nan="penalise")),
    ],
)
@pytest.mark.parametrize("rng", [0, 5])
def test_a_run_in_a_file_goes_as_minimize_goes(folder, written, policy, rng):
    ((row, arrays),) = made(folder, f"{HEAD}on_error = {written}\nrng = {rng}\n").values()
    usual = {"optimizer": "random-search", "bounds": (-2, 2), "max_evals": 30}
    expected = optikit.minimize(valley, [0.5, 0.5], on_error=policy, rng=rng, **usual)
    assert expected.convergence.failed > 0 < expected.nans
    assert np.array_equal(arrays["x"], expected.x)
    assert np.array_equal(arrays["fun"], expected.history.fun)
    assert row["nans"] == expected.nans


@pytest.mark.parametrize("word", ["rng", "seed"])
def test_the_rng_of_the_file_is_that_of_each_run_without_one_by_either_word(folder, word):
    text = f"{word} = 5\n{HEAD}on_error = 'skip'\n"
    assert read_experiment(write(folder, text)).plans["search"].rng == 5
    assert read_experiment(write(folder, f"{text}rng = 6\n")).plans["search"].rng == 6
    with pytest.raises(InputError, match=f"{word} is -1, but must be"):
        read_experiment(folder / "e.toml", [f"{word}=-1"])


def test_two_words_for_one_number_are_refused(folder):
    with pytest.raises(InputError, match=r"e.toml: seed is no field"):
        read_experiment(write(folder, f"rng = 1\nseed = 2\n{HEAD}"))


@pytest.mark.parametrize("keep", ["values", "points", "best"])
def test_the_history_keeps_what_the_file_says(folder, keep):
    ((row, arrays),) = made(folder, f"{HEAD}history = '{keep}'\non_error = 'skip'\n").values()
    assert row["nfev"] == 30
    assert len(arrays["fun"]) == 30 if keep != "best" else len(arrays["fun"]) < 30
    assert read_experiment(folder / "e.toml").plans["search"].history == keep


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("on_error = 'ignore'", r"\[runs.search\] on_error is 'ignore', which .*; pass 'raise', 'skip' or 'penalise'"),
        ("on_error = { nan = 3 }", r"\[runs.search\] on_error is {'nan': 3}, which "),
        ("history = 'all'", r"\[runs.search\] history "),
        ("rng = -1", r"\[runs.search\] rng "),
        ("on_erorr = 'skip'", "did you mean 'on_error'"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_table(folder, line, said):
    with pytest.raises(InputError, match=said) as error:
        read_experiment(write(folder, f"{HEAD}{line}\n"))
    assert str(error.value).startswith(str(folder / "e.toml"))
    assert "\n" not in str(error.value)


def test_a_training_takes_them_too(tmp_path):
    text = """
        [problem]
        data = "mnist-sample"
        model = { name = "linear", inputs = 784, outputs = 10 }
        loss = "cross-entropy"
        batch_size = 10
        [runs.one]
        optimizer = { name = "gradient-descent", learning_rate = 0.1 }
        max_steps = 3
        history = "best"
        on_error = "skip"
        rng = 4
    """
    ((_, arrays),) = made(tmp_path, text).values()
    usual = {"optimizer": optikit.get("optimizer", "gradient-descent", learning_rate=0.1), "max_steps": 3, "rng": 4}
    model = optikit.get("model", "linear", inputs=784, outputs=10)
    assert np.array_equal(arrays["x"], optikit.fit(model, "cross-entropy", "mnist-sample", batch_size=10, **usual).x)
