"""The command `percoat`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from microstructure.errors import PercoatError

Result = TypeVar("Result")
Measured = Annotated[
    Path | None,
    typer.Option("--measured", help="Your own measurements (.csv): quantity, composition, value, unit; they go first."),
]

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
    measured: Measured = None,
) -> None:
    """Run a study: thresholds, utilisation and conductivities, each beside what was measured."""
    from studies.compare import check_measured
    from studies.measurements import with_measurements
    from studies.run import run_study
    from studies.show import show_results
    from studies.study import load_study

    settings = with_measurements(load_study(study, quick=quick, seeds=seeds), measured)
    check_measured(settings)
    folder = out or Path("results") / (Path(study).stem + ("-quick" if quick else ""))
    title = f"{study}, {settings.ensemble.seeds} seeds"
    results = with_progress(title, lambda progress: run_study(settings, folder, workers=workers, progress=progress))
    show_results(results)


@app.command()
def threshold(
    thickness: Annotated[
        str | None, typer.Option(help='Of one coat, such as "150 nm"; every thickness of the chart if not given.')
    ] = None,
    structure: Annotated[str, typer.Option(help="Kind of aggregates: open or compact.")] = "open",
    dispersion: Annotated[str, typer.Option(help="ideal, fair or poor.")] = "ideal",
    fit: Annotated[str, typer.Option(help="How large aggregates fit: reorient, compress or cut.")] = "reorient",
    chart: Annotated[Path | None, typer.Option(help="Folder of a recomputed chart, else the shipped one.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write all thresholds as a table, on three scales.")] = None,
    formulas: Annotated[Path | None, typer.Option(help="Write the fitted formulas as a table.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw the chart as a picture (.png).")] = None,
    recompute: Annotated[bool, typer.Option("--recompute", help="Make the chart anew: an hour on two cores.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="With --recompute: minutes, wider intervals.")] = False,
    plan: Annotated[Path | None, typer.Option(help="With --recompute: your own plan of a chart (.toml).")] = None,
    seeds: Annotated[int | None, typer.Option(help="With --recompute: independent seeds.", min=2)] = None,
    workers: Annotated[int, typer.Option(help="Processes; the numbers do not depend on it.", min=1)] = 2,
    out: Annotated[
        Path | None, typer.Option(help="With --recompute: results/coat-chart if not given; goes on from what it holds.")
    ] = None,
) -> None:
    """Carbon thresholds of a thin coat: bulk, along it and across it, from the shipped chart or a new one."""
    from microstructure.errors import StudyError
    from microstructure.files import whole_file
    from microstructure.units import parse_quantity
    from studies.chart.chart import Chart, with_scales
    from studies.chart.figure import draw_chart
    from studies.chart.formula import fit_formulas, formula_table
    from studies.chart.make import make_chart
    from studies.chart.plan import load_plan
    from studies.chart.show import show_chart, show_coat

    if not recompute and (quick or plan or out or seeds):
        raise StudyError("--quick, --plan, --seeds and --out go with --recompute")
    wanted = {"structure": structure, "dispersion": dispersion, "fit": fit}
    height = None if thickness is None else parse_quantity(thickness, "m")
    if recompute:
        settings = load_plan(plan, quick=quick, seeds=seeds)
        folder = out or Path("results") / ("coat-chart-quick" if quick else "coat-chart")
        title = f"chart, {settings.ensemble.seeds} seeds"
        found = with_progress(title, lambda progress: make_chart(settings, folder, workers=workers, progress=progress))
        sys.stderr.write(f"written to {folder}: coat_chart.csv, thresholds.csv, formulas.csv, chart.png\n")
    else:
        found = Chart.load(chart)
    if height is None:
        show_chart(found, **wanted)
    else:
        show_coat(found, height, **wanted)
    for path, table in ((csv, with_scales(found)), (formulas, formula_table(fit_formulas(found)))):
        if path is not None:
            with whole_file(path) as temporary:
                table.to_csv(temporary, index=False, lineterminator="\n")
    if figure is not None:
        draw_chart(found, figure)


@app.command()
def calibrate(
    study: Annotated[str, typer.Argument(help="A study whose [fitted] table names one measured value per parameter.")],
    quick: Annotated[bool, typer.Option("--quick", help="The study's quick settings.")] = False,
    measured: Measured = None,
) -> None:
    """Fit six parameters to six measured numbers, and print them as a [materials] table."""
    from microstructure.materials import UNITS
    from studies.calibrate import calibrate as fit
    from studies.calibrate import count_data, find_targets
    from studies.measurements import with_measurements
    from studies.study import load_study

    settings = with_measurements(load_study(study, quick=quick), measured)
    for sentence in count_data(settings):
        typer.echo(f"# {sentence}")
    fixed_by = {name: f"{target.quantity} {target.recipe}" for name, target in find_targets(settings).items()}
    for name, value in fit(settings).items():
        group, key = name.split(".")
        unit = UNITS[key]
        text = f"{value:.4g}" if unit == "1" else f'"{value:.4g} {unit}"'
        source = f"fitted: {fixed_by[name]}, {settings.ensemble.seeds} seeds"
        typer.echo(f'[materials.{group}]\n{key} = {{ value = {text}, source = "{source}" }}')


def with_progress(title: str, work: Callable[[Callable[[int, int], None]], Result]) -> Result:
    """Do a long piece of work under a bar on standard error; what is finished when it is interrupted is kept."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=Console(stderr=True)) as bar:
            line = bar.add_task(title, total=None)
            return work(lambda done, total: bar.update(line, completed=done, total=total))
    except KeyboardInterrupt:
        sys.stderr.write("percoat: interrupted; finished tasks are kept, the same command goes on from there\n")
        raise typer.Exit(130) from None


def main() -> None:
    """Run the command; an error that a person can mend is one sentence and exit status 2."""
    try:
        app()
    except (PercoatError, ValueError, TypeError, OSError) as error:
        sys.stderr.write(f"percoat: {' '.join(str(error).split())}\n")
        raise SystemExit(2) from None
