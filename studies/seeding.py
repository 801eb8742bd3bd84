"""The random numbers of a study: one stream for each purpose of each seed."""

from __future__ import annotations

import numpy as np

from microstructure.carbon.aggregates import AggregateLibrary
from microstructure.composite import carbon_library
from studies.study import Study

# the streams of random numbers of one seed: adding one at the end leaves the others as they are
LIBRARY, CARBON, CORES, PORES, BARE, BULK, COAT, ACROSS, CUBE, CONTACT, BLOCKS, BONDS, PARAMETERS, PATCHES = range(14)


def stream(study: Study, seed: int, *path: int) -> np.random.Generator:
    """The random numbers of one purpose of one seed: the same for every composition and any number of workers."""
    return np.random.default_rng(np.random.SeedSequence(study.ensemble.seed, spawn_key=(seed, *path)))


def seed_library(study: Study, seed: int) -> AggregateLibrary:
    """The aggregates of one seed."""
    return carbon_library(study.constants, size_measure=study.carbon.size_measure, rng=stream(study, seed, LIBRARY))
