"""Laws of carbon contacts between blocks in study files: which constants count, and which face they make."""

import math

import pytest

from microstructure.coats.outer_face import OuterFace
from microstructure.errors import StudyError
from studies.study import parse_study


def table(**changes):
    return {"title": "t", "compositions": ["80:20:3"]} | changes


@pytest.mark.parametrize(
    ("law", "group", "constant", "wanted"),
    [
        (None, "composite", {"block_resistance_electronic": "1e-5 ohm*m^2"}, "coat.skin_thickness"),
        ("share", "coat", {"skin_thickness": "20 nm"}, "coat.carrying_share"),
        ("skin", "coat", {"wall_carrying_share": "20 %"}, "coat.skin_thickness"),
        ("resistance", "coat", {"tunnelling_range": "2 nm"}, "composite.block_resistance_electronic"),
    ],
)
def test_a_constant_of_another_law_of_contacts_is_refused_with_the_one_that_counts(law, group, constant, wanted):
    carbon = {} if law is None else {"carbon": {"contact_law": law}}
    with pytest.raises(StudyError, match=wanted):
        parse_study(table(materials={group: constant}, **carbon))
    (name,) = constant
    with pytest.raises(StudyError, match=rf"\[fitted\].*{wanted}"):
        parse_study(table(fitted={"composite_electronic 80:20:3": f"{group}.{name}"}, **carbon))


def test_the_face_of_each_law():
    skin, share, resistance = (
        parse_study(table(carbon={"contact_law": law})).outer_face for law in ("skin", "share", "resistance")
    )
    constants = parse_study(table()).constants
    ratio = constants["coat.tunnelling_range"] / constants["coat.skin_thickness"]
    assert skin.seam_share == pytest.approx(1.0 - math.exp(-ratio) * (1.0 + ratio))
    assert skin.wall_share == pytest.approx(1.0 - math.exp(-ratio))
    assert share == OuterFace(None, constants["coat.carrying_share"], constants["coat.wall_carrying_share"])
    assert resistance == OuterFace(resistance=constants["composite.block_resistance_electronic"])
    assert skin.resistance == share.resistance == 0.0
    bare = parse_study(table(materials={"coat": {"skin_thickness": "0 nm"}})).outer_face
    assert bare == OuterFace()  # nothing between: every contact carries, and nothing resists
