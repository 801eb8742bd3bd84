"""The chart of thresholds in words and tables; writes chart.md and chart.png from the data that percoat ships."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from microstructure import Recipe
from studies.chart.chart_figure import draw_chart
from studies.chart.chart_formula import ALONG, LETTERS, fit_formulas
from studies.chart.chart_report import CASES, interval_text
from studies.chart.chart_rows import QUANTITIES, SKIN
from studies.chart.threshold_chart import Chart
from studies.terminal.texts import digits

HERE = Path(__file__).parent
DEFAULT = {"structure": "open", "dispersion": "ideal", "fit": "reorient"}
ACROSS = [case for case in CASES if case and case != SKIN]


def main() -> None:
    """Write the page and the picture."""
    chart = Chart.load()
    draw_chart(chart, HERE / "chart.png")
    parts = [
        opening(chart), claim(chart), "![Thresholds against coat thickness](chart.png)", coats(chart),
        variants(chart), own_coats(chart), rates(chart), blocks(chart), formulas(chart),
    ]  # fmt: skip
    (HERE / "chart.md").write_text("\n\n".join(parts) + "\n", "utf-8")


def opening(chart: Chart) -> str:
    """What the chart is."""
    seeds, plan = chart.record["seeds"], chart.record["plan"]
    rows = len(chart.rows)
    meanings = "\n".join(f"- `{name}`: {text}" for name, text in QUANTITIES.items())
    return f"""# Carbon thresholds of thin coats

How much carbon a coat needs depends on its thickness t over the size d of the aggregates (250 nm, hydrodynamic), and on the
direction. The chart has {rows} rows over {len(seeds)} seeds; `percoat threshold` reads it, `percoat threshold --recompute`
makes it again with the same seeds (entropy {plan["ensemble"]["seed"]}), and `--csv` writes it on all three scales of carbon content.
Contents here are CB volume over CB + SE volume, pores excluded. Intervals are 95 %, from the scatter between seeds; they hold
no error of the model. "Across" is the content at which half of the contacts of pi R (t1 + t2) are bridged (R = 1.65 um,
1.6 um2 at 150 nm), unless another area is named; no contact is taken larger than the whole core. **A seam is one of ideal contact**,
where all carbon that meets across it carries, unless it is said to be through the skin
({skin_share(chart)}). A coat's free outer face has protrusion alone and
no contact, merged coats no seam: nothing of theirs is thinned.

{pores(chart)}{meanings}"""


def pores(chart: Chart) -> str:
    """A paragraph on the pores of its coats, if they were computed with others."""
    sentence = str(chart.record.get("converted", ""))
    return f"{sentence[0].upper()}{sentence[1:]}.\n\n" if sentence else ""


def skin_share(chart: Chart) -> str:
    """Which of the contacts carry through the skin, as the rows say."""
    return str(first(chart.rows, case=SKIN)["remark"])


def claim(chart: Chart) -> str:
    """When the paper's claim holds: one paragraph."""
    bulk = first(chart.choose(**DEFAULT), quantity="bulk")
    along = {ratio: over(chart, bulk, ratio, quantity="in_plane") for ratio in (0.4, 0.6)}
    seam = {ratio: text(chart, ratio, case="core_to_core_seam", area_factor=1.0) for ratio in (0.4, 0.6)}
    wide = text(chart, 0.6, case="core_to_core_seam", area_factor=10.0)
    narrow = text(chart, 0.6, case="core_to_core_seam", area_factor=0.1)
    thinned, thinner = (
        {factor: text(chart, ratio, case=SKIN, area_factor=factor) for factor in (1.0, 10.0)} for ratio in (0.6, 0.4)
    )
    single = text(chart, 0.6, case="core_to_outside", area_factor=1.0)
    compact = seam_and_bulk(chart, structure="compact", dispersion="ideal")
    poor = seam_and_bulk(chart, structure="open", dispersion="poor")
    return f"""## Is the threshold of a thin coat below that of the bulk?

The paper says so. At its own t/d of 0.4 to 0.6 (100 to 150 nm) it depends on the direction, and the bulk pellet
({span(bulk)} vol%) is no upper limit. **Along the coat it is reversed**: carbon needs {along[0.4]} to {along[0.6]} times as much as in the
bulk, since aggregates larger than the coat lie flat and meet in two dimensions only; no dispersion, fit, size measure or
contact gap tried changes that. **Across the coat it holds for large enough ideal contacts**: half of the contacts between two
blocks that keep their carbon (seam) are bridged at {seam[0.4]} vol% for 100 nm and {seam[0.6]} vol% for 150 nm, so at 100 nm the
coat is not below the bulk and at 150 nm somewhat; contacts ten times as large need {wide} vol%, ten times smaller ones
{narrow} vol%. **Through the skin, as fitted, it does not hold**: half of the contacts of 150 nm coats are bridged at {thinned[1.0]} vol%, and of
contacts ten times as large at {thinned[10.0]} vol%; at 100 nm: {thinner[1.0]}, and {thinner[10.0]}. From the core to the outside of a single coat {single} vol% is enough, because one aggregate is the bridge.
A threshold across is a statement about a contact area, not a property of the matrix. Compact aggregates and poor dispersion raise
the bulk more than the seam at 150 nm: compact {compact[1]} vol% in the bulk against {compact[0]}, open and poorly dispersed {poor[1]} against {poor[0]}.
In coats of several aggregate sizes all of them approach the bulk: along the coat, from above, and across single and merged
coats, from below."""


