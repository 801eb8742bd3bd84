"""How much memory may still be taken: of the machine, or of the container that the program runs in."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import psutil

VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")  # of control groups: files, and a prefix
VERSION_2 = ("memory.max", "memory.current", "")
FILES = ("inactive_file", "active_file")


def free_memory(groups: Path = Path("/sys/fs/cgroup"), member: Path = Path("/proc/self/cgroup")) -> float:
    """Memory that this process may still take [bytes]: of the machine, or of its container, whichever is less.

    Parameters
    ----------
    groups
        Where Linux shows control groups, of version 1 or 2: their limits are those of containers and batch jobs.
    member
        File that names the groups of this process.
    """
    left = [_left(folder, names) for folder, names in _memory_groups(groups, member)]
    return min([float(psutil.virtual_memory().available), *left])


def _memory_groups(groups: Path, member: Path) -> Iterator[tuple[Path, tuple[str, str, str]]]:
    """Folders of the groups that this process is in, from its own up to all, and the names of their files."""
    try:
        lines = [line.split(":", 2) for line in member.read_text("utf-8").splitlines()]
    except (OSError, ValueError):
        return
    for _, controllers, path in (line for line in lines if len(line) == 3):
        if "memory" in controllers.split(","):
            root, names = groups / "memory", VERSION_1
        elif controllers == "":
            root, names = groups, VERSION_2
        else:
            continue
        own = root / path.lstrip("/")  # a container may not see the path: its own group is then the root
        yield from ((folder, names) for folder in (own, *own.parents) if folder.is_relative_to(root))


def _left(folder: Path, names: tuple[str, str, str]) -> float:
    """What a group may still take [bytes]; infinite if nothing limits it."""
    limit, used, cached = names
    try:
        most, now = (int((folder / name).read_text("ascii")) for name in (limit, used))
        counts = dict(line.split() for line in (folder / "memory.stat").read_text("ascii").splitlines())
        # what is read from files is counted as used, and given up when memory is asked for
        return max(float(most - now + sum(int(counts.get(cached + kind, 0)) for kind in FILES)), 0.0)
    except (OSError, ValueError):
        return math.inf
