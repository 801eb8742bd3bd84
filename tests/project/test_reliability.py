"""The harness of faults counts right: what fails in known ways is seen, what is right is not counted."""

from __future__ import annotations

import os
import signal
import sys
import time

import numpy as np
import pytest

from benchmarks.reliability import command_line, doors, images
from benchmarks.reliability.grammar import _judged, plain, strings
from benchmarks.reliability.sentences import attempt, one_sentence, refusal, right
from benchmarks.reliability.table import page
from benchmarks.reliability.tally import Tally
from benchmarks.reliability.trial import in_child


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("150 nm", "m", 1.5e-7),
        ("2.2e-3 S cm-1", "S/m", 0.22),
        (" 0.78 m2/g", "m2/kg", 780.0),
        ("15 %", "1", 0.15),
        ("2 mS*cm**-1", "S/m", 0.2),
        ("120,5 nm", "m", None),
        ("1 200 nm", "m", None),
        ("1_0 nm", "m", None),
        ("3", "m", None),
        ("3 nm", "S/m", None),
        ("150 nm;", "m", None),
    ],
)
def test_the_plain_reading(text, unit, value):
    assert plain(text, unit) == (None if value is None else pytest.approx(value, rel=1e-12))


def test_what_is_accepted_is_compared_with_the_plain_reading():
    assert _judged(("150 nm", "m"), ["read", 1.5e-7, 0.0]) == ""
    assert "plainly" in _judged(("150 nm", "m"), ["read", 1.5e-6, 0.0])
    assert "no plain reading" in _judged(("120,5 nm", "m"), ["read", 1.205e-6, 0.0])
    assert "takes" in _judged(("x", "m"), ["refused", "no", 0.2])
    assert _judged(("x", "m"), ["refused", "no", 0.0]) == ""


def test_texts_are_the_same_each_time():
    assert strings(50) == strings(50)


def ended(tmp_path, work, **options):
    return in_child(work, folder=tmp_path, ceiling=None, **options)


def test_disasters_are_seen(tmp_path):
    assert "SIGTERM" in ended(tmp_path, lambda: os.kill(os.getpid(), signal.SIGTERM)).disaster
    assert "hangs" in ended(tmp_path, lambda: time.sleep(60), seconds=0.2, fair=False).disaster
    assert "traceback" in ended(tmp_path, lambda: 1 / 0).disaster
    assert ended(tmp_path, lambda: None).disaster == ""


def test_memory_is_that_of_the_trial(tmp_path):
    assert ended(tmp_path, lambda: int(np.ones(60_000_000, np.uint8).sum()) and None).increase > 40.0
    assert ended(tmp_path, lambda: None).increase < 20.0


def test_one_sentence(tmp_path):
    def said(text, status):
        def work():
            sys.stderr.write(text)
            raise SystemExit(status)

        return one_sentence(ended(tmp_path, work))

    assert said("percoat: a length is wanted; got 3\n", 2) == ""
    assert said("percoat: a length is wanted; got 3\n", 0) != ""
    assert said("percoat: one\npercoat: two lines\n", 2) != ""
    assert said("wrong\n", 2) != ""


def test_an_error_of_numpy_is_no_refusal(tmp_path):
    from microstructure import Equal

    assert refusal(ended(tmp_path, attempt(lambda: Equal(-1.0)))) == ""
    assert "raw" in refusal(ended(tmp_path, attempt(lambda: np.zeros(3).reshape(2))))
    assert "accepted" in refusal(ended(tmp_path, attempt(lambda: 3)))
    assert right(ended(tmp_path, attempt(lambda: True))) == ""
    assert "wrong" in right(ended(tmp_path, attempt(lambda: 3)))
    assert "refused" in right(ended(tmp_path, attempt(lambda: Equal(-1.0))))


def test_there_are_as_many_cases_as_are_said():
    assert len(list(command_line.cases())) >= 150
    assert len(list(doors.cases())) >= 100
    small = (images.npz_cases, images.raw_cases, images.gzip_cases, images.npy_cases)
    assert all(len(cases()) >= 20 for cases in small)


def test_the_page_has_before_and_after():
    tally = Tally("kills: run")
    tally.count("kill 1", "")
    good = {"kinds": {"kills": [tally.content()]}, "version": {"commit": "a" * 40}}
    tally.count("kill 2", "other bytes")
    bad = {"kinds": {"kills": [tally.content()]}, "version": {"commit": "b" * 40}}
    text = page(bad, good)
    assert "| kills: run | 2 | 1 | 0 |" in text
    assert "Nothing of the above" in text
    assert "`other bytes`" in page(good, bad)
