"""`percoat threshold`: carbon thresholds of a coat, from the shipped chart or a new one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from microstructure.errors import StudyError
from studies.commands.choices import COUNT, SEEDS, WORKERS
from studies.terminal.console import say
from studies.terminal.progress import with_progress

if TYPE_CHECKING:
    from studies.chart.chart_plan import ChartPlan
    from studies.chart.threshold_chart import Chart


def threshold(
    thickness: Annotated[
        str | None, typer.Option(help='Of one coat, such as "150 nm"; every thickness of the chart if not given.')
    ] = None,
    structure: Annotated[
        str | None, typer.Option(help="Kind of aggregates: open or compact; the chart's first if not given.")
    ] = None,
    dispersion: Annotated[str | None, typer.Option(help="ideal, fair or poor; the chart's first if not given.")] = None,
    fit: Annotated[
        str | None,
        typer.Option(help="How large aggregates fit: reorient, compress or cut; the chart's first if not given."),
    ] = None,
    chart: Annotated[Path | None, typer.Option(help="Folder of a recomputed chart, else the shipped one.")] = None,
    study: Annotated[
        str | None, typer.Option(help="A study whose electrolyte and carbon the mass columns are for.")
    ] = None,
    se_density: Annotated[
        str | None, typer.Option(help='Of your electrolyte, such as "1.86 g/cm3", for the mass columns.')
    ] = None,
    cb_density: Annotated[
        str | None, typer.Option(help='Of your carbon, such as "1.9 g/cm3", for the mass columns.')
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write all thresholds as a table, on three scales.")] = None,
    formulas: Annotated[Path | None, typer.Option(help="Write the fitted formulas as a table.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw the chart as a picture (.png).")] = None,
    recompute: Annotated[bool, typer.Option("--recompute", help="Make the chart anew: an hour on two cores.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="With --recompute: minutes, wider intervals.")] = False,
    plan: Annotated[Path | None, typer.Option(help="With --recompute: your own plan of a chart (.toml).")] = None,
    seeds: Annotated[
        int | None, typer.Option(help="With --recompute: independent seeds.", parser=SEEDS, metavar=COUNT)
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Processes; the numbers do not depend on it.", parser=WORKERS, metavar=COUNT)
    ] = 2,
    out: Annotated[
        Path | None, typer.Option(help="With --recompute: results/coat-chart if not given; goes on from what it holds.")
    ] = None,
) -> None:
    """Carbon thresholds of a thin coat: bulk, along it and across it, from the shipped chart or a new one."""
    from microstructure.units import parse_quantity
    from studies.chart.chart_plan import load_plan
    from studies.jobs.targets import check_files

    if not recompute and (quick or plan or out or seeds):
        raise StudyError("--quick, --plan, --seeds and --out go with --recompute")
    if recompute and chart is not None:
        raise StudyError("--chart reads a chart and --recompute makes one: give one of them")
    if recompute and (study is not None or se_density is not None or cb_density is not None):
        raise StudyError(
            "a chart is recomputed with the [materials] of its plan: put densities there, or read it later"
        )
    asked = Asked(None if thickness is None else parse_quantity(thickness, "m"), structure, dispersion, fit)
    check_files(
        {"--csv": csv, "--formulas": formulas, "--figure": figure}, (plan, None if study is None else Path(study))
    )
    if recompute:
        folder = out or Path("results") / ("coat-chart-quick" if quick else "coat-chart")
        answer = _made(load_plan(plan, quick=quick, seeds=seeds), folder, asked, workers)
    else:
        answer = _looked_up(chart, study, {"se": se_density, "cb": cb_density}, asked)
    # who reads the first lines alone still gets the files
    _write(answer.chart, csv, formulas, figure)
    _print(answer)


class Asked(NamedTuple):
    """Of which coat [m] and of which carbon thresholds are wanted; what is not given is the chart's first."""

    height: float | None
    structure: str | None
    dispersion: str | None
    fit: str | None

    def names(self) -> dict[str, str | None]:
        """The carbon."""
        return {"structure": self.structure, "dispersion": self.dispersion, "fit": self.fit}


class Answer(NamedTuple):
    """A chart, what of it is shown, and what is said beneath."""

    chart: Chart
    height: float | None
    wanted: dict[str, str]
    notes: list[str]


def _made(settings: ChartPlan, folder: Path, asked: Asked, workers: int) -> Answer:
    """Make a chart anew."""
    from studies.chart.make_chart import make_chart
    from studies.jobs.targets import check_folder

    wanted = settings.choose(asked.height, asked.names())
    check_folder("--out", folder)
    found = with_progress(
        f"chart, {settings.ensemble.seeds} seeds",
        lambda progress: make_chart(settings, folder, workers=workers, progress=progress),
    )
    say(f"written to {folder}: coat_chart.csv, thresholds.csv, formulas.csv, chart.png")
    return Answer(found, asked.height, wanted, [])


def _looked_up(folder: Path | None, study: str | None, densities: dict[str, str | None], asked: Asked) -> Answer:
    """Read a chart, and refuse what it does not hold before anything is written."""
    from studies.chart.chart_densities import find_densities, foreign_carbon
    from studies.chart.threshold_chart import Chart

    found = Chart.load(folder)
    wanted = found.first | {key: value for key, value in asked.names().items() if value is not None}
    found.choose(**wanted)
    found = found.with_densities(find_densities(study, **densities))
    notes = foreign_carbon(study, found)
    if asked.height is not None:
        found.read(asked.height, **wanted)
    return Answer(found, asked.height, wanted, notes)


def _write(chart: Chart, csv: Path | None, formulas: Path | None, figure: Path | None) -> None:
    """Write the files that were asked for."""
    from microstructure.files import whole_file
    from studies.chart.chart_figure import draw_chart
    from studies.chart.chart_formula import fit_formulas, formula_table
    from studies.chart.threshold_chart import with_scales

    for path, make in ((csv, with_scales), (formulas, lambda chart: formula_table(fit_formulas(chart)))):
        if path is not None:
            with whole_file(path) as temporary:
                make(chart).to_csv(temporary, index=False, lineterminator="\n")
    if figure is not None:
        draw_chart(chart, figure)


def _print(answer: Answer) -> None:
    """One coat, or every thickness of the chart."""
    from studies.chart.chart_report import show_chart, show_coat

    if answer.height is None:
        show_chart(answer.chart, *answer.notes, **answer.wanted)
    else:
        show_coat(answer.chart, answer.height, *answer.notes, **answer.wanted)
