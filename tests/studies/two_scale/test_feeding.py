"""Cores that electrons reach without spanning the cathode: what is lost between the collector and them."""

import numpy as np
import pytest

from microstructure.coats.outer_face import OuterFace
from microstructure.recipe import Recipe
from percolation.utilisation.bonds import DrawnBonds
from studies.screening.candidate import candidate_values
from studies.screening.design import candidates, load_screen
from studies.study import parse_study
from studies.two_scale.fitted import load_fitted
from studies.two_scale.prediction import Blocks, lay_blocks

HALF, NO_PAIRS = np.full(2, 0.5), np.empty((0, 2), np.int64)
STUDY = """title = "t"
compositions = ["80:20:0"]
[ensemble]
seed = 5
seeds = 2
[cathode]
cores = 60
thickness = "16 um"
[materials.composite]
bare_contact_share = 0.15
[materials.cam]
electronic_conductivity = "{}"
"""


def test_feeding_of_one_block_by_hand(handmade, one_block):
    """Through the face at the collector alone, whether or not carbon joins the core with the separator."""
    recipe = Recipe.parse("80:20:1")
    blocks = Blocks(recipe, one_block(recipe), handmade(along_electronic=0.0))
    spanning = DrawnBonds(blocks.bonds.bridges, HALF, NO_PAIRS)
    fed = DrawnBonds(np.array([0.0, 1.0]) * blocks.bonds.bridges, HALF, NO_PAIRS)
    networks = {name: blocks.electrons(one) for name, one in (("spanning", spanning), ("fed", fed))}
    through = blocks.electronic_conductivity([spanning])  # two such faces in series
    for network in networks.values():
        assert blocks.electronic_feeding([network]) == pytest.approx(2.0 * through / 3.0, rel=1e-6)
    reached = blocks.reach(np.random.default_rng(1))
    prediction = blocks.predict(reached, [spanning, spanning])
    assert prediction.electronic_feeding == prediction.composite_electronic == pytest.approx(through, rel=1e-12)
    # where one draw does not span, all are fed
    prediction = blocks.predict(reached, [spanning, fed])
    assert prediction.composite_electronic == pytest.approx(0.5 * through, rel=1e-12)
    assert prediction.electronic_feeding == pytest.approx(2.0 * through / 3.0, rel=1e-6)


def test_the_loss_is_the_mean_over_draws_that_reach_a_core(handmade, one_block):
    recipe = Recipe.parse("80:20:1")
    blocks = Blocks(recipe, one_block(recipe), handmade(along_electronic=0.0))
    none, one, three = (
        blocks.electrons(DrawnBonds(np.array([0.0, number]) * blocks.bonds.bridges, HALF, NO_PAIRS))
        for number in (0.0, 1.0, 3.0)
    )
    losses = [1.0 / blocks.electronic_feeding([network]) for network in (one, three)]
    assert losses[1] < losses[0]
    assert 1.0 / blocks.electronic_feeding([one, none, three]) == pytest.approx(np.mean(losses), rel=1e-9)
    assert blocks.electronic_feeding([none, none]) == 0.0


@pytest.mark.parametrize("face", [OuterFace(), OuterFace(None, 0.01, 0.14), OuterFace(None, 0.0, 0.14)])
def test_feeding_where_few_contacts_carry(handmade, face):
    """A core is fed where bonds reach it; where electrons span, it loses much as an even cathode would."""
    table = {"title": "t", "compositions": ["80:20:1"], "ensemble": {"seed": 7, "seeds": 2}}
    table |= {"cathode": {"cores": 60, "thickness": "16 um"}, "materials": {"composite": {"bare_contact_share": 0.01}}}
    study = parse_study(table)
    recipe = study.recipes[0]
    blocks = Blocks(recipe, lay_blocks(study, recipe, np.random.default_rng(3)), handmade(), face)
    drawn = blocks.draw(np.random.default_rng(5))
    prediction = blocks.predict(blocks.reach(np.random.default_rng(1)), drawn)
    feeding = blocks.electronic_feeding([blocks.electrons(one) for one in drawn])
    assert 0.0 < feeding < np.inf
    spans = all(blocks.electronic_conductivity([one]) > 0.0 for one in drawn)
    assert spans == (face.seam_share == 1.0)
    assert prediction.electronic_feeding == (prediction.composite_electronic if spans else feeding)
    if spans:
        assert 0.5 < feeding / prediction.composite_electronic < 2.0


def test_where_nothing_carries_nothing_is_fed(handmade, one_block):
    recipe = Recipe.parse("80:20:1")
    blocks = Blocks(recipe, one_block(recipe), handmade(along_electronic=1e3), OuterFace(None, 0.0, 0.0))
    drawn = blocks.draw(np.random.default_rng(1))
    assert np.isinf(blocks.electrons(drawn[0]).face_resistance).all()
    assert blocks.predict(blocks.reach(np.random.default_rng(1)), drawn).electronic_feeding == 0.0


def test_what_feeding_loses_lowers_the_capacity(handmade, tmp_path):
    """Cores that conduct a thousand times worse, the rest the same."""
    found = []
    for conductivity in ("10 mS/cm", "0.01 mS/cm"):
        path = tmp_path / "mine.toml"
        path.write_text(STUDY.format(conductivity))
        candidate = candidates(load_screen(str(path)))[0]
        values = candidate_values(candidate, 0, handmade(), load_fitted(), (1.0,))
        found.append({one.quantity: one.value for one in values})
    good, bad = found
    assert good["composite_electronic"] == bad["composite_electronic"] == 0.0
    assert good["electronic_feeding"] == pytest.approx(1000.0 * bad["electronic_feeding"], rel=1e-6)
    assert good["utilisation_joint"] == bad["utilisation_joint"] > 0.0
    assert 0.0 <= bad["capacity_1C"] < 0.9 * good["capacity_1C"]
