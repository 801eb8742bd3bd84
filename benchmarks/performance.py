"""Write docs/performance.md: conduction beside public solvers, its growth with size and contrast, and sweeps.

    python -m benchmarks.performance [peers] [scaling] [sweeps]

Each part writes its own table when it is done. All take about an hour on two processors and 11 GB.
"""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import psutil

from benchmarks import conduction, scaling, sweeps
from benchmarks.peers import available
from benchmarks.tables import markdown

EDGE = 200
PAGE, SEAM = Path(__file__).parents[1] / "docs" / "performance.md", "\n<!-- -->\n\n"
PACKAGES = ("numpy", "scipy", "numba", "pyamg", "porespy", "openpnm", "taufactor", "torch")

TEXT = {
    "head": """# Performance of conduction

Made by `make bench-peers` (`benchmarks/performance.py`) on {machine}. {versions}.
""",
    "peers": """## Beside public solvers

{edge}^3 voxels, plates along x, one image after the other, every program in a process of its own, both processors allowed to
all. Peers run once; percoat runs before each of them, and the median of its times is what they are compared with. It starts
from the labels; its seconds hold everything, the certificate included. Peers that solve a matrix get it ready made, and their
seconds are those of set-up and solve. They solve until the flux through any two
planes is equal to 1e-6, or to ten roundings times the contrast where that is more (as percoat does); those with a criterion of
their own keep their default, and are told apart in the last columns. PoreSpy, OpenPNM and TauFactor know closed sides only,
PoreSpy and OpenPNM put their plates at the centres of voxels: their conductivities differ for that reason, too.

- blobs: smoothed noise cut at its middle, half insulating.
- three phases: 60 % cores of 1e-3 S/m, 3 % carbon of 1 S/m, a matrix of 1e-7 S/m.
- cathode: 80:20:3 from `build_composite`, 37 nm a voxel, every primary shown; cores 1e-3, carbon 1, electrolyte 1e-7 S/m, pores 0.

{peers}

{skipped} Finished on {now}, of a machine whose speed changes from day to day: compare within this table.
""",
    "scaling": """## Size and contrast

Three phases, one run each; the matrix conducts 1 / contrast, the carbon 1 S/m. The bracket holds the exact answer of the voxel
image, whatever the solver did; its width is given over the value. At contrast 1 an even fall is the answer without a step:
that row starts from noise.

{scaling}

Finished on {now}.
""",
    "sweeps": """## One solve after the other

Five solves of the three phases, {edge}^3: each anew, and each from the potential of the one before. `sweep_conductivities` keeps the
multigrid as well, while conductances change by less than a factor of three. A little more carbon changes nearly every part of it,
and the potential around every new piece: what a start saves there is about what it costs to see which of its clusters are right.

{sweeps}

Finished on {now}.
""",
}


def main(parts: list[str]) -> None:
    """Run the parts and write each into the page."""
    write(
        "head",
        machine=f"{psutil.cpu_count()} processors ({processor()}), {psutil.virtual_memory().total / 2**30:.0f} GiB",
        versions=", ".join(f"{name} {version}" for name, version in versions().items()),
    )
    if "peers" in parts:
        missing = available()[1]
        write(
            "peers",
            edge=EDGE,
            peers=markdown(
                conduction.HEADINGS,
                "|---|---|---:|---:|---:|---:|---:|---|",
                (conduction.cells(row, EDGE) for row in conduction.rows(EDGE, rounds=1)),
            ),
            skipped="\n".join(f"Skipped: {name}: {why}." for name, why in missing.items()) or "Nothing was skipped.",
        )
    if "scaling" in parts:
        rows = (scaling.cells(row) for row in scaling.rows())
        write("scaling", scaling=markdown(scaling.HEADINGS, "|---|---:|---:|---:|---:|---:|---:|---:|", rows))
    if "sweeps" in parts:
        rows = (sweeps.cells(row) for row in sweeps.rows())
        write("sweeps", edge=sweeps.EDGE, sweeps=markdown(sweeps.HEADINGS, "|---|---|---|---:|---:|---:|", rows))


def write(part: str, **values: object) -> None:
    """Put one part of the page in its place; the others stay."""
    texts = PAGE.read_text().split(SEAM) if PAGE.exists() else []
    texts += [""] * (len(TEXT) - len(texts))
    texts[list(TEXT).index(part)] = TEXT[part].format(now=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", **values)
    PAGE.write_text(SEAM.join(texts))


def processor() -> str:
    """Its name, as the system tells it."""
    told = Path("/proc/cpuinfo")
    names = (
        [line.split(":")[1].strip() for line in told.read_text().splitlines() if line.startswith("model name")]
        if told.exists()
        else []
    )
    return names[0] if names else platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Of the programs that are installed."""
    found = {"Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    main(sys.argv[1:] or ["peers", "scaling", "sweeps"])
