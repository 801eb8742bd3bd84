"""What XPS and a pycnometer would say of coated particles: coverage as the paper defines it, open and closed pores."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage, sparse
from scipy.special import ndtri

from microstructure.arguments import as_numbers, check_kind, check_lengths, check_name, check_number, check_positive
from microstructure.errors import RecipeError
from microstructure.recipe import Recipe
from microstructure.structure import Phase, Structure
from microstructure.thickness import check_measured, laid_film

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


@dataclass(frozen=True)
class Porosity:
    """Shares of the volume that are pore."""

    total: float = field(metadata={"unit": "1"})
    between_blocks: float = field(metadata={"unit": "1", "what": "pores that the image shows"})
    inside_matrix: float = field(metadata={"unit": "1", "what": "pores of the unresolved matrix, from the recipe"})
    open: float = field(metadata={"unit": "1", "what": "what gas reaches from the free sides"})

    @property
    def closed(self) -> float:
        """Pores that gas does not reach."""
        return self.total - self.open


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


def measure_porosity(structure: Structure, *, open_matrix_share: float = 0.0) -> Porosity:
    """Total and open porosity: of the image, and inside the matrix where the image does not resolve it.

    Open is what gas (helium in a pycnometer) reaches through the faces of pore voxels from a free side of the box.

    Parameters
    ----------
    structure : Structure
    open_matrix_share : float
        Share of the pores inside the unresolved matrix that gas reaches, 0 to 1: an assumption.

    Raises
    ------
    ValueError
        If every axis is periodic, so that there is no outside; or if the image has matrix voxels and no recipe.

    Examples
    --------
    >>> labels = np.ones((5, 5, 5), np.uint8)
    >>> labels[2, 2, 2] = labels[0, 0, 0] = 0
    >>> found = measure_porosity(Structure(labels, 1e-6, (False, True, True), (5e-6,) * 3))
    >>> (found.total, found.open)
    (0.016, 0.008)
    """
    check_kind("structure", structure, Structure)
    if not 0.0 <= check_number("open_matrix_share", open_matrix_share) <= 1.0:
        raise ValueError(f"open_matrix_share lies in [0, 1]; got {open_matrix_share!r}")
    if all(structure.periodic):
        raise ValueError("with three periodic axes nothing is outside: phase_fractions gives the total porosity")
    between, matrix = structure.fraction(Phase.PORE), structure.fraction(Phase.MATRIX)
    inside = matrix * _recipe_of(structure).coat_porosity if matrix > 0.0 else 0.0
    reached = _reached_share(structure.labels == Phase.PORE, structure.periodic)
    return Porosity(between + inside, between, inside, reached + open_matrix_share * inside)


def porosity_from_mass(recipe: Recipe, *, mass: float, volume: float) -> float:
    """Porosity as the paper determines it: 1 - mass / (volume x mixed density of the recipe).

    Parameters
    ----------
    mass, volume : float
        Of the pellet [kg], [m3].

    Raises
    ------
    RecipeError
        If the pellet is denser than the recipe's solids.

    Examples
    --------
    >>> round(porosity_from_mass(Recipe.parse("80:20:3"), mass=1e-3, volume=1e-3 / 2960.0), 2)
    0.25
    """
    density = check_kind("recipe", recipe, Recipe).mixed_density
    check_positive("mass", mass, "kg")
    check_positive("volume", volume, "m3")
    porosity = 1.0 - mass / (volume * density)
    if porosity < -1e-12:
        raise RecipeError(f"{mass / volume:.0f} kg/m3 is more than the {density:.0f} kg/m3 of {recipe} without a pore")
    return max(porosity, 0.0)


def structure_mass(structure: Structure) -> float:
    """Mass of all solids in a composite [kg]: phases of the image times the densities of its recipe."""
    recipe = _recipe_of(check_kind("structure", structure, Structure))
    soft, density = recipe.volume_fraction, recipe.materials
    matrix = soft * density["cb.density"] + (1.0 - soft) * density["se.density"]
    densities = {
        Phase.CORE: density["cam.density"],
        Phase.MATRIX: (1.0 - recipe.coat_porosity) * matrix,
        Phase.ELECTROLYTE: density["se.density"],
        Phase.CARBON: density["cb.density"],
    }
    return structure.volume * sum(structure.fraction(phase) * value for phase, value in densities.items())


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


def _reached_share(pore: NDArray[np.bool_], periodic: tuple[bool, bool, bool]) -> float:
    """Share of the voxels that are pore and joined to a free side, through faces and periodic boundaries."""
    labels, count = ndimage.label(pore)
    joints = [np.empty((2, 0), np.int64)]
    outside = np.zeros(count + 1, np.bool_)
    for axis, wrap in enumerate(periodic):
        first, last = (np.asarray(labels.take(end, axis), np.int64).ravel() for end in (0, -1))
        if wrap:
            joints.append(np.stack([first, last])[:, (first > 0) & (last > 0)])
        else:
            outside[first] = outside[last] = True
    one, other = np.concatenate(joints, axis=1)
    graph = sparse.coo_array((np.ones(len(one), np.bool_), (one, other)), shape=(count + 1, count + 1))
    groups = sparse.csgraph.connected_components(graph, directed=False)[1]
    outside[0] = False
    reached = np.isin(groups, groups[outside])
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    return float(sizes[1:][reached[1:]].sum() / pore.size)


def _recipe_of(structure: Structure) -> Recipe:
    if structure.recipe is None:
        raise ValueError("this needs the recipe, for what the matrix is made of: give a composite of build_composite")
    return structure.recipe


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
