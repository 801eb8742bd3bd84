"""`percoat run`: the main job of a study, every composition with every primary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from studies.commands.choices import COUNT, SEEDS, WORKERS, Measured
from studies.terminal.progress import with_bars

if TYPE_CHECKING:
    pass


def run(
    study: Annotated[str, typer.Argument(help="A shipped study (kissel2026) or the path of a .toml file.")],
    quick: Annotated[bool, typer.Option("--quick", help="Minutes instead of an hour, wider intervals.")] = False,
    seeds: Annotated[
        int | None,
        typer.Option(
            help="Independent seeds, two or more; the study's own number if not given.", parser=SEEDS, metavar=COUNT
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Processes; the numbers do not depend on it.", parser=WORKERS, metavar=COUNT)
    ] = 2,
    out: Annotated[
        Path | None, typer.Option(help="Results folder, results/STUDY if not given; a run goes on from what it holds.")
    ] = None,
    measured: Measured = None,
) -> None:
    """Run a study: thresholds, utilisation and conductivities, each beside what was measured."""
    from studies.jobs.targets import check_folder
    from studies.measurements import with_measurements
    from studies.quantities import check_measured
    from studies.series.run_study import run_study
    from studies.series.series_report import show_results
    from studies.study import load_study

    settings = with_measurements(load_study(study, quick=quick, seeds=seeds), measured)
    check_measured(settings)
    folder = out or Path("results") / (Path(study).stem + ("-quick" if quick else ""))
    check_folder("--out", folder)
    show_results(with_bars(lambda bars: run_study(settings, folder, workers=workers, progress=bars)))
