"""Make a chart: every task once, each kept as soon as it is done, then the table, its formula, its picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from microstructure.files import whole_file
from studies.chart.chart_figure import draw_chart
from studies.chart.chart_formula import fit_formulas, formula_table
from studies.chart.chart_plan import ChartPlan
from studies.chart.chart_rows import Row
from studies.chart.chart_tasks import chart_tasks
from studies.chart.threshold_chart import Chart, rows_table, with_scales
from studies.jobs.checkpoints import Ledger, Task, fingerprint, versions


def make_chart(
    plan: ChartPlan, folder: Path, *, workers: int = 1, progress: Callable[[int, int], None] | None = None
) -> Chart:
    """Run what has no result in `folder` yet, and write the chart there.

    Parameters
    ----------
    plan : ChartPlan
    folder : Path
        A run that was interrupted goes on from what it holds.
    workers : int
        Processes; the numbers do not depend on it.
    progress : callable, optional
        Called with the number of tasks done and to do.

    Raises
    ------
    StudyError
        If the folder holds something else, or `workers` is less than one.
    """
    mark = fingerprint(plan.model_dump(mode="json"), plan.constants, ("studies.chart.chart_tasks",))
    ledger, tasks = Ledger(folder, mark, Row), chart_tasks(plan)
    ledger.complete(tasks, workers=workers, progress=progress)
    return write_chart(plan, ledger, tasks)


def write_chart(plan: ChartPlan, ledger: Ledger, tasks: list[Task]) -> Chart:
    """Gather the rows of all tasks; write the chart, a table for a spreadsheet, the formulas and the picture."""
    rows = [row for _, found in ledger.results(tasks) for row in found]
    chart = Chart(rows_table(rows), record(plan) | {"rows": len(rows)})
    chart.save(ledger.folder)
    tables = {
        "thresholds.csv": with_scales(chart),
        "formulas.csv": formula_table(fit_formulas(chart)),
    }
    for name, table in tables.items():
        with whole_file(ledger.folder / name) as path:
            table.to_csv(path, index=False, lineterminator="\n")
    draw_chart(chart, ledger.folder / "chart.png")
    return chart


def record(plan: ChartPlan) -> dict[str, object]:
    """What the chart must carry: its plan, seeds, constants and versions."""
    constants = {name: constant.value for name, constant in plan.constants.constants.items()}
    porosity = asdict(plan.constants.matrix_porosity)
    return {
        "title": plan.title,
        "plan": plan.model_dump(mode="json"),
        "seeds": [{"entropy": plan.ensemble.seed, "spawn_key": [seed]} for seed in range(plan.ensemble.seeds)],
        "materials": constants | {"matrix.porosity": porosity},
        "versions": versions(),
        "interval": "95 %, bootstrap over the seeds, expanded for their number: scatter of structures, no model error",
    }
