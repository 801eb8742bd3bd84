"""Carbon black: its aggregates, how they are dispersed, and where they lie."""

from microstructure.carbon.aggregates import AggregateLibrary, build_library
from microstructure.carbon.dispersion import Dispersion
from microstructure.carbon.placement import Carbon, fill_bulk, fill_flat

__all__ = ["AggregateLibrary", "Carbon", "Dispersion", "build_library", "fill_bulk", "fill_flat"]
