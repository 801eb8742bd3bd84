"""A screening in the terminal: what is predicted, who is best, how little carbon suffices, what scatter hurts."""

from __future__ import annotations

import math

from rich.console import Console
from rich.table import Table

from microstructure.recipe import carbon_scales
from studies.cell.rate import FROM_COLLECTOR
from studies.quantities import measured_text
from studies.screening.candidate import SHOWN, capacity_name
from studies.screening.screening_result import Row, Screening
from studies.terminal.console import wide_console
from studies.terminal.texts import digits, interval_text

WIDTH = 160
MOST = 40  # rows of a table in the terminal; files hold all
COLUMNS = ("utilisation_joint", "composite_electronic", "composite_ionic", "over_threshold")


def show_screening(screening: Screening) -> None:
    """Print the tables and sentences of a screening."""
    console, screen = wide_console(WIDTH), screening.plan.screen
    columns = [*COLUMNS, *(capacity_name(rate) for rate in screen.rates)]
    caption = f"* {FROM_COLLECTOR}" if (screening.ranking["electrons_span"] < 1.0).any() else None
    table = Table(title="Predicted, and the interval that holds 95 % of cathodes", caption=caption)
    for heading in ("composition", *(_heading(column) for column in columns), "best", "Pareto"):
        table.add_column(heading, justify="left" if heading == "composition" else "right")
    found = {name: screening.rows(name) for name in screening.quantities}
    for row in screening.ranking.head(MOST).reset_index().to_dict("records"):
        composition, setting = str(row["composition"]), str(row["setting"])
        cells = [_cell(found[column][composition, setting], column) for column in columns]
        if row["electrons_span"] < 1.0:
            cells = [
                f"{cell} *" if name.startswith("capacity") else cell for name, cell in zip(columns, cells, strict=True)
            ]
        name = f"{composition}, {setting}" if setting else composition
        table.add_row(name, *cells, f"{float(row['probability_best']):.0%}", "yes" if row["pareto"] else "")
    console.print(table)
    if len(screening.ranking) > MOST:
        console.print(f"{MOST} of {len(screening.ranking)} candidates; the others are in ranking.csv")
    _show_measured(screening, console)
    for sentence in sentences(screening):
        console.print(sentence)
    console.print(f"written to {screening.folder}: ranking.csv, table.csv, values.csv, screening.json, screening.png")


def sentences(screening: Screening) -> list[str]:
    """Who is best and how surely, how little carbon suffices, and which scatter hurts most: a sentence each."""
    screen, ranking = screening.plan.screen, screening.ranking
    first = ranking.index[0]
    name = ", ".join(part for part in first if part)
    merit = capacity_name(screen.merit)
    best = (
        f"At {screen.merit:g}C {name} gives most, {ranking[merit].iloc[0]:.0f} mAh/g of composite; it is the best of"
        f" {len(ranking)} with a probability of {ranking['probability_best'].iloc[0]:.0%}."
    )
    if ranking["electrons_span"].iloc[0] < 1.0:
        best += f" In {1.0 - ranking['electrons_span'].iloc[0]:.0%} of its cathodes {FROM_COLLECTOR}."
    goal, unit, scale = SHOWN[screen.goal]
    wanted = f"{goal} of {screen.wanted / scale:g} {unit}"
    mean, low, high = screening.enough
    enough = f"No recipe like the best one reaches {wanted}."
    if math.isfinite(mean):
        ratio = carbon_scales(mean, screening.plan.study.constants)[0]
        upper = f"{100 * high:.2f}" if math.isfinite(high) else "out of reach"
        enough = (
            f"For {wanted}, recipes like the best one need {100 * mean:.2f} ({100 * low:.2f} - {upper}) vol% of"
            f" carbon in the matrix, {ratio:.1%} of the electrolyte by mass."
        )
    worst = screening.scatter[0]
    hurts = (
        f"Of the scatter looked at, this hurts {name} most: {worst.what} moves {worst.nominal:.0f} mAh/g to"
        f" {worst.low:.0f} and {worst.high:.0f}."
    )
    return [best, enough, hurts, *_held_sentence(screening, name)]


def _held_sentence(screening: Screening, name: str) -> list[str]:
    """Whether the first candidate stays first where another share of the contacts between blocks carries."""
    if not screening.held:
        return []
    others = [one for one in screening.held if one.best != name]
    shares = " and ".join(f"{one.share:.2g}" for one in screening.held)
    count = len(screening.held[0].names)
    if not others:
        return [
            f"It stays the best of the first {count} if a share of {shares} of the contacts between blocks carries."
        ]
    texts = [
        f"if a share of {one.share:.2g} of the contacts between blocks carries, {one.best} gives most of the first"
        f" {count}, {max(one.merits):.0f} against {one.merits[one.names.index(name)]:.0f} mAh/g"
        for one in others
    ]
    return [f"The choice depends on the contacts of carbon: {'; '.join(texts)}."]


def _show_measured(screening: Screening, console: Console) -> None:
    """Beside each measured number of the study: predicted, and with ideal contacts between blocks."""
    study = screening.plan.study
    if screening.plan.screen.vary or not study.measured:
        return
    found = {name: screening.rows(name) for name in screening.quantities}
    table = Table(title="Beside what was measured")
    for heading in ("quantity", "composition", "predicted (95 %)", "ideal contacts", "measured", "which was"):
        table.add_column(heading)
    for quantity in ("matrix_electronic", "matrix_ionic", *SHOWN):
        for composition in study.compositions:
            text = measured_text(study, quantity, composition)
            if not text or (composition, "") not in found.get(quantity, {}):
                continue
            ideal = found[quantity].get((composition, "ideal contacts"))
            other = _cell(ideal, quantity, bare=True) if ideal else ""
            role = study.fitted.get(f"{quantity} {composition}")
            shown, unit, _ = SHOWN[quantity]
            cell = _cell(found[quantity][composition, ""], quantity)
            table.add_row(
                f"{shown} ({unit})", composition, cell, other, text, f"fitted: {role}" if role else "predicted"
            )
    console.print(table)


def _heading(quantity: str) -> str:
    if quantity.startswith("capacity"):
        return f"mAh/g at {quantity.split('_')[1]}"
    name, unit, _ = SHOWN[quantity]
    return f"{name} ({unit})" if unit != "1" else name


def _cell(row: Row, quantity: str, *, bare: bool = False) -> str:
    scale = SHOWN[quantity][2] if quantity in SHOWN else 1.0
    mean, low, high = (float(row[name]) / scale for name in ("mean", "low", "high"))
    return digits(mean) if bare else interval_text(mean, low, high)
