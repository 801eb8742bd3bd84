"""A chart that is not whole is refused in a sentence, whatever is wrong with it."""

import json
from importlib import resources
from pathlib import Path

import pytest

from microstructure.errors import StudyError
from studies.chart.threshold_chart import RECORD, TABLE, Chart

SHIPPED = Path(str(resources.files("studies.chart")))
DAMAGES = {
    "empty table": (TABLE, lambda text: ""),
    "no rows": (TABLE, lambda text: text.splitlines()[0]),
    "cut in a row": (TABLE, lambda text: text[: len(text) // 2].rpartition(",")[0].rpartition(",")[0]),
    "cut in the head": (TABLE, lambda text: text[:30]),
    "words for numbers": (TABLE, lambda text: text.replace(",0.03741,", ",much,")),
    "zeros": (TABLE, lambda text: "\0" * 500),
    "empty record": (RECORD, lambda text: ""),
    "no record": (RECORD, lambda text: "{}"),
    "a list": (RECORD, lambda text: "[1, 2]"),
    "nothing": (RECORD, lambda text: "null"),
    "deep": (RECORD, lambda text: "[" * 100_000),
    "cut record": (RECORD, lambda text: text[: len(text) // 2]),
    "no plan": (RECORD, lambda text: json.dumps({**json.loads(text), "plan": None})),
    "no materials": (RECORD, lambda text: json.dumps({**json.loads(text), "materials": {}})),
    "no size": (RECORD, lambda text: text.replace('"cb.aggregate_diameter": 2.5e-07', '"cb.aggregate_diameter": "?"')),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_chart_is_refused(tmp_path, damage):
    for name in (TABLE, RECORD):
        (tmp_path / name).write_bytes((SHIPPED / name).read_bytes())
    assert len(Chart.load(tmp_path).rows) == len(Chart.load().rows)
    name, spoil = DAMAGES[damage]
    text = (tmp_path / name).read_text("utf-8")
    assert spoil(text) != text
    (tmp_path / name).write_text(spoil(text), "utf-8")
    with pytest.raises(StudyError, match=r"is damaged .*make it anew with --recompute"):
        Chart.load(tmp_path)
