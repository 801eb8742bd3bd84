"""Wrong inputs on the command line: quantities, names, paths, numbers, settings that cannot be, texts with markup."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.reliability.refused import try_refusal
from benchmarks.reliability.studies import SCREEN, TESTS
from benchmarks.reliability.tally import Tally

Make = Callable[[Path], object]
Case = tuple[str, tuple[str, ...], Make | None]
TINY = (TESTS / "tiny.toml").read_text("utf-8")
PLAN = (TESTS / "tiny_chart.toml").read_text("utf-8")
QUANTITIES = (
    "120,5 nm", "1 200 nm", "1.200,5 nm", "9**9**9 nm", "1/0 nm", "(((150))) nm", "150nm;", "1_0 nm", "150", "nm", "", " ", "150 S",
    "-150 nm", "0 nm", "nan nm", "inf nm", "1e999 nm", "150 nm 3", "2*75 nm", "150 ± 5 nm", "150+-5 nm", "0x96 nm", "15０ nm",
    "150 nm # coat", "150 nanometers of carbon", "[/foo] nm", "$x_$ nm", "__import__('os') nm", "lambda: 1 nm", "1e-30 m", "1 km", "150 %",
)  # fmt: skip
COMPOSITIONS = (
    "80:20", "80", "", "a:b:c", "80:20:0,5", "80:20:-1", "0:0:0", "80:20:nan", "80:20:inf", "1e-320:1e-320:1", "80:20:1e400", "80:20:1:1",
    "80:20:1_0", "80:20:99999", "9**9:1:1", "80;20;1", "[/foo]", "80 : 20 : x",
)  # fmt: skip
OUT = ("--out", "out")


def run() -> Iterator[Tally]:
    """Every wrong command, in a folder of its own."""
    tally = Tally("wrong inputs on the command line")
    for name, arguments, make in cases():
        try_refusal(tally, name, arguments, make)
    yield tally


def cases() -> Iterator[Case]:
    """Name, arguments, and what has to lie in the folder first."""
    for text in QUANTITIES:
        yield f"threshold --thickness {text!r}", ("threshold", f"--thickness={text}"), None
    yield (
        "threshold, parentheses 10,000 deep",
        ("threshold", "--thickness", "(" * 10_000 + "1" + ")" * 10_000 + " nm"),
        None,
    )
    yield "threshold, 100,000 digits", ("threshold", "--thickness", "1" * 100_000 + " nm"), None
    for text in COMPOSITIONS:
        yield f"compare --composition {text!r}", ("compare", "screen.toml", f"--composition={text}"), None
    yield from _names()
    yield from _paths()
    yield from _written("run", TINY, _studies())
    yield from _written("screen", SCREEN, _screens())
    yield from _written("threshold", PLAN, _plans())


def _names() -> Iterator[Case]:
    for arguments in (
        ("run", "kissel2027"), ("run", ""), ("run", "[/foo]"), ("run", "../kissel2026"), ("run", "fitted"), ("screen", "fitted"),
        ("compare", "nobody"), ("calibrate", "nobody"), ("calibrate", "neighbours"), ("calibrate", "tiny.toml"), ("runn", "kissel2026"), ("run",), ("run", "a", "b"),
        ("threshold", "--structure", "closed"), ("threshold", "--dispersion", "awful"), ("threshold", "--fit", "squash"),
        ("threshold", "--structure", "[/foo]"), ("threshold", "--structure", ""), ("threshold", "--fit", ""), ("threshold", "--quick"), ("threshold", "--seeds", "4"),
        ("threshold", "--out", "x"), ("threshold", "--recompute", "--seeds", "1"), ("run", "tiny.toml", "--seeds", "1", *OUT),
        ("run", "tiny.toml", "--seeds", "1000000000000", *OUT), ("screen", "screen.toml", "--seeds", "1000000000000", *OUT),
        ("run", "tiny.toml", "--seeds", "2.5", *OUT), ("run", "tiny.toml", "--seeds", "two", *OUT), ("run", "tiny.toml", "--workers", "0", *OUT),
        ("run", "tiny.toml", "--workers", "-3", *OUT), ("run", "tiny.toml", "--workers", "many", *OUT), ("run", "--no-such-option"),
    ):  # fmt: skip
        yield " ".join(arguments), arguments, None


def _paths() -> Iterator[Case]:
    def file(name: str) -> Make:
        return lambda folder: (folder / name).write_text("mine\n", "utf-8")

    def folder_of(name: str) -> Make:
        return lambda folder: ((folder / name).mkdir(), (folder / name / "mine.txt").write_text("mine\n", "utf-8"))

    for study in ("missing.toml", ".", "/", "no/such/folder/a.toml", "a\0b.toml", "x" * 5000 + ".toml"):
        yield f"run {study[:40]!r}", ("run", study, *OUT), None
    for command, study in (("run", "tiny.toml"), ("screen", "screen.toml")):
        yield f"{command} --out below a file", (command, study, "--out", "mine/out"), file("mine")
        yield f"{command} --out is a file", (command, study, "--out", "mine"), file("mine")
        yield f"{command} --out is a folder of something else", (command, study, "--out", "mine"), folder_of("mine")
        yield f"{command} --out with a name too long", (command, study, "--out", "x" * 300), None
    recompute = ("threshold", "--recompute", "--plan", "tiny_chart.toml")
    yield "threshold --recompute --out below a file", (*recompute, "--out", "mine/out"), file("mine")
    yield "threshold --recompute --out is a file", (*recompute, "--out", "mine"), file("mine")
    yield "threshold --recompute --csv is a folder", (*recompute, *OUT, "--csv", "."), None
    yield "threshold --recompute --figure below a file", (*recompute, *OUT, "--figure", "mine/a.png"), file("mine")
    yield "threshold --recompute, a thickness off the chart", (*recompute, *OUT, "--thickness", "9 um"), None
    yield "threshold --recompute, no quantity", (*recompute, *OUT, "--thickness", "9,5 nm"), None
    yield "threshold --recompute, an unknown dispersion", (*recompute, *OUT, "--dispersion", "awful"), None
    for option in ("--csv", "--formulas", "--figure"):
        yield f"threshold {option} is a folder", ("threshold", option, "."), None
        yield f"threshold {option} below a file", ("threshold", option, "mine/a.png"), file("mine")
    yield "threshold --figure in no format", ("threshold", "--figure", "a.nonsense"), None
    yield "threshold --chart is empty", ("threshold", "--chart", "empty"), lambda folder: (folder / "empty").mkdir()
    yield "threshold --chart is a file", ("threshold", "--chart", "mine"), file("mine")
    yield "threshold --plan is missing", ("threshold", "--recompute", "--plan", "mine.toml", *OUT), None
    yield "threshold --plan is a folder", ("threshold", "--recompute", "--plan", ".", *OUT), None
    yield "compare --csv is a folder", ("compare", "screen.toml", "--csv", "."), None
    yield "compare --csv below a file", ("compare", "screen.toml", "--csv", "mine/a.csv"), file("mine")
    yield "calibrate --out is a folder", ("calibrate", "kissel2026", "--quick", "--out", "."), None
    yield "calibrate --out below a file", ("calibrate", "kissel2026", "--quick", "--out", "mine/a.toml"), file("mine")
    yield "screen --fitted is missing", ("screen", "screen.toml", "--fitted", "mine.toml", *OUT), None
    yield "screen --fitted is no fitted set", ("screen", "screen.toml", "--fitted", "tiny.toml", *OUT), None
    yield "screen --fitted is a folder", ("screen", "screen.toml", "--fitted", ".", *OUT), None
    yield "run --measured is missing", ("run", "tiny.toml", "--measured", "mine.csv", *OUT), None
    yield "the cache is a file", ("compare", "screen.toml"), file("cache")


def _written(command: str, text: str, changes: dict[str, tuple[str, str]]) -> Iterator[Case]:
    for name, (old, new) in changes.items():
        if old not in text:
            raise ValueError(f"{name}: the file for tests has no {old!r}")
        content = text.replace(old, new, 1)
        arguments = (
            (command, "--recompute", "--plan", "mine.toml") if command == "threshold" else (command, "mine.toml")
        )
        yield f"{command}: {name}", (*arguments, *OUT), lambda f, c=content: (f / "mine.toml").write_text(c, "utf-8")


def _studies() -> dict[str, tuple[str, str]]:
    return {
        "a title that is a number": ('"Li6PS5Cl, 70:30:x"', "7"),
        "a misspelt key": ("runs = 8", "rnus = 8"),
        "a material that nobody knows": ("[materials.se]", "[materials.sse]"),
        "too much carbon for the patches": ('"70:30:2"', '"70:30:90"'),
        "a measured composition of another study": ('"70:30:0" = "0.3', '"90:10:0" = "0.3'),
        "a measured quantity that nobody knows": ("[measured.composite_ionic]", "[measured.composite_iconic]"),
        "fewer than two seeds": ("seeds = 2", "seeds = 1"),
        "10^12 runs": ("runs = 8", "runs = 1000000000000"),
        "10^12 seeds": ("seeds = 2", "seeds = 1000000000000"),
        "more than all is pores": ("0.12", "1.5"),
        "no room for the pores of the matrix": ("pores_between_blocks = 0.12", "porosity = 0.001"),
        "a box smaller than two aggregates": ('bulk_edge = "1 um"', 'bulk_edge = "100 nm"'),
        "a box of a metre": ('bulk_edge = "1 um"', 'bulk_edge = "1 m"'),
        "a network of a metre": ('network_edge = "1 um"', 'network_edge = "1 m"'),
        "contact gaps of a metre": ('["0 nm"]', '["1 m"]'),
        "voxels of an angstrom": ('"250 nm"', '"0.1 nm"'),
        "a fit that nobody knows": ('["reorient"]', '["squash"]'),
        "a case twice": ('["core_to_outside"]', '["core_to_outside", "core_to_outside"]'),
        "patches 9**9**9": ('effort = "quick"', 'effort = "9**9**9"'),
    }  # fmt: skip


def _screens() -> dict[str, tuple[str, str]]:
    head, end = '"70:30:2" = "1.8 mS/cm"\n', '"70:30:2" = "1.8 mS/cm"\n[screen]\n'
    small = 'thickness = "16 um"'
    return {
        "screen is a number": ('title = "a screening for tests"', 'title = "a"\nscreen = 5'),
        "a goal that nobody knows": (head, end + 'goal = "fame"\n'),
        "a least with a comma": (head, end + 'least = "90,5 %"\n'),
        "a least that is a sum": (head, end + 'least = "9**9**9 %"\n'),
        "a least above all": (head, end + 'least = "150 %"\n'),
        "a least of the wrong kind": (head, end + 'least = "3 nm"\n'),
        "a merit that is none of the rates": (head, end + "merit = 7.0\n"),
        "no rates": (head, end + "rates = []\n"),
        "a rate of 1e308": (head, end + "rates = [1e308]\nmerit = 1e308\n"),
        "x without cam_to_se": (head, end + "x = [1.0]\n"),
        "a cam_to_se of 1e-320": (head, end + 'cam_to_se = ["1e-320:1e-320"]\nx = [1.0]\n'),
        "a negative x": (head, end + 'cam_to_se = ["70:30"]\nx = [-1.0]\n'),
        "10^12 samples": (head, end + "samples = 1000000000000\n"),
        "an unknown thing varied": (head, end + 'vary = { "cam.medium_diameter" = ["2 um"] }\n'),
        "a varied value with a comma": (head, end + 'vary = { "cam.median_diameter" = ["2,5 um", "3 um"] }\n'),
        "a varied value without a unit": (head, end + 'vary = { "cam.median_diameter" = [2.5, 3.0] }\n'),
        "a varied value that nothing can be": (head, end + 'vary = { "cam.median_diameter" = ["1 m"] }\n'),
        "no varied value": (head, end + 'vary = { "cam.median_diameter" = [] }\n'),
        "pores that leave no room": (head, end + 'vary = { "composite.porosity" = [0.01] }\n'),
        "a box too small for a core": (small, 'thickness = "1 um"'),
        "a box of a kilometre": (small, 'thickness = "1 km"'),
        "10^9 cores": ("cores = 60", "cores = 1000000000"),
        "a cathode of nothing": (small, 'mass = "0 mg"'),
        "too much carbon for the patches": ('"70:30:2"]', '"70:30:60"]'),
    }  # fmt: skip


def _plans() -> dict[str, tuple[str, str]]:
    return {
        "quick is a number": (PLAN, "quick = 5\n" + PLAN.split("[quick]")[0]),
        "a bad composition": ('"80:20:3"', '"80:20"'),
        "a composition of 1e-320": ('"80:20:3"', '"1e-320:1e-320:1"'),
        "a structure outside of the folder": ("[structures.open]", '[structures."../../evil"]'),
        "a structure with a stroke": ("[structures.open]", '[structures."a/b"]'),
        "a structure without a name": ("[structures.open]", '[structures.""]'),
        "a dispersion outside of the folder": ("[dispersions.ideal]", '[dispersions."../evil"]'),
        "10^12 runs": ("bulk_runs = 4", "bulk_runs = 1000000000000"),
        "10^12 runs of blocks": ("runs = 2", "runs = 1000000000000"),
        "ratios that fall": ("[0.4, 0.8, 1.6]", "[1.6, 0.8, 0.4]"),
        "a ratio of 1e-9": ("[0.4, 0.8, 1.6]", "[1e-9, 0.8, 1.6]"),
        "a ratio of 1e9": ("[0.4, 0.8, 1.6]", "[0.4, 0.8, 1e9]"),
        "an area of 1e300": ("[0.25, 1.0]", "[0.25, 1e300]"),
        "contents beyond what is swept": ("contents = [0.05]", "contents = [0.5]"),
        "a length with a comma": ('bulk_edge = "1 um"', 'bulk_edge = "1,5 um"'),
        "a coat of a metre": ('coat_width = "1.2 um"', 'coat_width = "1 m"'),
        "a block of a metre": ('diameters = ["1 um"]', 'diameters = ["1 m"]'),
        "a coat thicker than can be": ('thicknesses = ["150 nm"]', 'thicknesses = ["1 m"]'),
        "no dispersion": ("[dispersions.ideal]", ""),
    }  # fmt: skip
