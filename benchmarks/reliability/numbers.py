"""Silent wrong numbers: each case has its right value, or has to be refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reliability.sentences import attempt, refusal, right
from benchmarks.reliability.studies import SCREEN, TESTS
from benchmarks.reliability.tally import Tally
from benchmarks.reliability.trial import Ending, call_command, clear, in_child, scratch, tree

PATIENCE = 600.0  # s, for a whole command
READ = {  # text, SI unit, value
    ("2.2e-3 S cm-1", "S/m"): 0.22,
    ("2.2e-3 S cm^-1", "S/m"): 0.22,
    ("2 mS cm^-1", "S/m"): 0.2,
    ("0.7 mS/cm", "S/m"): 0.07,
    ("0.78 m2 g-1", "m2/kg"): 780.0,
    ("0.78 m2/g", "m2/kg"): 780.0,
    ("1.86 g cm-3", "kg/m3"): 1860.0,
    ("15 %", "1"): 0.15,
    ("3 wt%", "1"): 0.03,
    ("150nm", "m"): 1.5e-7,
    ("3.3 µm", "m"): 3.3e-6,
    ("3.3 μm", "m"): 3.3e-6,
    ("-1 um", "m"): -1e-6,
    (".5 um", "m"): 5e-7,
    ("1E2 nm", "m"): 1e-7,
}
REFUSED = (
    ("120,5 nm", "m"), ("1 200 nm", "m"), ("2,2 mS/cm", "S/m"), ("0,336", "1"), ("2.2 ± 0.3 mS/cm", "S/m"),
    ("2.2 +- 0.3 mS/cm", "S/m"), ("2.2+/-0.3 mS/cm", "S/m"), ("2.2(3) mS/cm", "S/m"), ("1/0 nm", "m"), ("150nm;", "m"),
    ("1_0 nm", "m"), ("9**9**9 nm", "m"), ("2 * 3 nm", "m"), ("(((1))) nm", "m"), ("1 nm 2 nm", "m"), ("1 nm + 2 nm", "m"),
    ("1-2 nm", "m"), ("1:2 nm", "m"), ("1e400 nm", "m"), ("1e-400 nm", "m"), ("１５０ nm", "m"), ("1'000 nm", "m"),
    ("(" * 300 + "1" + ")" * 300 + " nm", "m"), ("150 nm # mean", "m"), ("0x10 nm", "m"), ("nan nm", "m"),
)  # fmt: skip
DIAGONAL = [[1, 0, 0], [1, 0, 1], [0, 0, 1]]  # connects through its sides alone


def run() -> Iterator[Tally]:
    """Every case in a process of its own."""
    tally = Tally("silent wrong numbers")
    for (text, unit), value in READ.items():
        _count(tally, f"{text!r}", lambda t=text, u=unit, v=value: _equal(_parse(t, u), v), right)
    for text, unit in REFUSED:
        _count(tally, f"{text[:30]!r}", lambda t=text, u=unit: _parse(t, u), refusal)
    for name, (work, verdict) in cases().items():
        _count(tally, name, work, verdict, PATIENCE)
    _commands(tally)
    yield tally


def _count(
    tally: Tally, name: str, work: Callable[[], Any], verdict: Callable[[Ending], str], seconds: float = 60.0
) -> None:
    folder = scratch()
    tally.count(name, verdict(in_child(attempt(work), folder=folder, seconds=seconds)))
    clear(folder)


def _parse(text: str, unit: str) -> float:
    from microstructure.units import parse_quantity

    return parse_quantity(text, unit)


def _equal(found: float, wanted: float) -> bool | float:
    return bool(np.isclose(found, wanted, rtol=1e-9, atol=0.0)) or found


def cases() -> dict[str, tuple[Callable[[], Any], Callable[[Ending], str]]]:
    """Calls in Python, by name."""
    found: dict[str, tuple[Callable[[], Any], Callable[[Ending], str]]] = {
        "no path but through the sides: 0": (lambda: _equal(_conductivity(np.array([DIAGONAL]).transpose(1, 2, 0)), 0.0), right),
        "the same, asked to join the sides: 0.25": (_joined, right),
        "a sweep closes the sides": (_sweep, right),
        "find_spanning closes the sides": (_spanning, right),
    }  # fmt: skip
    for axis in range(3):
        found[f"along axis {axis} the sides are closed"] = (lambda axis=axis: _closed(axis), right)
        found[f"plates along axis {axis}, not a cell"] = (lambda axis=axis: _plates(axis), right)
        found[f"a sweep along axis {axis} has plates"] = (lambda axis=axis: _sweep_plates(axis), right)
    for weights in ((10, 50, 90, 100), (0.1, 0.5, 0.9, 1.0), (5.0, 20.0, 60.0, 100.0)):
        for weighting in ("volume", "number"):
            found[f"cumulative {weights} by {weighting}"] = (lambda w=weights, k=weighting: _table(w, k), refusal)
    found["shares that rise, but are no sums"] = (_rising_shares, right)
    found["a third coat model is no shell"] = (_third_coat, refusal)
    for name, photometric in (("0 is white", (0,)), ("0 is white on some pages", (1, 0))):
        found[f"TIFF: {name}"] = (lambda p=photometric: _white(p), refusal)
    for name, options in {
        "OME": {"ome": True, "metadata": {"axes": "ZYX"} | {f"PhysicalSize{a}": 0.1 for a in "XYZ"}},
        "OME in nm": {
            "ome": True,
            "metadata": {"axes": "ZYX"} | {f"PhysicalSize{a}": 100.0 for a in "XYZ"} | {f"PhysicalSize{a}Unit": "nm" for a in "XYZ"},
        },
        "ImageJ in nm": {"imagej": True, "resolution": (0.01, 0.01), "metadata": {"axes": "ZYX", "spacing": 100.0, "unit": "nm"}},
    }.items():  # fmt: skip
        found[f"voxel size: {name}"] = (lambda o=options: _voxel_size((1e-7,), **o), right)
    uneven = {"imagej": True, "resolution": (10.0, 10.0), "metadata": {"axes": "ZYX", "spacing": 0.3, "unit": "um"}}
    found["voxel size: 0.1 x 0.1 x 0.3 um"] = (lambda: _voxel_size((1e-7, 3e-7), **uneven), right)
    return found


def _conductivity(image: Any, **options: Any) -> float:
    from transport import effective_conductivity

    return effective_conductivity(image, {0: 0.0, 1: 1.0, 2: 0.1}, 1e-6, **options).value


def _image() -> Any:
    return np.random.default_rng(3).choice(3, (12, 12, 12), p=[0.55, 0.3, 0.15])


def _sides(axis: int, *, joined: bool) -> tuple[bool, bool, bool]:
    x, y, z = (joined and number != axis for number in range(3))
    return x, y, z


def _joined() -> bool | float:
    return _equal(_conductivity(np.array([DIAGONAL]).transpose(1, 2, 0), periodic=_sides(0, joined=True)), 0.25)


def _closed(axis: int) -> bool | float:
    return _equal(_conductivity(_image(), axis=axis), _conductivity(_image(), axis=axis, periodic=(False,) * 3))


def _plates(axis: int) -> bool | float:
    """A slab across the axis blocks plates; a cell with a gradient along another axis would conduct beside it."""
    image = np.ones((6, 6, 6), int)
    np.moveaxis(image, axis, 0)[0] = 2  # one layer of 0.1: plates see 1 / (5/6 / 1 + 1/6 / 0.1)
    return _equal(round(_conductivity(image, axis=axis), 8), round(1.0 / (5.0 / 6.0 + 10.0 / 6.0), 8))


def _sweep() -> bool | float:
    from transport import sweep_conductivities

    image = np.array([DIAGONAL]).transpose(1, 2, 0)
    return _equal(sweep_conductivities(image, [{0: 0.0, 1: 1.0}], 1e-6)[0].value, 0.0)


def _sweep_plates(axis: int) -> bool | float:
    from transport import sweep_conductivities

    found = sweep_conductivities(_image(), [{0: 0.0, 1: 1.0, 2: 0.1}], 1e-6, axis)[0].value
    return bool(np.isclose(found, _conductivity(_image(), axis=axis, periodic=(False,) * 3), rtol=1e-5)) or found


def _spanning() -> bool:
    from percolation import find_spanning

    return not find_spanning(np.array([DIAGONAL]).transpose(1, 2, 0) == 1).spans


def _table(weights: tuple[float, ...], weighting: str) -> float:
    from microstructure import Table

    return Table((1e-6, 2e-6, 4e-6, 5e-6), weights, weighting).mean_volume()


def _rising_shares() -> bool | float:
    from microstructure import Table

    return _equal(round(Table((1e-6, 2e-6), (1.0, 8.0), "volume").mean_volume() * 1e18, 4), 2.3562)


def _third_coat() -> Any:
    import microstructure.coats.coating as coats
    from microstructure import Packing, Recipe

    if isinstance(coats.COAT_MODELS, tuple):  # names alone; in a table an entry is nothing without its computation
        coats.COAT_MODELS = (*coats.COAT_MODELS, "third")
    assert Packing is not None
    return coats.coat_thickness(Recipe.parse("80:20:1"), "third")


def _white(photometric: tuple[int, ...]) -> Any:
    from benchmarks.reliability.makers import tiff
    from microstructure import read_image

    tiff(Path("white.tif"), bytes(range(16)) * 4, width=8, height=8, pages=4, photometric=photometric)
    return read_image("white.tif").mean()


def _voxel_size(wanted: tuple[float, ...], **options: Any) -> Any:
    import tifffile

    import microstructure

    tifffile.imwrite(
        "a.ome.tif" if options.get("ome") else "a.tif",
        np.zeros((4, 5, 6), np.uint8),
        photometric="minisblack",
        **options,
    )
    read = getattr(
        microstructure, "read_voxel_edges", microstructure.read_voxel_size
    )  # three edges, where there is one
    found = read("a.ome.tif" if options.get("ome") else "a.tif")
    if found is None:
        return "no voxel size"
    return bool(np.allclose([np.min(found), np.max(found)], [min(wanted), max(wanted)], rtol=1e-6)) or f"{found}"


def _commands(tally: Tally) -> None:
    """Whole commands, whose text and tables are looked at."""
    folder = scratch()
    coat = _ran(folder, "threshold", "--thickness", "120 nm")
    text = coat.stdout + coat.stderr
    named = "Li3InCl6" in text or "g/cm3" in text or "kg/m3" in text
    tally.count("mass columns name the densities", "" if named else "neither a material nor a density is named")
    plan = (TESTS / "tiny_chart.toml").read_text("utf-8")
    (folder / "plan.toml").write_text('core_diameter = "5 um"\n' + plan, "utf-8")
    chart = _ran(folder, "threshold", "--recompute", "--plan", "plan.toml", "--out", "chart")
    radius = re.findall(r"R = ([\d.]+) ?um", chart.stdout)
    tally.count(
        "the radius is that of the plan",
        "" if radius == ["2.5"] else f"5 um cores: R = {radius or chart.stderr[-200:]}",
    )
    (folder / "lean.toml").write_text(SCREEN.replace('"70:30:0", "70:30:2"', '"70:30:0.2", "70:30:1"'), "utf-8")
    _screened(tally, _ran(folder, "screen", "lean.toml", "--out", "lean"), tree(folder))
    shipped = _ran(folder, "screen", "neighbours", "--quick", "--out", "neighbours", seconds=PATIENCE)
    wrong = shipped.disaster or (f"status {shipped.status}: {shipped.stderr[-200:]}" if shipped.status else "")
    tally.count("a shipped study runs: screen neighbours --quick", wrong)
    clear(folder)


def _screened(tally: Tally, ending: Ending, files: dict[str, bytes | None]) -> None:
    import io

    import pandas as pd

    if ending.status:
        for name in ("capacity where cores are reached", "intervals stay possible"):
            tally.count(name, f"status {ending.status}: {ending.stderr[-200:]}")
        return
    table = pd.read_csv(io.BytesIO(files["lean/values.csv"] or b""), keep_default_na=False, na_values={"value": [""]})
    wide = table.pivot_table(index=["composition", "setting", "seed"], columns="quantity", values="value")
    capacity = [name for name in wide.columns if name.startswith("capacity")]
    reached = wide["utilisation_joint"] > 0.01
    silent = int((wide.loc[reached, capacity] == 0.0).any(axis=1).sum())
    tally.count(
        "capacity where cores are reached", f"{silent} cathodes reach cores and have capacity 0" if silent else ""
    )
    beyond = [
        f"{a} +- {b}" for a, b in re.findall(r"([\d.]+) ?(?:\+-|±) ?([\d.]+)", ending.stdout) if float(b) > float(a)
    ]
    tally.count("intervals stay possible", f"reaches below zero: {beyond[:3]}" if beyond else "")


def _ran(folder: Path, *arguments: str, seconds: float = PATIENCE) -> Ending:
    cache = {"PERCOAT_CACHE": str(folder / "cache")}
    return in_child(call_command(*arguments), folder=folder, seconds=seconds, environment=cache, ceiling=None)
