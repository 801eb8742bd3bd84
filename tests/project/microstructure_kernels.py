"""A small case for each kernel module of `microstructure`."""

from dataclasses import replace

import numpy as np

from microstructure.carbon._compression import copy_rows, misfit, press, snap, stands_out
from microstructure.carbon._domains import FlatRoom, enter_room, survey
from microstructure.carbon._placement import COMPRESS, CUT, place_flat
from microstructure.carbon.aggregates import grow_aggregate
from microstructure.carbon.coat_domain import fill_coats
from microstructure.carbon.core_contacts import find_touches
from microstructure.carbon.placement import fill_bulk
from microstructure.carbon.size_measures import SIZE_MEASURES, measure_size
from microstructure.coats._coating import border_above, ceiling_above, films_at, half_gap_at, next_above
from microstructure.coats.coating import Coats, neighbourhood
from microstructure.coats.contact_faces import lay_seams
from microstructure.coats.unevenness import even_film
from microstructure.cores import _facet_packing, _relaxation
from microstructure.cores._facets import spread
from microstructure.cores.contacts import find_contacts, gap_normals
from microstructure.cores.sphere_packing import pack_spheres
from microstructure.images._voxelise import core_keys, field_keys
from microstructure.images.coat_thickness import measure_coats
from microstructure.images.descriptors import interface_area
from microstructure.images.voxelise import image_coats, image_primaries
from microstructure.recipe import Recipe
from microstructure.structure import Structure
from tests.project.kernel_inputs import (
    EVERYWHERE,
    WALLED,
    balls,
    crystals,
    cubes,
    library,
    pair,
    primaries,
    rng,
    shells,
    uneven,
)


def parts(found):
    """Its arrays."""
    return found.centres, found.aggregate, found.bond, found.coat, found.overlap


def accept():
    """Hard aggregates, some of which find no place."""
    return parts(fill_bulk(library(), box=(300e-9,) * 3, volume=0.1 * 300e-9**3, hard=True, rng=rng()))


def aggregate():
    """One that keeps the scaling law."""
    grown = grow_aggregate(14, rng=rng())
    return grown.centres, grown.parent


def carbon_in_coats():
    """Aggregates that stay below the outer face of their coat, and aggregates cut at it."""
    cores, size = pair(), 0.25e-6
    labels, owners = shells(cores, size, 0.35e-6)
    near, coats = neighbourhood(cores, 2e-6), Coats("film", 0.3e-6, 0.35e-6, 1.0, 0.0, 0.0)
    wanted = 20 * library().primary_volume
    where = (library(), cores, near, labels, owners, coats)
    flush = fill_coats(*where, voxel_size=size, volume=wanted, protrusion=0.0, rng=rng())
    return parts(flush) + parts(fill_coats(*where, voxel_size=size, volume=wanted, fit="cut", rng=rng()))


def compression():
    """A chain that has to lie down, one of which some find no place, and one that hangs a little above the core."""
    found, parent = [], np.arange(-1, 6, dtype=np.int32)
    for lowest, ceiling, most in ((0.0, 2.5, 0.1), (0.0, 1.0, 0.02), (1.05, 13.08, 0.1)):
        points, kept, room = np.zeros((7, 3)), np.empty(7, bool), FlatRoom(1.0, ceiling, 0.0)
        points[:, 0] = lowest + 2.0 * np.arange(7)
        points[:, 1] = 0.1 * rng().random(7)
        found.append(misfit(points[:, 0].copy(), np.full(7, ceiling), 1.0))
        found.append(press(room, points, parent, 2.0, most, kept))
        snap(room, points, parent, 2.0, kept)
        copied = np.empty_like(points)
        copy_rows(points, copied)
        found += [points, copied, kept, stands_out(room, points, kept)]
    return found


def core_contacts():
    """Primaries near spheres, near cubes and at the collector."""
    places = [[2.05e-6, 2.1e-6, 2.05e-6], [0.38e-6, 2e-6, 2e-6], [3.99e-6, 1e-6, 1e-6], [1e-6, 1e-6, 0.4e-6]]
    spheres = find_touches(primaries(places, [0, 0, 1, 0], 40e-9), pair(), reach=60e-9)
    bodies = find_touches(primaries(places, [0, 0, 1, 0], 40e-9), crystals(), reach=400e-9)
    return spheres.start, spheres.bodies, bodies.start, bodies.bodies


