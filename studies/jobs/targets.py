"""Files and folders that a command will write: refused before the work if they cannot be written after it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from microstructure.errors import StudyError


def check_files(files: dict[str, Path | None], inputs: Iterable[Path | None] = ()) -> None:
    """Refuse files that cannot be written, that would replace an input, or that are asked for twice.

    Parameters
    ----------
    files : dict
        What will be written, by the option that names it.
    inputs : iterable of paths
        What the command reads.

    Raises
    ------
    StudyError
        In a sentence that names the option.
    """
    read = {_place(path) for path in inputs if path is not None}
    taken: dict[Path, str] = {}
    for option, path in files.items():
        if path is None:
            continue
        place = _place(path)
        if place.is_dir() or not place.name:
            raise StudyError(f"{option} wants the name of a file to write; {path} is a folder: add a file name")
        if place in read:
            raise StudyError(f"{option} {path} would replace what is read: choose another name")
        if place in taken:
            raise StudyError(f"{option} and {taken[place]} name the same file, {path}: choose two names")
        if option == "--figure" and path.suffix.lower() != ".png":
            raise StudyError(f"--figure wants the name of a .png file; got {path}")
        if path.exists() and not os.access(path, os.W_OK):
            raise StudyError(f"{option} {path} may not be written: choose another name")
        if not path.exists() or path.is_file():  # into a pipe or a device nothing new is put beside it
            _check_parent(option, path, place.parent)
        taken[place] = option


def check_folder(option: str, folder: Path) -> None:
    """Refuse a folder of results that is a file, lies below one, or may not be written.

    Raises
    ------
    StudyError
        In a sentence that names the option.
    """
    place = _place(folder)
    if place.exists() and not place.is_dir():
        raise StudyError(f"{option} wants a folder; {folder} is a file: choose another name")
    _check_parent(option, folder, place)


def _check_parent(option: str, path: Path, folder: Path) -> None:
    """Folders are made where they are missing: the nearest one that is there must let that."""
    nearest = next(one for one in (folder, *folder.parents) if one.exists() or one == one.parent)
    if not nearest.is_dir():
        raise StudyError(f"{option} {path} lies below {nearest}, which is a file: choose another place")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise StudyError(f"{option} {path} may not be written, because {nearest} may not: choose another place")


def _place(path: Path) -> Path:
    """Where a path leads to, links followed; a StudyError if the system takes no such name."""
    try:
        place = Path(os.path.realpath(path))
        place.exists()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise StudyError(f"{str(path)[:60]} is no name of a file or folder: {reason}") from None
    return place
