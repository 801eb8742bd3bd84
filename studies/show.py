"""What the command line prints: the compositions, the predictions beside the measured values, the constants."""

from __future__ import annotations

from rich.console import Console, Group
from rich.table import Table

from microstructure.materials import Materials
from studies.compare import ARITHMETIC, PREDICTED, STRUCTURE
from studies.run import Results
from studies.texts import row_texts

WIDTH = 132  # columns: narrower, and the table breaks its numbers


def show_results(results: Results) -> None:
    """Print the tables to standard output."""
    console = Console()
    console = Console(width=max(WIDTH, console.width if console.is_terminal else WIDTH))
    folder = (
        f"Written to {results.folder}: table.csv, summary.csv, values.csv, results.json and table.md and three figures."
    )
    constants = materials_table(results.study.constants)
    console.print(Group(composition_table(results), prediction_table(results), constants, folder))


def composition_table(results: Results) -> Table:
    """What follows from the weights, and the structures that were built: one column per composition."""
    table = Table(title=results.study.title, caption="measured values in brackets")
    compositions = [str(recipe) for recipe in results.study.recipes]
    table.add_column("", no_wrap=True)
    for composition in compositions:
        table.add_column(composition, justify="right")
    rows = results.table[results.table["setting"] == ""].set_index(["quantity", "composition"])
    for quantity, (heading, unit, _) in (ARITHMETIC | STRUCTURE).items():
        found = rows.loc[quantity].loc[compositions]
        numbers, measured = found["prediction"].tolist(), found["measured"].tolist()
        texts = [f"{n:.3g}" + (f" ({m})" if m else "") for n, m in zip(numbers, measured, strict=True)]
        table.add_row(f"{heading} [{unit}]".replace("[", r"\["), *texts)
    return table


def prediction_table(results: Results) -> Table:
    """Prediction with its 95 % interval beside the measured value."""
    seeds = results.study.ensemble.seeds
    table = Table(caption=f"prediction (95 % interval of the mean over {seeds} seeds, Student's t)")
    for heading in ("quantity", "case", "prediction", "measured", "the measured value was"):
        right = heading in ("prediction", "measured")
        table.add_column(heading, justify="right" if right else "left", no_wrap=heading in ("case", "prediction"))
    last = ""
    for row in results.table.to_dict("records"):
        quantity = str(row["quantity"])
        if quantity not in PREDICTED:
            continue
        if quantity != last and last:
            table.add_section()
        heading = "" if quantity == last else f"{PREDICTED[quantity][0]} \\[{row['unit']}]"
        table.add_row(heading, *row_texts(row))
        last = quantity
    return table


def materials_table(materials: Materials) -> Table:
    """Every constant with its unit, range and source."""
    table = Table(title="constants")
    for heading in ("constant", "value", "range", "unit", "source"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("constant", "range"))
    for key, constant in materials.constants.items():
        limits = f"{constant.low:g} - {constant.high:g}"
        table.add_row(key, f"{constant.value:.4g}", limits, constant.unit, constant.source)
    closure = materials.matrix_porosity
    points = ", ".join(f"{v:g} at {p:g}" for p, v in zip(closure.points, closure.values, strict=True))
    table.add_row("matrix.porosity", points, "0 - 1", "at CB:SE", closure.source)
    return table
