"""Whose densities turn the volume fractions of a chart into masses."""

from __future__ import annotations

from typing import Any

from studies.chart.threshold_chart import Chart
from studies.study import load_study

# what the aggregates of a chart are made of, and how much of them a matrix with its pores holds
CARBON = ("aggregate_diameter", "aggregate_width", "primary_diameter", "fractal_dimension", "fractal_prefactor")


def find_densities(
    study: str | None = None, *, se: str | None = None, cb: str | None = None
) -> dict[str, dict[str, Any]]:
    """Names and densities of electrolyte and carbon, nested as the [materials] of a study.

    Parameters
    ----------
    study : str, optional
        A shipped study, or the path of a .toml file.
    se, cb : str, optional
        A density as text with its unit; it goes before that of the study.
    """
    found: dict[str, dict[str, Any]] = {}
    if study is not None:
        constants = load_study(study).constants
        for group in ("se", "cb"):
            density = constants.constants[f"{group}.density"]
            found[group] = {"name": constants.names[group], "density": f"{density.value!r} {density.unit}"}
    for group, text in (("se", se), ("cb", cb)):
        if text is not None:
            found[group] = {"name": group.upper(), "density": text}
    return found


def foreign_carbon(study: str | None, chart: Chart) -> list[str]:
    """A sentence if a study has other aggregates than the chart: of it, the densities count alone."""
    if study is None:
        return []
    constants, made = load_study(study).constants, chart.record["materials"]
    other = [f"cb.{name}" for name in CARBON if constants[f"cb.{name}"] != made.get(f"cb.{name}")]
    if not other:
        return []
    return [f"of {study} the densities count alone: the chart has its own {', '.join(other)}"]
