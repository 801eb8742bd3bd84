"""The blocks of a study, packed once, and the numbers they give under any values of the parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from microstructure.coats.contact_faces import Seams
from microstructure.coats.outer_face import OuterFace
from microstructure.recipe import Recipe
from studies.seeding import BLOCKS, BONDS, stream
from studies.study import Study, with_constants
from studies.two_scale.patch_library import PatchLibrary
from studies.two_scale.prediction import Blocks, lay_blocks, matrix_conductivities

Floats = NDArray[np.float64]
Values = Mapping[str, float]  # of parameters, by name [SI]
Reached = Literal["electronic", "ionic", "joint"]  # by electrons, by ions, or by both

QUANTITIES = (
    "matrix_electronic", "matrix_ionic", "composite_electronic", "composite_ionic", "utilisation_electronic",
)  # fmt: skip
STEP = 0.03  # of the logarithm, by which parameters are turned to see what depends on them
NO_PATH = 1e-30  # S/m: what stands for a mean of cathodes without any path, where logarithms are taken


@dataclass(frozen=True, eq=False)
class Model:
    """The blocks of a study, packed once, under any values of the parameters.

    Bonds are drawn from the same random numbers under all values: one number for each face, compared with what is
    expected there, so that what carries more electrons on one structure carries more in the mean.
    """

    study: Study
    library: PatchLibrary
    face: OuterFace | None = field(default=None, metadata={"what": "in place of that of the study"})
    reached: Reached = field(default="electronic", metadata={"what": "by what active material counts as utilised"})

    @cached_property
    def seams(self) -> dict[str, list[Seams]]:
        """Coated cores by composition, one for each seed; filled as they are asked for."""
        return {}

    def with_face(self, face: OuterFace) -> Model:
        """The same blocks, whose coats meet in another way."""
        return self._on_these_blocks(replace(self, face=face))

    def with_carbon(self, study: Study, library: PatchLibrary, *, reached: Reached = "electronic") -> Model:
        """The same blocks under a study that differs in its [carbon] and [fitted] tables alone."""
        return self._on_these_blocks(Model(study, library, reached=reached))

    def _on_these_blocks(self, other: Model) -> Model:
        other.__dict__["seams"] = self.seams
        return other

    def cathodes(self, recipe: Recipe) -> list[Seams]:
        """The coated cores of every seed."""
        key, seeds = str(recipe), range(self.study.ensemble.seeds)
        if key not in self.seams:
            self.seams[key] = [lay_blocks(self.study, recipe, stream(self.study, seed, BLOCKS)) for seed in seeds]
        return self.seams[key]

    def number(self, recipe: Recipe, quantity: str, values: Values, seed: int) -> float:
        """A quantity of one cathode under some values of the parameters [SI]; for the matrix every seed has the same.

        Electrons that find no path give 0.
        """
        study = with_constants(self.study, values)
        own = replace(recipe, materials=study.constants)
        if quantity.startswith("matrix"):
            return matrix_conductivities(own, self.library)[quantity == "matrix_ionic"]
        blocks = Blocks(own, self.cathodes(recipe)[seed], self.library, self.face or study.outer_face)
        rng = stream(self.study, seed, BONDS)
        if quantity == "utilisation_electronic":
            return float(getattr(blocks.reach(rng, self.study.composite.ionic_contact_share), self.reached))
        if quantity == "composite_ionic":
            return blocks.ionic_conductivity()
        return blocks.electronic_conductivity(blocks.draw(rng))

    def by_seed(self, recipe: Recipe, quantity: str, values: Values) -> Floats:
        """A quantity under some values of the parameters, float64 (seeds,) or (1,) for the matrix."""
        seeds = 1 if quantity.startswith("matrix") else self.study.ensemble.seeds
        return np.array([self.number(recipe, quantity, values, seed) for seed in range(seeds)])

    def named(self, name: str, values: Values) -> Floats:
        """A quantity and composition, named as a study does, by seed."""
        quantity, composition = name.split(" ")
        return self.by_seed(self.recipe(composition), quantity, values)

    def recipe(self, composition: str) -> Recipe:
        """One of the study's compositions."""
        return next(recipe for recipe in self.study.recipes if str(recipe) == composition)

    def respond(self, values: Values, names: Sequence[str]) -> Response:
        """The numbers under these values of the parameters, and what they change with each of them."""
        base = [self.named(name, values) for name in names]
        slopes = np.empty((len(names), len(values)))
        for column, parameter in enumerate(values):
            ends = [self.logarithms({**values, parameter: values[parameter] * turn}, names) for turn in _turns()]
            slopes[:, column] = (ends[1] - ends[0]) / (2.0 * STEP)
        means = np.array([one.mean() for one in base])
        return Response(means, np.array([_error_of_mean(one) for one in base]) / np.maximum(means, NO_PATH), slopes)

    def logarithms(self, values: Values, names: Sequence[str]) -> Floats:
        """Logarithms of the means over the seeds, float64 (names,); a cathode without a path counts as 0."""
        return np.array([log_mean(self.named(name, values)) for name in names])


@dataclass(frozen=True, eq=False)
class Response:
    """Numbers of a model, how far structures scatter them, and what the parameters do to them."""

    means: Floats = field(metadata={"unit": "SI", "shape": "(numbers,)"})
    scatter: Floats = field(
        metadata={"unit": "1", "shape": "(numbers,)", "what": "relative standard error of the mean"}
    )
    slopes: Floats = field(metadata={"unit": "1", "shape": "(numbers, parameters)", "what": "of the logarithms"})


def log_mean(values: Floats) -> float:
    """Logarithm of the mean of cathodes, that of `NO_PATH` at least."""
    return float(np.log(max(values.mean(), NO_PATH)))


def _turns() -> tuple[float, float]:
    return float(np.exp(-STEP)), float(np.exp(STEP))


def _error_of_mean(values: Floats) -> float:
    return float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else 0.0
