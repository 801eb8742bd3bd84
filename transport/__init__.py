"""How well a structure conducts: voxel images, resistor networks, and the bounds that both must keep."""

from transport.bounds import Bounds, bounds
from transport.conduction import Conduction, effective_conductivity
from transport.extrapolate import Extrapolation, extrapolate_voxel_size
from transport.hotspots import HotSpots, find_hot_spots
from transport.networks.block_network import BlockNetwork, CoatContacts, Resistors
from transport.networks.resistors import NetworkConduction, network_conductance, network_conductivity
from transport.sweep import sweep_conductivities
from transport.tensor import ConductivityTensor, conductivity_tensor
from transport.voxels.memory import estimate_memory

__all__ = [
    "BlockNetwork",
    "Bounds",
    "CoatContacts",
    "Conduction",
    "ConductivityTensor",
    "Extrapolation",
    "HotSpots",
    "NetworkConduction",
    "Resistors",
    "bounds",
    "conductivity_tensor",
    "effective_conductivity",
    "estimate_memory",
    "extrapolate_voxel_size",
    "find_hot_spots",
    "network_conductance",
    "network_conductivity",
    "sweep_conductivities",
]
