"""Contacts: lattices whose contacts can be counted, and a slow twin over all pairs and images."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from microstructure.cores.contacts import find_contacts
from microstructure.cores.sizes import Lognormal
from microstructure.cores.sphere_packing import Packing, pack_spheres

WALLED = list(itertools.product([False, True], repeat=3))


def spheres(centres, diameters, box, periodic):
    """A packing made by hand; overlaps do not matter here."""
    arrays = (np.array(values, dtype=float) for values in (centres, diameters, box))
    return Packing(*arrays, periodic, fraction=0.5, overlap=0.0, method="hand")


def slow_contacts(packing, gap):
    found = []
    reach = 1 + math.ceil((packing.diameters.max() + gap) / packing.box.min())
    reaches = [range(-reach, reach + 1) if periodic else (0,) for periodic in packing.periodic]
    for i, j in itertools.combinations_with_replacement(range(packing.count), 2):
        for shift in itertools.product(*reaches):
            if i == j and shift <= (0, 0, 0):
                continue
            vector = packing.centres[j] + np.array(shift) * packing.box - packing.centres[i]
            distance = math.sqrt(vector @ vector) - packing.radii[i] - packing.radii[j]
            if distance <= gap:
                found.append((i, j, *vector, distance))
    return np.array(sorted(found)).reshape(-1, 6)


@pytest.mark.parametrize("periodic", WALLED, ids=str)
@pytest.mark.parametrize("edge", [0.9, 2.4, 6.0])
def test_against_all_pairs_and_images(periodic, edge):
    rng = np.random.default_rng(1)
    count = 12 if edge < 2 else 40
    box = edge * np.array([1.0, 1.2, 0.9])
    packing = spheres(rng.random((count, 3)) * box, rng.uniform(0.3, 1.1, count), box, periodic)
    gap = 0.8 if edge < 1 else 0.2  # in the smallest box beyond the next image, too
    contacts = find_contacts(packing, gap=gap)
    slow = slow_contacts(packing, gap)
    assert len(slow) > 3
    assert np.array_equal(contacts.pairs, slow[:, :2])
    assert contacts.vectors == pytest.approx(slow[:, 2:5], abs=1e-12)
    assert contacts.gaps == pytest.approx(slow[:, 5], abs=1e-12)


@pytest.mark.parametrize("periodic", WALLED, ids=str)
def test_simple_cubic_lattice(periodic):
    n = 4
    centres = np.stack(np.meshgrid(*[np.arange(n) + 0.5] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    contacts = find_contacts(spheres(centres, np.ones(n**3), (n, n, n), periodic), gap=1e-9)
    assert len(contacts.pairs) == sum(n**3 if wraps else n**2 * (n - 1) for wraps in periodic)
    assert contacts.gaps == pytest.approx(0.0, abs=1e-12)
    faces = 0 if periodic[0] else n**2
    assert contacts.separator.size == contacts.collector.size == faces
    if faces:
        assert np.all(centres[contacts.separator, 0] == 0.5)
        assert np.all(centres[contacts.collector, 0] == n - 0.5)


def test_face_centred_lattice_has_twelve_neighbours_each():
    n, basis = 3, np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    cells = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    centres = (cells[:, None] + basis[None]).reshape(-1, 3)
    packing = spheres(centres, np.full(len(centres), math.sqrt(0.5)), (n, n, n), (True,) * 3)
    contacts = find_contacts(packing, gap=1e-9)
    assert np.all(np.bincount(contacts.pairs.ravel()) == 12)


def test_a_pair_through_two_images_and_a_sphere_that_meets_itself():
    packing = spheres([[0.5, 0.5, 5], [0.5, 1.5, 5]], [1, 1], (1, 2, 10), (False, True, True))
    twice = find_contacts(packing, gap=1e-9)
    assert twice.pairs.tolist() == [[0, 1], [0, 1]]
    assert twice.vectors.tolist() == [[0, -1, 0], [0, 1, 0]]
    alone = find_contacts(spheres([[0.5, 0.5, 5]], [1], (1, 1.1, 10), (False, True, True)), gap=0.2)
    assert alone.pairs.tolist() == [[0, 0]]
    assert alone.vectors == pytest.approx(np.array([[0, 1.1, 0]]))
    assert alone.gaps == pytest.approx([0.1])


def test_faces_and_their_gaps():
    packing = spheres([[0.7, 2, 2], [4.4, 2, 2], [2.5, 0.5, 2]], [1, 1, 1], (5, 4, 4), (False, True, True))
    contacts = find_contacts(packing, gap=0.25)
    assert contacts.separator.tolist() == [0]
    assert contacts.separator_gaps == pytest.approx([0.2])
    assert contacts.collector.tolist() == [1]
    assert contacts.collector_gaps == pytest.approx([0.1])
    assert contacts.pairs.shape == (0, 2)
    assert contacts.vectors.shape == (0, 3)


def test_contacts_of_a_packing_grow_with_the_gap():
    packing = pack_spheres(Lognormal(3.3e-6, 0.3), fraction=0.6, count=80, rng=np.random.default_rng(2))
    few, many = (find_contacts(packing, gap=gap) for gap in (10e-9, 300e-9))
    assert np.array_equal(few.pairs, many.pairs[many.gaps <= 10e-9])
    assert len(few.pairs) < len(many.pairs)
    assert 3 < 2 * len(many.pairs) / 80 < 12
    assert few.separator.size > 0
    assert few.collector.size > 0
    assert few.gaps.min() > -2e-4 * packing.diameters.max()


def test_refusals_and_repr():
    packing = spheres([[1, 1, 1]], [1], (2, 2, 2), (False, True, True))
    for gap, error in ((-1e-9, ValueError), (math.nan, ValueError), (math.inf, ValueError), ("1 nm", TypeError)):
        with pytest.raises(error, match="gap"):
            find_contacts(packing, gap=gap)
    with pytest.raises(TypeError, match="Packing"):
        find_contacts([[1, 1, 1]], gap=0.0)
    assert repr(find_contacts(packing, gap=1e-9)) == (
        "Contacts(0 pairs, 0 at the separator, 0 at the collector, gap <= 1 nm)"
    )
