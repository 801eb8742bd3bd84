"""What of a structure is seen: flat cuts through it, the surface of its matrix, spheres; by pyvista, in µm."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import cdist

from microstructure import Phase, Structure

if TYPE_CHECKING:  # an extra, imported where something is drawn: the tests read this file without it
    from pyvista import DataSet

Array = NDArray[np.float64]
Corners = ArrayLike | None  # lowest and highest corner of a box, (2, 3)

MICRO = 1e6  # µm per m: VTK takes lengths of 1e-9 for rounding errors
# told apart by lightness alone, so for every kind of colour vision
COLOURS = {Phase.CORE: "#8b8e95", Phase.ELECTROLYTE: "#86c5dc", Phase.CARBON: "#17181c", Phase.PORE: "#ffffff"}
BORDER = "#d55e00"
LIFT = 1e-3  # µm between layers of a cut, so that one hides the other
SUN = np.array([-0.45, 0.5, 0.85])  # direction to the light: right, up, towards the viewer
CUT = {"smooth_shading": False}
INK = {"lighting": False, "ambient": 1.0, "diffuse": 0.0, "line_width": 3}  # its colour, whatever the light


class View:
    """A parallel projection that just holds some points, with a margin."""

    def __init__(self, points: ArrayLike, towards: ArrayLike, upwards: ArrayLike, margin: float = 0.0) -> None:
        right = np.cross(upwards, towards)
        axes = np.stack([right, np.cross(towards, right), towards])
        self.basis = axes / np.linalg.norm(axes, axis=1)[:, None]  # rows right, up and towards the viewer
        turned = np.asarray(points) @ self.basis.T
        low, high = turned.min(axis=0) - margin, turned.max(axis=0) + margin
        self.corner, self.size, self.centre = low[:2], (high - low)[:2], 0.5 * (low + high) @ self.basis

    def place(self, point: ArrayLike) -> Array:
        """Where a point is seen, from the lower left corner of the picture."""
        return self.basis[:2] @ point - self.corner


class Scene:
    """A structure, and the surfaces of it that are to be seen; a box `hole` is free of matrix and carbon.

    Steps of the image are rounded off over `smooth` voxels; pores of that size vanish.
    """

    def __init__(self, structure: Structure, hole: Corners = None, smooth: float = 0.9, **look: object) -> None:
        import pyvista as pv

        voxel, self.box = structure.voxel_size * MICRO, np.array(structure.box) * MICRO
        modes = ["wrap" if wraps else "nearest" for wraps in structure.periodic]
        solid = gaussian_filter((structure.labels != Phase.PORE).astype(np.float32), smooth, mode=modes)
        solid = np.pad(solid, 1, mode="edge")
        self.grid = pv.ImageData(dimensions=solid.shape, spacing=(voxel,) * 3, origin=(-0.5 * voxel,) * 3)
        self.grid["solid"] = solid.ravel(order="F")
        self.carbon, self.radius = structure.carbon.centres * MICRO, 0.5 * structure.carbon.diameter * MICRO
        cores = structure.cores
        rows = np.empty((0, 4)) if cores is None else np.column_stack([cores.centres, cores.radii]) * MICRO
        for axis in np.flatnonzero(structure.periodic):
            rows = np.concatenate([rows + shift * self.box[axis] * np.eye(4)[axis] for shift in (-1, 0, 1)])
        self.cores, self.radii = rows[:, :3], rows[:, 3]
        self.hole, self.look = hole, {"ambient": 0.5, "diffuse": 0.6, "smooth_shading": True} | look
        self.parts: list[tuple[DataSet, dict]] = []

    def add(self, mesh: DataSet, colour: str | Phase, **look: object) -> None:
        """Show a surface in the colour of a phase, or in one of its own."""
        if mesh.n_points:
            self.parts.append((mesh, {"color": COLOURS.get(colour, colour)} | self.look | look))

    def add_spheres(self, centres: Array, radii: ArrayLike, colour: str, within: Corners = None) -> None:
        """Spheres, or only what of them is in a box."""
        self.add(clipped(rounds(centres, radii), within), colour)

    def add_surface(self) -> None:
        """Where the matrix meets pores and free space."""
        left = self.grid.copy()
        solid = left["solid"].reshape(left.dimensions, order="F")
        solid[:] = np.pad(solid[1:-1, 1:-1, 1:-1], 1)  # closed at the sides of the box
        if self.hole is not None:
            spans = np.round(np.transpose(self.hole) / left.spacing[0] + 1.0, 6)  # in voxels, from the first corner
            solid[tuple(slice(max(0, int(low)), int(np.ceil(high))) for low, high in spans)] = 0.0
        self.add(left.contour([0.5], scalars="solid"), Phase.ELECTROLYTE)

    def add_cut(self, low: ArrayLike, high: ArrayLike, normal: ArrayLike) -> DataSet:
        """What is in the flat box between two corners, seen from the side of `normal`; returns the matrix."""
        low, normal, axis = np.array(low, float), np.array(normal), int(np.argmax(np.abs(normal)))
        matrix = clipped(self.grid.slice(normal=normal, origin=low), (low, high))
        matrix["solid"][inside(matrix.points, self.hole)] = 0.0
        matrix = matrix.clip_scalar(scalars="solid", value=0.5, invert=False)
        self.add(matrix.translate(LIFT * normal), Phase.ELECTROLYTE, **CUT)
        spheres = (self.cores, self.radii, Phase.CORE, None), (self.carbon, self.radius, Phase.CARBON, self.hole)
        for layer, (centres, radii, phase, hole) in enumerate(spheres, start=3):
            reach = np.sqrt(np.maximum(radii**2 - (centres[:, axis] - low[axis]) ** 2, 0.0))
            flat = np.where(np.arange(3) == axis, low, centres)
            met = (reach > 0.0) & ~inside(flat, hole)
            discs = clipped(rounds(flat[met], reach[met], normal), (low, high))
            self.add(discs.translate(layer * LIFT * normal), phase, **CUT)
        return matrix

    def add_borders(self, matrix: DataSet, normal: ArrayLike) -> None:
        """Lines in a cut where the nearest core changes: between two blocks."""
        gaps = cdist(self.cores, matrix.points) - self.radii[:, None]
        first, second = np.partition(gaps, 1, axis=0)[:2]
        for gap in gaps[np.any(gaps == first, axis=1)]:
            matrix["lead"] = gap - np.where(gap == first, second, first)
            self.add(matrix.contour([0.0], scalars="lead").translate(2.0 * LIFT * np.array(normal)), BORDER, **INK)

    def render(self, view: View, columns: int, shadows: float) -> NDArray[np.uint8]:
        """The picture, uint8 (rows, columns, 3); nooks up to `shadows` wide are darker."""
        import pyvista as pv

        size = (columns, round(columns * view.size[1] / view.size[0]))
        plotter = pv.Plotter(off_screen=True, window_size=size, lighting="none")
        plotter.set_background("white")
        for mesh, look in self.parts:
            plotter.add_mesh(mesh, **look)
        eye, sun = (view.centre + max(view.size) * way @ view.basis for way in (np.array([0.0, 0.0, 1.0]), SUN))
        plotter.add_light(pv.Light(position=sun, focal_point=view.centre, light_type="scene light"))
        plotter.camera_position = [eye, view.centre, view.basis[1]]
        plotter.enable_parallel_projection()
        plotter.camera.parallel_scale = 0.5 * view.size[1]
        plotter.renderer.ResetCameraClippingRange()
        if shadows > 0.0:
            plotter.enable_ssao(radius=shadows, bias=0.05 * shadows, kernel_size=64)
        image = plotter.screenshot(return_img=True)
        plotter.close()
        return image


def rounds(centres: Array, radii: ArrayLike, normal: ArrayLike | None = None) -> DataSet:
    """Spheres, or discs across `normal`, with fewer sides where there are many."""
    import pyvista as pv

    cloud = pv.PolyData(np.asarray(centres, float))
    sides = 120 if len(centres) < 1000 else 16 if len(centres) < 100_000 else 8
    cloud["radius"] = np.broadcast_to(radii, len(centres)).astype(float)
    ball = pv.Sphere(radius=1.0, theta_resolution=sides, phi_resolution=sides)
    shape = ball if normal is None else pv.Polygon(radius=1.0, normal=normal, n_sides=sides)
    return cloud.glyph(scale="radius", orient=False, geom=shape) if len(centres) else cloud


def clipped(mesh: DataSet, box: Corners) -> DataSet:
    """What of a surface is in the box between two corners: plane by plane, where it sticks out farther than a layer."""
    for (end, corner), normal in product(enumerate(() if box is None else box), np.eye(3)):
        inwards = normal * (1 - 2 * end)
        if np.any(mesh.points @ inwards < corner @ inwards - LIFT):
            mesh = mesh.clip(normal=inwards, origin=corner, invert=False)
    return mesh


def inside(points: Array, box: Corners) -> NDArray[np.bool_]:
    """Which points are in the box between two corners."""
    return np.zeros(len(points), bool) if box is None else np.all((points > box[0]) & (points < box[1]), axis=1)
