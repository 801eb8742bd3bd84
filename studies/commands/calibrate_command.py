"""`percoat calibrate`: parameters fitted to measured numbers, and which measurement to make next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from studies.commands.choices import COUNT, WORKERS, Measured
from studies.terminal.progress import with_progress

if TYPE_CHECKING:
    from studies.study import Study


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
