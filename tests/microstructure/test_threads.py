"""Kernels shared among threads: the same for any number of them, for several Python threads, in a forked process."""

import importlib
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import microstructure
from microstructure import threads
from microstructure.threads import in_threads
from percolation import find_clusters
from transport import effective_conductivity

HOME = Path(microstructure.__file__).parents[1]
PACKAGES = ("microstructure", "percolation", "transport", "studies")
SHARED = ("microstructure", "percolation", "transport.networks")  # the rows of a solve are shared by `row_threads`
FORKED = """
import os
import sys
import numpy as np
from microstructure import threads

def note(first, last, seen):
    seen[first:last] += 1

def good():
    seen = np.zeros(1000, int)
    threads.in_threads(note, 1000, seen)
    return bool(np.all(seen == 1))

assert good() and threads.crew.cache_info().currsize == 1
child = os.fork()
if child == 0:
    os._exit(0 if threads.crew.cache_info().currsize == 0 and good() else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.fixture
def four(monkeypatch):
    """Four threads share the pieces, whatever the machine has."""
    monkeypatch.setattr(threads, "thread_count", lambda: 4)


def note(first, last, seen, pieces):
    """A kernel that counts how often each index comes, and keeps its pieces."""
    seen[first:last] += 1
    pieces.append((first, last))


@pytest.mark.parametrize("count", [0, 1, 2, 7, 16, 1000])
@pytest.mark.parametrize("least", [1, 3, 600])
def test_every_index_comes_once_and_no_piece_is_smaller_than_asked(four, count, least):
    seen, pieces = np.zeros(count, int), []
    in_threads(note, count, seen, pieces, least=least)
    assert np.all(seen == 1)
    assert len(pieces) == max(1, min(4 * threads.PIECES, count // least))
    assert all(last - first >= min(least, count) for first, last in pieces)


def test_a_single_piece_is_run_by_the_thread_that_asks(four):
    names = []
    in_threads(lambda *_: names.append(threading.current_thread()), 10, least=6)
    assert names == [threading.current_thread()]


def test_the_exception_of_a_piece_comes_out_once_nobody_works_any_more(four):
    begun, ended = [], []

    def fail_in_the_middle(first, _):
        begun.append(first)
        time.sleep(0.01)
        ended.append(first)
        if first == 5:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        in_threads(fail_in_the_middle, 16)
    assert sorted(ended) == sorted(begun)


def test_the_crew_itself_may_ask(four):
    seen = np.zeros((16, 16), int)

    def row(first, last):
        for one in range(first, last):
            in_threads(note, 16, seen[one], [])

    in_threads(row, 16)
    assert np.all(seen == 1)


def test_several_python_threads_at_once_get_what_one_gets():
    mask = np.random.default_rng(1).random((96, 96, 96)) < 0.6
    label, found = find_clusters(mask), []
    value = effective_conductivity(mask[:24, :24, :24].astype(np.uint8), {0: 0.0, 1: 1.0}, 1.0).value

    def clusters():
        found.extend(np.array_equal(find_clusters(mask).labels, label.labels) for _ in range(20))

    def solve():
        again = effective_conductivity(mask[:24, :24, :24].astype(np.uint8), {0: 0.0, 1: 1.0}, 1.0).value
        found.append(again == value)

    workers = [threading.Thread(target=work) for work in (clusters, clusters, solve, solve)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert (len(found), all(found)) == (42, True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_makes_its_own_threads():
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "NUMBA_NUM_THREADS": "2", "PYTHONPATH": path}
    run = subprocess.run([sys.executable, "-c", FORKED], env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr


def sources():
    """The text of every module."""
    return {path: path.read_text("utf-8") for package in PACKAGES for path in (HOME / package).rglob("*.py")}


def test_numba_shares_no_loop_among_threads_of_its_own():
    for path, text in sources().items():
        assert not re.search(r"\bprange\b|parallel=True|numba\.get_num_threads\(\)", text) or path.name == "threads.py"


def test_every_kernel_over_a_range_is_shared_among_threads():
    files, kernels = sources(), {}
    for path, text in files.items():
        module = ".".join(path.relative_to(HOME).with_suffix("").parts)
        if module.startswith(SHARED) and "def " in text:
            for name in re.findall(r"^@njit\(cache=True, nogil=True\)\ndef (\w+)\(\s*first, last,", text, re.MULTILINE):
                assert importlib.import_module(module).__dict__[name].targetoptions["nogil"]
                kernels[name] = module
    assert len(kernels) > 20
    for name, module in kernels.items():
        imported = re.compile(rf"^from {re.escape(module)} import [^)]*?\b{name}\b", re.MULTILINE)
        users = list(filter(imported.search, files.values()))
        assert users, f"nothing uses {name}"
        for text in users:
            assert re.search(rf"\bin_threads\(\s*{name},", text)
            assert not re.search(rf"(?<!def )(?<![.\w]){name}\(", text), f"{name} is called without in_threads"
