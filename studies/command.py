"""The command `percoat`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from microstructure.errors import PercoatError

app = typer.Typer(
    help="Percolation thresholds, conductivities and utilisation of coated battery particles, from the recipe.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def percoat() -> None:
    """Percolation thresholds, conductivities and utilisation of coated battery particles, from the recipe."""


@app.command()
def run(
    study: Annotated[str, typer.Argument(help="A shipped study (kissel2026) or the path of a .toml file.")],
    quick: Annotated[bool, typer.Option("--quick", help="Minutes instead of an hour, wider intervals.")] = False,
    seeds: Annotated[
        int | None, typer.Option(help="Independent seeds, two or more; the study's own number if not given.", min=2)
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes; the numbers do not depend on it.", min=1)] = 2,
    out: Annotated[
        Path | None, typer.Option(help="Results folder, results/STUDY if not given; a run goes on from what it holds.")
    ] = None,
) -> None:
    """Run a study: thresholds, utilisation and conductivities, each beside what was measured."""
    from studies.compare import check_measured
    from studies.run import run_study
    from studies.show import show_results
    from studies.study import load_study

    settings = load_study(study, quick=quick, seeds=seeds)
    check_measured(settings)
    folder = out or Path("results") / (Path(study).stem + ("-quick" if quick else ""))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=Console(stderr=True)) as bar:
            line = bar.add_task(f"{study}, {settings.ensemble.seeds} seeds", total=None)
            results = run_study(
                settings,
                folder,
                workers=workers,
                progress=lambda done, total: bar.update(line, completed=done, total=total),
            )
    except KeyboardInterrupt:
        sys.stderr.write("percoat: interrupted; finished tasks are kept, the same command goes on from there\n")
        raise typer.Exit(130) from None
    show_results(results)


@app.command()
def calibrate(
    study: Annotated[str, typer.Argument(help="A study whose [fitted] table names one measured value per parameter.")],
    quick: Annotated[bool, typer.Option("--quick", help="The study's quick settings.")] = False,
) -> None:
    """Fit six parameters to six measured numbers, and print them as a [materials] table."""
    from microstructure.materials import UNITS
    from studies.calibrate import calibrate as fit
    from studies.calibrate import find_targets
    from studies.study import load_study

    settings = load_study(study, quick=quick)
    fixed_by = {name: f"{target.quantity} {target.recipe}" for name, target in find_targets(settings).items()}
    for name, value in fit(settings).items():
        group, key = name.split(".")
        unit = UNITS[key]
        text = f"{value:.4g}" if unit == "1" else f'"{value:.4g} {unit}"'
        source = f"fitted: {fixed_by[name]}, {settings.ensemble.seeds} seeds"
        typer.echo(f'[materials.{group}]\n{key} = {{ value = {text}, source = "{source}" }}')


def main() -> None:
    """Run the command; an error that a person can mend is one sentence and exit status 2."""
    try:
        app()
    except (PercoatError, ValueError, TypeError, OSError) as error:
        sys.stderr.write(f"percoat: {' '.join(str(error).split())}\n")
        raise SystemExit(2) from None
