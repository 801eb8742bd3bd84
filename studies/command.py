"""The command `percoat`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from microstructure.errors import DiskFullError, PercoatError, StudyError, WorkerError
from studies.terminal.console import one_line, plain_console
from studies.terminal.options import whole_number

if TYPE_CHECKING:
    from studies.chart.threshold_chart import Chart
    from studies.jobs.checkpoints import Bars
    from studies.study import Study

INTERRUPTED = 130  # exit status
Result = TypeVar("Result")
SEEDS, WORKERS, COUNT = whole_number(2, 1000), whole_number(1), "INTEGER"
Measured = Annotated[
    Path | None,
    typer.Option("--measured", help="Your own measurements (.csv): quantity, composition, value, unit; they go first."),
]

app = typer.Typer(
    help="Percolation thresholds, conductivities and utilisation of coated battery particles, from the recipe.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # [screen] in a help text is the name of a table
)


@app.callback()
def percoat() -> None:
    """Percolation thresholds, conductivities and utilisation of coated battery particles, from the recipe."""


@app.command()
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
    show_results(_with_bars(lambda bars: run_study(settings, folder, workers=workers, progress=bars)))


@app.command()
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
    from studies.chart.chart_densities import find_densities, foreign_carbon
    from studies.chart.chart_plan import load_plan
    from studies.chart.make_chart import make_chart
    from studies.chart.threshold_chart import Chart
    from studies.jobs.targets import check_files, check_folder

    if not recompute and (quick or plan or out or seeds):
        raise StudyError("--quick, --plan, --seeds and --out go with --recompute")
    if recompute and chart is not None:
        raise StudyError("--chart reads a chart and --recompute makes one: give one of them")
    if recompute and (study is not None or se_density is not None or cb_density is not None):
        raise StudyError(
            "a chart is recomputed with the [materials] of its plan: put densities there, or read it later"
        )
    height = None if thickness is None else parse_quantity(thickness, "m")
    asked = {"structure": structure, "dispersion": dispersion, "fit": fit}
    check_files(
        {"--csv": csv, "--formulas": formulas, "--figure": figure}, (plan, None if study is None else Path(study))
    )
    notes: list[str] = []
    if recompute:
        settings = load_plan(plan, quick=quick, seeds=seeds)
        wanted = settings.choose(height, asked)
        folder = out or Path("results") / ("coat-chart-quick" if quick else "coat-chart")
        check_folder("--out", folder)
        title = f"chart, {settings.ensemble.seeds} seeds"
        found = with_progress(title, lambda progress: make_chart(settings, folder, workers=workers, progress=progress))
        _say(f"written to {folder}: coat_chart.csv, thresholds.csv, formulas.csv, chart.png")
    else:
        found = Chart.load(chart)
        wanted = found.first | {key: value for key, value in asked.items() if value is not None}
        found.choose(**wanted)
        found = found.with_densities(find_densities(study, se=se_density, cb=cb_density))
        notes += foreign_carbon(study, found)
        if height is not None:
            found.read(height, **wanted)
    _give_chart(found, height, wanted, notes, csv, formulas, figure)


def _give_chart(
    found: Chart,
    height: float | None,
    wanted: dict[str, str],
    notes: list[str],
    csv: Path | None,
    formulas: Path | None,
    figure: Path | None,
) -> None:
    """Write the files that were asked for, then print: who reads the first lines alone still gets the files."""
    from microstructure.files import whole_file
    from studies.chart.chart_figure import draw_chart
    from studies.chart.chart_formula import fit_formulas, formula_table
    from studies.chart.chart_report import show_chart, show_coat
    from studies.chart.threshold_chart import with_scales

    for path, make in ((csv, with_scales), (formulas, lambda chart: formula_table(fit_formulas(chart)))):
        if path is not None:
            with whole_file(path) as temporary:
                make(found).to_csv(temporary, index=False, lineterminator="\n")
    if figure is not None:
        draw_chart(found, figure)
    if height is None:
        show_chart(found, *notes, **wanted)
    else:
        show_coat(found, height, *notes, **wanted)


@app.command()
def calibrate(
    study: Annotated[str, typer.Argument(help="A study whose [fitted] table names one measured value per parameter.")],
    quick: Annotated[bool, typer.Option("--quick", help="The study's quick settings.")] = False,
    measured: Measured = None,
    workers: Annotated[int, typer.Option(help="Processes for the patch library.", parser=WORKERS, metavar=COUNT)] = 2,
    out: Annotated[
        Path | None, typer.Option(help="Write the fitted set as a file (.toml), for percoat screen --fitted.")
    ] = None,
    rivals: Annotated[
        bool,
        typer.Option("--rivals", help="Then say which measurement would tell rival readings of these numbers apart."),
    ] = False,
) -> None:
    """Fit six parameters to six measured numbers; say how well they are known, and predict what is held out."""
    from studies.jobs.targets import check_files
    from studies.measurements import with_measurements
    from studies.quantities import check_measured
    from studies.study import load_study
    from studies.two_scale.calibration import calibrate as fit
    from studies.two_scale.calibration import count_data, find_targets
    from studies.two_scale.calibration_report import show_calibration
    from studies.two_scale.fitted import write_fitted
    from studies.two_scale.patch_library import study_library, study_plan
    from studies.two_scale.prediction import check_cathode

    check_files({"--out": out}, (Path(study), measured))
    settings = with_measurements(load_study(study, quick=quick), measured)
    check_measured(settings)
    for target in find_targets(settings).values():
        check_cathode(settings, target.recipe)
    for recipe in settings.recipes:
        study_plan(settings).check_content(recipe.volume_fraction)
    library = with_progress(
        "patch library", lambda progress: study_library(settings, workers=workers, progress=progress)
    )
    found = with_progress("parameters", lambda progress: fit(settings, library, progress=progress))
    if out is not None:
        cathode = (
            f"{settings.ensemble.seeds} cathodes of {settings.cathode.cores} blocks, seed {settings.ensemble.seed}"
        )
        write_fitted(found, out, f"{settings.title}; {'; '.join(count_data(settings))} Fitted on {cathode}.")
    show_calibration(settings, found)
    if rivals:
        _give_rivals(settings, workers)


def _give_rivals(settings: Study, workers: int) -> None:
    """Fit rivals to the same numbers, and print which measurement tells them apart."""
    from studies.two_scale.calibration_report import show_rivals
    from studies.two_scale.patch_library import PatchLibrary, study_library
    from studies.two_scale.rivals import which_measurement

    def library_of(own: Study) -> PatchLibrary:
        return study_library(own, workers=workers)

    show_rivals(
        with_progress("rivals", lambda progress: which_measurement(settings, library_of=library_of, progress=progress))
    )


@app.command()
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
    show_screening(_with_bars(lambda bars: run_screening(plan, parameters, folder, workers=workers, progress=bars)))


@app.command()
def compare(
    study: Annotated[str, typer.Argument(help="A shipped study, or a .toml file: its carbon and materials count.")],
    composition: Annotated[str, typer.Option(help="Whose matrix is looked at.")] = "80:20:3",
    quick: Annotated[bool, typer.Option("--quick", help="The study's quick settings.")] = False,
    workers: Annotated[int, typer.Option(help="Processes for the patch library.", parser=WORKERS, metavar=COUNT)] = 2,
    csv: Annotated[Path | None, typer.Option(help="Write the table as a file.")] = None,
) -> None:
    """What a thick pellet of one matrix measures, and what the same matrix does as a coat of 5 to 500 nm."""
    from microstructure.files import whole_file
    from microstructure.recipe import Recipe
    from studies.jobs.targets import check_files
    from studies.study import load_study
    from studies.two_scale.calibration_report import show_coats
    from studies.two_scale.patch_library import study_library, study_plan
    from studies.two_scale.pellet_against_coat import compare_coats

    check_files({"--csv": csv}, (Path(study),))
    settings = load_study(study, quick=quick)
    recipe = Recipe.parse(composition, settings.constants)
    study_plan(settings).check_content(recipe.volume_fraction)
    library = with_progress(
        "patch library", lambda progress: study_library(settings, workers=workers, progress=progress)
    )
    table = compare_coats(recipe, library, settings.outer_face)
    if csv is not None:
        with whole_file(csv) as temporary:
            table.to_csv(temporary, index=False, lineterminator="\n", float_format="%.5g")
    show_coats(table, composition)


def _with_bars(work: Callable[[Bars], Result]) -> Result:
    """Do a long piece of work that names its parts, one bar for each, on standard error."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=plain_console(stderr=True))

    def start(title: str) -> Callable[[int, int], None]:
        bar.start()  # now, and not before: what is refused leaves no empty line
        line = bar.add_task(title, total=None)
        return lambda done, total: bar.update(line, completed=done, total=total)

    try:
        return work(start)
    finally:
        if bar.tasks:
            bar.stop()


