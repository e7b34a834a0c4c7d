"""Sessions: whoever answers, and however often it is broken off, the numbers are those of `minimize`."""

import json
import math
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from click.testing import CliRunner
from contenders import CONTENDERS
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit import InputError, ObjectiveError, Session, StopReason
from optikit.cli import cli
from optikit.journal import Journal


def told(session, fun, gradient=None):
    """Answer until the end, and give the sizes of the batches."""
    sizes = []
    while points := session.ask():
        sizes.append(len(points))
        session.tell([(fun(x), gradient(x)) if session.asks_gradient else fun(x) for x in points])
    assert session.ended
    return sizes


def bits(result):
    history = result.history
    numbers = np.concatenate([np.ravel(result.x), [result.fun], history.fun])
    reason = (result.reason, result.message, result.nfev, result.njev, result.nit, result.nans, history.failures)
    return numbers.tobytes(), history.steps.tobytes(), reason


def rosenbrock(x):
    return float((1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2)


def slope(x):
    return np.array([2 * (x[0] - 1) - 400 * x[0] * (x[1] - x[0] ** 2), 200 * (x[1] - x[0] ** 2)])


RUNS = {
    "adam": {"gradient": "told"},
    "lbfgs": {"gradient": "central-difference"},
    "simulated-annealing": {"bounds": (-2, 2)},
    "random-search": {"bounds": (-2, 2)},
    "multistart": {"bounds": (-2, 2), "gradient": "told"},
    "gradient-descent": {"gradient": "spsa"},
    "scipy-nelder-mead": {},
    "scipy-differential-evolution": {"bounds": (-2, 2)},
}
"""Optimizers of each sort."""


def begun(name, rng=5, **more):
    optimizer = CONTENDERS[name].component
    return {**{"optimizer": optimizer, "x0": [-1.0, 1.5], "max_evals": 25, "rng": rng}, **RUNS[name], **more}


def minimized(fun=rosenbrock, slope=slope, **arguments):
    """Give what `minimize` gives."""
    if arguments.get("gradient") == "told":
        arguments["gradient"] = slope
    return optikit.minimize(fun, **arguments, check_gradient=False)


@pytest.mark.parametrize("name", RUNS)
def test_a_session_goes_on_in_another_one_from_every_question(name, tmp_path):
    path = tmp_path / "lab.db"
    with Session(**begun(name), checkpoint=path) as session:
        asked = session.ask()
    while asked:
        with Session.resume(path) as session:
            assert np.array_equal(session.ask(), asked)
            session.tell([(rosenbrock(x), slope(x)) if session.asks_gradient else rosenbrock(x) for x in asked])
            asked = session.ask()
    assert bits(session.result) == bits(minimized(**begun(name)))
    (entry,) = optikit.runs(path)
    assert (entry.stop, entry.nfev) == (session.result.reason, session.result.nfev)


KEPT = {
    "adam": {"gradient": "central-difference"},
    "scipy-differential-evolution": {"bounds": (-2, 2)},
    "scipy-nelder-mead": {},
    "lbfgs": {"gradient": "told"},
}
"""An update rule with differences, a population, a solver that owns its loop, and gradients that are told."""


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(sorted(KEPT)),
    filed=st.booleans(),
    acts=st.lists(st.sampled_from(["ask", "tell", "tell", "tell", "save", "copy", "resume", "close"]), max_size=14),
)
def test_however_a_session_is_saved_closed_and_resumed_it_finds_what_minimize_finds(name, filed, acts):
    arguments = begun(name, max_evals=14) | KEPT[name]
    with TemporaryDirectory() as folder:
        home, copies, numbers = Path(folder, "lab.db") if filed else None, [], count()
        session = Session(**arguments, checkpoint=home)

        def save():
            copies.append(Path(folder, f"copy-{next(numbers)}.db"))
            session.save(copies[-1])

        for act in acts:
            if session.ended:
                break
            if act == "ask":
                assert np.array_equal(session.ask(), session.ask())
            elif act == "tell":
                tell(session)
            elif act == "save":
                save()
            elif act == "copy" and copies:  # an old copy, too: it knows less, and is told again
                session.close()
                session = Session.resume(copies[-1])
                home = copies.pop()
            elif act in ("resume", "close"):
                if home is None:
                    save()
                    home = copies.pop()
                session.close()
                if act == "close":
                    with pytest.raises(InputError, match="is closed"):
                        session.tell([1.0])
                session = Session.resume(home)
        while not session.ended:
            tell(session)
        assert bits(session.result) == bits(minimized(**arguments))
        for copy in copies:
            with Session.resume(copy) as again:
                told(again, rosenbrock, slope)
            assert bits(again.result) == bits(session.result)
        session.close()


