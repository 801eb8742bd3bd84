"""What a patch library is made of: the carbon and how it lies, and the coats and carbon contents that are simulated."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from microstructure.carbon.dispersion import Dispersion
from microstructure.errors import StudyError
from microstructure.materials import Materials
from studies.study import Study

ROUNDING = 1.0 + 1e-9
ROOM = 1.2  # boxes over the agglomerates in them
SCALED = ("cb.neck_conductance",)  # constants that only scale what patches give


@dataclass(frozen=True, eq=False)
class CarbonState:
    """Which carbon lies how in the coats: what a patch library holds for."""

    materials: Materials = field(repr=False)
    size_measure: str = "hydrodynamic"
    fit: str = "reorient"
    contact_gap: float = 0.0
    dispersion: Dispersion = field(default_factory=Dispersion)
    protrusion: float | None = field(default=None, metadata={"unit": "m", "what": "as in `OuterFace`"})

    @classmethod
    def of(cls, study: Study) -> CarbonState:
        """The carbon of a study."""
        carbon, mixing = study.carbon, study.carbon.dispersion.dispersion
        return cls(study.constants, carbon.size_measure, carbon.fit, carbon.contact_gap, mixing, carbon.protrusion)

    @property
    def settings(self) -> dict[str, object]:
        """All that moves the numbers of a patch."""
        constants = {
            name: constant.value
            for name, constant in self.materials.constants.items()
            if name.startswith(("cb.", "matrix.", "se.density")) and name not in SCALED
        }
        return {
            "constants": constants,
            "porosity": repr(self.materials.matrix_porosity),
            "carbon": [self.size_measure, self.fit, self.contact_gap, asdict(self.dispersion), self.protrusion],
        }


@dataclass(frozen=True)
class PatchPlan:
    """Coats, contents, and how much is simulated of each."""

    thicknesses: tuple[float, ...] = field(
        default=(18.5e-9, 37e-9, 75e-9, 110e-9, 150e-9, 210e-9, 300e-9, 450e-9, 700e-9), metadata={"unit": "m"}
    )
    contents: tuple[float, ...] = field(
        default=(0.003, 0.008, 0.013, 0.02, 0.032, 0.045, 0.062, 0.085, 0.117, 0.165, 0.24, 0.33, 0.45),
        metadata={"unit": "1", "what": "CB volume fraction of the matrix, pores excluded"},
    )
    seed: int = 20261126
    seeds: int = 6
    patches: int = field(default=8, metadata={"what": "looked at across, for each seed and coat"})
    widest: float = field(default=3.2e-6, metadata={"unit": "m", "what": "patch looked at across"})
    narrowest: float = field(default=0.2e-6, metadata={"unit": "m", "what": "window of it"})
    width: float = field(default=2e-6, metadata={"unit": "m", "what": "patch in which electrons are solved"})
    ion_width: float = field(default=1.2e-6, metadata={"unit": "m", "what": "patch in which ions are solved"})
    voxel: float = field(default=20e-9, metadata={"unit": "m", "what": "for ions, and a quarter of the coat at most"})
    bulk_edge: float = field(default=2e-6, metadata={"unit": "m"})
    runs: int = field(default=4, metadata={"what": "boxes in which thresholds are looked for, for each seed"})

    @classmethod
    def quick(cls) -> PatchPlan:
        """Fewer coats, contents and seeds, in smaller patches: a quarter of a minute, wider intervals."""
        return cls(
            thicknesses=(18.5e-9, 75e-9, 150e-9, 300e-9, 700e-9),
            contents=(0.013, 0.032, 0.062, 0.117, 0.165, 0.3, 0.45),
            seeds=2,
            patches=4,
            widest=2.2e-6,
            width=1.2e-6,
            ion_width=0.8e-6,
            bulk_edge=1.2e-6,
            runs=3,
        )

    def around(self, state: CarbonState) -> PatchPlan:
        """The plan with boxes in which the agglomerates of the carbon fit, if there are any."""
        if state.dispersion.share == 1.0:
            return self
        least = ROOM * state.dispersion.agglomerate_size
        edges = {name: max(getattr(self, name), least) for name in ("widest", "width", "ion_width", "bulk_edge")}
        return replace(self, **edges)

    def near(self, content: float) -> PatchPlan:
        """The plan for one content alone: two of its own on either side.

        The two next to it are not enough: where a sweep ends, an aggregate that is cut off counts as a whole one.
        """
        above = next((k for k, one in enumerate(self.contents) if one >= content), len(self.contents) - 1)
        return replace(self, contents=self.contents[max(above - 2, 0) : above + 2])

    def check_content(self, content: float) -> None:
        """Refuse a carbon content that is not simulated.

        Raises
        ------
        StudyError
            If it lies beyond the plan's.
        """
        most = self.contents[-1]
        if not 0.0 <= content <= most * ROUNDING:
            raise StudyError(
                f"the patch library reaches up to {most:.0%} of carbon in the matrix (by volume, pores excluded);"
                f" {content:.1%} are asked for: more is not extrapolated"
            )

    @property
    def windows(self) -> tuple[float, ...]:
        """Areas of the windows looked at across [m2], each half of the one before."""
        count = int(2.0 * math.log2(self.widest / self.narrowest) + 1e-9) + 1
        return tuple(self.widest**2 / 2**k for k in range(count))

    def stream(self, seed: int, *path: int) -> np.random.Generator:
        """The random numbers of one purpose of one seed."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(seed, *path)))
