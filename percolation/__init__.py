"""Whether, where and from what content on a phase percolates."""

from percolation.block_sweep import BlockSweep, sweep_block
from percolation.bridge_rate import BridgeRate, fit_bridge_rate
from percolation.bridges import Bridges, sweep_bridges
from percolation.carbon_sweep import CarbonSweep, sweep_bulk, sweep_carbon, sweep_coat
from percolation.clusters import Clusters, find_clusters
from percolation.crossing import cross_thresholds
from percolation.extrapolation import Exponent, extrapolate_threshold, fit_exponent
from percolation.network import CarbonNetwork, link_carbon
from percolation.sites import sweep_sites
from percolation.spanning import Spanning, find_spanning
from percolation.sweep import Sweep
from percolation.threshold import Threshold, estimate_threshold
from percolation.utilisation import BareContacts, Utilisation, find_bare_contacts, measure_utilisation

__all__ = [
    "BareContacts",
    "BlockSweep",
    "BridgeRate",
    "Bridges",
    "CarbonNetwork",
    "CarbonSweep",
    "Clusters",
    "Exponent",
    "Spanning",
    "Sweep",
    "Threshold",
    "Utilisation",
    "cross_thresholds",
    "estimate_threshold",
    "extrapolate_threshold",
    "find_bare_contacts",
    "find_clusters",
    "find_spanning",
    "fit_bridge_rate",
    "fit_exponent",
    "link_carbon",
    "measure_utilisation",
    "sweep_block",
    "sweep_bridges",
    "sweep_bulk",
    "sweep_carbon",
    "sweep_coat",
    "sweep_sites",
]
