"""Whether, where and from what content on a phase percolates."""

from percolation.block_sweep import BlockSweep, sweep_block
from percolation.bonds import BlockUtilisation, Bonds, find_bonds, measure_blocks
from percolation.bridge_rate import BridgeRate, fit_bridge_rate
from percolation.bridges import Bridges, sweep_bridges
from percolation.carbon_sweep import CarbonSweep, sweep_bulk, sweep_carbon, sweep_coat
from percolation.clusters import Clusters, find_clusters
from percolation.crossing import find_crossing
from percolation.depth import DepthProfile, depth_profile
from percolation.exponents import INVERSE_NU_2D, INVERSE_NU_3D, Exponent, estimate_exponent, known_exponent
from percolation.extrapolate import extrapolate_threshold
from percolation.growth import Growth
from percolation.ions import reach_ions
from percolation.network import CarbonNetwork, link_carbon
from percolation.sites import sweep_sites
from percolation.spanning import Spanning, find_spanning
from percolation.sweep import Sweep
from percolation.thick_limit import ThickLimit, measure_thick_limit
from percolation.threshold import Threshold, estimate_threshold
from percolation.utilisation import BareContacts, Utilisation, find_bare_contacts, measure_utilisation

__all__ = [
    "INVERSE_NU_2D",
    "INVERSE_NU_3D",
    "BareContacts",
    "BlockSweep",
    "BlockUtilisation",
    "Bonds",
    "BridgeRate",
    "Bridges",
    "CarbonNetwork",
    "CarbonSweep",
    "Clusters",
    "DepthProfile",
    "Exponent",
    "Growth",
    "Spanning",
    "Sweep",
    "ThickLimit",
    "Threshold",
    "Utilisation",
    "depth_profile",
    "estimate_exponent",
    "estimate_threshold",
    "extrapolate_threshold",
    "find_bare_contacts",
    "find_bonds",
    "find_clusters",
    "find_crossing",
    "find_spanning",
    "fit_bridge_rate",
    "known_exponent",
    "link_carbon",
    "measure_blocks",
    "measure_thick_limit",
    "measure_utilisation",
    "reach_ions",
    "sweep_block",
    "sweep_bridges",
    "sweep_bulk",
    "sweep_carbon",
    "sweep_coat",
    "sweep_sites",
]
