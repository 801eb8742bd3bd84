"""A new model of a coat is one object and one entry: everything that knows coats by name takes it."""

from types import MappingProxyType

import numpy as np
import pytest

from microstructure import Equal, Recipe, build_composite, building_block, lay_seams, pack_spheres
from microstructure.coats.coat_models import COAT_MODELS, coat_thickness
from microstructure.coats.coating import thickness_on
from microstructure.coats.thickness_model import CoatModel
from studies.study import parse_study

RECIPE = Recipe.parse("80:20:0")


@pytest.fixture
def tenth(monkeypatch):
    """A tenth of a core's diameter alone, and 70 nm on packed cores."""
    model = CoatModel(alone=lambda recipe, diameter: 0.1 * diameter, packed=lambda recipe, packing: 7e-8)
    known = MappingProxyType({**COAT_MODELS, "tenth": model})
    monkeypatch.setattr("microstructure.coats.coat_models.COAT_MODELS", known)
    return known


def cores():
    return pack_spheres(Equal(2e-6), fraction=0.2, count=8, rng=np.random.default_rng(1))


def test_a_model_brings_its_own_thickness(tenth):
    """A third one was once computed as a shell."""
    assert coat_thickness(RECIPE, "tenth", 2e-6) == 2e-7
    assert thickness_on(cores(), RECIPE, "tenth") == 7e-8
    with pytest.raises(ValueError, match="Known are film, shell, tenth"):
        coat_thickness(RECIPE, "shall")


def test_a_study_file_knows_it(tenth):
    study = {"title": "tenth", "compositions": ["80:20:0"], "composite": {"coat": "tenth"}}
    assert parse_study(study).composite.coat == "tenth"


def test_every_structure_is_built_with_it(tenth):
    options = {"coat": "tenth", "rng": np.random.default_rng(1)}
    block = building_block(RECIPE, diameter=1e-6, voxel_size=5e-8, **options)
    assert block.parts.coats.model == "tenth"
    box = (5e-6, 5e-6, 5e-6)
    assert build_composite(RECIPE, porosity=0.4, box=box, voxel_size=2e-7, **options).parts.coats.thickness == 7e-8
    assert lay_seams(RECIPE, cores(), coat="tenth").coats.thickness == 7e-8