def tell(session):
    session.tell([(rosenbrock(x), slope(x)) if session.asks_gradient else rosenbrock(x) for x in session.ask()])


@pytest.mark.parametrize("kept", ["values", "best"])
@pytest.mark.parametrize("name", KEPT)
def test_a_copy_from_between_any_two_questions_goes_on_like_the_session(name, kept, tmp_path):
    arguments = begun(name, max_evals=9, history=kept) | KEPT[name]
    session, copies = Session(**arguments), []
    while not session.ended:
        copies.append(tmp_path / f"copy-{len(copies)}.db")
        session.save(copies[-1])
        tell(session)
    for copy in copies:
        with Session.resume(copy) as again:
            told(again, rosenbrock, slope)
        assert bits(again.result) == bits(session.result)


def test_a_copy_has_one_run_and_goes_on_by_itself(tmp_path):
    home, copy = tmp_path / "lab.db", tmp_path / "copy.db"
    minimized(**begun("random-search"), checkpoint=home)
    with Session(**begun("lbfgs"), checkpoint=home) as session:
        tell(session)
        session.save(copy)
        tell(session)
        (entry,) = optikit.runs(copy)
        assert (entry.run, entry.label, entry.nfev) == (1, "lbfgs", 1)
        with Session.resume(copy) as other:
            assert other.result.nfev == 1
            other.tell([1.0] * len(other.ask()))
        assert [entry.nfev for entry in optikit.runs(home)] == [25, session.result.nfev]
        told(session, rosenbrock)
    assert bits(session.result) == bits(minimized(**begun("lbfgs")))


def test_a_session_that_has_ended_in_memory_is_saved_and_goes_on_with_more(tmp_path):
    session = Session(**begun("lbfgs"))
    told(session, rosenbrock)
    session.save(tmp_path / "lab.db")
    with Session.resume(tmp_path / "lab.db", max_evals=61) as session:
        told(session, rosenbrock)
    assert bits(session.result) == bits(minimized(**begun("lbfgs", max_evals=61)))


def test_nothing_is_saved_over_a_file_nor_where_none_can_be(tmp_path):
    session = Session(**begun("lbfgs"))
    kept = tmp_path / "kept.txt"
    kept.write_text("mine")
    with pytest.raises(InputError, match=r"kept\.txt: it is there already"):
        session.save(kept)
    assert kept.read_text() == "mine"
    with pytest.raises(InputError, match="cannot be written"):
        session.save(tmp_path / "nowhere" / "lab.db")
    with pytest.raises(InputError, match="path is None, which is no file"):
        session.save(None)
    session.close()
    with pytest.raises(InputError, match="was in memory only"):
        session.save(tmp_path / "lab.db")
    assert sorted(tmp_path.iterdir()) == [kept]


@pytest.mark.parametrize("end", [{"target": 4.2}, {"stop": {"name": "patience", "evaluations": 5}}])
def test_another_end_of_a_resumed_session_is_that_of_the_run(end, tmp_path):
    session = Session(**begun("scipy-nelder-mead"))
    tell(session)
    session.save(tmp_path / "lab.db")
    with Session.resume(tmp_path / "lab.db", **end) as session:
        tell(session)
    with Session.resume(tmp_path / "lab.db") as session:  # it holds from then on
        told(session, rosenbrock)
    assert session.result.reason in (StopReason.TARGET, StopReason.STAGNATED)
    assert bits(session.result) == bits(minimized(**begun("scipy-nelder-mead", **end)))


