"""Work shared among processes."""

import os
import warnings
from functools import partial
from pathlib import Path

import joblib

from studies.ledger import Ledger, Task, in_parallel
from studies.values import Value


class Replacing:
    """Joblib as it is when one of its processes has grown: it warns, and goes on."""

    def __init__(self, **settings):
        self.settings = settings

    def __call__(self, jobs):
        text = "A worker stopped while some jobs were given to the executor. This can be caused by a memory leak."
        warnings.warn(text, UserWarning, stacklevel=2)
        for work, given, named in jobs:
            yield work(*given, **named)


def test_a_process_that_was_replaced_is_no_news_and_other_warnings_are(monkeypatch):
    monkeypatch.setattr(joblib, "Parallel", Replacing)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert list(in_parallel([joblib.delayed(abs)(-2), joblib.delayed(warnings.warn)("mind this")], 2)) == [2, None]
    assert [str(one.message) for one in seen] == ["mind this"]


def test_processes_that_were_started_in_another_folder_write_to_this_one(tmp_path, monkeypatch):
    assert len(list(in_parallel((joblib.delayed(os.getpid)() for _ in range(8)), 2))) == 8
    monkeypatch.chdir(tmp_path)
    tasks = [Task(name, 0, partial(list)) for name in ("one", "two", "three")]
    Ledger(Path("out"), "mark", Value).complete(tasks, workers=2)
    assert {path.name for path in (tmp_path / "out" / "tasks").iterdir()} == {"one.json", "two.json", "three.json"}


def test_results_come_in_the_order_of_their_jobs():
    assert list(in_parallel((joblib.delayed(pow)(number, 2) for number in range(6)), 2)) == [0, 1, 4, 9, 16, 25]
