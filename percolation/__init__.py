"""Whether, where and from what content on a phase percolates."""

from percolation.carbon_paths.block_sweep import BlockSweep, sweep_block
from percolation.carbon_paths.bridge_rate import BridgeRate, fit_bridge_rate
from percolation.carbon_paths.bridges import Bridges, sweep_bridges
from percolation.carbon_paths.carbon_sweep import CarbonSweep, sweep_bulk, sweep_carbon, sweep_coat
from percolation.carbon_paths.network import CarbonNetwork, link_carbon
from percolation.lattice.clusters import Clusters, find_clusters
from percolation.lattice.sites import sweep_sites
from percolation.lattice.spanning import Spanning, find_spanning
from percolation.statistics.cluster_growth import Growth
from percolation.statistics.crossing import find_crossing
from percolation.statistics.exponents import INVERSE_NU_2D, INVERSE_NU_3D, Exponent, estimate_exponent, known_exponent
from percolation.statistics.finite_size import extrapolate_threshold
from percolation.statistics.onsets import Sweep
from percolation.statistics.threshold import Threshold, estimate_threshold
from percolation.utilisation.bonds import BlockUtilisation, Bonds, find_bonds, measure_blocks
from percolation.utilisation.depth import DepthProfile, depth_profile
from percolation.utilisation.ions import reach_ions
from percolation.utilisation.reach import BareContacts, Utilisation, find_bare_contacts, measure_utilisation
from percolation.utilisation.thick_limit import ThickLimit, measure_thick_limit

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
