"""The values of a label image, and the exchange of somebody else's labels for percoat's."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

FEW = 2**16  # values that lie this close together are ticked off in a list, which needs no sorting


def distinct_values(image: NDArray[np.integer]) -> list[int]:
    """All values that occur, rising."""
    low, high = int(image.min()), int(image.max())
    if high - low >= FEW or high >= 2**62:
        return np.unique(np.concatenate([np.unique(slab) for slab in image])).tolist()
    seen = np.zeros(high - low + 1, bool)
    for slab in image:
        seen[slab.astype(np.intp) - low] = True
    return (np.flatnonzero(seen) + low).tolist()


def exchange(image: NDArray[np.integer], labels: Mapping[int, int] | None, source: str) -> NDArray[np.uint8]:
    """The image in percoat's labels; without a list each value is its own label.

    Raises
    ------
    TypeError
        If the labels are no mapping of whole numbers.
    ValueError
        If a value is not named, or a label is not within 0 to 255.
    """
    values = distinct_values(image)
    names = {value: value for value in values} if labels is None else _check_names(labels)
    unknown = [value for value in values if not 0 <= names.get(value, -1) <= 255]
    if unknown:
        shown = f"{unknown[:8]} and {len(unknown) - 8} more" if len(unknown) > 8 else f"{unknown}"
        raise ValueError(f"{source} holds the values {shown}: name a label from 0 to 255 for each in labels=")
    wanted = np.array([names[value] for value in values], np.uint8)
    if image.dtype == np.uint8 and wanted.tolist() == values:
        return np.array(image, np.uint8, order="C")
    return _exchanged(image, values, wanted)


def _exchanged(image: NDArray[np.integer], values: list[int], wanted: NDArray[np.uint8]) -> NDArray[np.uint8]:
    low, span = values[0], values[-1] - values[0]
    result = np.empty(image.shape, np.uint8)
    if span >= FEW or values[-1] >= 2**62:
        sought = np.array(values, image.dtype)
        for slab, target in zip(image, result, strict=True):
            target[...] = wanted[np.searchsorted(sought, slab)]
        return result
    table = np.zeros(span + 1, np.uint8)
    table[np.array(values) - low] = wanted
    for slab, target in zip(image, result, strict=True):
        np.take(table, slab.astype(np.intp) - low, out=target)
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
