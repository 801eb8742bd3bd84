"""Places for what is made once and kept: where none can be written, a folder that lasts as long as the process."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numba
from numba.core.dispatcher import Dispatcher
from numba.misc.appdirs import AppDirs

LOG = logging.getLogger(__name__)
COMPILED = "NUMBA_CACHE_DIR"
PACKAGES = ("microstructure", "percolation", "transport")  # that hold compiled code


def kernel_files(home: Path) -> list[Path]:
    """Every module of compiled code."""
    return [path for package in PACKAGES for path in (home / package).rglob("_*.py") if path.name[:2] != "__"]


def drop_stale(kernels: Iterable[Path]) -> None:
    """Remove compiled code beside the sources that is older than any of them.

    Numba looks at the source of a function alone: after a change of what that function calls it would go on with the
    old code, and it ends in a traceback where a type in it is gone. A source dated in the future says nothing.
    """
    sources = list(kernels)
    newest = max((source.stat().st_mtime for source in sources), default=0.0)
    if newest > time.time():
        return
    for folder in {source.parent for source in sources}:
        for compiled in (folder / "__pycache__").glob("*.nb[ic]"):
            with contextlib.suppress(OSError):
                if compiled.stat().st_mtime < newest:
                    compiled.unlink()


def keep_compiled(folders: Iterable[Path]) -> None:
    """Find a place for compiled code before any is asked for: without one, numba refuses to import it.

    Numba looks in the folder of $NUMBA_CACHE_DIR, beside the source, and in the user's cache. Where none of them can
    be written, the code is compiled anew and kept for this process and those that it starts.
    """
    chosen = numba.config.CACHE_DIR
    if chosen and can_write(Path(chosen)):
        return
    if all(can_write(folder / "__pycache__") for folder in folders):
        return
    if can_write(Path(AppDirs(appname="numba", appauthor=False).user_cache_dir)):
        return
    try:
        folder = str(temporary_folder() / "compiled")
    except OSError:
        LOG.warning("no folder can be written, not even a temporary one: percoat is compiled anew in every process")
        Dispatcher.enable_caching = lambda self: None  # type: ignore[method-assign]
        return
    numba.config.CACHE_DIR = folder
    os.environ[COMPILED] = folder  # for processes that this one starts


def can_write(folder: Path) -> bool:
    """Whether files can be written to a folder, which is made if it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


@cache
def temporary_folder() -> Path:
    """A folder for what nobody can keep, the same for the whole process, which removes it when it ends."""
    folder, owner = Path(tempfile.mkdtemp(prefix="percoat-")), os.getpid()
    os.environ.setdefault("MPLCONFIGDIR", str(folder / "matplotlib"))  # else it would warn of the same once more
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)
    LOG.warning(
        "neither percoat's own folder nor the user's cache can be written: compiled code and patch libraries are made"
        " anew and last as long as this process; name folders in $NUMBA_CACHE_DIR and $PERCOAT_CACHE to keep them"
    )
    return folder


KERNELS = kernel_files(Path(__file__).parents[1])
drop_stale(KERNELS)
keep_compiled({source.parent for source in KERNELS})
