"""Runs the small cases of all kernel modules; as a script it writes down what they gave, and what ran as Python."""

import pickle
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

from tests.project import microstructure_kernels, percolation_kernels, transport_kernels

CASES = microstructure_kernels.CASES | percolation_kernels.CASES | transport_kernels.CASES


def run_all():
    """What every case gives, and which functions of the kernel module that it is for ran as Python meanwhile."""
    found = {}
    for module, case in CASES.items():
        with watched(sys.modules[module].__file__) as names:
            result = case()
        found[module] = result, names
    return found


@contextmanager
def watched(path):
    """The names of a file's functions that are called, in any thread."""
    names = set()

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_filename == path:
            names.add(frame.f_code.co_name)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield names
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(pickle.dumps(run_all()))
