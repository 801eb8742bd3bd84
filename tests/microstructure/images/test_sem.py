"""Sections against the images and primaries that they cut."""

import math

import numpy as np
import pytest

from microstructure.carbon.placement import Carbon
from microstructure.images.sem import GREY_LEVELS, sem_section
from microstructure.materials import Materials
from microstructure.patch import coating_patch
from microstructure.structure import Phase, Structure

FREE = (False, False, False)


def structure(labels, periodic=FREE, recipe=None, carbon=None, voxel=1e-7):
    labels = np.asarray(labels, np.uint8)
    return Structure(labels, voxel, periodic, tuple(n * voxel for n in labels.shape), recipe, carbon=carbon)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_section_shows_the_phases_of_its_plane(axis):
    labels = np.random.default_rng(1).integers(0, 4, (5, 6, 7)).astype(np.uint8)
    found = sem_section(structure(labels), axis=axis, position=3.2e-7)
    table = np.array([GREY_LEVELS[phase] for phase in range(4)])
    np.testing.assert_array_equal(found.image, table[labels.take(3, axis=axis)])
    finer = sem_section(structure(labels), axis=axis, position=3.2e-7, pixel_size=0.5e-7)
    np.testing.assert_array_equal(finer.image, np.kron(found.image, np.ones((2, 2), np.uint8)))
    assert (found.axis, found.position, found.pixel_size) == (axis, 3.2e-7, 1e-7)


def primaries(centres, diameter=2e-7):
    centres = np.atleast_2d(np.asarray(centres, float))
    number = np.arange(len(centres), dtype=np.int32)
    return Carbon(centres, number, np.full(len(centres), -1), number, diameter, "reorient")


@pytest.mark.parametrize("pixel", [5e-9, 2e-8, 1e-7, 5e-7])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_primary_is_cut_as_a_disc_at_any_pixel_size(pixel, axis):
    centre = np.array([5.13e-7, 4.71e-7, 5.34e-7])
    matrix = structure(np.full((10, 10, 10), Phase.MATRIX), carbon=primaries(centre))
    for height, radius in ((0.0, 1.0), (6e-8, 0.8), (1.01e-7, 0.0)):
        found = sem_section(matrix, axis=axis, position=centre[axis] + height, pixel_size=pixel)
        lost = float(np.sum(GREY_LEVELS[Phase.MATRIX] - found.image.astype(float)))
        area = lost / (GREY_LEVELS[Phase.MATRIX] - GREY_LEVELS[Phase.CARBON]) * (pixel / 1e-7) ** 2
        allowed = {5e-9: 0.01, 2e-8: 0.06, 1e-7: 0.15, 5e-7: 0.3}[pixel]  # samples in a disc, whole grey levels
        assert area == pytest.approx(math.pi * radius**2, rel=allowed)


def test_discs_go_on_through_periodic_sides_only():
    corner = primaries([[1e-8, 2e-8, 9.95e-7]])
    for periodic, share in (((True, True, True), 1.0), ((True, True, False), 1.0), (FREE, None)):
        cell = structure(np.full((10, 10, 10), Phase.MATRIX), periodic, carbon=corner)
        found = sem_section(cell, axis=2, position=9.95e-7, pixel_size=5e-9).image
        area = np.count_nonzero(found < 100) * 0.05**2  # in squares of the radius
        if share:
            assert area == pytest.approx(math.pi, rel=0.02)
        else:
            assert 0.25 * math.pi < area < 0.5 * math.pi
        seen = sem_section(cell, axis=2, position=1e-8, pixel_size=5e-9).image.min() < 100
        assert seen == periodic[2]


def test_carbon_that_the_image_resolves_is_not_drawn_twice():
    labels = np.full((10, 10, 10), Phase.ELECTROLYTE)
    labels[0, 0, 0] = Phase.CARBON
    found = sem_section(structure(labels, carbon=primaries([5e-7, 5e-7, 5e-7])))
    assert np.all(found.image == GREY_LEVELS[Phase.ELECTROLYTE])


def test_a_section_of_a_patch_holds_its_carbon():
    patch = coating_patch(
        150e-9, 2e-6, 0.1, 10e-9, materials=Materials.load({"matrix": {"porosity": 0.0}}), rng=np.random.default_rng(1)
    )
    bare = Structure(np.full_like(patch.labels, Phase.MATRIX), 1e-8, patch.periodic, patch.box, carbon=patch.carbon)
    shares = [
        np.mean(sem_section(bare, axis=2, position=place, pixel_size=2e-9).image < 90)
        for place in np.linspace(0, 1.99e-6, 12)
    ]
    assert 0.05 < np.mean(shares) <= 0.1  # penetrable primaries cover a little less than their volume


def test_blur_spreads_and_noise_is_drawn_from_the_generator():
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[:10] = Phase.CORE
    sharp = sem_section(structure(labels)).image
    soft = sem_section(structure(labels), blur=2e-7).image
    assert len(np.unique(sharp)) == 2 < len(np.unique(soft))
    assert soft.mean() == pytest.approx(sharp.mean(), abs=0.5)
    assert soft[0, 0] == sharp[0, 0]  # a free side lets nothing in
    assert sem_section(structure(labels, (True, True, True)), blur=2e-7).image[0, 0] < sharp[0, 0] - 50
    twice = [sem_section(structure(labels), noise=5.0, rng=np.random.default_rng(4)).image for _ in range(2)]
    np.testing.assert_array_equal(*twice)
    assert np.std(twice[0][:10].astype(float)) == pytest.approx(5.0, rel=0.2)


@pytest.mark.parametrize(
    ("wrong", "error", "match"),
    [
        ({"axis": 3}, ValueError, "axis"),
        ({"position": 1.0}, ValueError, "position"),
        ({"position": math.nan}, ValueError, "position"),
        ({"pixel_size": 0.0}, ValueError, "pixel_size"),
        ({"pixel_size": 1e-3}, ValueError, "smaller"),
        ({"pixel_size": 1.0}, ValueError, "metres"),
        ({"blur": -1.0}, ValueError, "blur"),
        ({"noise": -1.0}, ValueError, "noise"),
        ({"noise": 1.0}, TypeError, "rng"),
        ({"noise": "much"}, TypeError, "noise"),
        ({"rng": 1}, TypeError, "rng"),
        ({"grey_levels": {0: 10}}, ValueError, "phase 1"),
        ({"grey_levels": {1: 300}}, ValueError, "grey levels"),
    ],
)
def test_bad_section_arguments_are_refused(wrong, error, match):
    with pytest.raises(error, match=match):
        sem_section(structure(np.ones((3, 3, 3))), **wrong)
