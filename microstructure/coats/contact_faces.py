"""Coats on packed cores without voxels: how much of each core they cover, and the faces at which two of them meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import check_kind, check_optional, check_room, check_runs
from microstructure.coats._coating import NOTHING, Cores, Film
from microstructure.coats._contact_faces import cast_faces, cast_rays
from microstructure.coats.coating import Coats, coat_reach, dry_coats, neighbourhood
from microstructure.coats.unevenness import Relief
from microstructure.cores.contacts import gap_normals
from microstructure.cores.directions import sphere_points
from microstructure.cores.shapes import Surface
from microstructure.cores.sphere_packing import Packing
from microstructure.errors import RecipeError
from microstructure.recipe import Recipe
from microstructure.threads import in_threads

Floats = NDArray[np.float64]

RAYS = 128  # from each core: a face is seen by some ten of them from either side
PARTS = 2  # of equal volume, of a ray above the film
BYTES_A_RAY = 250.0
SHORTFALL = 0.02  # of the matrix, for which rays may fail to find room


@dataclass(frozen=True, eq=False)
class Seams:
    """The coats of a packing, and the faces between coats, and between coats and walls, cut into small pieces."""

    recipe: Recipe
    cores: Packing = field(repr=False)
    coats: Coats = field(repr=False)
    pairs: NDArray[np.int64] = field(
        repr=False, metadata={"shape": "(m, 2)", "what": "cores, then separator and collector"}
    )
    areas: Floats = field(repr=False, metadata={"unit": "m2", "shape": "(m,)", "what": "of the face of each pair"})
    normals: Floats = field(repr=False, metadata={"unit": "1", "shape": "(m, 3)", "what": "from first to second"})
    piece_pair: NDArray[np.int64] = field(repr=False, metadata={"shape": "(k,)", "what": "pair of each piece of face"})
    piece_area: Floats = field(repr=False, metadata={"unit": "m2", "shape": "(k,)"})
    piece_height: Floats = field(
        repr=False, metadata={"unit": "m", "shape": "(k,)", "what": "of one coat under it: half the gap of two cores"}
    )
    matrix: Floats = field(repr=False, metadata={"unit": "m3", "shape": "(cores,)", "what": "volume of each coat"})
    covered: Floats = field(repr=False, metadata={"unit": "1", "shape": "(cores,)", "what": "share of its surface"})
    heights: Floats = field(repr=False, metadata={"unit": "m", "shape": "(cores, rays)", "what": "of the coat"})
    shares: Floats = field(repr=False, metadata={"unit": "1", "shape": "(cores, rays)", "what": "of a core's surface"})

    @property
    def volume(self) -> float:
        """Volume of the box [m3]."""
        return float(np.prod(self.cores.box))

    @property
    def pores_between(self) -> float:
        """Share of the box that is neither core nor matrix."""
        return 1.0 - self.cores.fraction * (1.0 + self.recipe.matrix_per_core)

    @property
    def parting(self) -> NDArray[np.bool_]:
        """Whether each face lies between two building blocks or at a wall, not inside one coat, bool (m,)."""
        block = np.append(self.cores.block, [-1, -2])
        return np.asarray(block[self.pairs[:, 0]] != block[self.pairs[:, 1]])

    @property
    def walls(self) -> NDArray[np.bool_]:
        """Whether each face lies at the separator or the collector, bool (m,)."""
        return np.asarray(self.pairs[:, 1] >= self.cores.count)

    @property
    def thickness(self) -> Floats:
        """Thickness of each core's matrix, spread evenly over a sphere of the core's volume [m], float64 (cores,)."""
        radii = self.cores.radii
        return np.asarray(radii * np.expm1(np.log1p(self.matrix / (4.0 / 3.0 * np.pi * radii**3)) / 3.0))

    def mean_over_coat(self, density: Callable[[Floats], Floats]) -> Floats:
        """Mean over the surface of each core of a function of the coat's height there [m], float64 (cores,)."""
        return np.asarray(np.sum(_called("density", density, self.heights) * self.shares, axis=1))

    def integrate(self, density: Callable[[Floats], Floats]) -> Floats:
        """Integral of a function of the coat's height [m] over the face of each pair, float64 (m,)."""
        values = _called("density", density, self.piece_height) * self.piece_area
        return np.asarray(np.bincount(self.piece_pair, values, minlength=len(self.pairs)), np.float64)


def _called(name: str, function: object, heights: Floats) -> Floats:
    """What a function of heights [m] gives, one number for each of them."""
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"{name} is a function of heights in m that returns as many numbers; got {function!r}")
    found = np.asarray(function(heights))
    if found.dtype.kind not in "iufb" or found.shape != heights.shape:
        raise ValueError(
            f"{name} returns one number for each height, shape {heights.shape};"
            f" got {found.dtype} of shape {found.shape}"
        )
    return found


