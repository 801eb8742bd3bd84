"""The command `percoat`."""

from __future__ import annotations

import sys

import typer

from microstructure.errors import DiskFullError, PercoatError, WorkerError
from studies.commands.calibrate_command import calibrate
from studies.commands.compare_command import compare
from studies.commands.run_command import run
from studies.commands.screen_command import screen
from studies.commands.threshold_command import threshold
from studies.terminal.console import one_line, say

INTERRUPTED = 130  # exit status

app = typer.Typer(
    help="Percolation thresholds, conductivities and utilisation of coated battery particles, from the recipe.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # [screen] in a help text is the name of a table
)
for verb in (run, threshold, calibrate, screen, compare):
    app.command()(verb)


@app.callback()
def percoat() -> None:
    """Percolation thresholds, conductivities and utilisation of coated battery particles, from the recipe."""


def main() -> None:
    """Run the command; what a person can mend is one sentence: exit status 2 for what was asked, 1 for the machine."""
    if sys.stdout is not None and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal without a letter shows a question mark
    try:
        app()
    except SystemExit as end:
        if end.code == INTERRUPTED:
            say("percoat: interrupted; finished tasks are kept, the same command goes on from there")
        raise
    except KeyboardInterrupt:
        say("percoat: interrupted")
        raise SystemExit(INTERRUPTED) from None
    except DiskFullError as error:
        say(f"percoat: {one_line(str(error))}; what is finished is kept, and the same command goes on from there")
        raise SystemExit(1) from None
    except (WorkerError, MemoryError) as error:
        say(f"percoat: {one_line(str(error)) or 'memory ran out'}")
        raise SystemExit(1) from None
    except (PercoatError, ValueError, TypeError, OSError) as error:
        say(f"percoat: {one_line(str(error))}")
        raise SystemExit(2) from None
