"""Whether, where and from what content on a phase percolates."""

from percolation.bridges import Bridges, sweep_bridges
from percolation.carbon_sweep import CarbonSweep, sweep_bulk, sweep_carbon, sweep_coat
from percolation.clusters import Clusters, find_clusters
from percolation.crossing import find_crossing
from percolation.exponents import INVERSE_NU_2D, INVERSE_NU_3D, Exponent, estimate_exponent, known_exponent
from percolation.extrapolate import extrapolate_threshold
from percolation.growth import Growth
from percolation.network import CarbonNetwork, link_carbon
from percolation.sites import sweep_sites
from percolation.spanning import Spanning, find_spanning
from percolation.sweep import Sweep
from percolation.threshold import Threshold, estimate_threshold
from percolation.utilisation import BareContacts, Utilisation, find_bare_contacts, measure_utilisation

__all__ = [
    "INVERSE_NU_2D",
    "INVERSE_NU_3D",
    "BareContacts",
    "Bridges",
    "CarbonNetwork",
    "CarbonSweep",
    "Clusters",
    "Exponent",
    "Growth",
    "Spanning",
    "Sweep",
    "Threshold",
    "Utilisation",
    "estimate_exponent",
    "estimate_threshold",
    "extrapolate_threshold",
    "find_bare_contacts",
    "find_clusters",
    "find_crossing",
    "find_spanning",
    "known_exponent",
    "link_carbon",
    "measure_utilisation",
    "sweep_bridges",
    "sweep_bulk",
    "sweep_carbon",
    "sweep_coat",
    "sweep_sites",
]