def coats(chart: Chart) -> str:
    """Thresholds against thickness as they are set by default."""
    lines = header("coat [nm]", "t/d", "along", *(CASES[case] for case in (*ACROSS, SKIN)))
    rows = chart.choose(**DEFAULT)
    for ratio in sorted(rows.loc[rows["ratio"] > 0, "ratio"].unique()):
        here = rows[np.isclose(rows["ratio"], ratio)]
        cells = [
            first(here, quantity="in_plane"),
            *(first(here, case=case, area_factor=1.0) for case in (*ACROSS, SKIN)),
        ]
        lines.append(line(f"{250 * ratio:g}", f"{ratio:g}", *(span(cell) for cell in cells)))
    note = "Below 37 nm a primary stands out of the coat: along it that is coverage in two dimensions."
    return f"## Open aggregates, ideal dispersion (vol%)\n\n{joined(lines)}\n\n{note}"


def variants(chart: Chart) -> str:
    """The same at the paper's 150 nm for every structure, dispersion and fit."""
    lines = header("aggregates", "dispersion", "fit", "bulk", "along", *(CASES[case] for case in ACROSS))
    rows = chart.choose()
    for (structure, dispersion, fit), _ in rows[rows["fit"] != ""].groupby(list(DEFAULT), sort=False):
        own = chart.choose(structure=structure, dispersion=dispersion, fit=fit)
        here = own[np.isclose(own["ratio"], 0.6)]
        cells = [first(own, quantity="bulk"), first(here, quantity="in_plane")]
        cells += [first(here, case=case, area_factor=1.0) for case in ACROSS]
        lines.append(line(structure, dispersion, fit, *(span(cell) for cell in cells)))
    note = (
        "Dispersion: in `fair` a fifth and in `poor` half of the aggregates come in agglomerates of 1 um. Aggregates:"
        " `open` are diffusion-limited (fractal dimension 1.8, as Super C65 is shipped), `compact` have 2.3."
    )
    return f"## Other aggregates, dispersions and fits at 150 nm (vol%)\n\n{joined(lines)}\n\n{note}"


