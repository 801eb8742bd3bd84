"""How well a structure conducts: voxel images, resistor networks, and the bounds that both must keep."""

from transport.bounds import Bounds, bounds
from transport.composite import CompositeConductivity, ContactLaw, composite_conductivity
from transport.conduction import Conduction, effective_conductivity
from transport.network import NetworkConduction, network_conductance, network_conductivity
from transport.tensor import ConductivityTensor, conductivity_tensor

__all__ = [
    "Bounds",
    "CompositeConductivity",
    "Conduction",
    "ConductivityTensor",
    "ContactLaw",
    "NetworkConduction",
    "bounds",
    "composite_conductivity",
    "conductivity_tensor",
    "effective_conductivity",
    "network_conductance",
    "network_conductivity",
]
