"""The picture of a chart: thresholds along and across a coat over the bulk's, against its thickness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from studies.chart.chart_rows import SEAM, SKIN
from studies.chart.threshold_chart import Chart
from studies.terminal.pictures import drawn, save_picture

LINES = {
    "in_plane": ("#c1440e", "along the coat"),
    SEAM: ("#1f6f8b", "across, core to core, seam, ideal contact"),
    SKIN: ("#8b6d1f", "across, core to core, seam, through the skin"),
    "core_to_core_merged": ("#5b4a8a", "across, core to core, merged"),
    "core_to_outside": ("#3a7d44", "across, core to outside"),
}
STYLES = ("-", "--", ":")


def draw_chart(chart: Chart, path: Path) -> None:
    """Write the picture: one panel for each structure and dispersion; fits differ by the style of the line."""
    rows = chart.choose()
    structures, dispersions = (list(dict.fromkeys(rows[name])) for name in ("structure", "dispersion"))
    figure = Figure(figsize=(4.2 * len(dispersions), 3.7 * len(structures) + 0.8), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(structures), len(dispersions), sharex=True, sharey=True, squeeze=False)
    for line, structure in zip(grid, structures, strict=True):
        for axes, dispersion in zip(line, dispersions, strict=True):
            _panel(axes, rows[(rows["structure"] == structure) & (rows["dispersion"] == dispersion)])
            axes.set_title(drawn(f"{structure} aggregates, {dispersion} dispersion"), fontsize=9)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8)
    for axes in grid[-1]:
        axes.set_xlabel("coat thickness over aggregate size, t/d", fontsize=9)
    figure.supylabel("CB in the matrix at the threshold (vol%, pores excluded)", fontsize=9)
    figure.suptitle(drawn(f"{chart.record['title']}; contact area pi R (t1 + t2)"), fontsize=9)
    save_picture(figure, path, dpi=130)


def _panel(axes: Any, rows: pd.DataFrame) -> None:
    bulk = rows[rows["quantity"] == "bulk"].iloc[0]
    axes.axhspan(100 * bulk["low"], 100 * bulk["high"], color="#444444", alpha=0.35, lw=0)
    axes.axhline(100 * bulk["value"], color="#444444", lw=1.0, label="bulk")
    axes.axvspan(0.4, 0.6, color="gold", alpha=0.25, lw=0, label="t/d of the paper's coats, 0.4 - 0.6")
    coats = rows[(rows["quantity"] == "in_plane") | ((rows["quantity"] == "across") & (rows["area_factor"] == 1.0))]
    for style, (fit, of_fit) in zip(STYLES, coats.groupby("fit", sort=False), strict=False):
        for name, (colour, label) in LINES.items():
            found = of_fit[(of_fit["case"] == name) | (of_fit["quantity"] == name)].sort_values("ratio")
            found = found[np.isfinite(found["value"])]
            if len(found):
                _line(axes, found, colour, style, label if style == "-" else None)
        axes.plot([], [], style, color="black", label=f"fit: {fit}")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(which="both", alpha=0.2)


def _line(axes: Any, found: pd.DataFrame, colour: str, style: str, label: str | None) -> None:
    ratio, value = found["ratio"].to_numpy(float), 100 * found["value"].to_numpy(float)
    low, high = 100 * found["low"].to_numpy(float), 100 * np.minimum(found["high"].to_numpy(float), 1.0)
    axes.fill_between(ratio, low, np.maximum(high, value), color=colour, alpha=0.15, lw=0)
    axes.plot(ratio, value, style, color=colour, lw=1.4, marker="o", ms=2.5, label=label)
