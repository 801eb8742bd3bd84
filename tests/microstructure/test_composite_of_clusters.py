"""Composites with several cores in one block: their volumes, their block ids, and what crosses inside a block."""

import numpy as np
import pytest

from microstructure import Clusters, Phase, Recipe, build_composite
from percolation import find_bare_contacts
from transport import BlockNetwork

BOX = (9e-6, 8e-6, 8e-6)


@pytest.fixture(scope="module")
def cell():
    recipe = Recipe.parse("80:20:0")
    clusters = Clusters(share=0.5, cores=3)
    rng = np.random.default_rng(4)
    return build_composite(recipe, porosity=0.2, box=BOX, voxel_size=125e-9, clusters=clusters, rng=rng)


def test_volumes_are_the_recipes_and_half_of_the_cores_share_a_block(cell):
    core = cell.recipe.volume_fractions.cam * 0.8
    assert cell.fraction(Phase.CORE) == pytest.approx(core, abs=2 / cell.labels.size)
    assert cell.fraction(Phase.MATRIX) == pytest.approx(core * cell.recipe.matrix_per_core, abs=2 / cell.labels.size)
    sizes = np.bincount(cell.cores.block)
    assert sizes[sizes > 1].sum() / cell.cores.count == pytest.approx(0.5, abs=0.1)


def test_blocks_of_voxels_follow_from_their_cores(cell):
    assert cell.blocks.dtype == cell.owners.dtype
    inside = cell.owners >= 0
    np.testing.assert_array_equal(cell.blocks[inside], cell.cores.block[cell.owners[inside]])
    assert np.all(cell.blocks[~inside] == -1)
    assert len(np.unique(cell.blocks[inside])) == cell.cores.blocks < cell.cores.count


def test_resistance_between_blocks_does_not_act_inside_one(cell, coat_contacts):
    contacts = coat_contacts(cell)
    inner = contacts.pairs[:, 1] < cell.cores.count
    same = cell.cores.block[contacts.pairs[inner, 0]] == cell.cores.block[contacts.pairs[inner, 1]]
    np.testing.assert_array_equal(contacts.parting[inner], ~same)
    assert same.any()
    alone = coat_contacts(type(cell)(**{**vars(cell), "cores": _each_its_own(cell.cores)}))
    joined, apart = (BlockNetwork.of_coats(one, 0.07, 1e-3).conductance() for one in (contacts, alone))
    assert joined > 1.02 * apart


def test_cores_that_touch_inside_a_block_are_bare_contacts_at_any_share(cell):
    bare = find_bare_contacts(cell, share=0.0, rng=np.random.default_rng(1))
    sizes = np.bincount(cell.cores.block)
    assert len(bare.pairs) >= np.sum(sizes - 1) > 0
    assert np.all(cell.cores.block[bare.pairs[:, 0]] == cell.cores.block[bare.pairs[:, 1]])
    alone = type(cell)(**{**vars(cell), "cores": _each_its_own(cell.cores)})
    assert len(find_bare_contacts(alone, share=0.0, rng=np.random.default_rng(1)).pairs) == 0


def _each_its_own(cores):
    from dataclasses import replace

    return replace(cores, block=np.arange(cores.count, dtype=np.int32))
