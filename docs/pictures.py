"""Draw docs/block.png, docs/patch.png and docs/cathode.png: `python docs/pictures.py`, or only those that are named."""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

import networkx as nx
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Rectangle
from numpy.typing import NDArray
from panels import BLACK, DPI, TEXT, caption, name_edge, panel, scale_bar
from scenes import BORDER, CUT, INK, MICRO, Scene, View, inside
from scipy.spatial import cKDTree

from microstructure import Carbon, Phase, Recipe, Structure, build_composite, building_block, coating_patch, voxelise

RECIPE, SEED = "80:20:3", 1
SHADED = "#3d3f47"  # carbon in space is a little lighter than in a cut, or its spheres merge
X, Y, Z = np.eye(3)

DIAMETER, BLOCK_VOXEL = 1.5e-6, 8e-9
TILT = np.radians(33.0)  # of the viewer over the cut
BARE = 0.2  # µm: aggregates that start farther to the right are taken off too

THICKNESS, WIDTH, CONTENT, PATCH_VOXEL = 150e-9, 2.5e-6, 0.06, 5e-9
FLOOR = 0.12  # µm of core shown below the patch
NEAR = 200e-9  # two aggregates that come closer than this differ in colour
SHADES = ("#0b3c6f", "#f0e442", "#d55e00", "#56b4e9", "#e69f00", "#009e73")  # Okabe and Ito's, the blue darker

POROSITY, BOX, CELL_VOXEL = 0.2, (15e-6, 12e-6, 12e-6), 30e-9
DEPTH = 6.0  # µm, where the section cuts z
ZOOM, EDGE = np.array([10.2, 0.4, DEPTH]), 2.2  # µm: lower left corner and edge of the part shown larger
FINEST = 0.4  # voxels over which this image is rounded off: the matrix has pores of one voxel
COATED = 3.2  # µm from the middle in which cores of the missing corner keep their carbon


def main() -> None:
    """Make the pictures named, or all."""
    drawings = {"block": draw_block, "patch": draw_patch, "cathode": draw_cathode}
    for name in sys.argv[1:] or drawings:
        drawings[name]().savefig(Path(__file__).with_name(f"{name}.png"), dpi=DPI, metadata={"Software": "percoat"})


def draw_block() -> Figure:
    """One building block: a cut through its middle, and the block with its coat half taken off."""
    block = building_block(Recipe.parse(RECIPE), diameter=DIAMETER, voxel_size=20e-9, rng=np.random.default_rng(SEED))
    edge = block.box[0] / round(block.box[0] / BLOCK_VOXEL)
    block = voxelise(block, edge, resolve_carbon=True, rng=np.random.default_rng(SEED))
    middle, size = block.cores.centres[0] * MICRO, np.array(block.box) * MICRO
    level = np.array([middle * Z, np.where(Z, middle, size)])
    flat, peeled = Scene(block, **INK), Scene(block, hole=[level[0], size])
    flat.add_cut(*level, Z)
    peeled.add_cut(*level - 1e-3 * Z, Z)
    peeled.add_surface()
    peeled.add_spheres(middle[None], 0.5 * DIAMETER * MICRO, Phase.CORE)
    start = peeled.carbon[np.unique(block.carbon.aggregate, return_index=True)[1]][block.carbon.aggregate] - middle
    peeled.add_spheres(peeled.carbon[(start[:, 2] > 0.0) & (start[:, 0] < BARE)], peeled.radius, SHADED)
    peeled.add_spheres(peeled.carbon, peeled.radius, SHADED, within=[0.0 * size, level[1]])
    half = 0.54 * (DIAMETER + 2.0 * block.coats.thickness) * MICRO
    above, aslant = View([middle], Z, Y, half), View([middle], (0, -np.cos(TILT), np.sin(TILT)), Z, half)
    figure = Figure(figsize=(9.6, 5.2))
    scale_bar(panel(figure, (0.01, 0.125, 0.485, 0.87), flat, above), 0.5, "500 nm")
    panel(figure, (0.505, 0.125, 0.485, 0.87), peeled, aslant, shadows=0.2)
    text = f"{RECIPE}, core {DIAMETER * 1e6:g} µm, seed {SEED}, pores from voxels of {edge * 1e9:.0f} nm"
    caption(figure, (0.56, 0.08), text)
    return figure


def draw_patch() -> Figure:
    """One patch of coat: a section across it, and its carbon on a piece of core, each aggregate in its own colour."""
    import pyvista as pv

    patch = coating_patch(THICKNESS, WIDTH, CONTENT, PATCH_VOXEL, rng=np.random.default_rng(SEED))
    flat, space = Scene(patch, **INK), Scene(patch)
    thick, wide = flat.box[:2]
    flat.add_cut((0, 0.5 * wide, 0), (thick, 0.5 * wide, wide), Y)
    for scene in flat, space:
        scene.add(pv.Box((-FLOOR, 0, 0, wide, 0, wide)), Phase.CORE, **CUT)
    space.add(pv.Box((0, thick, 0, wide, 0, wide)), BLACK, style="wireframe", **INK)
    shades = aggregate_shades(patch.carbon)[patch.carbon.aggregate]
    for number, colour in enumerate(SHADES):
        space.add_spheres(space.carbon[shades == number], space.radius, colour)
    corners = list(product((-FLOOR, thick), (0, wide), (0, wide)))
    across = View([-0.6 * FLOOR * X, (thick, 0, wide)], Y, X)
    view = View(corners, (0.66, 0.45, -1), X, margin=0.13)
    figure = Figure(figsize=(9.6, 6.9))
    scale_bar(panel(figure, (0.017, 0.87, 0.966, 0.125), flat, across), 0.25, "250 nm")
    axes = panel(figure, (0.017, 0.045, 0.966, 0.77), space, view, shadows=0.2)
    name_edge(axes, view, (-FLOOR, 0, 0), (-FLOOR, wide, 0), f"{wide:g} µm")
    name_edge(axes, view, (-FLOOR, wide, 0), (-FLOOR, wide, wide), f"{wide:g} µm")
    axes.text(*view.place((0.5 * thick, 0, 0)), f"{1e3 * thick:.0f} nm ", ha="right", va="center", fontsize=TEXT)
    content = f"coat {1e3 * thick:.0f} nm thick, {100 * CONTENT:.0f} vol% CB of CB + electrolyte"
    pores = f"pores from voxels of {PATCH_VOXEL * 1e9:.0f} nm"
    caption(figure, (0.56, 0.83), f"{content}, seed {SEED}, {pores}; below: one colour per aggregate")
    return figure


