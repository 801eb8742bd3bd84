"""Work shared among processes, and its results: what is damaged is made again, what is finished outlives a kill."""

import errno
import json
import math
import os
import signal
import subprocess
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import joblib
import psutil
import pytest

import studies.jobs.workers
import studies.series.run_study
from microstructure.errors import StudyError, WorkerError
from studies.jobs.checkpoints import MARK, Ledger, Task
from studies.jobs.workers import in_parallel, process_count
from studies.summary import Value

ROWS = [Value("threshold", "80:20:3", "", "1", 0.25), Value("threshold", "80:20:0", "", "1", math.inf)]


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


@pytest.fixture
def kept(tmp_path):
    """A ledger with two finished tasks."""
    ledger, tasks = Ledger(tmp_path / "out", "mark", Value), [Task("one", 0, lambda: ROWS), Task("two", 0, list)]
    ledger.complete(tasks)
    return ledger, tasks


def changed(text, **more):
    """The same file with another field, as JSON."""
    return json.dumps({**json.loads(text), **more})


DAMAGES = {
    "empty": lambda text: "",
    "truncated": lambda text: text[: len(text) // 2],
    "no end": lambda text: text[:-3],
    "random": lambda text: bytes(range(128, 256)),
    "zeros": lambda text: bytes(len(text)),
    "no values": lambda text: '{"values": []}',
    "nothing there": lambda text: changed(text, values=[]),
    "one less": lambda text: changed(text, values=json.loads(text)["values"][:1]),
    "none": lambda text: changed(text, values=None),
    "a number": lambda text: "7",
    "a list": lambda text: "[]",
    "deep": lambda text: "[" * 100_000,
    "NaN": lambda text: text.replace("0.25", "NaN"),
    "infinite": lambda text: text.replace("0.25", "Infinity"),
    "another digit": lambda text: text.replace("0.25", "0.35"),
    "whole": lambda text: text.replace("0.25", "1"),
    "text": lambda text: text.replace("0.25", '"0.25"'),
    "another name": lambda text: text.replace("80:20:3", "80:20:2"),
    "a field less": lambda text: text.replace('   "setting": "",\n', ""),
    "no checksum": lambda text: json.dumps({"values": json.loads(text)["values"]}),
    "another checksum": lambda text: changed(text, sha256="0" * 64),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_result_is_made_again_and_named(kept, damage, caplog):
    ledger, tasks = kept
    path, before = ledger.path(tasks[0]), ledger.path(tasks[0]).read_text()
    found = DAMAGES[damage](before)
    assert found != before
    path.write_bytes(found if isinstance(found, bytes) else found.encode())
    ledger.complete(tasks)
    assert path.read_text() == before
    assert [record.getMessage() for record in caplog.records] == [f"{path} is damaged and is made again"]
    assert [rows for _, rows in ledger.results(tasks)] == [ROWS, []]


def test_a_result_of_another_task_or_other_settings_is_made_again(kept):
    ledger, tasks = kept
    ledger.path(tasks[1]).write_bytes(ledger.path(tasks[0]).read_bytes())
    assert ledger.read(tasks[1]) is None
    assert Ledger(ledger.folder, "another mark", Value).read(tasks[0]) is None


def test_what_is_finished_is_not_touched(kept):
    ledger, tasks = kept
    before = {path: path.stat().st_mtime_ns for path in ledger.folder.rglob("*")}
    ledger.complete(tasks)
    assert {path: path.stat().st_mtime_ns for path in ledger.folder.rglob("*")} == before


def test_a_missing_result_is_never_left_out(kept):
    ledger, tasks = kept
    ledger.path(tasks[1]).unlink()
    with pytest.raises(StudyError, match=r"two\.json"):
        list(ledger.results(tasks))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda out: out.write_text("thesis"), "is a file"),
        (lambda out: (out.mkdir(), (out / "thesis.txt").write_text("precious")), "no empty folder"),
        (lambda out: (out.mkdir(), (out / MARK).write_text("other")), "other settings"),
        (lambda out: (out.mkdir(), (out / MARK).write_text("")), "other settings"),
        (lambda out: (out.mkdir(), (out / MARK).write_bytes(b"\xff\xfe")), "cannot be read"),
        (lambda out: (out / MARK).mkdir(parents=True), "cannot be read"),
        (lambda out: (out.mkdir(), (out / "tasks").write_text("")), "a file called tasks"),
    ],
)
def test_a_folder_that_holds_something_else_is_refused(tmp_path, spoil, said):
    spoil(tmp_path / "out")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StudyError, match=rf"out .*{said}.*choose another --out"):
        Ledger(tmp_path / "out", "mark", Value).complete([Task("one", 0, list)])
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_below_a_file_or_in_a_read_only_one_is_refused_before_anything_is_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match=r"would lie in .*file, which is a file: choose another --out"):
        Ledger(tmp_path / "file" / "out" / "deep", "mark", Value).check()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(StudyError, match=r"read-only: choose another --out"):
        Ledger(tmp_path / "out" / "deep", "mark", Value).check()


