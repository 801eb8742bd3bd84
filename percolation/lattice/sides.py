"""What lies beyond the sides of an image, in words: a wall, a plate, or the image again."""

from __future__ import annotations

from collections.abc import Sequence

AXES = "xyz"


def name_sides(periodic: Sequence[bool], axis: int | None = None) -> str:
    """Return the sides of an image in words.

    Parameters
    ----------
    periodic
        Per axis, three bools.
    axis
        Direction of a current, 0 to 2: its two ends are named as plates, or as those of a periodic cell.

    Examples
    --------
    >>> name_sides((False, False, False))
    'closed along x, y and z'
    >>> name_sides((False, True, True), axis=0), name_sides((False, True, True), axis=1)
    ('plates along x, periodic along y and z', 'periodic cell along y, periodic along z, closed along x')
    """
    if axis is None and all(periodic):
        return "periodic cell along x, y and z"
    parts = [] if axis is None else [f"{'periodic cell' if periodic[axis] else 'plates'} along {AXES[axis]}"]
    for word, kind in (("periodic", True), ("closed", False)):
        names = [AXES[a] for a in range(3) if bool(periodic[a]) == kind and a != axis]
        if names:
            parts.append(f"{word} along {', '.join(names[:-1])}{' and ' if names[:-1] else ''}{names[-1]}")
    return ", ".join(parts)