def own_coats(chart: Chart) -> str:
    """The paper's own coats: size measures, contact gaps, and how their carbon compares."""
    rows = chart.rows[chart.rows["composition"] != ""]
    lines = header("recipe", "film [nm]", "carbon in it", "bulk", "along", *(CASES[case] for case in ACROSS))
    bulk = chart.rows[chart.rows["quantity"] == "bulk"]
    for composition in rows["composition"].unique():
        here = pick(rows, composition=composition, size_measure="hydrodynamic", contact_gap=0.0)
        content = Recipe.parse(composition, chart.materials).volume_fraction
        cells = [first(bulk, structure="open", dispersion="ideal"), first(here, quantity="in_plane")]
        cells += [first(here, case=case) for case in ACROSS]
        thickness = f"{1e9 * here['thickness'].iloc[0]:.3g}"
        lines.append(line(composition, thickness, digits(100 * content), *(span(cell) for cell in cells)))
    parts = ["## The paper's own coats (vol%)", joined(lines)]
    for title, key in (('What "250 nm" means, 80:20:3', "size_measure"), ("Contact gap, 80:20:3", "contact_gap")):
        lines = header(key.replace("_", " "), "bulk", "along", *(CASES[case] for case in ACROSS))
        fixed = {"contact_gap": 0.0} if key == "size_measure" else {"size_measure": "hydrodynamic"}
        for one in rows[key].unique():
            here = pick(rows, composition="80:20:3", **{key: one}, **fixed)
            name = f"{1e9 * one:g} nm" if key == "contact_gap" else str(one).replace("_", " ")
            found = first(pick(bulk, structure="open", dispersion="ideal"), **{key: one}, **fixed)
            cells = [found, first(here, quantity="in_plane"), *(first(here, case=case) for case in ACROSS)]
            lines.append(line(name, *(span(cell) for cell in cells)))
        parts += [f"### {title}", joined(lines)]
    return "\n\n".join(parts)


def rates(chart: Chart) -> str:
    """Bridge rates, and for how many contents one rate is enough."""
    known = chart.rows[chart.rows["quantity"] == "bridge_rate"]
    constant = (known["remark"] == "constant").mean()
    lines = header("CB [vol%]", *(f"{CASES[case]} [per um2]" for case in ACROSS))
    here = known[np.isclose(known["ratio"], 0.6)]
    here = here[(here[list(DEFAULT)] == list(DEFAULT.values())).all(axis=1)]
    for content in sorted(here["content"].unique()):
        cells = []
        for case in ACROSS:
            found = pick(here, content=content, case=case)
            cells.append("" if found.empty else rate_text(found.iloc[0]))
        lines.append(line(digits(100 * content), *cells))
    return f"""## Bridge rates of a 150 nm coat

A window cuts the aggregates at its rim, so that -ln P0 / A falls with the window: the probability to find no bridge in a square
of side a is exp(-n (a - w)^2), w the width of a bridge. Read this way one rate n describes windows whose areas differ by a
factor of 16 or more, within their scatter, at {100 * constant:.0f} % of the contents and coats of the chart; elsewhere the windows that
tell anything span a smaller factor, and the 50 % points, which are simulated for each area, are to be used.

{joined(lines)}

(95 % interval in brackets, then w in nm; a star where the rate is known to be constant over a factor of 16 in area.)"""


def blocks(chart: Chart) -> str:
    """Curved coats beside flat ones of the same area."""
    names = ["all_round", "flat_in_plane", "octants", "flat_outward", "outward"]
    rows = chart.rows[chart.rows["diameter"] > 0]
    heads = (
        "all round",
        "flat, half wrap",
        "an eighth, core to outside",
        "flat window as large",
        "anywhere on the block",
    )
    lines = header("core [um]", "coat [nm]", *heads)
    for (diameter, thickness), here in rows.groupby(["diameter", "thickness"]):
        cells = (span(first(here, quantity=name)) for name in names)
        lines.append(line(f"{1e6 * diameter:g}", f"{1e9 * thickness:g}", *cells))
    table = rows.pivot_table("value", ["diameter", "thickness"], "quantity")
    ratio = table["octants"] / table["flat_outward"]
    large = ratio[ratio.index.get_level_values("diameter") >= 3e-6]
    around = table["all_round"] / table["flat_in_plane"]
    return f"""## Curved coats: single blocks (vol%)

Open aggregates, ideal dispersion, reorient. Carbon goes *all round* when no hemisphere of the block holds its largest cluster; beside it
the content at which half of the flat, laterally periodic coats of the same area wrap. From core to outside an eighth of the coat is
compared with a flat window as large as an eighth of the core.

{joined(lines)}

From core to outside curvature hardly matters: the ratio to the flat window is {large.min():.2f} to {large.max():.2f} on cores of 3.3 um and
more, about what the intervals allow, and {ratio.min():.2f} to {ratio.max():.2f} over all. Going round a block takes {around.min():.2f} to {around.max():.2f} times what
a flat coat of the same area needs to wrap: less on small cores, since a cluster need not close on itself to leave every
hemisphere, and it approaches the flat coat as the core grows."""


