"""A labelled voxel image with what its phases conduct, checked once and brought into the form the solver works on."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microstructure.structure import Structure
from transport.solver_arguments import parse_number
from transport.voxels.image_source import Source, parse_source

Pair = tuple[int, int]
MOST_VOXELS = 2**31  # they are numbered by 32 bits
SLAB = 2**20  # voxels looked at at a time
MOST_START = 1e6  # V, of a potential to start from: it belongs to 1 V across the image
MOST_KINDS = 2000  # of phases: the table of their pairs stays small
MOST_INTERFACES = 250  # that resist, told apart by their conductivities and resistance: each takes 4,097 classes


@dataclass(frozen=True, eq=False)
class PhaseImage:
    """Voxels by phase index, and tables over phases."""

    phases: NDArray[np.unsignedinteger] = field(repr=False)  # of the smallest kind of integer that holds them
    blocks: NDArray[np.int32] | NDArray[np.int64] = field(repr=False)  # (1, 1, 1) if no resistance acts between blocks
    conductivities: NDArray[np.float64] = field(metadata={"unit": "S/m"})  # (phases,)
    amounts: NDArray[np.float64] = field(metadata={"unit": "voxels"})  # (phases,)
    kinds: NDArray[np.int64]  # of the phases; phases that conduct alike and have no interface are of one kind
    kind_conductivities: NDArray[np.float64] = field(metadata={"unit": "S/m"})  # (kinds,)
    interface: NDArray[np.float64] = field(metadata={"unit": "ohm m2"})  # (kinds, kinds)
    voxel_size: NDArray[np.float64] = field(metadata={"unit": "m"})  # (3,)
    labels: tuple[int, ...]  # of the phases
    periodic: NDArray[np.bool_]  # (3,)

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""
        return self.phases.shape

    def turned(self, order: Sequence[int]) -> PhaseImage:
        """Return the same image with its axes in another order."""
        blocks: NDArray[Any] = np.ascontiguousarray(self.blocks.transpose(order))
        return replace(
            self,
            phases=np.ascontiguousarray(self.phases.transpose(order)),
            blocks=blocks,
            voxel_size=self.voxel_size[list(order)],
            periodic=self.periodic[list(order)],
        )


def parse_image(
    labels: ArrayLike | Structure,
    conductivity: Mapping[int, float],
    voxel_size: float | Sequence[float] | None,
    periodic: Sequence[bool] | None,
    interface_resistance: Mapping[Pair, float] | None,
    blocks: ArrayLike | None,
) -> PhaseImage:
    """Check every argument and return the image; the caller's arrays are read, never changed."""
    source = parse_source(labels, voxel_size, periodic, blocks)
    voxels = _integers("labels", source.labels)
    values = _present(voxels)
    laws = _laws(values.tolist(), conductivity, interface_resistance)
    phases = _numbered(voxels, values)
    return PhaseImage(
        phases=phases,
        blocks=_parse_blocks(source, voxels.shape, interface_resistance),
        amounts=_amounts(phases, values.size),
        voxel_size=source.voxel_size,
        labels=tuple(values.tolist()),
        periodic=np.array(source.periodic),
        **laws,
    )


def parse_labels(labels: ArrayLike, conductivity: Mapping[int, float]) -> tuple[NDArray[np.integer], dict[int, float]]:
    """Check that every label has a conductivity; return the labels and what they conduct [S/m]."""
    voxels = _integers("labels", labels)
    return voxels, _known(_present(voxels).tolist(), conductivity)


def with_conductivities(
    image: PhaseImage, conductivity: Mapping[int, float], interface_resistance: Mapping[Pair, float] | None
) -> PhaseImage:
    """Return the same image with other conductivities."""
    return replace(image, **_laws(list(image.labels), conductivity, interface_resistance))


def _laws(
    labels: list[int], conductivity: Mapping[int, float], interface_resistance: Mapping[Pair, float] | None
) -> dict[str, Any]:
    """What the phases of these labels conduct, as fields of an image."""
    known = _known(labels, conductivity)
    resistances = _parse_resistances(interface_resistance, known)
    kinds, first = _kinds(labels, known, resistances)
    conductivities = np.array([known[v] for v in labels])
    return {
        "conductivities": conductivities,
        "kinds": kinds,
        "kind_conductivities": conductivities[first],
        "interface": _interface_table([labels[k] for k in first], resistances),
    }


def _known(labels: list[int], conductivity: Mapping[int, float]) -> dict[int, float]:
    """Conductivities [S/m]; every label must have one."""
    known = _parse_conductivity(conductivity)
    missing = [v for v in labels if v not in known]
    if missing:
        raise ValueError(f"label {missing[0]} has no conductivity; conductivity= names {sorted(known)}, add {missing}")
    return known


def _present(voxels: NDArray[np.integer]) -> NDArray[np.integer]:
    """Labels of an image, rising."""
    return np.unique(np.concatenate([np.unique(voxels[slab]) for slab in _slabs(voxels.shape)]))


def _numbered(voxels: NDArray[np.integer], values: NDArray[np.integer]) -> NDArray[np.unsignedinteger]:
    """Each voxel's label as its place among the values."""
    phases = np.empty(voxels.shape, np.min_scalar_type(values.size - 1))
    for slab in _slabs(voxels.shape):
        phases[slab] = np.searchsorted(values, voxels[slab])
    return phases


def _amounts(phases: NDArray[np.unsignedinteger], number: int) -> NDArray[np.float64]:
    """Voxels of each phase."""
    counts = [np.bincount(phases[slab].ravel(), minlength=number) for slab in _slabs(phases.shape)]
    return np.sum(counts, axis=0, dtype=np.float64)