def rooms():
    """Heights, ceilings and normals around a sphere, around a cube, and in a flat coat."""
    found = []
    points = 0.9 * rng().standard_normal((6, 3))
    for cores in (pair(), crystals()):
        near, film = neighbourhood(cores, 2e-6), uneven()
        for sunk in (0.0, 20e-9):
            room = enter_room(near, film, 0, np.array([0.7e-6, 0.3e-6, 0.1e-6]), 0.2e-6, 20e-9, sunk)
            found += measured(room, 1e-6 * points)
    return found + measured(FlatRoom(0.2, 1.0, 0.0), points)


def measured(room, points):
    """What a room is like at some points."""
    heights, ceilings, normals = np.empty(len(points)), np.empty(len(points)), np.empty((len(points), 3))
    survey(room, points, heights, ceilings, normals)
    return [heights, ceilings, normals]


def placement():
    """Whole in the bulk; pressed and cut between two heights."""
    found = list(parts(fill_bulk(library(), box=(200e-9,) * 3, volume=6 * library().primary_volume, rng=rng())))
    quaternions = rng().standard_normal((3, 8, 4))
    quaternions /= np.linalg.norm(quaternions, axis=2, keepdims=True)
    offsets, parent, start = library().centres / 20e-9, library().parent, library().start
    rows, box = np.array([0, 1, 4, 8]), np.full(3, 9.0)
    for mode, tries in ((COMPRESS, 8), (CUT, 1)):
        points, kept, overlaps = np.empty((8, 3)), np.empty(8, bool), np.empty(3)
        where = (np.array([[0.5, 1, 1], [2, 4, 4], [3, 7, 8.5]]), np.arange(3), quaternions, start, offsets, parent)
        room = FlatRoom(1.0, 3.0, 1.0)
        limits, walled = np.array([2.0, 0.1]), np.array(WALLED)
        place_flat(0, 3, *where, rows, mode, tries, room, limits, box, walled, points, kept, overlaps)
        found += [points, kept, overlaps]
    return found


def sizes():
    """Every meaning of the size of one aggregate."""
    return [measure_size(library().centres[4:], 20e-9, measure) for measure in SIZE_MEASURES]


