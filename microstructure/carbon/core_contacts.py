"""Which cores the primaries of the carbon touch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from microstructure.carbon._core_contacts import list_touches
from microstructure.carbon.placement import Carbon
from microstructure.coats.coating import neighbourhood
from microstructure.cores.sphere_packing import Packing


@dataclass(frozen=True, eq=False)
class Touches:
    """For each primary the cores, and the collector (numbered after the last core), within reach."""

    start: NDArray[np.int64] = field(metadata={"shape": "(n + 1,)", "what": "where the list of each primary begins"})
    bodies: NDArray[np.int64] = field(metadata={"shape": "(touches,)"})


def find_touches(carbon: Carbon, cores: Packing, *, reach: float) -> Touches:
    """Find all cores whose surface lies at most `reach` [m] from a primary's centre; the separator is no body."""
    near = neighbourhood(cores, 4.0 * reach)
    start = np.zeros(carbon.count + 1, np.int64)
    shared = (carbon.centres, carbon.coat, near, cores.box, np.asarray(cores.periodic), reach, start)
    bodies = np.empty(list_touches(*shared, np.empty(0, np.int64)), np.int64)
    list_touches(*shared, bodies)
    return Touches(start, bodies)
