"""Text files: studies (TOML), measurements (CSV) and folders of charts; honest ones are read, others refused."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.reliability.refused import try_refusal
from benchmarks.reliability.sentences import attempt, right
from benchmarks.reliability.studies import TESTS
from benchmarks.reliability.tally import Tally
from benchmarks.reliability.trial import clear, in_child, scratch

Make = Callable[[Path], object]
STUDY = (TESTS / "tiny.toml").read_text("utf-8")
HEADINGS = "quantity,composition,value,unit\n"
ROW = "composite_ionic,70:30:0,0.3,mS/cm\n"


def run() -> Iterator[Tally]:
    """The three kinds of files."""
    yield _studies()
    yield _measurements()
    yield _charts()


def _studies() -> Tally:
    tally = Tally("hostile files: studies (.toml)")
    for name, text in bad_studies().items():
        content = text if isinstance(text, bytes) else text.encode()
        try_refusal(
            tally, name, ("run", "mine.toml", "--out", "out"), lambda f, c=content: (f / "mine.toml").write_bytes(c)
        )
    for name, (text, look) in fine_studies().items():
        _read(tally, name, lambda f, t=text: (f / "mine.toml").write_text(t, "utf-8"), lambda k=look: k(_study()))
    return tally


def _study() -> Any:
    from studies.study import load_study

    return load_study("mine.toml")


def _changed(old: str, new: str) -> str:
    if old not in STUDY:
        raise ValueError(f"the study for tests has no {old!r}")
    return STUDY.replace(old, new)


def bad_studies() -> dict[str, str | bytes]:
    """Studies that are none, by what is wrong."""
    top = 'title = "Li6PS5Cl, 70:30:x"'
    return {
        "empty": "",
        "random bytes": bytes(range(256)) * 9,
        "UTF-16": STUDY.encode("utf-16"),
        "arrays 100,000 levels deep": STUDY + "\n[x]\na = " + "[" * 100_000 + "]" * 100_000,
        "tables 20,000 levels deep": STUDY + "\n[" + ".".join("a" * 20_000) + "]\nb = 1\n",
        "inline tables 50,000 levels deep": STUDY + "\n[y]\na = " + "{a=" * 50_000 + "1" + "}" * 50_000,
        "a whole number of 100,000 digits": STUDY.replace("seed = 7", "seed = " + "9" * 100_000),
        "a key twice": STUDY.replace("seed = 7", "seed = 7\nseed = 8"),
        "cut short": STUDY[: len(STUDY) // 2 - 3] + '"',
        "a list where a table is": top + '\ncompositions = ["70:30:0"]\nensemble = [1, 2]\n',
        "a number where a table is": top + '\ncompositions = ["70:30:0"]\nmaterials = 3\n',
        "quick is a number": top + '\ncompositions = ["70:30:0"]\nquick = 5\n',
        "screen is a number, for run": _changed(top, top + "\nscreen = 5").replace("seeds = 2", "seeds = 1"),
        "no composition": _changed('["70:30:0", "70:30:2"]', "[]"),
        "compositions are numbers": _changed('["70:30:0", "70:30:2"]', "[70, 30]"),
        "a composition twice": _changed('"70:30:2"', '"70:30:0.0"'),
        "weights of 1e-320": _changed('"70:30:2"', '"1e-320:1e-320:1e-320"'),
        "weights of 1e300": _changed('"70:30:2"', '"1e300:1e300:1e300"'),
        "a comma in a weight": _changed('"70:30:2"', '"70:30:2,5"'),
        "a line in a weight": _changed('"70:30:2"', '"70:3_0:2"'),
        "10^12 runs": _changed("runs = 8", "runs = 1_000_000_000_000"),
        "10^12 windows": _changed("windows = 1", "windows = 1_000_000_000_000"),
        "10^9 cores": _changed("cores = 50", "cores = 1_000_000_000"),
        "not a number": _changed("pores_between_blocks = 0.12", "pores_between_blocks = nan"),
        "an infinite thickness": _changed("thickness = 5.0", "thickness = inf"),
        "a thickness of 10^9 cores": _changed("thickness = 5.0", "thickness = 1e9"),
        "a decimal comma in a length": _changed('"250 nm"', '"250,5 nm"'),
        "a space in a number": _changed('"250 nm"', '"1 250 nm"'),
        "a power of powers": _changed('"250 nm"', '"9**9**9 nm"'),
        "a voxel of 1e-30 m": _changed('"250 nm"', '"1e-30 m"'),
        "a voxel of a kilometre": _changed('"250 nm"', '"1 km"'),
        "parentheses 5,000 deep": _changed('"250 nm"', '"' + "(" * 5000 + "1" + ")" * 5000 + ' nm"'),
        "a density of nothing": _changed('"1.86 g/cm3"', '"0 g/cm3"'),
        "a decimal comma in a density": _changed('"1.86 g/cm3"', '"1,86 g/cm3"'),
        "a decimal comma in what was measured": _changed('"0.3 mS/cm"', '"0,3 mS/cm"'),
        "a utilisation of 150 %": STUDY + '[measured.utilisation_electronic]\n"70:30:0" = "150 %"\n',
        "a box of one voxel": _changed("ion_voxels = 28", "ion_voxels = 1"),
    }  # fmt: skip


def fine_studies() -> dict[str, tuple[str, Callable[[Any], bool]]]:
    """Studies as people write them, with what is read."""
    return {
        "as it is": (STUDY, lambda s: s.ensemble.seed == 7),
        "a porosity in per cent": (_changed("pores_between_blocks = 0.12", 'porosity = "35 %"'), lambda s: abs(s.composite.porosity - 0.35) < 1e-12),
        "pores in per cent": (_changed("= 0.12", '= "12 %"'), lambda s: abs(s.composite.pores_between_blocks - 0.12) < 1e-12),
        "a thickness in um beside diameters": (_changed("thickness = 5.0", 'thickness = "33 um"'), lambda s: s.composite.thickness is not None),
        "with a byte order mark": ("\ufeff" + STUDY, lambda s: s.ensemble.seed == 7),
        "with the line ends of Windows": (STUDY.replace("\n", "\r\n"), lambda s: s.ensemble.seed == 7),
        "units as papers write them": (_changed('"1.86 g/cm3"', '"1.86 g cm-3"'), lambda s: abs(s.constants["se.density"] - 1860.0) < 1e-6),
    }  # fmt: skip


def _measurements() -> Tally:
    tally = Tally("hostile files: measurements (.csv)")
    for name, text in bad_tables().items():
        content = text if isinstance(text, bytes) else text.encode()
        command = ("run", "tiny.toml", "--measured", "mine.csv", "--out", "out")
        try_refusal(tally, name, command, lambda f, c=content: (f / "mine.csv").write_bytes(c))
    try_refusal(tally, "a folder", ("run", "tiny.toml", "--measured", ".", "--out", "out"))
    for name, text in fine_tables().items():
        _read(tally, name, lambda f, t=text: (f / "mine.csv").write_bytes(t.encode()), _measured)
    return tally


def _measured() -> Any:
    from studies.measurements import with_measurements
    from studies.quantities import measured_numbers
    from studies.study import load_study

    study = with_measurements(load_study(str(TESTS / "tiny.toml")), Path("mine.csv"))
    numbers, _ = measured_numbers(study, "composite_ionic", "70:30:0")
    return bool(abs(numbers[0] - 0.3) < 1e-12) or f"{numbers}"


def bad_tables() -> dict[str, str | bytes]:
    """Tables that are none, by what is wrong."""
    return {
        "empty": "",
        "headings alone, of another table": "a,b,c\n1,2,3\n",
        "random bytes": bytes(range(256)) * 9,
        "UTF-16": (HEADINGS + ROW).encode("utf-16"),
        "a byte of nothing": HEADINGS + "composite_ionic,70:30:0,0.3\0,mS/cm\n",
        "a decimal comma": HEADINGS + "composite_ionic,70:30:0,0,3,mS/cm\n",
        "a quoted decimal comma": HEADINGS + 'composite_ionic,70:30:0,"0,3",mS/cm\n',
        "a thousand with its comma": HEADINGS + 'composite_ionic,70:30:0,"1,000",mS/cm\n',
        "a space in a number": HEADINGS + "composite_ionic,70:30:0,1 000,mS/cm\n",
        "a line in a number": HEADINGS + "composite_ionic,70:30:0,1_0,mS/cm\n",
        "digits of another script": HEADINGS + "composite_ionic,70:30:0,٣,mS/cm\n",
        "not a number": HEADINGS + "composite_ionic,70:30:0,nan,mS/cm\n",
        "infinite": HEADINGS + "composite_ionic,70:30:0,1e999,mS/cm\n",
        "negative": HEADINGS + "composite_ionic,70:30:0,-0.3,mS/cm\n",
        "no unit": HEADINGS + "composite_ionic,70:30:0,0.3,\n",
        "a unit of another kind": HEADINGS + "composite_ionic,70:30:0,0.3,nm\n",
        "a unit with a number": HEADINGS + "composite_ionic,70:30:0,0.3,10 mS/cm\n",
        "a sum for a unit": HEADINGS + "composite_ionic,70:30:0,0.3,mS/cm + 1 S/m\n",
        "a power of powers for a unit": HEADINGS + "composite_ionic,70:30:0,0.3,mS/cm * 9**9**9\n",
        "a quantity nobody knows": HEADINGS + "composite_iconic,70:30:0,0.3,mS/cm\n",
        "a composition of another study": HEADINGS + "composite_ionic,99:1:0,0.3,mS/cm\n",
        "weights of 1e-320": HEADINGS + "composite_ionic,1e-320:1e-320:0,0.3,mS/cm\n",
        "a row twice": HEADINGS + ROW + ROW,
        "quotes that do not end": HEADINGS + 'composite_ionic,"70:30:0,0.3,mS/cm\n',
        "a cell of 200,000 letters": HEADINGS + "composite_ionic," + "7" * 200_000 + ",0.3,mS/cm\n",
        "a utilisation of 150 %": HEADINGS + "utilisation_electronic,70:30:0,150,%\n",
        "too few cells": HEADINGS + "composite_ionic\n",
        "the upper end below": HEADINGS.replace("\n", ",high\n") + "composite_ionic,70:30:0,0.3,mS/cm,0.1\n",
    }  # fmt: skip


def fine_tables() -> dict[str, str]:
    """Tables as people write them."""
    return {
        "as it is": HEADINGS + ROW,
        "with a byte order mark and the line ends of Windows": "\ufeff" + (HEADINGS + ROW).replace("\n", "\r\n"),
        "with semicolons": (HEADINGS + ROW).replace(",", ";"),
        "units as papers write them": HEADINGS + "composite_ionic,70:30:0,0.3,mS cm-1\n",
    }


def _charts() -> Tally:
    tally = Tally("hostile files: charts")
    for name, make in bad_charts().items():
        try_refusal(
            tally, name, ("threshold", "--chart", "chart", "--thickness", "150 nm"), lambda f, m=make: m(_chart(f))
        )
    _read(tally, "the shipped one, copied", _chart, _threshold)
    return tally


def _chart(folder: Path) -> Path:
    from importlib import resources

    target = folder / "chart"
    target.mkdir()
    home = Path(str(resources.files("studies.chart")))
    for name in ("coat_chart.csv", "coat_chart.json"):
        shutil.copy(home / name, target / name)
    return target


def _threshold() -> Any:
    from studies.chart.threshold_chart import Chart

    wanted = {"structure": "open", "dispersion": "ideal", "fit": "reorient"}
    return Chart.load(Path("chart")).read(150e-9, **wanted) == Chart.load().read(150e-9, **wanted)


def bad_charts() -> dict[str, Make]:
    """Charts that are none, by what is done to a good one."""

    def table(change: Callable[[str], str]) -> Make:
        return lambda f: (f / "coat_chart.csv").write_text(change((f / "coat_chart.csv").read_text("utf-8")), "utf-8")

    def record(text: str) -> Make:
        return lambda f: (f / "coat_chart.json").write_text(text, "utf-8")

    def without(*names: str) -> Make:
        def make(folder: Path) -> None:
            words = json.loads((folder / "coat_chart.json").read_text("utf-8"))
            for name in names:
                del words[name]
            record(json.dumps(words))(folder)

        return make

    def first(column: str, value: str) -> Make:
        def change(text: str) -> str:
            head, *rows = text.splitlines()
            place = head.split(",").index(column)
            cells = [row.split(",") for row in rows]
            return "\n".join([head, *(",".join([*row[:place], value, *row[place + 1 :]]) for row in cells)]) + "\n"

        return table(change)

    return {
        "no folder": lambda f: shutil.rmtree(f),
        "a file": lambda f: (shutil.rmtree(f), f.write_text("hello")),
        "no table": lambda f: (f / "coat_chart.csv").unlink(),
        "no record": lambda f: (f / "coat_chart.json").unlink(),
        "an empty table": table(lambda t: ""),
        "headings alone": table(lambda t: t.splitlines()[0] + "\n"),
        "a table cut short": table(lambda t: t[: len(t) // 3]),
        "a table cut after ten rows": table(lambda t: "\n".join(t.splitlines()[:10]) + "\n"),
        "random bytes": lambda f: (f / "coat_chart.csv").write_bytes(os.urandom(3000)),
        "a byte of nothing": table(lambda t: t.replace("bulk", "bu\0lk")),
        "a folder for the table": lambda f: ((f / "coat_chart.csv").unlink(), (f / "coat_chart.csv").mkdir()),
        "values are words": first("value", "many"),
        "values are missing": first("value", ""),
        "values are negative": first("value", "-0.1"),
        "thicknesses are words": first("thickness", "thin"),
        "thicknesses are missing": first("thickness", ""),
        "thicknesses are infinite": first("thickness", "inf"),
        "a column is missing": table(lambda t: t.replace("thickness", "height", 1)),
        "the record is empty": record(""),
        "the record is an empty object": record("{}"),
        "the record is a list": record("[]"),
        "the record is null": record("null"),
        "the record is 100,000 levels deep": record("[" * 100_000),
        "the record has no seeds": without("seeds"),
        "the record has no plan": without("plan"),
        "the record has no materials": without("materials", "plan"),
    }  # fmt: skip


def _read(tally: Tally, name: str, make: Make, work: Callable[[], Any]) -> None:
    folder = scratch()
    make(folder)
    ending = in_child(attempt(work), folder=folder)
    tally.count(name, right(ending), ending=ending)
    clear(folder)
