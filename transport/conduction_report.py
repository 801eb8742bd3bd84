"""How a result prints itself: one line per number, with its unit from the field's metadata, and its sides in words."""

from __future__ import annotations

import dataclasses
from typing import Any

from percolation.lattice.sides import name_sides


def describe(result: Any) -> str:
    """Return the printed form of a result: the fields of its repr, one line each, with units."""
    lines = [type(result).__name__ + ("" if getattr(result, "converged", True) else ": NOT CONVERGED")]
    shown = [entry for entry in dataclasses.fields(result) if entry.repr]
    width = max(len(entry.name) for entry in shown) + 2
    for entry in shown:
        unit = entry.metadata.get("unit", "")
        value = getattr(result, entry.name)
        name, text = _sides(result) if entry.name == "periodic" else (entry.name, _text(value))
        lines.append(f"  {name:<{width}}{text} {unit}".rstrip())
    return "\n".join(lines)


def _sides(result: Any) -> tuple[str, str]:
    return "sides", name_sides(result.periodic, getattr(result, "axis", None))


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
