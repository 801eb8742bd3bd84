"""`percoat compare`: a pellet of a matrix against thin coats of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from studies.commands.choices import COUNT, WORKERS
from studies.terminal.progress import with_progress

if TYPE_CHECKING:
    pass


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
