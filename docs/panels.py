"""What the pictures share: panels in true proportion, scale bars, the names of the phases, a line of small print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray
from phases import COLOURS, NAMES
from rendering import Camera

from microstructure import Phase

TEXT = 12  # points
INK = "#17181c"


def picture(figure: Figure, place: tuple[float, float, float, float], image: NDArray[np.float64], width: float) -> Axes:
    """A panel that shows an image [row, column, rgb]; its axes count metres from the lower left corner."""
    axes = figure.add_axes(place)
    rows, columns = image.shape[:2]
    axes.imshow(image, extent=(0.0, width, 0.0, width * rows / columns), interpolation="antialiased")
    axes.set_axis_off()
    return axes


def scale_bar(axes: Axes, length: float, text: str, where: str = "corner") -> None:
    """A bar of this length [m]: in the lower left "corner", "below" the panel, or white in a dark "phase" there."""
    width, height = axes.get_xlim()[1], axes.get_ylim()[1]
    thick = 0.01 * width
    if where == "corner":
        axes.add_patch(Rectangle((2.0 * thick, 2.0 * thick), length, thick, facecolor=INK, linewidth=0.0))
        axes.text(2.0 * thick + 0.5 * length, 4.0 * thick, text, ha="center", va="bottom", fontsize=TEXT, color=INK)
        return
    colour, x, y = ("white", thick, 0.07 * height) if where == "phase" else (INK, 0.0, -0.05 * height)
    axes.add_patch(Rectangle((x, y), length, thick, facecolor=colour, linewidth=0.0, clip_on=False))
    axes.text(x + length + thick, y + 0.4 * thick, text, va="center", fontsize=TEXT, color=colour)


def name_edge(axes: Axes, camera: Camera, ends: NDArray[np.float64], text: str) -> None:
    """A text along an edge in space, given by its two ends, on the side away from the middle of the picture."""
    columns, rows, _ = camera.project(ends).T
    x, y = columns * camera.pixel, camera.height - rows * camera.pixel
    along = np.array([x[1] - x[0], y[1] - y[0]]) / np.hypot(x[1] - x[0], y[1] - y[0])
    across = np.array([along[1], -along[0]])
    place = np.array([x.mean(), y.mean()])
    across *= np.sign(across @ (place - 0.5 * np.array([camera.width, camera.height])))
    place += 0.014 * camera.width * across
    angle = (np.degrees(np.arctan2(along[1], along[0])) + 90.0) % 180.0 - 90.0
    if abs(angle) > 80.0:  # an upright edge
        axes.text(*place, text, ha="right" if across[0] < 0 else "left", va="center", fontsize=TEXT)
        return
    high = "top" if across[1] < 0 else "bottom"
    axes.text(*place, text, rotation=angle, rotation_mode="anchor", ha="center", va=high, fontsize=TEXT)


def name_phases(
    figure: Figure,
    place: tuple[float, float],
    phases: Sequence[Phase] = tuple(NAMES),
    extra: Mapping[str, str] | None = None,
    columns: int = 6,
) -> None:
    """The legend: a swatch for each phase, and for further names with their colours."""
    swatches = {NAMES[phase]: COLOURS[phase] for phase in phases} | dict(extra or {})
    figure.legend(
        handles=[Patch(facecolor=colour, edgecolor=INK, lw=0.6, label=name) for name, colour in swatches.items()],
        loc="center",
        bbox_to_anchor=place,
        ncols=columns,
        frameon=False,
        fontsize=TEXT,
        handlelength=1.2,
        handleheight=1.0,
        columnspacing=1.6,
    )


def footnote(figure: Figure, text: str) -> None:
    """What is needed to make the picture again; the file carries it too."""
    figure.text(0.5, 0.012, text, ha="center", va="bottom", fontsize=8.5, color="#555555")
    figure.set_label(text)