def _slabs(shape: tuple[int, ...]) -> list[tuple[slice, ...]]:
    """Pieces of an image across its longest axis, so that nothing as large as the image is made."""
    longest = int(np.argmax(shape))
    thickness = max(SLAB * shape[longest] // math.prod(shape), 1)
    return [(slice(None),) * longest + (slice(k, k + thickness),) for k in range(0, shape[longest], thickness)]


def _kinds(
    values: list[int], known: dict[int, float], resistances: dict[Pair, float]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The kind of each label, and the first label of each kind."""
    apart = {label for pair in resistances for label in pair}
    numbers: dict[tuple[float, int | None], int] = {}
    kinds = [numbers.setdefault((known[v], v if v in apart else None), len(numbers)) for v in values]
    if len(numbers) > MOST_KINDS:
        raise ValueError(
            f"the labels have {len(numbers)} conductivities, or interfaces of their own; at most {MOST_KINDS} can be "
            "told apart: round them, to three digits for example"
        )
    return np.array(kinds), np.unique(kinds, return_index=True)[1]


def parse_start(start: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return a potential to start from, float64 [V]; NaN where it is not known."""
    potential = _unmasked("start", start)
    if potential.dtype.kind not in "iuf":
        raise TypeError(f"start must be a potential in V, as a result keeps it; got {potential.dtype}")
    if potential.shape != shape:
        raise ValueError(f"start must have the shape of labels, {shape}; got {potential.shape}")
    known = np.isfinite(potential)
    least, most = np.min(potential, where=known, initial=0.0), np.max(potential, where=known, initial=0.0)
    if max(most, -least) > MOST_START:
        raise ValueError(f"start must be a potential with 1 V across the image; got {least:.3g} to {most:.3g} V")
    return np.asarray(potential, np.float64)


def _unmasked(name: str, values: ArrayLike) -> NDArray[Any]:
    if isinstance(values, np.ma.MaskedArray):
        raise TypeError(f"{name} must be a plain array, got a masked one: give what is hidden a value, by .filled()")
    try:
        return np.asarray(values)
    except ValueError:  # rows of several lengths
        raise TypeError(f"{name} must be an array, rows of one length; got {values!r}") from None


def _integers(name: str, values: ArrayLike) -> NDArray[np.integer]:
    array = _unmasked(name, values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, got {array.dtype}; a mask becomes labels by .astype(numpy.uint8)")
    if array.size >= MOST_VOXELS:
        raise ValueError(
            f"{name} must have fewer than 2^31 voxels, got {array.size}: cut the image, or make it coarser"
        )
    if array.ndim != 3 or array.size == 0:
        thin = "; a 2D image becomes one voxel thick by [:, :, None]" if array.ndim == 2 else ""
        raise ValueError(f"{name} must be a 3D array [x, y, z] with at least one voxel, got shape {array.shape}{thin}")
    return array


def _parse_conductivity(conductivity: Mapping[int, float]) -> dict[int, float]:
    if not isinstance(conductivity, Mapping):
        raise TypeError(f"conductivity must map each label to S/m, as {{0: 0.0, 1: 0.07}}; got {conductivity!r}")
    return {
        _label("conductivity", label): parse_number(f"conductivity of label {label}", value, "S/m")
        for label, value in conductivity.items()
    }


def _label(name: str, label: Any) -> int:
    try:
        return operator.index(label)
    except TypeError:
        raise TypeError(f"the keys of {name} must be integer labels, got {label!r}") from None


def _parse_resistances(resistances: Mapping[Pair, float] | None, known: dict[int, float]) -> dict[Pair, float]:
    if resistances is None:
        return {}
    if not isinstance(resistances, Mapping):
        raise TypeError(f"interface_resistance must map pairs to ohm m2, as {{(1, 2): 4e-3}}; got {resistances!r}")
    parsed: dict[Pair, float] = {}
    for key, value in resistances.items():
        if not isinstance(key, tuple) or len(key) != 2:
            raise TypeError(f"the keys of interface_resistance must be pairs of labels, as (1, 2); got {key!r}")
        first, second = sorted(_label("interface_resistance", label) for label in key)
        for label in (first, second):
            if label not in known:
                raise ValueError(f"interface_resistance names label {label}, which has no conductivity; add it there")
        number = parse_number(f"interface_resistance of {key}", value, "ohm m2", infinite=True)
        if parsed.setdefault((first, second), number) != number:
            raise ValueError(f"interface_resistance has two values for the pair {(first, second)}; keep one")
    return parsed


def _parse_blocks(
    source: Source, shape: tuple[int, ...], resistances: Mapping[Pair, float] | None
) -> NDArray[np.int32] | NDArray[np.int64]:
    needed = [pair for pair in resistances or {} if pair[0] == pair[1]]
    blocks = source.blocks if needed else source.given_blocks
    if blocks is None:
        if needed:
            raise ValueError(f"interface_resistance {needed[0]} acts between blocks of one phase and needs blocks=")
        return np.zeros((1, 1, 1), np.int32)
    parsed = _integers("blocks", blocks)
    if parsed.shape != shape:
        raise ValueError(f"blocks must have the shape of labels, {shape}; got {parsed.shape}")
    if not needed:
        return np.zeros((1, 1, 1), np.int32)
    small = np.can_cast(parsed.dtype, np.int32)
    return np.ascontiguousarray(parsed, np.int32) if small else np.ascontiguousarray(parsed, np.int64)


def _interface_table(values: list[int], resistances: dict[Pair, float]) -> NDArray[np.float64]:
    index = {label: number for number, label in enumerate(values)}
    table = np.zeros((len(values), len(values)))
    for (first, second), number in resistances.items():
        if first in index and second in index:
            table[index[first], index[second]] = table[index[second], index[first]] = number
    return table
