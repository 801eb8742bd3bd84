"""Surroundings that are not kind: full disks, killed workers, devices, read-only and homeless."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.reliability.sentences import one_sentence
from benchmarks.reliability.studies import PATIENCE, call_in, undisturbed, write_studies
from benchmarks.reliability.tally import Tally
from benchmarks.reliability.terminals import CALL, COAT, environment_of
from benchmarks.reliability.trial import call_command, clear, in_child, scratch, tree

ROOM = 600_000  # bytes of a disk that is nearly full
SMALL = 4096  # bytes that a file may grow to
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1  # of prctl(2) and capabilities(7)
IDLE = 20.0  # s after which no worker of a killed command is left


def run() -> Iterator[Tally]:
    """Each kind of surroundings; the long commands share one patch cache."""
    home = scratch()
    quiet = undisturbed("screen", home / "cache")
    undisturbed("run", home / "cache")
    yield _devices()
    yield _read_only()
    yield _workers(quiet.cache)
    yield _full_disks(quiet.cache)
    clear(home)


def _full_disks(cache: Path) -> Tally:
    tally = Tally("full disk")
    for name, work in _writers().items():
        folder = scratch()
        made = folder / "made"
        made.mkdir()
        ending = in_child(partial(work, made), folder=made, prepare=_no_large_files, seconds=300.0)
        left = sorted(tree(made))
        tally.count(
            name,
            ending.disaster
            or (
                "left behind: " + ", ".join(left[:3])
                if left
                else ""
                if ending.status == 7
                else f"status {ending.status}: {ending.stderr[-150:]}"
            ),
        )
        clear(folder)
    for option, target in (("--csv", "a.csv"), ("--figure", "a.png")):
        folder = scratch()
        ending = in_child(call_command("threshold", option, target), folder=folder, prepare=_no_large_files)
        left = sorted(tree(folder))
        tally.count(f"threshold {option}", one_sentence(ending) or (f"left behind: {left[:3]}" if left else ""))
        clear(folder)
    _on_full_disk(tally, cache)
    return tally


def _no_large_files() -> None:
    """Writing past the limit is an error, as on a full disk, and no signal."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, SMALL))


def _writers() -> dict[str, Callable[[Path], None]]:
    image = np.random.default_rng(1).integers(0, 3, (40, 40, 40)).astype(np.uint8)

    def image_to(suffix: str) -> Callable[[Path], None]:
        def write(folder: Path) -> None:
            from microstructure import write_image

            _expect_error(lambda: write_image(image, folder / f"a{suffix}"))

        return write

    def structure(folder: Path) -> None:
        from microstructure import Structure, save_structure

        cell = Structure(image, 1e-7, (False, True, True), (4e-6,) * 3)
        _expect_error(lambda: save_structure(cell, folder / "a.h5"))

    return {f"write_image {suffix}": image_to(suffix) for suffix in (".tif", ".npy", ".vti", ".raw")} | {
        "save_structure": structure
    }


def _expect_error(work: Callable[[], Any]) -> None:
    """Status 7 for an error of the documented classes."""
    try:
        work()
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(7) from None


@contextmanager
def _disk(size: str) -> Iterator[Path | None]:
    """A disk of this size, if this machine lets one be mounted."""
    folder = scratch()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    try:
        yield folder if mounted.returncode == 0 else None
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "-l", str(folder)], check=False)
        clear(folder)


def _on_full_disk(tally: Tally, cache: Path) -> None:
    """Whole commands whose results, or whose cache, lie on a disk that gets full."""
    for name, size in (
        ("run", "400k"),
        ("run", "100k"),
        ("screen", "24k"),
        ("threshold --recompute", "16k"),
        ("patch cache", "64k"),
    ):
        title = f"{name}, {size} of disk"
        with _disk(size) as disk:
            if disk is None:
                tally.skip(title, "no disk can be mounted here")
                continue
            folder = write_studies(scratch())
            out = ("--out", str(disk / "out"))
            arguments = {
                "run": ("run", "tiny.toml", *out),
                "screen": ("screen", "screen.toml", *out),
                "threshold --recompute": ("threshold", "--recompute", "--plan", "tiny_chart.toml", *out),
                "patch cache": ("compare", "screen.toml", "--composition", "70:30:2"),
            }[name]
            ending = call_in(arguments, folder, disk / "cache" if name == "patch cache" else cache, PATIENCE)
            half = [path for path in tree(disk) if Path(path).name.startswith(".")]
            reason = one_sentence(ending) or (
                "" if ending.status == 1 else f"status {ending.status} for what is no fault of the input"
            )
            tally.count(title, reason or (f"left behind: {half[:3]}" if half else ""))
            clear(folder)


