"""A recipe by weight, and the volumes, densities and coat thicknesses that follow from it by arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_kind, check_lengths, check_number
from microstructure.errors import RecipeError
from microstructure.materials import Closure, Materials
from microstructure.units import parse_number, shown

LARGEST_FRACTION = 0.999  # of carbon in a matrix; beyond it there is none
SMALLEST_WEIGHT, LARGEST_WEIGHT = 1e-9, 1e9
ROUNDING = 1.0 + 1e-9
LARGEST_RATIO = 1e6  # of CAM and SE, and of CB over both: beyond it a mistake, and no longer exact


@dataclass(frozen=True)
class VolumeFractions:
    """Shares of the solid volume, pores excluded; they add up to 1."""

    cam: float = field(metadata={"unit": "1"})
    se: float = field(metadata={"unit": "1"})
    cb: float = field(metadata={"unit": "1"})

    @property
    def soft(self) -> float:
        """Share of electrolyte and carbon together."""
        return self.se + self.cb


@dataclass(frozen=True)
class Recipe:
    """Active material, electrolyte and carbon black by weight, such as 80:20:0.5.

    Examples
    --------
    >>> round(Recipe.parse("80:20:3").mixed_density)
    3947
    """

    cam: float = field(metadata={"unit": "parts by weight"})
    se: float = field(metadata={"unit": "parts by weight"})
    cb: float = field(metadata={"unit": "parts by weight"})
    materials: Materials = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        for part, weight in self._weights.items():
            object.__setattr__(self, part, check_number(f"the weight {part}", weight))
        check_kind("materials", self.materials, Materials)
        if not all(map(math.isfinite, self._weights.values())) or self.cam <= 0 or self.se <= 0 or self.cb < 0:
            raise RecipeError(f"weights are finite, CAM and SE positive, CB zero or more; got {self}")
        weights = [weight for weight in self._weights.values() if weight > 0.0]
        ratios = (self.cam / self.se, self.se / self.cam, self.cb / min(self.cam, self.se))
        if min(weights) < SMALLEST_WEIGHT or max(weights) > LARGEST_WEIGHT or max(ratios) > LARGEST_RATIO * ROUNDING:
            raise RecipeError(
                f"weights lie within {SMALLEST_WEIGHT:g} to {LARGEST_WEIGHT:g} and within a factor {LARGEST_RATIO:g} of"
                f" each other (less carbon is 0); got {self}"
            )

    @classmethod
    def parse(cls, text: str, materials: Materials | None = None) -> Recipe:
        """Read weights written as ``"CAM:SE:CB"``.

        Raises
        ------
        TypeError
            If `text` is not text.
        RecipeError
            If it is not three plain numbers, CAM and SE positive and CB not negative, or they are a factor of more
            than a million apart.
        """
        if not isinstance(text, str):
            raise TypeError(f"a recipe is text such as '80:20:0.5'; got {shown(text)}")
        parts = text.split(":")
        if len(parts) != 3:
            raise RecipeError(f"a recipe has three weights CAM:SE:CB, such as 80:20:0.5; got {shown(text)}")
        try:
            cam, se, cb = map(parse_number, parts)
        except ValueError as error:
            raise RecipeError(f"a recipe has three weights such as 80:20:0.5; in {shown(text)} {error}") from None
        return cls(cam, se, cb, Materials.load() if materials is None else materials)

    def __str__(self) -> str:
        return f"{self.cam:g}:{self.se:g}:{self.cb:g}"

    @property
    def volume_fractions(self) -> VolumeFractions:
        """Shares of the solid volume."""
        volumes = [weight / self.materials[f"{part}.density"] for part, weight in self._weights.items()]
        return VolumeFractions(*(volume / sum(volumes) for volume in volumes))

    @property
    def mixed_density(self) -> float:
        """Density of the pore-free mixture [kg/m3]."""
        weights = self._weights
        return sum(weights.values()) / sum(w / self.materials[f"{part}.density"] for part, w in weights.items())

    @property
    def mass_ratio(self) -> float:
        """CB over SE by mass: the "wt.% in the matrix" of Kissel et al. (2026)."""
        return self.cb / self.se

    @property
    def mass_fraction(self) -> float:
        """CB over CB + SE by mass."""
        return self.cb / (self.cb + self.se)

    @property
    def volume_fraction(self) -> float:
        """CB over CB + SE by volume, pores excluded."""
        volumes = self.volume_fractions
        return volumes.cb / volumes.soft

    @property
    def matrix_porosity(self) -> float:
        """Share of pores inside a pellet of the matrix alone, from the closure of the materials."""
        return self.materials.matrix_porosity(self.mass_ratio)

    @property
    def coat_porosity(self) -> float:
        """Share of pores inside the matrix of a coat: see `Materials.coat_porosity`."""
        return self.materials.coat_porosity(self.mass_ratio)

    @property
    def electrolyte_conductivity(self) -> float:
        """Ionic conductivity of the electrolyte between pores and carbon [S/m].

        Carbon that lies between its grains breaks their contacts, each with the same chance: the share of open ones
        falls exponentially with carbon per electrolyte, and the conductivity with it.
        """
        lost = self.materials["se.grain_contact_loss"] * self.mass_ratio
        return self.materials["se.ionic_conductivity"] * math.exp(-lost)

    @property
    def matrix_per_core(self) -> float:
        """Volume of the matrix in coats, its pores included, over the volume of the active material."""
        volumes = self.volume_fractions
        return volumes.soft / volumes.cam / (1.0 - self.coat_porosity)

    @property
    def minimum_porosity(self) -> float:
        """Total porosity that the pores inside the coats alone need."""
        pores = self.matrix_per_core * self.coat_porosity
        return pores / (1.0 + self.matrix_per_core)

    def core_fraction(self, porosity: float) -> float:
        """Volume fraction of the cores in a composite of this total porosity.

        Raises
        ------
        RecipeError
            If the porosity is outside (0, 1) or below `minimum_porosity`.
        """
        if not 0.0 < check_number("porosity", porosity) < 1.0:
            raise RecipeError(f"a porosity lies between 0 and 1; got {porosity!r}")
        if porosity < self.minimum_porosity * (1.0 - 1e-9):
            raise RecipeError(
                f"a total porosity of {porosity:.1%} is below the {self.minimum_porosity:.1%} that the pores inside"
                f" the matrix of {self} need ({self.coat_porosity:.0%} of the matrix): ask for more"
            )
        return self.volume_fractions.cam * (1.0 - porosity)

    def film_thickness(self, specific_surface: float | None = None) -> float:
        """Thickness of a pore-free film of electrolyte and carbon on the true surface of the cores [m].

        Parameters
        ----------
        specific_surface : float, optional
            Surface of the active material [m2/kg]; that of the materials if not given.

        Examples
        --------
        >>> round(Recipe.parse("80:20:3").film_thickness(specific_surface=780.0) * 1e9)
        148
        """
        surface = self.materials["cam.specific_surface"] if specific_surface is None else specific_surface
        if not 0.0 < check_number("specific_surface", surface) < math.inf:
            raise ValueError(f"the specific surface is positive, in m2/kg; got {surface!r}")
        volumes = self.volume_fractions
        return volumes.soft / (volumes.cam * self.materials["cam.density"] * surface)

    def shell_thickness(self, diameter: float | None = None) -> float:
        """Thickness of a pore-free uniform shell on smooth spheres of one diameter [m].

        Examples
        --------
        >>> round(Recipe.parse("80:20:3").shell_thickness(diameter=3.3e-6) * 1e9)
        259
        """
        core = self.materials["cam.median_diameter"] if diameter is None else diameter
        check_lengths(diameter=core)
        volumes = self.volume_fractions
        return 0.5 * core * math.expm1(math.log1p(volumes.soft / volumes.cam) / 3.0)

    @property
    def _weights(self) -> dict[str, float]:
        return {"cam": self.cam, "se": self.se, "cb": self.cb}


def carbon_scales(volume_fraction: float, materials: Materials) -> tuple[float, float]:
    """CB:SE mass ratio and CB mass fraction of a matrix with this CB volume fraction (pores excluded)."""
    if not 0.0 <= volume_fraction < 1.0:
        raise ValueError(f"a CB volume fraction lies in [0, 1); got {volume_fraction!r}")
    ratio = volume_fraction / (1.0 - volume_fraction) * materials["cb.density"] / materials["se.density"]
    return ratio, ratio / (1.0 + ratio)


def box_share(
    fraction: NDArray[np.float64] | float, materials: Materials, porosity: Closure | None = None
) -> NDArray[np.float64]:
    """Share of a matrix with its pores that carbon of this CB volume fraction (pores excluded) takes.

    The pores are those of a pellet if no other `porosity` against the CB:SE mass ratio is given.
    """
    fractions = np.minimum(np.asarray(fraction, float), LARGEST_FRACTION)
    ratios = fractions / (1.0 - fractions) * materials["cb.density"] / materials["se.density"]
    return np.asarray(fractions * (1.0 - (porosity or materials.matrix_porosity).curve(ratios)))


def solid_fraction(
    box_fraction: NDArray[np.float64] | float, materials: Materials, porosity: Closure | None = None
) -> NDArray[np.float64]:
    """CB volume fraction of the matrix (pores excluded) that fills this share of a matrix with its pores.

    Inverts share = fraction * (1 - porosity(fraction)), which rises with the fraction; infinite where the share is
    out of reach. `porosity` as in `box_share`.
    """
    fractions = np.linspace(0.0, LARGEST_FRACTION, 20001)
    shares = box_share(fractions, materials, porosity)
    if np.any(np.diff(shares) <= 0):
        raise RecipeError("the matrix porosity rises so steeply with carbon that a denser recipe holds less of it")
    return np.asarray(np.interp(box_fraction, shares, fractions, right=np.inf))
