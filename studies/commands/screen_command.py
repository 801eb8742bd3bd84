"""`percoat screen`: many compositions ranked before any is mixed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from studies.commands.choices import COUNT, SEEDS, WORKERS
from studies.terminal.progress import with_bars

if TYPE_CHECKING:
    pass


def screen(
    study: Annotated[str, typer.Argument(help="A shipped study, or a .toml file, with a [screen] table if you like.")],
    quick: Annotated[bool, typer.Option("--quick", help="The study's quick settings.")] = False,
    seeds: Annotated[
        int | None, typer.Option(help="Independent cathodes of each candidate.", parser=SEEDS, metavar=COUNT)
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Processes; the numbers do not depend on it.", parser=WORKERS, metavar=COUNT)
    ] = 2,
    fitted: Annotated[Path | None, typer.Option(help="A fitted set of percoat calibrate --out.")] = None,
    out: Annotated[Path | None, typer.Option(help="results/STUDY-screen if not given; goes on from there.")] = None,
) -> None:
    """Predict many compositions before mixing any: who is best, how surely, and how little carbon suffices."""
    from studies.jobs.targets import check_folder
    from studies.screening.design import load_screen
    from studies.screening.screen_candidates import run_screening
    from studies.screening.screening_report import show_screening
    from studies.two_scale.fitted import load_fitted

    plan, parameters = load_screen(study, quick=quick, seeds=seeds), load_fitted(fitted)
    folder = out or Path("results") / (Path(study).stem + ("-screen-quick" if quick else "-screen"))
    check_folder("--out", folder)
    show_screening(with_bars(lambda bars: run_screening(plan, parameters, folder, workers=workers, progress=bars)))