def aggregate_shades(carbon: Carbon) -> NDArray[np.int64]:
    """Number of the colour of each aggregate, another one than those of its neighbours."""
    pairs = carbon.aggregate[cKDTree(carbon.centres).query_pairs(NEAR, output_type="ndarray")]
    graph = nx.empty_graph(int(carbon.aggregate.max()) + 1)
    graph.add_edges_from(pairs[pairs[:, 0] != pairs[:, 1]].tolist())
    colours = nx.greedy_color(graph, "saturation_largest_first")
    return np.array([colours[aggregate] for aggregate in graph]) % len(SHADES)


def draw_cathode() -> Figure:
    """One pressed cathode: a section from separator to collector, a zoom into it, and the box with a corner dug out."""
    seeds = [np.random.default_rng(SEED) for _ in range(2)]
    cell = build_composite(Recipe.parse(RECIPE), porosity=POROSITY, box=BOX, voxel_size=2.0 * CELL_VOXEL, rng=seeds[0])
    cell = voxelise(cell, CELL_VOXEL, resolve_carbon=True, rng=seeds[1])
    flat, (long, deep, high) = Scene(cell, smooth=FINEST, **INK), np.array(BOX) * MICRO
    flat.add_borders(flat.add_cut(DEPTH * Z, (long, deep, DEPTH), Z), Z)
    whole, part = View([DEPTH * Z, (long, deep, DEPTH)], Z, Y), View([ZOOM, ZOOM + EDGE * (X + Y)], Z, Y)
    view = View(list(product((0, long), (0, deep), (0, high))), (0.46, -1, 0.62), Z, margin=0.3)
    figure = Figure(figsize=(12.4, 5.0))
    section = panel(figure, (0.012, 0.19, 0.36, 0.714), flat, whole)
    zoom = panel(figure, (0.41, 0.458, 0.18, 0.446), flat, part)
    axes = panel(figure, (0.635, 0.06, 0.365, 0.94), dug_out(cell), view, shadows=1.5)
    scale_bar(section, 3.0, "3 µm")
    scale_bar(zoom, 0.5, "500 nm")
    for frame, corner in (section, ZOOM[:2]), (zoom, np.zeros(2)):
        frame.add_patch(Rectangle(tuple(corner), EDGE, EDGE, fill=False, edgecolor=BLACK, linewidth=1.4, clip_on=False))
    for end in (0.0, EDGE):
        ends = (ZOOM[0] + EDGE, ZOOM[1] + end), (0.0, end)
        figure.add_artist(ConnectionPatch(*ends, "data", "data", axesA=section, axesB=zoom, color=BLACK, linewidth=0.8))
    section.text(0.0, 1.012 * deep, "← separator", fontsize=TEXT)
    section.text(long, 1.012 * deep, "collector →", ha="right", fontsize=TEXT)
    name_edge(axes, view, (0, 0, 0), long * X, f"separator → collector, {long:g} µm")
    name_edge(axes, view, long * X, (long, deep, 0), f"{deep:g} µm")
    axes.text(*view.place(0.5 * high * Z), f"{high:g} µm ", ha="right", fontsize=TEXT)
    size = " x ".join(f"{1e6 * edge:g}" for edge in BOX)
    pores = f"pores from voxels of {CELL_VOXEL * 1e9:.0f} nm"
    text = f"{RECIPE}, porosity {POROSITY:g}, box {size} µm, seed {SEED}, {pores}"
    caption(figure, (0.5, 0.22), text, columns=1, **{"block border": BORDER})
    return figure


def dug_out(cell: Structure) -> Scene:
    """The box without the matrix in the corner next to the viewer: cores stand there, some in their carbon."""
    box = np.array(BOX) * MICRO
    inner, outer = 0.5 * box, box * (X + Z)
    corner = np.sort([inner, outer], axis=0)
    space = Scene(cell, hole=corner + np.array([-Y, X + Z]), smooth=FINEST)
    for axis, normal in zip(np.eye(3, dtype=bool), (X, -Y, Z), strict=True):
        space.add_cut(*np.where(axis, outer, [0.0 * box, box]), normal)
        space.add_cut(*np.where(axis, inner - 1e-3 * normal, corner), normal)
    space.add_surface()
    near = inside(np.clip(space.cores, *corner) - space.cores, (-space.radii[:, None], space.radii[:, None]))
    space.add_spheres(space.cores[near], space.radii[near], Phase.CORE, within=corner)
    coated = cell.cores.centres[cell.carbon.coat, 0] * MICRO < inner[0] + COATED
    space.add_spheres(space.carbon[inside(space.carbon, corner) & coated], space.radius, SHADED)
    return space


if __name__ == "__main__":
    main()