def with_progress(title: str, work: Callable[[Callable[[int, int], None]], Result]) -> Result:
    """Do a long piece of work under a bar on standard error, from the first piece that it tells of."""
    lines: list[Callable[[int, int], None]] = []

    def report(bars: Bars, done: int, total: int) -> None:
        if not lines:
            lines.append(bars(title))
        lines[0](done, total)

    return _with_bars(lambda bars: work(lambda done, total: report(bars, done, total)))


def main() -> None:
    """Run the command; what a person can mend is one sentence: exit status 2 for what was asked, 1 for the machine."""
    if sys.stdout is not None and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal without a letter shows a question mark
    try:
        app()
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _say("percoat: interrupted; finished tasks are kept, the same command goes on from there")
        raise
    except KeyboardInterrupt:
        _say("percoat: interrupted")
        raise SystemExit(INTERRUPTED) from None
    except DiskFullError as error:
        _say(f"percoat: {one_line(str(error))}; what is finished is kept, and the same command goes on from there")
        raise SystemExit(1) from None
    except (WorkerError, MemoryError) as error:
        _say(f"percoat: {one_line(str(error)) or 'memory ran out'}")
        raise SystemExit(1) from None
    except (PercoatError, ValueError, TypeError, OSError) as error:
        _say(f"percoat: {one_line(str(error))}")
        raise SystemExit(2) from None


def _say(text: str) -> None:
    """A line on standard error, if there is one."""
    if sys.stderr is not None:
        with contextlib.suppress(BrokenPipeError):
            sys.stderr.write(f"{text}\n")
