"""What XPS and a pycnometer would say of coated particles: coverage as the paper defines it, open and closed pores."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from microstructure.arguments import as_numbers, check_kind, check_lengths, check_name, check_number, check_positive
from microstructure.images.coat_thickness import check_measured, laid_film
from microstructure.recipe import Recipe
from microstructure.structure import Structure

Floats = NDArray[np.float64]

ATTENUATION_LENGTH = 3.3e-9  # m, a third of the information depth of 10 nm
SIZES = 400  # film thicknesses that stand for a lognormal spread
WIDEST = 10.0  # relative standard deviation of a film
RINGS = 64  # rings of equal area in the projected disc of a primary
LAYERS = np.eye(3)  # under, of and over a primary


@dataclass(frozen=True)
class XpsCoverage:
    """Signals of coating and active material, each over that of a thick sample, and the coverage from both."""

    coverage: float = field(metadata={"unit": "1", "what": "(Cl + In) / (Cl + In + Ni + Mn), eq. (11) of the paper"})
    coating_signal: float = field(metadata={"unit": "1"})
    core_signal: float = field(metadata={"unit": "1"})
    attenuation_length: float = field(metadata={"unit": "m"})
    sensitivity_ratio: float = field(metadata={"unit": "1", "what": "coating over active material, thick samples"})


@dataclass(frozen=True, eq=False)
class LinesOfSight:
    """What lies over points of core surface: layers from the core outwards, each of electrolyte and carbon mixed."""

    electrolyte: Floats  # [m], shape (n, layers)
    carbon: Floats  # [m], shape (n, layers)
    area: Floats  # any unit, shape (n,)


def measure_xps(
    electrolyte: ArrayLike,
    carbon: ArrayLike | None = None,
    *,
    area: ArrayLike | None = None,
    attenuation_length: float = ATTENUATION_LENGTH,
    sensitivity_ratio: float = 1.0,
) -> XpsCoverage:
    """XPS coverage from what lies over points of the core surface, looked at along the outward normal.

    Signals fall as exp(-solid path / attenuation length), alike in electrolyte and carbon; pores do not count. Carbon
    weakens both signals and adds to none of them.

    Parameters
    ----------
    electrolyte : array_like of float, (n,) or (n, layers) [m]
        Thickness of the electrolyte over each point, pores left out; layers from the core outwards.
    carbon : array_like of float, same shape [m]
        Thickness of the carbon in the same layers, evenly mixed with the electrolyte there; none if not given.
    area : array_like of float, (n,)
        Surface that each point stands for, in any unit; the same for all if not given.
    attenuation_length : float
        [m].
    sensitivity_ratio : float
        Cl + In signal of thick electrolyte over the Ni + Mn signal of the bare active material.

    Raises
    ------
    ValueError
        If a thickness is negative or no number, or no signal comes through at all.

    Examples
    --------
    A perfect film of 5 nm does not reach 1:

    >>> round(measure_xps([5e-9]).coverage, 2)
    0.78
    """
    lines = _check_lines(electrolyte, carbon, area)
    check_lengths(attenuation_length=attenuation_length)
    check_positive("sensitivity_ratio", sensitivity_ratio, "1")
    solid = lines.electrolyte + lines.carbon
    total = np.cumsum(solid[:, ::-1], axis=1)[:, ::-1]  # of a layer and all above it
    share = np.divide(lines.electrolyte, solid, out=np.zeros_like(solid), where=solid > 0.0)
    emitted = share * -np.expm1(-solid / attenuation_length) * np.exp(-(total - solid) / attenuation_length)
    coating = float(np.average(emitted.sum(axis=1), weights=lines.area))
    core = float(np.average(np.exp(-total[:, 0] / attenuation_length), weights=lines.area))
    weighed = sensitivity_ratio * coating
    if not weighed + core > 0.0:
        raise ValueError("no signal comes through so much carbon: XPS coverage is not defined")
    return XpsCoverage(weighed / (weighed + core), coating, core, attenuation_length, sensitivity_ratio)


def xps_coverage(
    recipe: Recipe,
    *,
    coverage: float = 1.0,
    thickness_width: float = 0.0,
    carbon: str = "core",
    specific_surface: float | None = None,
    attenuation_length: float = ATTENUATION_LENGTH,
    sensitivity_ratio: float = 1.0,
) -> XpsCoverage:
    """XPS coverage that a recipe's film predicts.

    What the model cannot explain: the paper finds a clearly larger coverage with carbon at low coating contents, and
    names the larger volume of such coatings. Primaries of 37 nm, upright in a film of 5 nm, hide film and active
    material alike; that cancels in the ratio, and what remains ("core": the film rises between them) is below 0.01.
    Only carbon as fine as the film itself ("mixed") shields the active material more, as the paper says. Nor does it
    know oblique lines of sight (longer paths, larger coverage), loose electrolyte beside the cores, roughness,
    aggregates (fewer, larger shadows), or two attenuation lengths.

    Parameters
    ----------
    recipe : Recipe
        Its `film_thickness` is the mean solid thickness; pores in the matrix weaken nothing.
    coverage : float
        Share of the surface with film, above 0 up to 1; the film on it is thicker for it.
    thickness_width : float
        Standard deviation of the local film thickness over its mean (lognormal); carbon goes with the film.
    carbon : {"core", "film", "mixed"}
        Where a film is thinner than a primary, primaries rest on the core within the film, or on the film, as discs at
        random places that cover 1 - exp(-number x disc area); or they are ground into the film. In a thicker film the
        carbon is mixed in always.
    specific_surface : float
        [m2/kg]; that of the materials if not given.

    Examples
    --------
    >>> round(xps_coverage(Recipe.parse("99:1:0")).coverage, 2)
    0.78
    """
    check_kind("recipe", recipe, Recipe)
    check_name("carbon", carbon, CARBON_SEATS)
    if not 0.0 < check_number("coverage", coverage) <= 1.0:
        raise ValueError(f"coverage is the share of the surface with film, above 0 up to 1; got {coverage!r}")
    mean = recipe.film_thickness(specific_surface) / coverage
    lines = _film_lines(_spread(mean, thickness_width), recipe, carbon)
    none = np.zeros((1, lines.electrolyte.shape[1]))
    return measure_xps(
        np.concatenate([lines.electrolyte, none]),
        np.concatenate([lines.carbon, none]),
        area=np.append(lines.area / lines.area.sum() * coverage, 1.0 - coverage),
        attenuation_length=attenuation_length,
        sensitivity_ratio=sensitivity_ratio,
    )


def structure_xps(
    structure: Structure,
    *,
    points: int = 400,
    attenuation_length: float = ATTENUATION_LENGTH,
    sensitivity_ratio: float = 1.0,
) -> XpsCoverage:
    """XPS coverage of the blocks of a structure, as they came out of the mixer: its own films, uneven and patchy.

    The carbon is taken as mixed into the film; the pores of the matrix weaken nothing.

    Examples
    --------
    >>> from microstructure import building_block
    >>> block = building_block(Recipe.parse("80:20:0"), coat="film", voxel_size=1e-7, rng=np.random.default_rng(1))
    >>> round(structure_xps(block).coverage, 3)
    1.0
    """
    found, recipe = laid_film(structure, points=points), structure.parts.recipe
    solid = found.thickness * (1.0 - recipe.coat_porosity)
    carbon = recipe.volume_fractions.cb / recipe.volume_fractions.soft
    return measure_xps(
        (1.0 - carbon) * solid,
        carbon * solid,
        area=found.area,
        attenuation_length=attenuation_length,
        sensitivity_ratio=sensitivity_ratio,
    )


def _spread(mean: float, width: float) -> Floats:
    """Thicknesses of equal share of a lognormal with this mean and relative standard deviation."""
    if not 0.0 <= check_number("thickness_width", width) <= WIDEST:
        raise ValueError(f"thickness_width is a relative standard deviation, 0 to {WIDEST:g}; got {width!r}")
    if width == 0.0:
        return np.array([mean])
    sizes = np.exp(math.sqrt(math.log1p(width**2)) * ndtri((np.arange(SIZES) + 0.5) / SIZES))
    return np.asarray(mean * sizes / sizes.mean())


def _film_lines(thickness: Floats, recipe: Recipe, seat: str) -> LinesOfSight:
    """Lines of sight through films of these solid thicknesses, each film with one share of the area."""
    share, diameter = recipe.volume_fraction, recipe.materials["cb.primary_diameter"]
    split = CARBON_SEATS[seat]
    fine = np.full(thickness.shape, split is None or share == 0.0) | (thickness > diameter)
    mixed = np.outer(thickness[fine], LAYERS[0])
    coarse = _primary_lines(thickness[~fine], share, diameter, split or _on_film)
    return LinesOfSight(
        np.concatenate([(1.0 - share) * mixed, coarse.electrolyte]),
        np.concatenate([share * mixed, coarse.carbon]),
        np.concatenate([np.ones(len(mixed)), coarse.area]),
    )


def _primary_lines(thickness: Floats, share: float, diameter: float, split: Split) -> LinesOfSight:
    """Films thinner than a primary: one line beside the primaries and one for each ring of a primary's disc."""
    half = 0.5 * diameter * np.sqrt(1.0 - (np.arange(RINGS) + 0.5) / RINGS)  # half chords
    shadow = -np.expm1(-1.5 * share * thickness / diameter)  # number x disc area = 1.5 carbon volume / diameter
    film, under, over = split(thickness * (1.0 - share), shadow, diameter, half)
    chord, beside = 2.0 * half + 0.0 * under, np.zeros_like(film)
    below, between, above = (
        np.concatenate([one, other.ravel()]) for one, other in ((film, under), (beside, chord), (beside, over))
    )
    area = np.concatenate([1.0 - shadow, np.repeat(shadow / RINGS, RINGS)])
    electrolyte = np.outer(below, LAYERS[0]) + np.outer(above, LAYERS[2])
    return LinesOfSight(electrolyte, np.outer(between, LAYERS[1]), area)


