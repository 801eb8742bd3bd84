"""A file that is written whole or not at all: it takes its name only once everything is in it."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from microstructure.errors import DiskFullError

FULL = {
    errno.ENOSPC: "the disk that holds {} is full",
    errno.EDQUOT: "your share of the disk that holds {} is used up",
    errno.EFBIG: "the disk that holds {} takes no file that large",
}
STREAM = re.compile(r"/dev/(stdin|stdout|stderr)|/(?:dev|proc/self)/fd/(\d+)")  # what this process has open
LONGEST = 64  # bytes that a temporary name keeps of either part of the name, of the 255 that a file system allows


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the block ends well, and vanishes when it does not.

    It reaches the disk before it takes its name, so that a power cut leaves the old file or the new one. It has the
    permissions of the file it replaces. A link stays, and the file it points to is replaced. Into a pipe or a device
    the complete file is copied: nothing is replaced.

    Raises
    ------
    ValueError
        If `path` is a folder, or lies below a file, or is a disk or a socket.
    DiskFullError
        If the disk has no room for it, whatever is written inside the block.
    OSError
        If nothing may be written there.
    """
    old = _check_target(path)
    if old is not None and (not stat.S_ISREG(old.st_mode) or STREAM.fullmatch(str(path))):
        with _room_for(path), _written_through(path) as temporary:
            yield temporary
        return
    target = Path(os.path.realpath(path))
    with _room_for(path):
        temporary = _begin(target, path)
        try:
            yield temporary
            if old is not None:
                temporary.chmod(stat.S_IMODE(old.st_mode))
            _settle(temporary)
            temporary.replace(target)
            _settle_folder(target.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _room_for(path: Path) -> Iterator[None]:
    """What the system says of a full disk, as a sentence about the folder."""
    try:
        yield
    except DiskFullError:
        raise
    except OSError as error:
        if error.errno not in FULL:
            raise
        cause = FULL[error.errno].format(path.parent.absolute())
        raise DiskFullError(error.errno, f"{cause}: {path.name} is not written; make room there") from error


def _check_target(path: Path) -> os.stat_result | None:
    """What the path leads to, None if there is nothing yet; a ValueError where no file can be put."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise ValueError(f"{path} cannot be written: {_file_above(path)} is a file, not a folder") from None
    except OSError as error:
        raise _refusal(path, error) from None
    if stat.S_ISDIR(found.st_mode):
        raise ValueError(f"the name of a file to write is wanted; {path} is a folder: add a file name")
    if stat.S_ISBLK(found.st_mode) or stat.S_ISSOCK(found.st_mode):
        raise ValueError(f"the name of a file to write is wanted; {path} is a disk or a socket: choose another name")
    return found


def _file_above(path: Path) -> Path:
    return next((folder for folder in path.parents if folder.exists() and not folder.is_dir()), path.parent)


def _refusal(path: Path, error: OSError) -> OSError:
    """The same error as a sentence about the file that was asked for, not about a temporary one."""
    if error.errno in FULL:
        return error
    same = type(error)(f"{path} cannot be written: {error.strerror}; choose another folder or name")
    same.errno = error.errno
    return same


def _begin(target: Path, path: Path) -> Path:
    """An empty file beside the target."""
    name = f".{_cut(target.stem)}.{os.getpid()}.{uuid.uuid4().hex[:8]}{_cut(target.suffix)}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(name)
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    except (FileExistsError, NotADirectoryError):
        raise ValueError(f"{path} cannot be written: {_file_above(target)} is a file, not a folder") from None
    except OSError as error:
        raise _refusal(path, error) from None
    return temporary


def _cut(part: str) -> str:
    return part.encode()[:LONGEST].decode(errors="ignore")


def _settle(path: Path) -> None:
    """Wait until the file is on the disk."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _settle_folder(folder: Path) -> None:
    """Wait until the names in the folder are on the disk, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def _written_through(path: Path) -> Iterator[Path]:
    """A file elsewhere, copied into the pipe or device once it is complete."""
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / f"{_cut(path.stem)}{_cut(path.suffix)}"
        temporary.touch()
        yield temporary
        with temporary.open("rb") as source, open(_stream(path), "wb") as stream:
            shutil.copyfileobj(source, stream)


def _stream(path: Path) -> Path | int:
    """What to open: of standard output a copy, for a file that it was sent to would begin anew if opened again."""
    own = STREAM.fullmatch(str(path))
    if own is None:
        return path
    sys.stdout.flush()
    name, number = own.groups()
    return os.dup(int(number) if name is None else ("stdin", "stdout", "stderr").index(name))