def coating():
    """Films, borders and levels above points of a sphere and of a cube."""
    found, film = [], uneven()
    directions = rng().standard_normal((5, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    for cores in (pair(), crystals()):
        near, surface = neighbourhood(cores, 2e-6), cores.shapes.surface(directions)
        heights = np.empty(5)
        films_at(film, np.array([0, 1, 0, 1, 0]), surface.points[0], heights)
        found.append(heights)
        for point, normal in zip(surface.points[0], surface.normals[0], strict=True):
            border, beyond = border_above(near, 0, *point, *normal), next_above(near, 0, *point, *normal)[1]
            ceiling = ceiling_above(near, film, 0, *point, *normal, border)
            found += [border, beyond, ceiling, half_gap_at(near, 0, *(point + 0.1e-6 * normal), 0.1e-6)]
    return found


def contact_faces():
    """Coats of two spheres between walls, and of two cubes."""
    recipe, found = Recipe.parse("80:20:0"), []
    for cores in (balls([[2e-6] * 3, [5.1e-6, 2e-6, 2e-6]], [3e-6] * 2, [7e-6, 4e-6, 4e-6], WALLED), crystals()):
        seams = lay_seams(recipe, cores, rays=12)
        found += [seams.pairs, seams.areas, seams.normals, seams.piece_area, seams.piece_height, seams.matrix]
    return found


def contacts():
    """Gaps and normals between cubes, walls and images."""
    packing = crystals()
    found = find_contacts(packing, gap=2e-6)
    normals = gap_normals(packing, found.pairs, found.vectors)
    return found.pairs, found.gaps, found.vectors, found.separator_gaps, normals


def facet_packing():
    """A few steps from a start in which the bodies overlap, each other and the walls."""
    bodies = cubes(4)
    unit = float(bodies.diameters.mean())
    bodies, centres = bodies.scaled(1.0 / unit), 2.2 * rng().random((4, 3))
    turns, box, periodic = np.tile([0.0, 0.0, 0.0, 1.0], (4, 1)), np.full(3, 2.2), np.array(WALLED)
    solids, outer = bodies.solids, bodies.outer_radius
    largest, steps = _facet_packing.relax(
        solids, bodies.diameters, outer, 0.9, 0.05, centres, turns, box, periodic, 1e-4, 6
    )
    pairs = _facet_packing.near_pairs(solids, outer, centres, box, periodic, 0.2)
    return largest, steps, centres, turns, *pairs


def facets():
    """Normals after a few rounds."""
    normals = rng().standard_normal((2, 6, 3))
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    spread(normals, 5)
    return normals


def relaxation():
    """Coats, blocks, a bond and a wall; a few steps from a random start."""
    hard, block = rng().uniform(0.7, 1.2, 8), np.arange(8, dtype=np.int32) // 2
    centres, box, periodic = 2.0 * rng(2).random((8, 3)), np.full(3, 2.0), np.array(WALLED)
    bonds = np.array([[0, 1], [2, 3]])
    largest, steps = _relaxation.relax(centres, hard + 0.1, hard, block, bonds, box, periodic, 1e-4, 25)
    pairs, shifts = _relaxation.find_pairs(centres, hard, box, periodic, 0.1)
    return largest, steps, centres, pairs, shifts, _relaxation.largest_overlap(centres, hard, pairs, shifts)


def sequential_addition():
    """A few spheres of several sizes."""
    packed = pack_spheres([1.0, 0.8, 1.2, 0.9, 1.1, 0.7], fraction=0.2, method="sequential", rng=rng())
    return packed.centres, packed.overlap


def shapes():
    """Bodies that lie apart, that touch, and that lie in one another; rays from a surface to the border half-way."""
    bodies, found = cubes(2), []
    surface = bodies.surface(np.concatenate([np.eye(3), -np.eye(3)]))
    for way in ((3.5, 0.3, 0.1), (1.5, 0.4, 0.2), (0.3, 0.2, 0.1)):
        packing = replace(balls([[0, 0, 0], way], bodies.diameters, [20.0] * 3, (False,) * 3), bodies=bodies)
        contacts = find_contacts(packing, gap=5.0)
        found += [contacts.gaps, gap_normals(packing, contacts.pairs, contacts.vectors)]
        near = neighbourhood(packing, 5.0, walls=False)
        rays = zip(surface.points[0], surface.normals[0], strict=True)
        found.append([next_above(near, 0, *point, *normal)[0] for point, normal in rays])
    return *found, surface.points, surface.normals, surface.areas


def descriptors():
    """Interfaces of three phases in a few voxels, and coats along a few rays."""
    labels = rng().integers(0, 3, (3, 3, 3)).astype(np.uint8)
    areas = interface_area(labels, voxel_size=1.0, periodic=WALLED)
    cores, size = pair(), 0.25e-6
    image, owners = shells(cores, size, 0.35e-6)
    coats = Coats("film", 0.3e-6, 0.35e-6, 1.0, 0.0, 0.0)
    structure = Structure(image, size, WALLED, (4e-6,) * 3, Recipe.parse("80:20:0"), owners, cores, coats)
    measured = measure_coats(structure, points=8)
    return areas.pairs, areas.areas, measured.thickness, measured.coverage


def voxels():
    """Cores, film, gaps and bare patches; then primaries, and what a random field leaves."""
    size, shape, found = 0.4e-6, (10, 10, 10), []
    keys = np.empty(shape, np.uint16)
    for film, periodic in ((even_film(0.2e-6, 0.0, 0.3e-6), EVERYWHERE), (uneven(), WALLED)):
        cores = pair(periodic)
        near = neighbourhood(cores, 2e-6)
        core_keys(0, 10, near, 2e-6, size, np.array(periodic), keys)
        image, filled = image_coats(cores, near, film, Recipe.parse("80:20:0"), shape, size)
        found += [keys.copy(), image.labels.copy(), image.owners, filled.counts, filled.limit]
        labels, carbon = image.labels, primaries([[0.3e-6, 1e-6, 1e-6], [2e-6, 3.9e-6, 0.1e-6]], [0, 0], 1.5e-6)
        image_primaries(carbon, labels, keys, size, periodic, 3)
        found += [labels.copy(), keys.copy()]
        field_keys(0, 10, uneven().thick, np.full(3, 0.5e-6), 4.0, size, 2, labels, keys)
        found.append(keys.copy())
    return found


CASES = {
    "microstructure.carbon._acceptance": accept,
    "microstructure.carbon._aggregates": aggregate,
    "microstructure.carbon._coat_domain": carbon_in_coats,
    "microstructure.carbon._compression": compression,
    "microstructure.carbon._core_contacts": core_contacts,
    "microstructure.carbon._domains": rooms,
    "microstructure.carbon._placement": placement,
    "microstructure.carbon._size_measures": sizes,
    "microstructure.coats._coating": coating,
    "microstructure.coats._contact_faces": contact_faces,
    "microstructure.cores._contacts": contacts,
    "microstructure.cores._facet_packing": facet_packing,
    "microstructure.cores._facets": facets,
    "microstructure.cores._relaxation": relaxation,
    "microstructure.cores._sequential_addition": sequential_addition,
    "microstructure.cores._shapes": shapes,
    "microstructure.images._descriptors": descriptors,
    "microstructure.images._voxelise": voxels,
}
