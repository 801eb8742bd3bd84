"""One building block: a section through its middle, and the block with its coat half taken off."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray
from panels import footnote, name_phases, picture, scale_bar
from phases import COLOURS, Sampler, colours_of
from rendering import Camera, Frame, averaged, cast_shadows, draw_spheres

from microstructure import Phase, Recipe, Structure, building_block, voxelise

Array = NDArray[np.float64]

RECIPE, DIAMETER, VOXEL, SEED = "80:20:3", 1.5e-6, 8e-9, 1
ELEVATION = np.radians(33.0)  # of the viewer over the cut
SAMPLES = 2  # along the edge of a pixel
ROWS = 1490  # of samples
DEPTH = 55e-9  # below the coat's surface at which carbon shows through by 1/e
BARE = np.radians(20.0)  # to the right of this azimuth the carbon is taken off too


def draw_block() -> Figure:
    """The figure."""
    block = building_block(Recipe.parse(RECIPE), diameter=DIAMETER, voxel_size=20e-9, rng=np.random.default_rng(SEED))
    edge = block.box[0] / round(block.box[0] / VOXEL)
    sampler = Sampler(voxelise(block, edge, resolve_carbon=True, rng=np.random.default_rng(SEED)))
    figure = Figure(figsize=(9.6, 4.9))
    field = 1.1 * (DIAMETER + 2.0 * block.coats.thickness)
    for left, image in ((0.01, draw_section(sampler, field)), (0.505, draw_peeled(sampler, field))):
        axes = picture(figure, (left, 0.12, 0.485, 0.87), image, field)
        scale_bar(axes, 500e-9, "500 nm")
    name_phases(figure, (0.5, 0.085))
    footnote(figure, f"{RECIPE}, core {DIAMETER * 1e6:g} µm, seed {SEED}, pores from voxels of {edge * 1e9:.0f} nm")
    return figure


def draw_section(sampler: Sampler, field: float) -> Array:
    """The plane through the middle of the core."""
    towards, upwards = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])
    camera = Camera(centre_of(sampler.structure), towards, upwards, field, field, field / ROWS)
    return averaged(colours_of(sampler.phases(camera.grid())), SAMPLES)


def draw_peeled(sampler: Sampler, field: float) -> Array:
    """Below: the coat, cut level with the middle of the core. Above: its carbon on the left, bare core on the right."""
    block = sampler.structure
    towards = np.array([0.0, -np.cos(ELEVATION), np.sin(ELEVATION)])
    camera = Camera(centre_of(block), towards, np.array([0.0, 0.0, 1.0]), field, field, field / ROWS)
    frame, kept = Frame(camera), kept_carbon(block)
    draw_core(frame, block)
    draw_cut(frame, sampler)
    draw_carbon(frame, block, kept)
    draw_coat(frame, block)
    centres = np.concatenate([block.carbon.centres[kept], centre_of(block)[None]])
    radii = np.append(np.full(np.count_nonzero(kept), 0.5 * block.carbon.diameter), 0.5 * DIAMETER)
    cast_shadows(frame, centres, radii, pixel=5e-9)
    return averaged(frame.shaded(), SAMPLES)


def draw_core(frame: Frame, block: Structure) -> None:
    """The bare core."""
    height, normal = sphere(frame, block, 0.5 * DIAMETER)
    frame.put(height > -np.inf, height, normal, np.array(to_rgb(COLOURS[Phase.CORE])) * 1.12)


def draw_cut(frame: Frame, sampler: Sampler) -> None:
    """The level cut through the coat, with the phases it meets."""
    camera, centre = frame.camera, centre_of(sampler.structure)
    grid, towards = camera.grid(), camera.basis[2]
    height = (centre[2] - grid[..., 2]) / towards[2]
    points = grid + height[..., None] * towards
    distance = np.linalg.norm(points - centre, axis=-1)
    near = (distance > 0.5 * DIAMETER) & (distance < 0.5 * camera.width)
    phases = np.zeros(camera.shape, np.uint8)
    phases[near] = sampler.phases(points[near])
    ring = near & ((phases != Phase.PORE) | (distance < 0.5 * DIAMETER + sampler.structure.coats.thickness))
    frame.put(ring, height, np.array([0.0, 0.0, 1.0]), colours_of(phases), glow=0.95)


def kept_carbon(block: Structure) -> NDArray[np.bool_]:
    """Primaries of the aggregates that are shown whole: above the cut, left of the bare part."""
    carbon, centre = block.carbon, centre_of(block)
    count = np.bincount(carbon.aggregate)
    middle = np.stack([np.bincount(carbon.aggregate, column) / count for column in (carbon.centres - centre).T], axis=1)
    azimuth = np.arctan2(middle[:, 0], -middle[:, 1])  # 0 towards the viewer, positive to the right
    return ((middle[:, 2] > 0.0) & (azimuth < BARE) & (azimuth > BARE - np.pi))[carbon.aggregate]


def draw_carbon(frame: Frame, block: Structure, kept: NDArray[np.bool_]) -> None:
    """Whole aggregates above the cut, and what stands out of the coat below it."""
    carbon, camera = block.carbon, frame.camera
    for chosen, clipped in ((kept, False), (~kept & (carbon.centres[:, 2] < centre_of(block)[2]), True)):
        centres = carbon.centres[chosen]
        spheres = draw_spheres(camera, centres, np.full(len(centres), 0.5 * carbon.diameter))
        points = camera.grid() + np.where(spheres.which < 0, 0.0, spheres.height)[..., None] * camera.basis[2]
        where = spheres.which >= 0
        if clipped:
            where &= points[..., 2] < centre_of(block)[2]
        normal = (points - centres[spheres.which]) / (0.5 * carbon.diameter)
        tint = 0.19 + 0.11 * ((carbon.aggregate[chosen] * 7) % 5 / 4.0)
        frame.put(where, spheres.height, normal, tint[spheres.which][..., None] * np.array([1.0, 1.02, 1.1]))


def draw_coat(frame: Frame, block: Structure) -> None:
    """The lower half of the coat: translucent, so that carbon near its surface shows through."""
    centre = centre_of(block)
    height, normal = sphere(frame, block, 0.5 * DIAMETER + block.coats.thickness)
    points = frame.camera.grid() + np.where(height > -np.inf, height, 0.0)[..., None] * frame.camera.basis[2]
    below = (height > -np.inf) & (points[..., 2] < centre[2])
    shown = np.exp(-np.minimum(np.where(below, height, 0.0) - frame.height, 1e-6) / DEPTH)[..., None]
    colour = (1.0 - shown) * np.array(to_rgb(COLOURS[Phase.ELECTROLYTE])) + shown * frame.colour
    frame.put(below, height, normal, colour)


def sphere(frame: Frame, block: Structure, radius: float) -> tuple[Array, Array]:
    """Heights (-inf beside it) and normals of the front of a sphere around the middle of the block."""
    camera = frame.camera
    offset = camera.grid() - centre_of(block)
    square = radius**2 - np.sum(offset**2, axis=-1)
    height = np.where(square > 0.0, np.sqrt(np.maximum(square, 0.0)), -np.inf)
    normal = (offset + np.sqrt(np.maximum(square, 0.0))[..., None] * camera.basis[2]) / radius
    return height, normal


def centre_of(block: Structure) -> Array:
    """Centre of its core."""
    return block.cores.centres[0]
