"""Compiled code where nothing can be written: made anew, with one warning."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import microstructure
from microstructure import caches

HOME = Path(microstructure.__file__).parents[1]
IMPORT = """
import os, transport, percolation
from percolation.lattice._sites import *
from transport.solvers import _smoothing
import numpy as np
parts = np.empty(1)
_smoothing.inner_product(0, 1, 1, np.ones(3), np.ones(3), parts)
print(parts[0], os.environ.get("NUMBA_CACHE_DIR"))
"""


@pytest.fixture
def installation(tmp_path):
    """Percoat where neither its folders nor a home can be written, not even by root: files lie in their place."""
    for package in caches.PACKAGES:
        shutil.copytree(HOME / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
        for folder in [tmp_path / package, *(path for path in (tmp_path / package).rglob("*") if path.is_dir())]:
            (folder / "__pycache__").write_text("")
    (tmp_path / "home").write_text("")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "XDG_"))}
    return tmp_path, kept | {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path), "PYTHONPATH": str(tmp_path)}


def test_without_a_place_it_runs_with_one_warning_and_leaves_nothing(installation):
    folder, environment = installation
    before = sorted(folder.iterdir())
    run = subprocess.run([sys.executable, "-c", IMPORT], env=environment, cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    product, place = run.stdout.split()
    assert float(product) == 3.0
    assert Path(place).is_relative_to(folder)
    [line] = run.stderr.splitlines()
    assert "$NUMBA_CACHE_DIR" in line
    assert sorted(folder.iterdir()) == before


def places(monkeypatch, *writable):
    """Where compiled code goes if these folders alone can be written: the new folder, or None for numba's own."""
    monkeypatch.setattr(caches, "can_write", lambda folder: folder in map(Path, writable))
    monkeypatch.setattr(caches, "temporary_folder", lambda: Path("/once"))
    monkeypatch.setattr(caches.numba.config, "CACHE_DIR", "/chosen")
    monkeypatch.setenv(caches.COMPILED, "/chosen")
    monkeypatch.setattr(caches, "AppDirs", lambda **names: type("Dirs", (), {"user_cache_dir": "/home/numba"}))
    caches.keep_compiled([Path("/a"), Path("/b")])
    return caches.numba.config.CACHE_DIR, os.environ[caches.COMPILED]


@pytest.mark.parametrize(
    "writable", [("/chosen",), ("/home/numba",), ("/a/__pycache__", "/b/__pycache__"), ("/chosen", "/home/numba")]
)
def test_any_place_that_numba_looks_in_is_left_to_it(monkeypatch, writable):
    assert places(monkeypatch, *writable) == ("/chosen", "/chosen")


@pytest.mark.parametrize("writable", [(), ("/a/__pycache__",)])
def test_without_any_it_is_a_temporary_one(monkeypatch, writable):
    assert places(monkeypatch, *writable) == ("/once/compiled", "/once/compiled")


def test_without_even_a_temporary_folder_nothing_is_kept(monkeypatch, caplog):
    def none():
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr(caches, "can_write", lambda folder: False)
    monkeypatch.setattr(caches, "temporary_folder", none)
    monkeypatch.setattr(caches, "Dispatcher", type("Dispatcher", (), {"enable_caching": None}))
    caches.keep_compiled([Path("/a")])
    assert caches.Dispatcher().enable_caching() is None
    assert len(caplog.records) == 1


def compiled_beside(folder, *, source, compiled):
    """A kernel and its compiled code, so many seconds old, after a look for what is stale; what is left of it."""
    (folder / "__pycache__").mkdir(parents=True)
    kernel, kept = folder / "_kernel.py", [folder / "__pycache__" / f"_kernel.f-1.{end}" for end in ("nbi", "nbc")]
    for path, age in ((kernel, source), *((path, compiled) for path in kept)):
        path.write_text("")
        os.utime(path, (time.time() - age,) * 2)
    caches.drop_stale([kernel])
    return [path for path in kept if path.exists()]


def test_compiled_code_older_than_any_kernel_is_made_anew(tmp_path):
    """Numba did not see that an imported kernel had changed, and ended in a traceback where a type was renamed."""
    assert compiled_beside(tmp_path / "stale", source=10, compiled=20) == []
    assert len(compiled_beside(tmp_path / "fresh", source=20, compiled=10)) == 2
    assert len(compiled_beside(tmp_path / "future", source=-1000, compiled=10)) == 2


def test_every_kernel_is_looked_at():
    names = {path.name for path in caches.kernel_files(HOME)}
    assert {"_sites.py", "_relaxation.py", "_smoothing.py", "_union_find.py"} < names
    assert not any(name.startswith("__") for name in names)


def test_a_folder_that_cannot_be_made_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    assert not caches.can_write(tmp_path / "file" / "below")
    assert caches.can_write(tmp_path / "new" / "deep")
