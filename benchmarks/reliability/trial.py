"""One trial: a piece of work in a process of its own, with limits of time and memory, and what became of it."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

SECONDS = 60.0  # longer is a hang
WORKED = 10.0  # s of processor that a trial has in any case
MEGABYTES = 200.0  # more, on top of what the imported package takes, is too much for a file that is refused
CEILING = 3 * 2**30  # bytes of address space on top of the present: no trial fills the machine
POLLING = 0.01  # s


@dataclass(frozen=True)
class Ending:
    """How a piece of work ended."""

    status: int = field(metadata={"what": "exit status, negative for a signal"})
    stdout: str = field(repr=False)
    stderr: str = field(repr=False)
    seconds: float
    worked: float = field(metadata={"unit": "s", "what": "of processor, its children that ended included"})
    increase: float = field(metadata={"unit": "MB", "what": "peak memory over that of the imported package"})
    peak: float = field(metadata={"unit": "MB"})
    report: Any = None
    hung: bool = False

    @property
    def disaster(self) -> str:
        """What is wrong whatever was asked for: a hang, a signal, or an error as Python prints it; else nothing."""
        if self.hung:
            return f"hangs: stopped after {self.seconds:.0f} s"
        if self.status < 0:
            return f"killed by {signal.Signals(-self.status).name}"
        if "Traceback (most recent call last)" in self.stderr:
            return f"traceback: {self.stderr.strip().splitlines()[-1][:160]}"
        return ""


def in_child(
    work: Callable[[], Any],
    *,
    folder: Path,
    seconds: float = SECONDS,
    fair: bool = True,
    environment: Mapping[str, str] | None = None,
    prepare: Callable[[], object] = lambda: None,
    ceiling: int | None = CEILING,
    stop: Callable[[], bool] = lambda: False,
) -> Ending:
    """Run `work` in a forked process that has the packages imported already; what it returns comes back as JSON.

    The child leads a group of its own, works in `folder`, and is killed with all its children when the time is over. To
    be `fair` on a busy machine, it is let go until it has had some seconds of processor, for three times as long at most.
    It counts as hung, too, once `stop` says so.
    """
    gc.collect()
    with tempfile.TemporaryDirectory() as notes:
        place = Path(notes)
        begin = time.perf_counter()
        child = os.fork()
        if child == 0:
            _live(work, folder, place, environment or {}, prepare, ceiling)
        try:
            status, usage, hung = wait(child, seconds, fair, stop)
        finally:
            end_group(child)
        elapsed = time.perf_counter() - begin
        for semaphore in Path("/dev/shm").glob(f"sem.loky-{child}-*"):
            semaphore.unlink(missing_ok=True)  # a killed process cannot
        for mapped in Path("/dev/shm").glob(f"joblib_memmapping_folder_{child}_*"):
            clear(mapped)
        peak = usage.ru_maxrss * 1024.0 if usage else 0.0
        first = place / "resident"
        before = float(first.read_text()) if first.exists() else peak
        told = place / "report"
        report = json.loads(told.read_text("utf-8")) if told.exists() else None
        texts = [(place / name).read_bytes().decode("utf-8", "replace") for name in ("stdout", "stderr")]
        worked = usage.ru_utime + usage.ru_stime if usage else 0.0
        return Ending(status, *texts, elapsed, worked, max(peak - before, 0.0) / 1e6, peak / 1e6, report, hung)


def wait(child: int, seconds: float, fair: bool, stop: Callable[[], bool]) -> tuple[int, Any, bool]:
    """Exit status, resources used, and whether it had to be killed."""
    begin = time.monotonic()
    while (elapsed := time.monotonic() - begin) < seconds or (fair and elapsed < 3.0 * seconds and _starved(child)):
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), usage, False
        if stop():
            break
        time.sleep(POLLING)
    end_group(child)
    _, status, usage = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status), usage, True


def _starved(child: int) -> bool:
    """Whether a busy machine is to blame that it has not ended."""
    try:
        first = psutil.Process(child)
        times = [one.cpu_times() for one in (first, *first.children(recursive=True))]
    except psutil.Error:
        return False
    return sum(one.user + one.system + one.children_user + one.children_system for one in times) < WORKED


def end_group(leader: int) -> None:
    """Kill a process and all that it started, as long as any of them lives."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def scratch() -> Path:
    """A new folder for one trial."""
    return Path(tempfile.mkdtemp(prefix="percoat-reliability-"))


def clear(folder: Path) -> None:
    """Take a folder away, whatever lies in it."""
    shutil.rmtree(folder, ignore_errors=True)


def tree(folder: Path) -> dict[str, bytes | None]:
    """All files below a folder with their content, folders and special files with none."""
    found: dict[str, bytes | None] = {}
    for path in sorted(folder.rglob("*")):
        found[str(path.relative_to(folder))] = path.read_bytes() if path.is_file() else None
    return found


def import_all() -> None:
    """Every module of the packages, so that no trial pays for it; compiled code stays on disk."""
    import importlib
    import pkgutil

    for name in ("h5py", "tifffile", "pint", "pandas", "matplotlib.pyplot", "joblib", "scipy.sparse.linalg", "PIL"):
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    for package in ("microstructure", "percolation", "transport", "studies"):
        top = importlib.import_module(package)
        for module in pkgutil.walk_packages(top.__path__, f"{package}."):
            importlib.import_module(module.name)
    from microstructure.units import parse_quantity

    parse_quantity("1 nm", "m")


def call_command(*arguments: str) -> Callable[[], None]:
    """The command `percoat` with these arguments, as the console script runs it."""

    def work() -> None:
        from studies.command import main

        sys.argv = ["percoat", *arguments]
        main()

    return work


def _live(
    work: Callable[[], Any],
    folder: Path,
    place: Path,
    environment: Mapping[str, str],
    prepare: Callable[[], object],
    ceiling: int | None,
) -> None:
    status = 70
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: no trial outlives the harness
        os.environ.update(environment)
        os.chdir(folder)
        for name, stream in (("stdout", 1), ("stderr", 2)):
            os.dup2(os.open(place / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        sys.stdout, sys.stderr = (os.fdopen(stream, "w", errors="backslashreplace", closefd=False) for stream in (1, 2))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if ceiling is not None:
            held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (held + ceiling,) * 2)
        (place / "resident").write_text(str(_resident()))  # forked, it shares the libraries' pages that it has not used
        prepare()
        status = _finish(work, place)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _finish(work: Callable[[], Any], place: Path) -> int:
    try:
        report = work()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    if report is not None:
        (place / "report").write_text(json.dumps(report), "utf-8")
    return 0


def _resident() -> float:
    return float(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize())
