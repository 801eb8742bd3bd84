"""The figures of a study: thresholds side by side, utilisation and conductivities against carbon content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from studies.quantities import SHOWN, measured_numbers, natural
from studies.study import Study
from studies.terminal.pictures import drawn, save_picture
from studies.terminal.texts import case_text

NAMES = {"threshold_bulk": "bulk", "threshold_in_plane": "along the coat", "threshold_across": "across the coat"}
THRESHOLD_COLOURS = dict(zip(NAMES, ("#444444", "#c1440e", "#1f6f8b"), strict=True))
COLOURS = {"electrons": "#c1440e", "ions": "#1f6f8b", "both": "#5b4a8a"}


def draw_figures(study: Study, summary: pd.DataFrame, folder: Path) -> None:
    """Write `thresholds.png`, `utilisation.png` and `conductivity.png` into the results folder."""
    drawings = {"thresholds": draw_thresholds, "utilisation": draw_utilisation, "conductivity": draw_conductivity}
    for name, draw in drawings.items():
        figure = Figure(figsize=(8.0, 5.6), layout="constrained")
        FigureCanvasAgg(figure)
        draw(study, summary, figure)
        save_picture(figure, folder / f"{name}.png", dpi=150)


def draw_thresholds(study: Study, summary: pd.DataFrame, figure: Figure) -> None:
    """Every threshold with its interval, over the measured interval of the bulk."""
    rows = summary[summary["quantity"].isin(NAMES)]
    records: list[dict[str, Any]] = rows.to_dict("records")  # type: ignore[assignment]
    records.sort(key=lambda row: (_rank(row["quantity"]), natural(row["setting"])), reverse=True)
    axes = figure.subplots()
    heights = np.arange(len(records))
    for height, row in zip(heights, records, strict=True):
        colour = THRESHOLD_COLOURS[str(row["quantity"])]
        mean, low, high = (100 * float(row[name]) for name in ("mean", "low", "high"))
        axes.plot([max(low, 0.2 * mean), high], [height, height], color=colour, lw=1.2)
        axes.plot(mean, height, "o", color=colour, ms=6 if row["setting"] == "" else 4)
    labels = [
        f"{NAMES[row['quantity']]}: {case_text('all', row['setting']) or 'as set in the study'}" for row in records
    ]
    axes.set_yticks(heights, [label.replace("um2", "µm²") for label in labels], fontsize=7)
    axes.set_xscale("log")
    axes.grid(axis="x", which="both", alpha=0.25)
    _measured_band(study, axes)
    axes.set_xlabel("CB in the matrix at the threshold (vol%, pores excluded)")
    thickness = study.coat_thickness * 1e9
    axes.set_title(f"Carbon thresholds of a {thickness:.0f} nm coat and of the bulk", fontsize=10, loc="right")


def draw_utilisation(study: Study, summary: pd.DataFrame, figure: Figure) -> None:
    """Electronic, ionic and joint utilisation against the carbon content."""
    axes = figure.subplots()
    for name, colour, style in (("electronic", "electrons", "o-"), ("ionic", "ions", "s:"), ("joint", "both", "d--")):
        _series(study, summary, axes, f"utilisation_{name}", COLOURS[colour], 100.0, style=style)
    _measured_legend(study, axes, "utilisation")
    axes.set_ylim(0, 105)
    axes.set_title(drawn(study.title), fontsize=9)
    axes.set_xlabel("CB in the matrix (vol%, pores excluded)")
    axes.set_ylabel("utilisation of the active material (vol%)")
    axes.legend(fontsize=8)


def draw_conductivity(study: Study, summary: pd.DataFrame, figure: Figure) -> None:
    """Matrix and composite conductivities against the carbon content; zero lies on the lower edge."""
    for axes, part in zip(figure.subplots(1, 2, sharey=True), ("matrix", "composite"), strict=True):
        for name, colour in (("electronic", "electrons"), ("ionic", "ions")):
            _series(study, summary, axes, f"{part}_{name}", COLOURS[colour], 10.0, style="o-")
        _measured_legend(study, axes, part)
        axes.set_yscale("symlog", linthresh=1e-5)
        axes.set_ylim(bottom=-2e-6)
        axes.set_title(part, fontsize=10)
        axes.set_xlabel("CB in the matrix (vol%, pores excluded)")
        axes.legend(fontsize=8)
    figure.suptitle(drawn(study.title), fontsize=9)
    figure.axes[0].set_ylabel("effective conductivity (mS/cm)")


def _series(
    study: Study, summary: pd.DataFrame, axes: Any, quantity: str, colour: str, scale: float, style: str
) -> None:
    rows = summary[(summary["quantity"] == quantity) & (summary["setting"] == "")].set_index("composition")
    recipes = [recipe for recipe in study.recipes if str(recipe) in rows.index]
    content = [100 * recipe.volume_fraction for recipe in recipes]
    found = rows.loc[[str(recipe) for recipe in recipes]]
    mean, low, high = (scale * found[name].to_numpy(float) for name in ("mean", "low", "high"))
    label, wide = SHOWN[quantity][0].split(", ")[-1], 3.0 if style == "o-" else 1.5
    above = mean > 0  # zero is no path: a point of its own, not the end of a line
    line = np.where(above, mean, np.nan)
    bars = np.nan_to_num(np.stack([mean - np.maximum(low, 0.2 * mean), high - mean]))
    axes.errorbar(content, line, yerr=bars, fmt=style, color=colour, ms=5, lw=wide, alpha=0.8, capsize=2, label=label)
    axes.plot(np.array(content)[~above], mean[~above], "o", color=colour, ms=5)
    for recipe, x in zip(recipes, content, strict=True):
        numbers, bound = measured_numbers(study, quantity, str(recipe))
        axes.plot([x] * len(numbers), numbers, "v-" if bound else "s-", mfc="none", color=colour, ms=9, lw=1)


def _measured_legend(study: Study, axes: Any, part: str) -> None:
    if any(quantity.startswith(part) for quantity in study.measured):
        axes.plot([], [], "s", mfc="none", mec="black", ms=9, label="measured (triangle: upper bound)")


def _measured_band(study: Study, axes: Any) -> None:
    numbers, _ = measured_numbers(study, "threshold_bulk", "all")
    if len(numbers) == 2:
        axes.axvspan(*numbers, color="gold", alpha=0.35, label="measured, bulk pellet")
        axes.legend(fontsize=7, loc="lower left", bbox_to_anchor=(0.0, 1.0))


def _rank(quantity: str) -> int:
    """Bulk first, then along, then across."""
    return list(NAMES).index(quantity)