def _on_core(electrolyte: Floats, shadow: Floats, diameter: float, half: Floats) -> tuple[Floats, Floats, Floats]:
    """The film beside primaries that rest on the core, and what of it lies under and over their chords."""
    film = _film_between(electrolyte, shadow, diameter, half)
    return film, *_around(film[:, None], diameter, half)


def _on_film(electrolyte: Floats, shadow: Floats, diameter: float, half: Floats) -> tuple[Floats, Floats, Floats]:
    """The same for primaries that rest on the film: all of it lies under them."""
    return electrolyte, electrolyte[:, None] + 0.0 * half, 0.0 * (electrolyte[:, None] + half)


Split = Callable[[Floats, Floats, float, Floats], tuple[Floats, Floats, Floats]]
CARBON_SEATS: Mapping[str, Split | None] = MappingProxyType({"core": _on_core, "film": _on_film, "mixed": None})


def _around(film: Floats, diameter: float, half: Floats) -> tuple[Floats, Floats]:
    """Electrolyte under and over a primary that rests on the core in a film, along chords of these half lengths."""
    return np.minimum(film, 0.5 * diameter - half), np.maximum(film - 0.5 * diameter - half, 0.0)


def _film_between(electrolyte: Floats, shadow: Floats, diameter: float, half: Floats) -> Floats:
    """How high the film stands between primaries for its electrolyte to keep its volume: by bisection [m]."""
    low, high = electrolyte.copy(), np.full_like(electrolyte, diameter)
    for _ in range(60):
        film = 0.5 * (low + high)
        beside = np.add(*_around(film[:, None], diameter, half)).mean(axis=1)
        short = (1.0 - shadow) * film + shadow * beside < electrolyte
        low, high = np.where(short, film, low), np.where(short, high, film)
    return 0.5 * (low + high)


def _check_lines(electrolyte: ArrayLike, carbon: ArrayLike | None, area: ArrayLike | None) -> LinesOfSight:
    films = _layers("electrolyte", electrolyte)
    black = np.zeros_like(films) if carbon is None else _layers("carbon", carbon)
    weights = np.ones(len(films)) if area is None else check_measured("area", area)
    if black.shape != films.shape or weights.shape != films.shape[:1]:
        raise ValueError(
            "electrolyte and carbon have one shape, (n,) or (n, layers), and area is (n,);"
            f" got {films.shape}, {black.shape} and {weights.shape}"
        )
    if not weights.sum() > 0.0:
        raise ValueError("area has no entry above 0: give the surface that each point stands for")
    return LinesOfSight(films, black, weights)


def _layers(name: str, values: ArrayLike) -> Floats:
    array = as_numbers(name, values).astype(np.float64, copy=False)
    check_measured(name, array.ravel())
    if array.ndim not in (1, 2):
        raise ValueError(f"{name} has the shape (n,) or (n, layers); got {array.shape}")
    return array.reshape(len(array), -1)