def lay_seams(
    recipe: Recipe, packing: Packing, *, coat: str = "film", relief: Relief | None = None, rays: int = RAYS
) -> Seams:
    """Lay the recipe's matrix on packed cores along rays, and find the faces at which coats meet.

    The same coats as those of `coat_composite`: a film, and the rest in the gaps, narrow ones first. They are followed
    along rays normal to the cores instead of in voxels: a thousand cores take a fraction of a second.

    Parameters
    ----------
    recipe : Recipe
    packing : Packing
        The cores; axis 0 runs from the separator to the collector where it is not periodic.
    coat : {"film", "shell"}
    relief : Relief, optional
        An uneven film, as `draw_relief` returns it.
    rays : int
        From each core, spread evenly.

    Raises
    ------
    RecipeError
        If the cores leave no room for the matrix, or lie so far apart that they hold it neither on nor between them.

    Notes
    -----
    A face lies half-way between two cores where the matrix of both reaches it. Both cores see it, and each
    counts with half.

    Examples
    --------
    >>> from microstructure import Recipe, pack_spheres
    >>> cores = pack_spheres(np.full(60, 3e-6), fraction=0.5, periodic=(True,) * 3, rng=np.random.default_rng(1))
    >>> bool(lay_seams(Recipe.parse("80:20:0"), cores).areas.min() > 0)
    True
    """
    check_kind("recipe", recipe, Recipe)
    check_kind("packing", packing, Packing)
    check_optional("relief", relief, Relief)
    rays = check_runs(rays, "rays")
    check_room("rays", packing.count * rays, BYTES_A_RAY, "ask for fewer rays or cores")
    walls, reach = not packing.periodic[0], coat_reach(recipe, coat, packing)
    near = neighbourhood(packing, reach, walls=walls)
    surface = packing.shapes.surface(sphere_points(rays))
    dry = dry_coats(recipe, packing, coat, relief, walls=walls)
    rise = _cast_rays(packing, near, surface, dry.film, reach)
    coats = _filled(dry, recipe, packing, rise)
    faces = _cast_faces(packing, near, surface, coats.film, rise)
    pairs, piece_pair, piece_area, met = _pieces(near, surface, rise, faces)
    shares = surface.areas / surface.areas.sum(axis=1, keepdims=True)
    return Seams(
        recipe,
        packing,
        coats,
        pairs,
        areas=np.asarray(np.bincount(piece_pair, piece_area, minlength=len(pairs)), np.float64),
        normals=face_normals(packing, pairs),
        piece_pair=piece_pair,
        piece_area=piece_area,
        piece_height=np.maximum(rise.borders[met], 0.0),
        matrix=np.sum(_above(packing.radii, faces.heights) * surface.areas, axis=1),
        covered=np.sum((faces.heights > 0.0) * shares, axis=1),
        heights=np.maximum(faces.heights, 0.0),
        shares=shares,
    )


class Rise(NamedTuple):
    """What rays normal to the cores meet before any gap is filled, (cores, rays); what is above the film in parts."""

    borders: Floats  # height at which a ray leaves the region of its core [m], `reach` if it does not
    entries: NDArray[np.int64]  # place of the core whose region it enters, among the neighbours
    in_film: float  # volume of all films [m3]
    half_gaps: Floats  # half the gap in which each part lies, float64 (parts,) [m], infinite for none
    volumes: Floats  # of each part [m3]
    brim: float  # half the widest gap [m]


def _cast_rays(packing: Packing, near: Cores, surface: Surface, film: Film, reach: float) -> Rise:
    shape, radii = surface.areas.shape, packing.radii
    borders, films, part = np.empty(shape), np.empty(shape), np.empty(shape)
    entries, half_gaps = np.empty(shape, np.int64), np.empty((*shape, PARTS))
    spot = surface.points, surface.normals
    in_threads(cast_rays, packing.count, near, film, radii, reach, *spot, borders, entries, films, half_gaps, part)
    volumes = np.repeat((part * surface.areas)[:, :, None], PARTS, axis=2)
    in_film = float(np.sum(_above(radii, films) * surface.areas))
    brim = float(np.max(borders, where=borders < reach, initial=0.0))
    return Rise(borders, entries, in_film, half_gaps.ravel(), volumes.ravel(), brim)


class Faces(NamedTuple):
    """How high the coat is along each ray [m], and the area of face over that of the core's surface; (cores, rays)."""

    heights: Floats
    slants: Floats