def _workers(cache: Path) -> Tally:
    """A worker that is killed; the workers of a command that is killed; two threads of Python."""
    tally, folder = Tally("killed workers, idle workers, threads"), write_studies(scratch())
    with _started(folder, cache, "run", "tiny.toml", "--out", "one") as process:
        victims = _loky(process)
        if victims:
            time.sleep(1.0)
            victims[0].kill()
        _, stderr = process.communicate(timeout=PATIENCE)
    lines = [line for line in stderr.splitlines() if line.startswith("percoat:")]
    good = process.returncode == 1 and len(lines) == 1 and "Traceback" not in stderr
    tally.count(
        "a worker is killed",
        "" if good else f"status {process.returncode}, {len(stderr.splitlines())} lines: {stderr[-100:]}",
    )
    with _started(folder, cache, "run", "tiny.toml", "--out", "two") as process:
        workers = _loky(process)
        time.sleep(1.0)
        process.kill()
        _, alive = psutil.wait_procs(workers, timeout=IDLE)
        tally.count(
            "no worker is left behind", f"{len(alive)} workers live {IDLE:.0f} s after their parent" if alive else ""
        )
    ending = in_child(_two_threads, folder=folder, seconds=600.0, ceiling=None)
    tally.count("two threads solve at once", ending.disaster or ("" if ending.status == 0 else ending.stderr[-200:]))
    clear(folder)
    return tally


@contextmanager
def _started(folder: Path, cache: Path, *arguments: str) -> Iterator[subprocess.Popen]:
    """A command in a group of its own, killed with all that it started when the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", CALL, *arguments], cwd=folder, env=environment_of(PERCOAT_CACHE=str(cache)),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _loky(process: subprocess.Popen, seconds: float = 120.0) -> list[psutil.Process]:
    """Its workers, once there are two."""
    end, watched = time.monotonic() + seconds, psutil.Process(process.pid)
    while time.monotonic() < end and process.poll() is None:
        try:
            found = [one for one in watched.children(recursive=True) if "popen_loky" in " ".join(one.cmdline())]
        except psutil.Error:
            found = []
        if len(found) >= 2:
            return found
        time.sleep(0.05)
    return []


def _two_threads() -> None:
    from transport import effective_conductivity

    image = np.random.default_rng(3).choice(3, (40, 40, 40), p=[0.3, 0.5, 0.2])
    values: list[float] = []

    def solve() -> None:
        for _ in range(3):
            values.append(effective_conductivity(image, {0: 0.0, 1: 1.0, 2: 0.1}, 1e-7).value)

    threads = [threading.Thread(target=solve) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(values) != 6 or max(values) - min(values) > 1e-6 * max(values):
        raise SystemExit(3)


def _devices() -> Tally:
    """What exists and is no regular file is written through or refused, and stays what it is."""
    tally = Tally("targets that are no regular files")
    for option in ("--csv", "--formulas", "--figure"):
        for kind, make in (
            ("pipe", os.mkfifo),
            ("device", lambda p: os.mknod(p, stat.S_IFCHR | 0o666, os.makedev(1, 3))),
        ):
            folder = scratch()
            target = folder / ("special.png" if option == "--figure" else "special.csv")
            try:
                make(target)
            except PermissionError as error:
                tally.skip(f"threshold {option} to a {kind}", str(error))
                continue
            before = target.lstat().st_mode
            ending = in_child(lambda o=option, t=target: _with_reader(o, t), folder=folder, seconds=60.0)
            same = target.exists() and target.lstat().st_mode == before
            reason = ending.disaster or ("" if ending.status == 0 else one_sentence(ending))
            tally.count(f"threshold {option} to a {kind}", reason or ("" if same else "replaced by a file"))
            clear(folder)
    return tally


def _with_reader(option: str, target: Path) -> None:
    """Something reads what is written into a pipe."""
    if stat.S_ISFIFO(target.stat().st_mode):
        end = os.open(target, os.O_RDWR)
        threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(end, 2**16), b"")], daemon=True).start()
    call_command("threshold", option, str(target))()


def _read_only() -> Tally:
    """An installation that nobody may write to, for a user without a home."""
    import microstructure

    tally, folder = Tally("read-only installation, no home"), scratch()
    folder.chmod(0o755)
    source = Path(str(microstructure.__file__)).parents[1]
    for name in ("microstructure", "percolation", "transport", "studies"):
        shutil.copytree(source / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "home").mkdir()
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    image = "import numpy as np; m = np.random.default_rng(1).random((9, 9, 9)) < 0.5; "
    commands = {
        "threshold --thickness": (CALL, *COAT),
        "--help": (CALL, "--help"),
        "find_clusters": (image + "from percolation import find_clusters; print(find_clusters(m).count)",),
        "find_spanning": (image + "from percolation import find_spanning; print(find_spanning(m).spans)",),
        "effective_conductivity": (image + "from transport import effective_conductivity as k; print(k(m.astype(int), {0: 1.0, 1: 2.0}, 1e-7).value)",),
    }  # fmt: skip
    for name, (code, *arguments) in commands.items():
        environment = {
            key: value
            for key, value in environment_of().items()
            if not key.startswith(("XDG", "PERCOAT", "NUMBA", "MPL"))
        }
        environment |= {"HOME": str(folder / "home"), "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                [sys.executable, "-c", code, *arguments], cwd="/", env=environment, capture_output=True, text=True,
                timeout=PATIENCE, check=False, preexec_fn=_keep_to_permissions,
            )  # fmt: skip
        except (subprocess.SubprocessError, OSError) as error:
            tally.skip(name, f"cannot be tried here: {error}")
            continue
        good = done.returncode == 0 and "Traceback" not in done.stderr and done.stdout
        tally.count(name, "" if good else f"status {done.returncode}: {done.stderr.strip()[-200:]}")
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    clear(folder)
    return tally


def _keep_to_permissions() -> None:
    """Let even the superuser write only where files and folders say so."""
    if os.getuid() == 0 and ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0):
        raise OSError("the superuser cannot give up writing everywhere")