def test_what_was_told_survives_the_death_of_the_process(tmp_path):
    path = tmp_path / "lab.db"
    code = f"""
import os, optikit
session = optikit.Session("scipy-nelder-mead", [-1.0, 1.5], max_evals=25, rng=5, checkpoint={str(path)!r})
for _ in range(7):
    x, = session.ask()
    session.tell([float((1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2)])
os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    (entry,) = optikit.runs(path)
    assert (entry.nfev, entry.stop, entry.about["problem"]) == (7, "waiting", "a session")
    session = Session.resume(path)
    assert len(told(session, rosenbrock)) == 18
    assert bits(session.result) == bits(minimized(**begun("scipy-nelder-mead")))


def test_a_session_that_has_used_its_budget_up_goes_on_with_a_larger_one(tmp_path):
    path = tmp_path / "lab.db"
    with Session(**begun("lbfgs"), checkpoint=path) as session:
        told(session, rosenbrock)
    session = Session.resume(path, max_evals=61)
    told(session, rosenbrock)
    assert bits(session.result) == bits(minimized(**begun("lbfgs", max_evals=61)))


def test_the_points_of_a_sweep_are_asked_at_once():
    session = Session("gradient-descent", np.ones(3), gradient="central-difference", max_steps=4)
    assert told(session, lambda x: float(x @ x)) == [1, 6] * 4


def test_questions_and_gradients_have_the_structure_of_the_start():
    x0 = {"w": np.array([[1.0, 2.0]]), "b": 3.0, "kept": 7.0}
    options = {"x0": x0, "fixed": ["kept"], "scale": {"w": 2.0}, "bounds": {"b": (0, 4)}, "optimizer": "lbfgs"}
    options |= {"gradient": "told", "max_evals": 15}

    def fun(x):
        assert (x["w"].shape, type(x["b"]), x["kept"]) == ((1, 2), float, 7.0)
        return float((x["w"] ** 4).sum() + (x["b"] - 5) ** 2)

    def gradient(x):
        return {"w": 4 * x["w"] ** 3, "b": 2 * (x["b"] - 5), "kept": math.nan}

    session = Session(**options)
    told(session, fun, gradient)
    result = minimized(fun, gradient, **options)
    assert session.result.history.fun.tobytes() == result.history.fun.tobytes()
    assert session.result.x["w"].tobytes() == result.x["w"].tobytes()


@pytest.mark.parametrize("policy", ["skip", "penalise"])
@pytest.mark.parametrize("name", ["scipy-nelder-mead", "simulated-annealing", "adam"])
def test_answers_of_failed_evaluations_go_through_the_policy(name, policy):
    on_error = optikit.Failures(error=policy, nan=policy, inf=policy, minus_inf=policy)
    arguments = begun(name, on_error=on_error)

    def fun(x):
        turn = int(abs(x[0]) * 1e6) % 8
        if turn == 0:
            raise ValueError(f"it broke at {x[0]}")
        return {1: math.nan, 2: math.inf, 3: -math.inf}.get(turn, rosenbrock(x))

    def answer(x):
        try:
            return fun(x)
        except ValueError as error:
            return error

    session = Session(**arguments)
    told(session, answer, slope)
    assert bits(session.result) == bits(minimized(fun, **arguments))


wrong = st.sampled_from([None, "1.0", 1j, [1.0, 2.0], True, np.zeros(3), {}, -math.inf, object()])


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_what_is_no_answer_is_refused_and_nothing_is_lost(data):
    session = Session(**begun("scipy-differential-evolution"))
    while points := session.ask():
        right = [rosenbrock(x) for x in points]
        if data.draw(st.booleans()):
            at = data.draw(st.integers(0, len(right) - 1))
            spoilt = (
                data.draw(st.sampled_from([right[1:], [*right, 1.0], None, 3.0]))
                if data.draw(st.booleans())
                else [*right]
            )
            if spoilt == right:
                spoilt[at] = data.draw(wrong)
            with pytest.raises(InputError, match="answer"):
                session.tell(spoilt)
            assert np.array_equal(session.ask(), points)
        session.tell(right)
    assert bits(session.result) == bits(minimized(**begun("scipy-differential-evolution")))


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (1.0, "the gradient is asked for, too"),
        ((1.0,), "tell a pair"),
        ((1.0, [1.0]), "shape"),
        ((1.0, [1.0, math.nan]), "not finite"),
        ((1.0, "uphill"), "dtype"),
    ],
)
def test_what_is_no_gradient_is_refused(answer, sentence):
    session = Session(**begun("adam"))
    with pytest.raises(InputError, match=sentence):
        session.tell([answer])
    told(session, rosenbrock, slope)
    assert bits(session.result) == bits(minimized(**begun("adam")))


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        (1.0, "answers is 1.0; pass a list"),
        ("1", "answers is '1'; pass a list"),
        ({0: 1.0}, r"answers is \{0: 1.0\}; pass a list"),
        (["high"], r"answers\[0\] is 'high' \(str\); tell one real number; or NaN, or an exception, where"),
        ([np.zeros(2)], r"answers\[0\] is an array of shape \(2,\); tell one real number"),
        ([1.0, 2.0], "2 answers were told to 1 question; tell one"),
    ],
)
def test_what_is_no_answer_is_refused_in_one_sentence(answers, sentence):
    with pytest.raises(InputError, match=f"^{sentence}"):
        Session(**begun("scipy-nelder-mead")).tell(answers)


@pytest.mark.parametrize("front", [optikit.runs, optikit.resume, Session.resume])
@pytest.mark.parametrize(
    ("path", "sentence"),
    [(None, "path is None, which is no file"), ("", "path is ''"), (":memory:", "which is no file"), (3, "path is 3")],
)
def test_what_is_no_file_is_refused(front, path, sentence):
    with pytest.raises(InputError, match=sentence):
        front(path)


def test_a_policy_that_raises_raises_at_who_tells():
    session = Session("scipy-nelder-mead", [1.0, 2.0], on_error="raise")
    with pytest.raises(InputError, match=r"ValueError: dropped.*on_error"):
        session.tell([ValueError("dropped")])
    session.tell([1.0])
    assert session.result.nfev == 1


@pytest.mark.parametrize("committed", [False, True])
def test_answers_that_a_full_disk_refused_are_told_again(committed, monkeypatch, tmp_path):
    session = Session(**begun("random-search"), checkpoint=tmp_path / "lab.db")
    write, turn = Journal.write, iter(range(10**6))

    def failing(self, state=None):
        full = next(turn) % 9 == 5
        if committed or not full:
            write(self, state)
        if full:
            raise optikit.CheckpointError("no room")

    monkeypatch.setattr(Journal, "write", failing)
    refused = 0
    while True:
        try:
            points = session.ask()
            if not points:
                break
            session.tell([rosenbrock(x) for x in points])
        except optikit.CheckpointError:
            refused += 1
    assert refused > 2
    assert bits(session.result)[0] == bits(minimized(**begun("random-search")))[0]


def distance(x):
    return float(x @ x)


class Deaf(optikit.Optimizer):
    """Takes the end of a run for an answer."""

    name = "deaf"

    def init(self, x0, rng):
        return optikit.State(x=x0)

    def step(self, oracle, state):
        try:
            value = oracle.value(state.x)
        except BaseException:
            value = -1.0
        return optikit.State(x=state.x - 0.01 * value)


def test_an_optimizer_that_swallows_everything_does_not_go_on_without_an_answer():
    session = Session(Deaf(), [-1.0, 1.5], max_steps=9)
    assert told(session, distance) == [1] * 9
    assert bits(session.result) == bits(minimized(distance, optimizer=Deaf(), x0=[-1.0, 1.5], max_steps=9))


class Interrupted(Deaf):
    """Is interrupted while it thinks, once."""

    name = "interrupted"

    def step(self, oracle, state):
        value = oracle.value(state.x)
        if INTERRUPTS and INTERRUPTS.pop():
            raise KeyboardInterrupt
        return optikit.State(x=state.x - 0.01 * value)


INTERRUPTS = []


def test_an_interrupt_loses_nothing():
    session = Session(Interrupted(), [-1.0, 1.5], max_steps=5)
    INTERRUPTS.append(True)
    with pytest.raises(KeyboardInterrupt):
        session.tell([distance(x) for x in session.ask()])
    assert not session.ended
    assert len(told(session, distance)) == 4
    assert bits(session.result) == bits(minimized(distance, optimizer=Interrupted(), x0=[-1.0, 1.5], max_steps=5))


class Mistaken(Deaf):
    """Divides by zero."""

    name = "mistaken"

    def step(self, oracle, state):
        return optikit.State(x=state.x - 1 // int(oracle.value(state.x)))


def test_what_an_optimizer_raises_is_raised_with_the_result_until_then():
    session = Session(Mistaken(), [1.0, 2.0], max_steps=5)
    session.tell([2.0])
    with pytest.raises(ZeroDivisionError) as raised:
        session.tell([0.0])
    assert raised.value.result.nfev == 2
    assert session.ended
    with pytest.raises(InputError, match="has ended"):
        session.tell([1.0])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"optimizer": "random-search"}, "finite bounds"),
        ({"optimizer": "adam"}, "gradient='told'"),
        ({"optimizer": "adam", "gradient": slope}, "gradient='told'"),
        ({"optimizer": "adam", "gradient": "complex-step"}, "real points only"),
        ({"optimizer": "adam", "gradient": {"name": "clipped", "gradient": "complex-step"}}, "real points only"),
        ({"optimizer": "scipy-nelder-mead", "gradient": "analytic"}, "has no gradient"),
        ({"optimizer": "adam", "gradient": "autograd"}, "autograd|looking into"),
        ({"optimizer": "adam", "gradient": "told", "max_evals": 0}, "max_evals"),
    ],
)
def test_what_cannot_be_a_session_is_refused_before_anything_is_asked(arguments, sentence):
    with pytest.raises((InputError, ObjectiveError), match=sentence):
        Session(**arguments, x0=[1.0, 2.0])


def test_runs_and_sessions_are_not_taken_for_each_other(tmp_path):
    path = tmp_path / "lab.db"
    with Session(**begun("random-search"), checkpoint=path) as session:
        session.tell([1.0])
    with pytest.raises(InputError, match=r"optikit\.Session\.resume"):
        optikit.resume(path)
    minimized(**begun("random-search"), checkpoint=path)
    with pytest.raises(InputError, match="is no session"):
        Session.resume(path)
    assert Session.resume(path, run=1).result.nfev == 1
    with pytest.raises(InputError, match="is closed"):
        session.tell([1.0])


def test_one_session_at_a_time_writes_to_a_file(tmp_path):
    session = Session(**begun("random-search"), checkpoint=tmp_path / "lab.db")
    with pytest.raises(InputError, match="another run"):
        Session.resume(tmp_path / "lab.db")
    session.close()
    assert Session.resume(tmp_path / "lab.db").ask()


def test_a_generator_goes_on_as_after_minimize():
    first, second = np.random.default_rng(1), np.random.default_rng(1)
    for _ in range(2):
        session = Session(**begun("random-search", rng=first))
        told(session, rosenbrock)
        assert bits(session.result) == bits(minimized(**begun("random-search", rng=second)))
        assert session.result.reason is StopReason.MAX_EVALS


STEPS = []


class Counted(Deaf):
    """Counts its steps, and asks elsewhere each time if it shall."""

    name = "counted"
    wanders: bool = False

    def step(self, oracle, state):
        STEPS.append(1)
        value = oracle.value(state.x + self.wanders * len(STEPS))
        return optikit.State(x=state.x - 0.01 * value)


def test_a_step_is_made_twice_and_no_more():
    STEPS.clear()
    told(Session(Counted(), [-1.0, 1.5], max_steps=9), distance)
    assert len(STEPS) == 18


def test_an_answer_is_never_taken_for_that_of_another_question():
    session = Session(Counted(wanders=True), [-1.0, 1.5], max_steps=9)
    with pytest.raises(optikit.ContractError, match="something else"):
        session.tell([1.0])


def test_after_a_cut_the_open_questions_are_asked_for_again():
    session = Session(Interrupted(), [-1.0, 1.5], max_steps=5)
    INTERRUPTS.append(True)
    with pytest.raises(KeyboardInterrupt):
        session.tell([1.0])
    with pytest.raises(InputError, match="ask again"):
        session.tell([1.0])
    assert session.ask()


def spoken(*words, lines=()):
    """Give what comes out on stdout, line by line, and on stderr."""
    done = CliRunner().invoke(cli, ["session", *words], input="".join(f"{line}\n" for line in lines))
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr or str(done.exception)


def answered(asked):
    return [[rosenbrock(x), list(slope(x))] if asked.get("gradient") else rosenbrock(x) for x in asked["ask"]]


@pytest.mark.parametrize("name", ["scipy-nelder-mead", "simulated-annealing", "adam"])
def test_a_shell_finds_the_same_line_by_line(name, tmp_path):
    path = str(tmp_path / "lab.db")
    arguments = begun(name, optimizer=optikit.get("optimizer", name))
    words = ["--optimizer", name, "--x0", "[-1.0, 1.5]", "--max-evals", "9", "--rng", "5", "--checkpoint", path]
    if "bounds" in arguments:
        words += ["--bounds", "[-2, 2]"]
    if "gradient" in arguments:
        words += ["--gradient", "told"]
    lines, said = spoken(*words)
    assert f"--resume {path}" in said
    while "ask" in lines[-1]:
        (asked, *lines), said = spoken("--resume", path, lines=[json.dumps(answered(lines[-1]))])
        assert "ask" in asked
    result = minimized(**arguments | {"max_evals": 9})
    found = lines[-1]["result"]
    assert (found["x"], found["fun"], found["nfev"]) == (result.x.tolist(), result.fun, result.nfev)
    assert (found["reason"], found["message"]) == (result.reason, result.message)


def test_a_shell_says_all_that_python_says(tmp_path):
    """Every option of a new session, in one."""
    path = str(tmp_path / "lab.db")
    x0, scale, bounds = {"u": 1.0, "v": 2.0, "w": 3.0}, {"u": 0.5}, {"v": [0.0, 4.0]}
    matrix = {"u": 1.0, "v": 1.0}
    failures = {"error": "penalise", "nan": "penalise"}
    given = {"x0": x0, "bounds": bounds, "fixed": ["w"], "scale": scale, "on_error": failures}
    words = ["--optimizer", '{"name": "scipy-cobyqa"}', "--history", "points", "--target", "0.5", "--rng", "3"]
    words += ["--stop", '{"name": "patience", "evaluations": 30}', "--stop", "{name = 'xtol', absolute = 1e-9}"]
    words += ["--feasibility-tol", "1e-3", "--max-evals", "40", "--checkpoint", path]
    words += [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", json.dumps(value))]
    again = ["--constraints", json.dumps([{"A": matrix, "upper": 2.5}])]

    def fun(x):
        return x["u"] ** 2 + x["v"] ** 2 + x["w"] - 2.9

    lines, _ = spoken(*words, *again)
    while "ask" in lines[-1]:
        asked = [None if x["u"] < -3 else fun(x) for x in lines[-1]["ask"]]
        lines, _ = spoken("--resume", path, *again, lines=[json.dumps(asked)])
    result = optikit.minimize(
        fun,
        **given,
        optimizer="scipy-cobyqa",
        target=0.5,
        rng=3,
        max_evals=40,
        history="points",
        feasibility_tol=1e-3,
        stop=[{"name": "patience", "evaluations": 30}, {"name": "xtol", "absolute": 1e-9}],
        constraints=[optikit.LinearConstraint(matrix, upper=2.5)],
    )
    found = lines[-1]["result"]
    assert (found["x"], found["fun"], found["nfev"]) == (result.x, result.fun, result.nfev)
    assert found["reason"] == result.reason == "target"


@pytest.mark.parametrize(
    ("words", "reason"),
    [(["--stop", '{"name": "patience", "evaluations": 1}'], "stagnated"), (["--target", "29.5"], "target")],
)
def test_other_ends_are_told_a_shell_that_resumes(words, reason, tmp_path):
    path = str(tmp_path / "lab.db")
    spoken("--optimizer", "scipy-nelder-mead", "--x0", "[-1.0, 1.5]", "--checkpoint", path, lines=["[30.0]"])
    lines, _ = spoken("--resume", path, *words, lines=["[31.0]" if reason == "stagnated" else "[29.5]"])
    assert lines[-1]["result"]["reason"] == reason


def test_where_a_session_is_that_waits_is_said():
    words = ["--optimizer", "scipy-nelder-mead", "--x0", "[1.0, 2.0]"]
    assert "it was kept in no --checkpoint" in spoken(*words)[1]


def test_ctrl_c_at_a_shell_says_what_continues_the_session(tmp_path):
    words = ["session", "--optimizer", "scipy-nelder-mead", "--x0", "[1.0, 2.0]", "--checkpoint", "lab.db"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    running = subprocess.Popen([sys.executable, "-m", "optikit", *words], **pipes, text=True, cwd=tmp_path)
    assert "ask" in running.stdout.readline()
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "`optikit session --resume lab.db` continues it" in said
    assert Session.resume(tmp_path / "lab.db").ask()


def test_a_wrong_line_is_one_sentence_and_changes_nothing():
    lines = ["[1", "3", "[]", '["high"]', '[{"broken": 1}]', "", "[2.5]", "[null]", '[{"failed": "no power"}]', "[1.0]"]
    words = ["--optimizer", "scipy-nelder-mead", "--x0", "[1.0, 2.0]", "--max-evals", "4"]
    spoke, said = spoken(*words, lines=[*lines, "[7]"])
    assert [*map(list, spoke)] == [["ask"]] * 4 + [["result"]]
    assert [line.split(":")[1].strip() for line in said.splitlines()] == [f"line {n}" for n in range(1, 6)]
    session = Session("scipy-nelder-mead", [1.0, 2.0], max_evals=4)
    for answer in (2.5, math.nan, ValueError(), 1.0):
        session.tell([answer])
    assert spoke[-1]["result"]["x"] == session.result.x.tolist()
    assert "1 of 4 evaluations failed" in spoke[-1]["result"]["message"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--x0", "[1]"], "needs --optimizer"),
        (["--optimizer", "adam", "--x0", "[1"], "no JSON"),
        (["--optimizer", "adma", "--x0", "[1]"], "adam"),
        (["--optimizer", '{"name": "adam", "rate": 1}', "--x0", "[1]"], "rate"),
        (["--optimizer", '{"name" "adam"}', "--x0", "[1]"], "is no table"),
        (["--optimizer", "adam", "--x0", "[1]", "--stop", "fotl"], "ftol"),
        (["--optimizer", "adam", "--x0", "[1]", "--stop", "{"], "--stop {: this is no table"),
        (["--optimizer", "adam", "--x0", "[1]", "--history", "all"], "history is 'all'"),
        (["--optimizer", "adam", "--x0", "[1]", "--on-error", "jump"], "--on-error is 'jump'"),
        (["--optimizer", "adam", "--x0", "[1]", "--fixed", "x"], "--fixed x: this is no JSON"),
        (["--optimizer", "adam", "--x0", "[1]", "--constraints", "{}"], "write a list of tables"),
        (["--optimizer", "adam", "--x0", "[1]", "--constraints", '[{"a": 1}]'], "--constraints: 0 a is no field"),
        (["--optimizer", "adam", "--x0", "[1]", "--constraints", '[{"A": 1, "fun": "m:f"}]'], "0 must have A, or fun"),
        (["--optimizer", "adam", "--x0", "[1]", "--constraints", '[{"fun": "nowhere:f"}]'], "0.fun = 'nowhere:f'"),
        (["--resume", "nowhere.db"], "no such file"),
        (["--resume", "nowhere.db", "--x0", "[1]"], "--x0 is in the file"),
        (["--optimizer", "adam", "--x0", "[1]", "--run", "1"], "--run goes with --resume"),
    ],
)
def test_wrong_words_of_a_shell_are_refused(words, sentence):
    lines, said = spoken(*words)
    assert not lines
    assert sentence in said


@pytest.mark.parametrize("wrong", ["tolld", "Told", "tod"])
def test_a_misspelt_told_is_recognised(wrong):
    with pytest.raises(InputError, match=f"there is no gradient '{wrong}'; did you mean 'told'\\?"):
        Session("lbfgs", np.zeros(2), gradient=wrong)
    with pytest.raises(InputError, match="did you mean 'central-difference'"):
        Session("lbfgs", np.zeros(2), gradient="central-diference")


BREAKS = """
calls = 0