def _cast_faces(packing: Packing, near: Cores, surface: Surface, film: Film, rise: Rise) -> Faces:
    heights, slants = np.empty(surface.areas.shape), np.empty(surface.areas.shape)
    met = near, film, packing.radii, surface.points, surface.normals, rise.borders, rise.entries
    in_threads(cast_faces, packing.count, *met, heights, slants)
    return Faces(heights, slants)


class Pieces(NamedTuple):
    """The faces in pieces, one for each ray that meets one: pairs int64 (m, 2), then pair and area [m2] of each."""

    pairs: NDArray[np.int64]
    pair: NDArray[np.int64]
    area: Floats
    met: NDArray[np.bool_]  # which rays, (cores, rays)


def _pieces(near: Cores, surface: Surface, rise: Rise, faces: Faces) -> Pieces:
    """Gather the rays by the pair of bodies whose face they meet; both cores of a pair see it: each counts half."""
    count = len(near.centres)
    first = np.repeat(np.arange(count), faces.slants.shape[1]).reshape(faces.slants.shape)
    others = np.append(near.neighbours, [count + 1, count, NOTHING])  # COLLECTOR is -3, SEPARATOR -2
    second = others[rise.entries]
    met = (faces.slants > 0.0) & (rise.entries != NOTHING) & (second != first)
    area = np.where(second[met] < count, 0.5, 1.0) * (faces.slants * surface.areas)[met]
    low, high = np.minimum(first[met], second[met]), np.maximum(first[met], second[met])
    codes, pair = np.unique(low * (count + 2) + high, return_inverse=True)
    return Pieces(np.stack(np.divmod(codes, count + 2), axis=1), pair, area, met)


def face_normals(packing: Packing, pairs: NDArray[np.int64]) -> Floats:
    """Unit vector across each face, from the first core to the nearest image of the second or to the wall, (m, 3)."""
    inner = pairs[:, 1] < packing.count
    normals = np.zeros((len(pairs), 3))
    normals[~inner, 0] = np.where(pairs[~inner, 1] == packing.count, -1.0, 1.0)
    vectors = packing.centres[pairs[inner, 1]] - packing.centres[pairs[inner, 0]]
    vectors -= np.where(packing.periodic, packing.box * np.rint(vectors / packing.box), 0.0)
    normals[inner] = gap_normals(packing, pairs[inner], vectors)
    return normals


def _above(radii: Floats, heights: Floats) -> Floats:
    """Volume above one unit of the surface of each core, up to the height of each ray [m]."""
    radius = radii[:, None]
    return np.asarray(radius * ((1.0 + np.maximum(heights, 0.0) / radius) ** 3 - 1.0) / 3.0)


def _filled(dry: Coats, recipe: Recipe, packing: Packing, rise: Rise) -> Coats:
    """The coats with their gaps filled up to the level at which the matrix has the recipe's volume."""
    wanted = packing.fraction * float(np.prod(packing.box)) * recipe.matrix_per_core
    order = np.argsort(rise.half_gaps, kind="stable")[: np.count_nonzero(np.isfinite(rise.half_gaps))]
    levels = np.concatenate([[0.0], rise.half_gaps[order]])
    filled = rise.in_film + np.concatenate([[0.0], np.cumsum(rise.volumes[order])])
    if wanted > filled[-1] * (1.0 + SHORTFALL):
        raise RecipeError(
            f"cores that fill {packing.fraction:.3f} of the box have room on and between them for"
            f" {filled[-1] / wanted:.1%} of the matrix of {recipe}: pack them {_other_way(packing, recipe)}"
        )
    height = dry.thickness + dry.roughness
    bodies = packing.shapes
    under, outer = (float(np.sum(bodies.volumes_within(h) - bodies.volumes)) for h in (dry.roughness, height))
    share = min(rise.in_film / wanted, 1.0)
    recess = float(np.interp(2.0 * height, levels, filled))
    recess_share = max(min(recess, wanted) - rise.in_film, 0.0) / wanted
    return replace(
        dry,
        fill_height=float(np.interp(wanted, filled, levels, right=rise.brim)) if wanted > rise.in_film else 0.0,
        film_share=share * (1.0 - under / outer),
        roughness_share=share * under / outer,
        recess_share=recess_share,
        interstice_share=max(1.0 - share - recess_share, 0.0),
    )


def _other_way(packing: Packing, recipe: Recipe) -> str:
    """Cores that leave less space than the matrix needs are too dense, others too far apart to hold it in gaps."""
    return "less densely" if packing.fraction * (1.0 + recipe.matrix_per_core) > 1.0 else "more densely"
