"""What the pictures share on paper: panels in true proportion, scale bars, names, a legend with small print."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from numpy.typing import ArrayLike
from scenes import COLOURS, Scene, View

from microstructure import Phase

DPI = 150
FINE = 2  # pixels drawn for each one shown, along an edge
TEXT = 12  # points
BLACK = COLOURS[Phase.CARBON]


def panel(figure: Figure, place: tuple[float, ...], scene: Scene, view: View, shadows: float = 0.0) -> Axes:
    """A scene at a place of the figure; the axes count micrometres from the lower left corner."""
    axes = figure.add_axes(place)
    image = scene.render(view, round(FINE * DPI * place[2] * figure.get_figwidth()), shadows)
    axes.imshow(image, extent=(0.0, view.size[0], 0.0, view.size[1]), interpolation="antialiased")
    axes.set_axis_off()
    return axes


def scale_bar(axes: Axes, length: float, text: str) -> None:
    """A bar of this length [µm] under the panel, at its left."""
    unit = 0.01 * axes.get_xlim()[1]
    axes.add_patch(Rectangle((0.0, -2.5 * unit), length, unit, color=BLACK, linewidth=0.0, clip_on=False))
    axes.text(length + unit, -1.5 * unit, text, va="top", fontsize=TEXT)


def name_edge(axes: Axes, view: View, first: ArrayLike, second: ArrayLike, text: str) -> None:
    """A text along and below an edge in space."""
    ends = np.array([view.place(first), view.place(second)])
    angle = np.degrees(np.arctan2(*(ends[1] - ends[0])[::-1]))
    place = ends.mean(axis=0) + 0.012 * view.size[0] * np.array([np.sin(np.radians(angle)), -np.cos(np.radians(angle))])
    axes.text(*place, text, rotation=angle, rotation_mode="anchor", ha="center", va="top", fontsize=TEXT)


def caption(figure: Figure, place: tuple[float, float], text: str, columns: int = 4, **extra: str) -> None:
    """A swatch for each phase and for further colours, and what is needed to make the picture again."""
    swatches = {phase.name.lower(): colour for phase, colour in COLOURS.items()} | extra
    handles = [Patch(facecolor=colour, edgecolor=BLACK, lw=0.6, label=name) for name, colour in swatches.items()]
    look = {"loc": "center", "frameon": False, "fontsize": TEXT, "handlelength": 1.2, "handleheight": 1.0}
    figure.legend(handles=handles, bbox_to_anchor=place, ncols=columns, **look)
    figure.text(0.5, 0.012, text, ha="center", va="bottom", fontsize=8.5, color="#555555")
