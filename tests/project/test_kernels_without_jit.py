"""Every kernel module runs as plain Python, for debuggers and coverage, and finds what its compiled twin finds."""

import os
import pickle
import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import config
from numba.extending import is_jitted

from tests.project.plain_kernels import CASES

ROOT = Path(__file__).parents[2]
PACKAGES = ("microstructure", "percolation", "transport", "studies")
ROUNDING = 1e-10  # of the largest number: sums in another order, functions of another library

pytestmark = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="without the compiler there is nothing to compare")


def kernel_modules():
    """All modules whose own names begin with one underscore."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            name = module.name.rpartition(".")[2]
            if name.startswith("_") and not name.startswith("__"):
                yield module.name


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """What each case gives without the compiler, and the functions that ran: one process, which an overflow ends."""
    written = tmp_path_factory.mktemp("plain") / "found"
    switches = {"NUMBA_DISABLE_JIT": "1", "NUMBA_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error::RuntimeWarning", "-m", "tests.project.plain_kernels", written]
    subprocess.run(command, cwd=ROOT, env=os.environ | switches, check=True, timeout=300)
    return pickle.loads(written.read_bytes())


def numbers(found):
    """The arrays and numbers of what a case gave, one after another."""
    return [part for one in found for part in numbers(one)] if isinstance(found, (list, tuple)) else [np.asarray(found)]


def test_every_kernel_module_has_a_case():
    assert sorted(CASES) == sorted(kernel_modules())


@pytest.mark.parametrize("module", CASES)
def test_plain_python_finds_what_compiled_code_finds(module, plain):
    slow, fast = numbers(plain[module][0]), numbers(CASES[module]())
    assert len(slow) == len(fast) > 0
    for one, other in zip(slow, fast, strict=True):
        assert one.dtype == other.dtype
        if one.dtype.kind == "f":
            largest = np.max(np.abs(other), where=np.isfinite(other), initial=0.0)
            np.testing.assert_allclose(one, other, rtol=ROUNDING, atol=ROUNDING * largest)
        else:
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("module", CASES)
def test_every_compiled_function_has_run_as_python(module, plain):
    functions = vars(sys.modules[module]).items()
    compiled = {name for name, value in functions if is_jitted(value) and value.__module__ == module}
    assert compiled
    assert compiled <= plain[module][1]