def formulas(chart: Chart) -> str:
    """For a spreadsheet."""
    lines = header("aggregates", "dispersion", "fit", "threshold", "t/d", *LETTERS, "typical error", "largest error")
    for formula in fit_formulas(chart):
        if formula.area_factor in (0.0, 1.0):
            numbers = [f"{number:.4g}" for number in formula.coefficients] + [""] * len(LETTERS)
            name = "along" if formula.formula == ALONG else f"across, {CASES[formula.case]}"
            errors = (f"{100 * formula.typical_error:.0f} %", f"{100 * formula.largest_error:.0f} %")
            where = f"{formula.thinnest:g} - {formula.thickest:g}"
            keys = (formula.structure, formula.dispersion, formula.fit)
            lines.append(line(*keys, name, where, *numbers[: len(LETTERS)], *errors))
    return f"""## Formulas

With f the CB volume fraction, b that of the bulk and t/d the thickness over the aggregate size:
along the coat f = b (1 + p (d/t)^q); across it ln f = p + q L + r L^2 + s L^3 with L = ln(t/d), for the default contact area.
The typical error is the root mean square over the points of the chart; the largest is that of an inner point that was left
out of the fit. `percoat threshold --formulas FILE` writes them, also those for a tenth of the contact area.

{joined(lines)}"""


def pick(rows: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    """Rows whose columns have these values; numbers to rounding."""
    for key, one in wanted.items():
        rows = (
            rows[np.isclose(rows[key], one, rtol=1e-6, atol=1e-15)]
            if isinstance(one, float)
            else rows[rows[key] == one]
        )
    return rows


def first(rows: pd.DataFrame, **wanted: object) -> pd.Series | None:
    """The first such row, None if there is none."""
    found = pick(rows, **wanted)
    return None if found.empty else found.iloc[0]


def text(chart: Chart, ratio: float, **wanted: object) -> str:
    """A threshold of the default settings, with its interval."""
    return span(first(pick(chart.choose(**DEFAULT), ratio=ratio), **wanted))


def seam_and_bulk(chart: Chart, **other: str) -> tuple[str, str]:
    """Thresholds of other aggregates or dispersions, across a seam of 150 nm coats and of the bulk."""
    rows = chart.choose(**{**DEFAULT, **other})
    seam = first(pick(rows, ratio=0.6), case="core_to_core_seam", area_factor=1.0)
    return span(seam), span(first(rows, quantity="bulk"))


def over(chart: Chart, bulk: pd.Series, ratio: float, **wanted: object) -> str:
    """A threshold of the default settings over the bulk's."""
    return f"{first(pick(chart.choose(**DEFAULT), ratio=ratio), **wanted)['value'] / bulk['value']:.1f}"


def span(row: pd.Series | None) -> str:
    """Value and interval in percent."""
    return "" if row is None else interval_text(row["value"], row["low"], row["high"])


def rate_text(row: pd.Series) -> str:
    """A rate per um2, its interval, its rim."""
    star = "*" if row["remark"] == "constant" else ""
    return f"{digits(1e-12 * row['value'])} ({digits(1e-12 * row['low'])} - {digits(1e-12 * row['high'])}), {1e9 * row['rim']:.0f}{star}"


def header(*cells: str) -> list[str]:
    """Head of a table."""
    return [line(*cells), "|" + "---|" * len(cells)]


def line(*cells: str) -> str:
    """One line of a table."""
    return "| " + " | ".join(cells) + " |"


def joined(lines: list[str]) -> str:
    """A table."""
    return "\n".join(lines)


if __name__ == "__main__":
    main()
