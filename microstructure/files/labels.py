"""The values of a label image, and the exchange of somebody else's labels for percoat's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import MOST_VOXELS

FEW = 2**16  # values that lie this close together are ticked off in a list, which needs no sorting
PIECE = 2**18  # voxels that are looked at together: wider numbers than those of the image are made for them
MOST_LABELS = 64  # more values than these are grey values, or the ids of blocks
SMALL = 512  # voxels: too few to tell


def pieces(image: NDArray[np.generic]) -> Iterator[tuple[slice, ...]]:
    """Boxes that make up the image, none above `PIECE` voxels."""
    boxes = [tuple(slice(0, side) for side in image.shape)]
    while boxes:
        box = boxes.pop()
        sides = [side.stop - side.start for side in box]
        if np.prod(sides, dtype=float) <= PIECE:
            yield box
            continue
        axis = sides.index(max(sides)) if sides[0] == 1 else 0
        middle = box[axis].start + sides[axis] // 2
        for part in (slice(middle, box[axis].stop), slice(box[axis].start, middle)):
            boxes.append((*box[:axis], part, *box[axis + 1 :]))


def distinct_values(image: NDArray[np.integer], most: int = MOST_VOXELS) -> NDArray[np.integer]:
    """All values that occur, rising; not all where they are more than `most`."""
    low, high = int(image.min()), int(image.max())
    if high - low >= FEW or high >= 2**62:
        return _by_sorting(image, most)
    seen = np.zeros(high - low + 1, bool)
    for box in pieces(image):
        seen[image[box].astype(np.intp) - low] = True
    return np.flatnonzero(seen) + low


def _by_sorting(image: NDArray[np.integer], most: int) -> NDArray[np.integer]:
    found, parts, waiting = np.empty(0, image.dtype), [], 0
    for box in pieces(image):
        parts.append(np.unique(image[box]))
        waiting += len(parts[-1])
        if waiting > max(len(found), 2**20):
            found, parts, waiting = np.unique(np.concatenate([found, *parts])), [], 0
            if len(found) > most:
                return found
    return np.unique(np.concatenate([found, *parts]))


def exchange(image: NDArray[np.integer], labels: Mapping[int, int] | None, source: str) -> NDArray[np.uint8]:
    """The image in percoat's labels; without a list each value is its own label.

    Raises
    ------
    TypeError
        If the labels are no mapping of whole numbers.
    ValueError
        If a value is not named, or a label is not within 0 to 255.
    """
    found = distinct_values(image, MOST_VOXELS if labels else FEW)
    if labels is None and len(found) > MOST_LABELS and image.size >= SMALL:
        count = len(found) if len(found) <= FEW else f"more than {FEW}"
        raise ValueError(
            f"{source} holds {count} different values from {image.min()} to {image.max()}: it looks like grey"
            " values, not labels: segment it first (by a threshold), or name the label of each value in labels=; block"
            " ids are read by read_blocks"
        )
    values = found.tolist()
    names = {value: value for value in values} if labels is None else _check_names(labels)
    unknown = [value for value in values if not 0 <= names.get(value, -1) <= 255]
    if unknown:
        shown = f"{unknown[:8]} and {len(unknown) - 8} more" if len(unknown) > 8 else f"{unknown}"
        raise ValueError(f"{source} holds the values {shown}: name a label from 0 to 255 for each in labels=")
    wanted = np.array([names[value] for value in values], np.uint8)
    if image.dtype == np.uint8 and wanted.tolist() == values:
        return np.require(image, np.uint8, ["C", "W", "E"])
    return _exchanged(image, values, wanted)


def _exchanged(image: NDArray[np.integer], values: list[int], wanted: NDArray[np.uint8]) -> NDArray[np.uint8]:
    low, span = values[0], values[-1] - values[0]
    result = np.empty(image.shape, np.uint8)
    if span >= FEW or values[-1] >= 2**62:
        sought = np.array(values, image.dtype)
        for box in pieces(image):
            result[box] = wanted[np.searchsorted(sought, image[box])]
        return result
    table = np.zeros(span + 1, np.uint8)
    table[np.array(values) - low] = wanted
    for box in pieces(image):
        result[box] = table[image[box].astype(np.intp) - low]
    return result


def _check_names(labels: object) -> dict[int, int]:
    if not isinstance(labels, Mapping):
        raise TypeError(f"labels is a mapping such as {{255: 1, 0: 0}}, value of the file to label; got {labels!r}")
    for number in (*labels, *labels.values()):
        if isinstance(number, (bool, np.bool_)) or not isinstance(number, (int, np.integer)):
            raise TypeError(f"labels maps whole numbers to whole numbers; got {number!r}")
    wrong = {value: label for value, label in labels.items() if not 0 <= label <= 255}
    if wrong:
        raise ValueError(f"labels are whole numbers from 0 to 255; got {wrong}: name other labels in labels=")
    return {int(value): int(label) for value, label in labels.items()}
