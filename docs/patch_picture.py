"""One patch of coat: a section across it, and its carbon in three dimensions, each aggregate in its own colour."""

from __future__ import annotations

import itertools

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray
from panels import INK, footnote, name_edge, name_phases, picture, scale_bar
from phases import COLOURS, Sampler, colours_of
from rendering import Camera, Frame, averaged, cast_shadows, draw_face, draw_spheres, fitting_camera
from scipy.spatial import cKDTree

from microstructure import Carbon, Phase, Structure, coating_patch

Array = NDArray[np.float64]

THICKNESS, WIDTH, CONTENT, VOXEL, SEED = 150e-9, 2.5e-6, 0.06, 5e-9, 1
BELOW, ABOVE = 75e-9, 40e-9  # core and free space shown in the section
FLOOR = 120e-9  # thickness of the piece of core in the view
TOWARDS = np.array([0.66, 0.45, -1.0])  # x is up
SAMPLES, COLUMNS = 2, 2960  # of samples
OKABE_ITO = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
NEAR = 150e-9  # two aggregates that come closer than this differ in colour
EDGES = {
    f"{WIDTH * 1e6:g} µm": ((-FLOOR, 0.0, 0.0), (-FLOOR, WIDTH, 0.0)),
    f" {WIDTH * 1e6:g} µm": ((-FLOOR, WIDTH, 0.0), (-FLOOR, WIDTH, WIDTH)),
    f"{THICKNESS * 1e9:.0f} nm": ((0.0, 0.0, 0.0), (THICKNESS, 0.0, 0.0)),
}
CORE = np.array(to_rgb(COLOURS[Phase.CORE]))


def draw_patch() -> Figure:
    """The figure."""
    patch = coating_patch(THICKNESS, WIDTH, CONTENT, VOXEL, rng=np.random.default_rng(SEED))
    figure = Figure(figsize=(9.6, 6.9))
    section = draw_section(patch)
    high = 0.966 * 9.6 / 6.9 * section.shape[0] / section.shape[1]
    axes = picture(figure, (0.017, 0.985 - high, 0.966, high), section, WIDTH)
    scale_bar(axes, 250e-9, "250 nm", where="phase")
    camera = view_camera()
    axes = picture(figure, (0.017, 0.045, 0.966, 0.72), draw_view(patch, camera), camera.width)
    for text, ends in EDGES.items():
        name_edge(axes, camera, np.array(ends), text)
    name_phases(figure, (0.5, 0.985 - high - 0.04))
    footnote(
        figure,
        f"coat {THICKNESS * 1e9:.0f} nm thick, {100 * CONTENT:.0f} vol% CB of CB + electrolyte, seed {SEED},"
        f" pores from voxels of {VOXEL * 1e9:.0f} nm; below: one colour per aggregate",
    )
    return figure


def draw_section(patch: Structure) -> Array:
    """The plane through the middle of the patch: core below, free space above."""
    pixel = WIDTH / COLUMNS
    rows = np.arange(THICKNESS + ABOVE - 0.5 * pixel, -BELOW, -pixel)
    points = np.stack(np.meshgrid(rows, [0.5 * WIDTH], (np.arange(COLUMNS) + 0.5) * pixel, indexing="ij"), axis=-1)
    phases = Sampler(patch).phases(points)[:, 0]
    phases[rows < 0.0] = Phase.CORE
    return averaged(colours_of(phases), SAMPLES)


def view_camera() -> Camera:
    """A view from above a corner."""
    corners = np.array(list(itertools.product((-FLOOR, THICKNESS), (0.0, WIDTH), (0.0, WIDTH))))
    return fitting_camera(TOWARDS, np.array([1.0, 0.0, 0.0]), corners, COLUMNS, margin=0.04 * WIDTH)


def draw_view(patch: Structure, camera: Camera) -> Array:
    """The primaries on a piece of core, and the outline of the coat."""
    carbon, frame = patch.carbon, Frame(camera)
    for corner, first, second in (((0, 0, 0), 1, 2), ((-FLOOR, WIDTH, 0), 0, 2), ((-FLOOR, 0, 0), 0, 1)):
        edges = np.diag((FLOOR, WIDTH, WIDTH))[[first, second]]
        draw_face(frame, np.array(corner, float), edges, CORE * 1.1)
    radii = np.full(carbon.count, 0.5 * carbon.diameter)
    spheres = draw_spheres(camera, carbon.centres, radii)
    where = spheres.which >= 0
    points = camera.grid() + np.where(where, spheres.height, 0.0)[..., None] * camera.basis[2]
    normal = (points - carbon.centres[spheres.which]) / radii[0]
    frame.put(where, spheres.height, normal, aggregate_colours(carbon)[carbon.aggregate][spheres.which])
    cast_shadows(frame, carbon.centres, radii, pixel=5e-9)
    draw_outline(frame)
    return averaged(frame.shaded(), SAMPLES)


def draw_outline(frame: Frame) -> None:
    """The edges of the coat as thin wires."""
    ends = np.array(list(itertools.product((0.0, THICKNESS), (0.0, WIDTH), (0.0, WIDTH))))
    share = np.linspace(0.0, 1.0, 3000)[:, None]
    wires = [
        first + share * (second - first)
        for first, second in itertools.combinations(ends, 2)
        if np.count_nonzero(first != second) == 1 and max(first[0], second[0]) > 0.0
    ]
    points = np.concatenate(wires)
    spheres = draw_spheres(frame.camera, points, np.full(len(points), 2.2e-9))
    frame.put(spheres.which >= 0, spheres.height, frame.camera.basis[2], np.array(to_rgb(INK)), glow=1.0)


def aggregate_colours(carbon: Carbon) -> Array:
    """Red, green and blue of each aggregate: the colour used least among those near it."""
    pairs = cKDTree(carbon.centres).query_pairs(NEAR, output_type="ndarray")
    couples = np.unique(np.sort(carbon.aggregate[pairs], axis=1), axis=0)
    chosen = np.full(int(carbon.aggregate.max()) + 1, -1)
    for number in range(len(chosen)):
        near = couples[np.any(couples == number, axis=1)].ravel()
        taken = chosen[near[near != number]]
        near_use = np.bincount(taken[taken >= 0], minlength=len(OKABE_ITO))
        all_use = np.bincount(chosen[chosen >= 0], minlength=len(OKABE_ITO))
        chosen[number] = np.argmin(near_use * 1000 + all_use)
    return np.array([to_rgb(colour) for colour in OKABE_ITO])[chosen]
