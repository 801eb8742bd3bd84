"""One pressed cathode: a section from separator to collector, a zoom into it, and the box with a corner cut out."""

from __future__ import annotations

import itertools

import numpy as np
from boxes import Box, look_into
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Rectangle
from numpy.typing import NDArray
from panels import INK, TEXT, footnote, name_edge, name_phases, picture, scale_bar
from phases import Sampler, colours_of
from rendering import Camera, averaged, fitting_camera
from scipy.ndimage import binary_dilation

from microstructure import Phase, Recipe, build_composite, voxelise

Array = NDArray[np.float64]

RECIPE, POROSITY, BOX, VOXEL, SEED = "80:20:3", 0.2, (15e-6, 12e-6, 12e-6), 30e-9, 1
DEPTH = 6.0e-6  # where the section cuts z
ZOOM = np.array([11.3e-6, 7.0e-6])  # lower left corner of the part shown larger
EDGE = 2.2e-6
CORNER = np.array([0.5, 0.5, 0.5])  # share of each edge that the missing corner takes
TOWARDS = np.array([0.46, -1.0, 0.62])
LENGTH, DEEP, HIGH = BOX
EDGES = {
    f"separator → collector, {LENGTH * 1e6:g} µm": ((0.0, 0.0, 0.0), (LENGTH, 0.0, 0.0)),
    f" {DEEP * 1e6:g} µm": ((LENGTH, 0.0, 0.0), (LENGTH, DEEP, 0.0)),
    f"{HIGH * 1e6:g} µm": ((0.0, 0.0, 0.0), (0.0, 0.0, HIGH)),
}
SAMPLES = 2
BORDER = "#d55e00"


def draw_cathode() -> Figure:
    """The figure."""
    cell = build_composite(
        Recipe.parse(RECIPE), porosity=POROSITY, box=BOX, voxel_size=2.0 * VOXEL, rng=np.random.default_rng(SEED)
    )
    sampler = Sampler(voxelise(cell, VOXEL, resolve_carbon=True, rng=np.random.default_rng(SEED)))
    figure = Figure(figsize=(12.4, 4.7))
    whole = draw_section(sampler, np.zeros(2), np.array(BOX[:2]), columns=1500, line=3)
    section = picture(figure, (0.015, 0.155, 0.36, 0.76), whole, BOX[0])
    part = draw_section(sampler, ZOOM, np.full(2, EDGE), columns=760, line=3)
    zoom = picture(figure, (0.43, 0.387, 0.2, 0.528), part, EDGE)
    camera = box_camera()
    image = averaged(look_into(sampler, camera, box()), SAMPLES)
    view = picture(figure, (0.685, 0.09, 0.31, 0.88), image, camera.width)
    scale_bar(section, 3e-6, "3 µm", where="below")
    scale_bar(zoom, 500e-9, "500 nm", where="below")
    join(section, zoom)
    name_sides(section)
    for text, ends in EDGES.items():
        name_edge(view, camera, np.array(ends), text)
    name_phases(figure, (0.495, 0.2), extra={"block border": BORDER}, columns=1)
    footnote(
        figure,
        f"{RECIPE}, porosity {POROSITY:g}, box {' x '.join(f'{1e6 * edge:g}' for edge in BOX)} µm, seed {SEED},"
        f" pores from voxels of {VOXEL * 1e9:.0f} nm",
    )
    return figure


def draw_section(sampler: Sampler, corner: Array, size: Array, columns: int, line: int) -> Array:
    """A piece of the plane z = DEPTH, x to the right; borders between blocks are lines, `line` samples wide."""
    pixel = size[0] / columns
    x = corner[0] + (np.arange(columns) + 0.5) * pixel
    y = corner[1] + np.arange(size[1] - 0.5 * pixel, 0.0, -pixel)
    points = np.stack([*np.meshgrid(x, y), np.full((len(y), len(x)), DEPTH)], axis=-1)
    phases = sampler.phases(points)
    owner = sampler.nearest_core(points.reshape(-1, 3)).which.reshape(phases.shape)
    colours = colours_of(phases)
    colours[borders(owner, line) & (phases == Phase.ELECTROLYTE)] = to_rgb(BORDER)
    return averaged(colours, SAMPLES)


def borders(owner: NDArray[np.int64], line: int) -> NDArray[np.bool_]:
    """Lines of about `line` samples between the regions of two cores."""
    edge = np.zeros(owner.shape, bool)
    edge[:, 1:] |= owner[:, 1:] != owner[:, :-1]
    edge[1:] |= owner[1:] != owner[:-1]
    return binary_dilation(edge, iterations=line // 2)


def box() -> Box:
    """The box and the corner that is missing, the one nearest to the viewer."""
    edges = np.array(BOX)
    return Box(edges, edges * (1.0 - CORNER) * [1, 0, 1] + edges * CORNER * [0, 1, 0])


def box_camera() -> Camera:
    """The viewer in front of the corner where collector, front and top meet."""
    corners = np.array(list(itertools.product(*((0.0, edge) for edge in BOX))))
    return fitting_camera(TOWARDS, np.array([0.0, 0.0, 1.0]), corners, SAMPLES * 700, margin=0.3e-6)


def join(section: Axes, zoom: Axes) -> None:
    """Mark the enlarged part, and lead to it."""
    section.add_patch(Rectangle(tuple(ZOOM), EDGE, EDGE, fill=False, edgecolor=INK, linewidth=1.4))
    zoom.add_patch(Rectangle((0.0, 0.0), EDGE, EDGE, fill=False, edgecolor=INK, linewidth=1.4))
    for end in (0.0, EDGE):
        start = (ZOOM[0] + EDGE, ZOOM[1] + end)
        line = ConnectionPatch(start, (0.0, end), "data", "data", axesA=section, axesB=zoom, color=INK, linewidth=0.8)
        section.figure.add_artist(line)


def name_sides(section: Axes) -> None:
    """Separator and collector over the section."""
    section.text(0.0, 1.012 * BOX[1], "← separator", ha="left", va="bottom", fontsize=TEXT)
    section.text(BOX[0], 1.012 * BOX[1], "collector →", ha="right", va="bottom", fontsize=TEXT)
