"""Active particles that electrons and ions reach: primary by primary, through bonds of blocks, in thick cathodes."""

from percolation.utilisation.bonds import BlockUtilisation, Bonds, find_bonds, measure_blocks
from percolation.utilisation.depth import DepthProfile, depth_profile
from percolation.utilisation.ions import reach_ions
from percolation.utilisation.reach import BareContacts, Utilisation, find_bare_contacts, measure_utilisation
from percolation.utilisation.thick_limit import ThickLimit, measure_thick_limit

__all__ = [
    "BareContacts",
    "BlockUtilisation",
    "Bonds",
    "DepthProfile",
    "ThickLimit",
    "Utilisation",
    "depth_profile",
    "find_bare_contacts",
    "find_bonds",
    "measure_blocks",
    "measure_thick_limit",
    "measure_utilisation",
    "reach_ions",
]