def test_a_cache_is_named_as_one_and_its_mark_may_be_damaged(tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(StudyError, match=r"^the patch cache .*cache is a file: .*PERCOAT_CACHE") as refused:
        Ledger(tmp_path / "cache", "mark", Value, cache=True).complete([Task("one", 0, list)])
    assert "--out" not in str(refused.value)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / MARK).write_text("dam")
    Ledger(tmp_path / "other", "mark", Value, cache=True).complete([Task("one", 0, list)])
    assert (tmp_path / "other" / MARK).read_text() == "mark\n"


def test_a_mark_that_was_being_written_when_its_process_was_killed_is_no_result(tmp_path):
    (tmp_path / ".study.17.abcdef01.sha256").write_text("ma")
    Ledger(tmp_path, "mark", Value).complete([Task("one", 0, list)])
    assert (tmp_path / MARK).read_text() == "mark\n"


def kill_oneself():
    os.kill(os.getpid(), signal.SIGKILL)


def fill_the_disk():
    raise OSError(errno.ENOSPC, "No space left on device", "here.h5")


def test_a_killed_process_is_one_sentence_and_what_is_finished_is_kept(tmp_path):
    ledger, done = Ledger(tmp_path / "out", "mark", Value), Task("one", 0, list)
    ledger.complete([done])
    with pytest.raises(
        WorkerError, match=r"killed \(.*SIGKILL.*fewer workers; 1 of 3 tasks are kept in .*out, the same command"
    ) as killed:
        ledger.complete([done, Task("two", 0, kill_oneself), Task("three", 0, kill_oneself)], workers=2)
    assert "\n" not in str(killed.value)
    assert killed.value.__suppress_context__
    assert ledger.read(done) == []


@pytest.mark.parametrize(
    ("error", "said"),
    [(WorkerError("a worker process was killed"), "a worker process was killed"), (MemoryError(), "memory ran out")],
)
def test_what_no_setting_mends_is_one_sentence_and_status_1(percoat, tmp_path, monkeypatch, error, said):
    def fail(*given, **named):
        raise error

    monkeypatch.setattr(studies.series.run_study, "run_study", fail)
    done = percoat("run", Path(__file__).parents[2] / "data" / "tiny.toml", folder=tmp_path)
    assert (done.status, done.err.splitlines()[-1]) == (1, f"percoat: {said}")


def test_a_full_disk_in_a_process_is_told_as_one():
    with pytest.raises(OSError, match="No space") as full:
        list(in_parallel([joblib.delayed(fill_the_disk)() for _ in range(2)], 2))
    assert (full.value.errno, full.value.filename) == (errno.ENOSPC, "here.h5")


def test_no_more_processes_are_started_than_there_is_work_or_room_for(monkeypatch, caplog):
    monkeypatch.setattr(studies.jobs.workers.joblib, "cpu_count", lambda: 3)
    assert [process_count(*asked) for asked in ((1, 5), (2, 5), (8, 5), (8, 0), (1000, 7))] == [1, 2, 5, 1, 7]
    assert not caplog.records
    assert process_count(1000, 500) == 12
    assert "1000 workers are asked for, 12 are started" in caplog.records[0].getMessage()


SLEEPERS = """
import joblib, os, time
from studies.jobs.workers import in_parallel

def sleep():
    with open(str(os.getpid()), "w"):
        time.sleep(300)

list(in_parallel([joblib.delayed(sleep)() for _ in range(2)], 2))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_processes_end_with_the_one_that_started_them(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    parent = subprocess.Popen([sys.executable, "-c", SLEEPERS], cwd=tmp_path, env=environment)
    while len(list(tmp_path.iterdir())) < 2:
        assert parent.poll() is None
        time.sleep(0.05)
    started = [psutil.Process(int(path.name)) for path in tmp_path.iterdir()]
    parent.kill()
    parent.wait()
    gone, alive = psutil.wait_procs(started, timeout=30)
    assert len(gone) == 2
    assert not alive
