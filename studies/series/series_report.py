"""What the command line prints: the compositions, the predictions beside the measured values, the constants."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from microstructure.materials import Materials
from studies.contact_law import FACE_CONSTANTS
from studies.quantities import ARITHMETIC, PREDICTED, STRUCTURE
from studies.series.run_study import Results
from studies.terminal.console import one_line, wide_console
from studies.terminal.texts import row_texts

WIDTH = 132


def show_results(results: Results) -> None:
    """Print the tables to standard output."""
    console = wide_console(WIDTH)
    folder = (
        f"Written to {results.folder}: table.csv, table.md, summary.csv, values.csv, results.json and three figures."
    )
    constants = materials_table(results.study.constants)
    notice = borrowed_text(results)
    console.print(Group(composition_table(results), prediction_table(results), constants, notice, folder))


def borrowed_text(results: Results) -> str:
    """A warning where a study runs on constants that were fitted to somebody else's measurements."""
    study = results.study
    fitted = [name for name, constant in study.constants.constants.items() if constant.source.startswith("fitted")]
    idle = [name for law, names in FACE_CONSTANTS.items() if law != study.carbon.contact_law for name in names]
    borrowed = [name for name in fitted if name not in study.fitted.values() and name not in idle]
    if not borrowed:
        return ""
    return f"Fitted to Kissel 2026 and used here as they are, set your own in [materials]: {', '.join(borrowed)}."


def composition_table(results: Results) -> Table:
    """What follows from the weights, and the structures that were built: one column per composition."""
    table = Table(title=one_line(results.study.title), caption="measured values in brackets")
    compositions = [str(recipe) for recipe in results.study.recipes]
    table.add_column("", no_wrap=True)
    for composition in compositions:
        table.add_column(composition, justify="right")
    rows = results.table[results.table["setting"] == ""].set_index(["quantity", "composition"])
    for quantity, (heading, unit, _) in (ARITHMETIC | STRUCTURE).items():
        found = rows.loc[quantity].loc[compositions]
        numbers, measured = found["prediction"].tolist(), found["measured"].tolist()
        texts = [f"{n:.3g}" + (f" ({m})" if m else "") for n, m in zip(numbers, measured, strict=True)]
        table.add_row(f"{heading} [{unit}]", *texts)
    return table


def prediction_table(results: Results) -> Table:
    """Prediction with its 95 % interval beside the measured value."""
    seeds = results.study.ensemble.seeds
    table = Table(
        caption=f"95 % intervals of the mean over {seeds} seeds: scatter of structures, no error of the model"
    )
    for heading in ("quantity and case", "prediction", "measured", "the measured value was"):
        right = heading in ("prediction", "measured")
        table.add_column(heading, justify="right" if right else "left", no_wrap=not heading.startswith("the"))
    last = ""
    for row in results.table.to_dict("records"):
        quantity = str(row["quantity"])
        if quantity not in PREDICTED:
            continue
        if quantity != last:
            table.add_section()
            table.add_row(Text.assemble((PREDICTED[quantity][0], "bold"), f" [{row['unit']}]"))
        case, *texts = row_texts(row)
        table.add_row(f"  {case}", *texts)
        last = quantity
    return table


def materials_table(materials: Materials) -> Table:
    """Every constant with its unit, range and source."""
    table = Table(title="constants")
    for heading in ("constant", "value", "range", "unit", "source"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("constant", "range"))
    for key, constant in materials.constants.items():
        limits = f"{constant.low:g} - {constant.high:g}"
        table.add_row(key, f"{constant.value:.4g}", limits, constant.unit, one_line(constant.source))
    closure = materials.matrix_porosity
    points = ", ".join(f"{v:g} at {p:g}" for p, v in zip(closure.points, closure.values, strict=True))
    table.add_row("matrix.porosity", points, "0 - 1", "at CB:SE", one_line(closure.source))
    return table
