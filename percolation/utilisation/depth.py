"""How utilisation changes with the distance from the collector: what explains why it depends on the thickness."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from microstructure.arguments import as_numbers, check_kind, check_runs
from microstructure.cores.sphere_packing import Packing
from percolation.utilisation.reach import Floats


@dataclass(frozen=True, eq=False)
class DepthProfile:
    """Share of the active material that is reached, layer by layer from the collector to the separator."""

    depths: Floats = field(metadata={"unit": "m", "shape": "(layers + 1,)", "what": "distance from the collector"})
    reached: Floats = field(metadata={"unit": "1", "shape": "(layers,)", "what": "by volume; NaN where no core is"})
    volumes: Floats = field(metadata={"unit": "m3", "shape": "(layers,)", "what": "of the cores centred in a layer"})

    @property
    def mean(self) -> float:
        """Share of all the active material."""
        return float(np.nansum(self.reached * self.volumes) / self.volumes.sum())


def depth_profile(cores: Packing, reached: ArrayLike, *, layers: int) -> DepthProfile:
    """Utilisation against the distance from the collector.

    Parameters
    ----------
    cores : Packing
        Axis 0 ends at the collector.
    reached : array_like of float or bool (cores,)
        Share to which each core is reached: a row of `Utilisation.electronic_cores`, for example.
    layers : int
        Layers of equal thickness; a core belongs to the one that its centre lies in.

    Raises
    ------
    ValueError
        If `reached` has not one share in [0, 1] for each core, axis 0 is periodic, or `layers` is less than one.

    Examples
    --------
    >>> from microstructure import pack_spheres
    >>> cores = pack_spheres([2e-6] * 4, box=(8e-6, 4e-6, 4e-6), rng=np.random.default_rng(1))
    >>> depth_profile(cores, [1.0, 1.0, 1.0, 1.0], layers=1).mean
    1.0
    """
    check_kind("cores", cores, Packing)
    layers, shares = check_runs(layers, "layers"), as_numbers("reached", reached, "iufb").astype(np.float64)
    if shares.shape != (cores.count,) or not np.all((shares >= 0.0) & (shares <= 1.0)):
        raise ValueError(
            f"reached is one share in [0, 1] for each of the {cores.count} cores, such as a row of electronic_cores;"
            f" got shape {shares.shape}"
        )
    if cores.periodic[0]:
        raise ValueError("axis 0 is periodic, so there is no collector to measure from: pack cores between walls")
    length, volumes = float(cores.box[0]), cores.shapes.volumes
    layer = np.minimum((length - cores.centres[:, 0]) / length * layers, layers - 1).astype(np.int64)
    total = np.bincount(layer, volumes, minlength=layers).astype(np.float64)
    found = np.bincount(layer, volumes * shares, minlength=layers)
    mean = np.divide(found, total, out=np.full(layers, np.nan), where=total > 0)
    return DepthProfile(np.linspace(0.0, length, layers + 1), mean, total)
