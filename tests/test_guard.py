"""The guard around foreign code: what it raises is caught, and the Ctrl-C of the user gets through."""

import os
import signal
import sys
import threading
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optikit import interrupts
from optikit.guard import guarded

ERRORS = [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration, RecursionError, BaseException]


def press():
    os.kill(os.getpid(), signal.SIGINT)


@given(depth=st.integers(1, 4), kind=st.sampled_from(ERRORS))
def test_what_is_raised_inside_is_told_to_the_innermost_guard_alone(depth, kind):
    def nested(depth):
        with guarded() as errors:
            if depth == 1:
                raise kind("foreign")
            assert len(nested(depth - 1)) == (depth == 2)
        return errors

    told = nested(depth)
    assert [type(error) for error in told] == [kind] * (depth == 1)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@given(depth=st.integers(1, 4), then=st.sampled_from([None, *ERRORS]))
def test_ctrl_c_gets_through_all_guards_whatever_is_made_of_it(depth, then):
    def nested(depth):
        with guarded():
            if depth > 1:
                nested(depth - 1)
            try:
                press()
            finally:
                if then is not None:
                    raise then("foreign")

    with pytest.raises(KeyboardInterrupt):
        nested(depth)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_that_is_swallowed_inside_is_raised_at_the_end():
    with pytest.raises(KeyboardInterrupt), guarded(), suppress(KeyboardInterrupt):
        press()


def test_ctrl_c_that_is_kept_waiting_waits_for_who_keeps_it():
    with interrupts.held() as came:
        with guarded() as errors:
            press()
            raise KeyboardInterrupt
        assert (len(errors), len(came)) == (1, 1)


def test_in_another_thread_no_interrupt_is_the_users():
    told = []

    def work():
        with guarded() as errors:
            raise KeyboardInterrupt
        told.extend(errors)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [type(error) for error in told] == [KeyboardInterrupt]


def test_a_handler_that_is_set_inside_stays():
    def own(number, frame): ...

    try:
        with guarded():
            signal.signal(signal.SIGINT, own)
        assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def test_what_is_printed_inside_is_no_output(capsys):
    with guarded():
        print("foreign")
    assert capsys.readouterr() == ("", "foreign\n")
    assert sys.stdout is not sys.stderr
