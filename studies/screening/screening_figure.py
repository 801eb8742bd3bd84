"""The picture of a screening: capacities, utilisation and both conductivities against the carbon content."""

from __future__ import annotations

import math
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from studies.quantities import measured_numbers
from studies.screening.candidate import SHOWN, capacity_name
from studies.screening.screening_result import Screening
from studies.terminal.pictures import drawn, save_picture

COLOURS = ("#1f6f8b", "#c1440e", "#5b4a8a", "#7a8b2a", "#444444", "#b07d2b", "#2a8b6b")
LINES = 7  # families of candidates that are told apart by colour


def draw_screening(screening: Screening, path: Path) -> None:
    """Draw four panels, one line for each CAM:SE and setting, with the intervals that hold 95 % of cathodes."""
    screen = screening.plan.screen
    figure = Figure(figsize=(9.0, 7.0), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, 2).ravel()
    quantities = (capacity_name(screen.merit), "utilisation_joint", "composite_electronic", "composite_ionic")
    for axes, quantity in zip(panels, quantities, strict=True):
        _draw_panel(screening, axes, quantity)
    handles, labels = panels[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    save_picture(figure, path, dpi=150)


def _draw_panel(screening: Screening, axes: Axes, quantity: str) -> None:
    name, unit, scale = SHOWN.get(quantity, (f"capacity at {quantity.split('_')[-1]}", "mAh/g composite", 1.0))
    rows = screening.rows(quantity)
    families: dict[str, list[tuple[float, float, float, float]]] = {}
    for candidate in screening.candidates:
        row, recipe = rows[candidate.composition, candidate.setting], candidate.recipe
        family = f"{recipe.cam:g}:{recipe.se:g}:x" + (f", {candidate.setting}" if candidate.setting else "")
        mean, low, high = (float(row[end]) / scale for end in ("mean", "low", "high"))
        point = (100.0 * recipe.volume_fraction, mean, low, high)
        families.setdefault("candidates" if screening.plan.screen.samples else family, []).append(point)
    for number, (family, points) in enumerate(families.items()):
        x, means, lows, highs = zip(*sorted(points), strict=True)
        colour, style = COLOURS[number % LINES], "none" if screening.plan.screen.samples else "-"
        axes.plot(
            x, means, "o", ls=style, color=colour, ms=3.5, lw=1.2, label=drawn(family) if number < LINES else None
        )
        if not screening.plan.screen.samples:
            axes.fill_between(x, lows, highs, color=colour, alpha=0.13, lw=0)
    _draw_measured(screening, axes, quantity)
    if quantity.startswith("composite") and axes.dataLim.minposy < math.inf:  # where anything conducts
        axes.set_yscale("log")
    axes.set_xlabel("CB in the matrix (vol%, pores excluded)")
    axes.set_ylabel(f"{name} ({unit})")
    axes.grid(alpha=0.25)


def _draw_measured(screening: Screening, axes: Axes, quantity: str) -> None:
    """What was measured of the study's own compositions: crosses, two that a line joins for an interval."""
    own = "utilisation_electronic" if quantity == "utilisation_joint" else quantity
    study = screening.plan.study
    for recipe in study.recipes:
        numbers, bound = measured_numbers(study, own, str(recipe)) if own in study.measured else ([], False)
        if not bound:
            axes.plot([100.0 * recipe.volume_fraction] * len(numbers), numbers, "kx-", ms=7, mew=1.6, lw=1)
