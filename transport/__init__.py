"""How well a structure conducts: voxel images, resistor networks, and the bounds that both must keep."""

from transport.bounds import Bounds, bounds
from transport.composite import CompositeConductivity, ContactLaw, composite_conductivity
from transport.conduction import Conduction, effective_conductivity
from transport.extrapolate import Extrapolation, extrapolate_voxel_size
from transport.memory import estimate_memory
from transport.network import NetworkConduction, network_conductance, network_conductivity
from transport.tensor import ConductivityTensor, conductivity_tensor

__all__ = [
    "Bounds",
    "CompositeConductivity",
    "Conduction",
    "ConductivityTensor",
    "ContactLaw",
    "Extrapolation",
    "NetworkConduction",
    "bounds",
    "composite_conductivity",
    "conductivity_tensor",
    "effective_conductivity",
    "estimate_memory",
    "extrapolate_voxel_size",
    "network_conductance",
    "network_conductivity",
]