def radius(x):
    global calls
    calls += 1
    if calls > {whole}:
        raise ValueError("no pressure")
    return x @ x
"""


@pytest.mark.parametrize("whole", [0, 1])
@pytest.mark.parametrize("kept", [False, True])
def test_what_a_constraint_raises_is_one_sentence_at_a_shell(whole, kept, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"limits{whole}{kept}.py").write_text(BREAKS.format(whole=whole))
    constraints = json.dumps([{"A": [[1, 1]], "upper": 9}, {"fun": f"limits{whole}{kept}.py:radius", "upper": 2}])
    words = ["--optimizer", "scipy-slsqp", "--gradient", "told", "--x0", "[1.0, 2.0]", "--constraints", constraints]
    words += ["--checkpoint", "lab.db"] * kept
    lines, said = spoken(*words, lines=["[[5.0, [2.0, 4.0]]]"] * 3)
    (sentence,) = [line for line in said.splitlines() if "no pressure" in line]
    assert f"raised ValueError: no pressure ({tmp_path}/limits{whole}{kept}.py:8), in constraints[1]" in sentence
    assert "Traceback" not in said
    if whole:
        assert lines[-1]["result"]["reason"] == "error"
    else:
        assert sentence.endswith("mend that, and " + ("go on with --resume" if kept else "begin again"))


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--optimizer", "scipy-lbfgsb", "--gradient", "told", "--max-steps", "3"], "--max-steps is 3, but"),
        (["--optimizer", "scipy-lbfgsb", "--gradient", "told", "--max-steps", "3"], "pass --max-evals"),
        (["--optimizer", "lbfgs"], "pass --gradient='central-difference', or --gradient='told'"),
        (["--optimizer", "scipy-differential-evolution"], "pass finite --bounds='[low, high]'"),
        (["--optimizer", "random-search", "--on-error", "x"], "--on-error is 'x'"),
    ],
)
def test_a_shell_is_told_of_its_options_and_not_of_keywords(words, wanted):
    _, said = spoken(*words, "--x0", "[1.0, 2.0]")
    assert wanted in said
    assert "max_" not in said
