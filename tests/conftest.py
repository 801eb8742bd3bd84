"""What many tests share: the command, patch libraries made by hand, and the contacts of coats in voxels."""

import math
import os
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from microstructure.coats.coating import Coats
from microstructure.coats.contact_faces import Seams, face_normals
from microstructure.cores.sphere_packing import Packing
from microstructure.materials import Materials
from microstructure.structure import Phase
from studies.two_scale.patch_library import SQUARE, PatchLibrary
from studies.two_scale.patch_plan import CarbonState, PatchPlan
from transport.networks.block_network import CoatContacts

# at a carbon content of 1; electrons and bridges rise with its square, which is interpolated exactly
LEADING = {
    "bridge_rate": 4e14,
    "wall_bridge_rate": 8e14,
    "across_electronic": 2e14,
    "across_touches": 6e14,
    "seam_contacts": 4e14,
    "along_electronic": 2e7,
    "bulk_electronic": 7e6,
}
IONIC = ("along_ionic", "across_ionic", "bulk_ionic")
ALONG, BULK = 0.08, 0.05  # thresholds
SINGLE = 0.5  # conductance of a bridge: of all that cross, over their number


def content_rows(plan, content, scale):
    """Every quantity at one content: A content^2 for electrons, 1 - content for ions, the same in every coat."""
    for name in (*LEADING, *IONIC):
        value = scale.get(name, 1.0) * (LEADING[name] * content**2 if name in SQUARE else 1.0 - content)
        for thickness in (0.0,) if name.startswith("bulk") else plan.thicknesses:
            yield name, thickness, content, value, 0.8 * value, 1.2 * value, "", 1.0
    for thickness in plan.thicknesses:
        value = scale.get("across_electronic", 1.0) * SINGLE
        yield "single_bridge", thickness, content, value, 0.8 * value, 1.2 * value, "", 1.0


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """No test reads patches that another version made, or leaves any to the user."""
    os.environ["PERCOAT_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def percoat(monkeypatch, capsys):
    """Run the command in a folder, in this process: its exit status, and what it wrote."""
    from studies.command import main

    def run(*words, folder):
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["percoat", *map(str, words)])
        try:
            main()
            status = 0
        except SystemExit as end:
            status = end.code or 0
        written = capsys.readouterr()
        return SimpleNamespace(status=status, out=written.out, err=written.err)

    return run


@pytest.fixture(scope="session")
def handmade():
    """Make a library in which every number is a plain function of the carbon content, scaled by name if you like."""

    def make(plan=None, **scale):
        plan = plan or PatchPlan()
        rows = [row for content in (0.0, *plan.contents) for row in content_rows(plan, content, scale)]
        for thickness in (0.0, *plan.thicknesses):
            value = BULK if thickness == 0.0 else ALONG
            rows.append(("threshold", thickness, math.nan, value, 0.9 * value, 1.1 * value, "", 1.0))
        columns = ["quantity", "thickness", "content", "value", "low", "high", "note", "share"]
        return PatchLibrary(CarbonState(Materials.load()), plan, pd.DataFrame(rows, columns=columns))

    return make


@pytest.fixture(scope="session")
def coat_contacts():
    """The slow twin of `lay_seams`: the coat contacts of a voxel structure."""
    return find_coat_contacts


def find_coat_contacts(structure):
    """Count the faces between matrix voxels of different blocks, each area freed of its voxel staircase.

    The sheets of faceted cores are those of spheres of equal volume; their contacts have the true areas and normals.
    """
    parts, voxel, matrix = structure.parts, structure.voxel_size, structure.labels == Phase.MATRIX
    owner = np.where(matrix, parts.owners, -1).astype(np.int64)
    count = parts.cores.count
    codes = [_face_codes(owner, axis, structure.periodic[axis], count) for axis in range(3)]
    pairs_code, faces = np.unique(np.concatenate(codes), return_counts=True)
    pairs = np.stack([pairs_code // (count + 2), pairs_code % (count + 2)], axis=1)
    normals = face_normals(parts.cores, pairs)
    areas = faces * voxel**2 / np.abs(normals).sum(axis=1)
    volumes = np.bincount(owner[matrix & (owner >= 0)], minlength=count) * voxel**3
    radii = 0.5 * parts.cores.diameters
    thickness = radii * np.expm1(np.log1p(volumes / (4.0 / 3.0 * np.pi * radii**3)) / 3.0)
    block = np.append(parts.cores.block, [-1, -2])
    parting = block[pairs[:, 0]] != block[pairs[:, 1]]
    return CoatContacts(pairs, areas, normals, thickness, radii, parting)


def _face_codes(owner, axis, periodic, count):
    """One code i (count + 2) + j, i < j, for each voxel face between two blocks, or a block and a wall."""
    stacked = np.moveaxis(owner, axis, 0)
    below, above = (stacked, np.roll(stacked, -1, 0)) if periodic else (stacked[:-1], stacked[1:])
    between = (below >= 0) & (above >= 0) & (below != above)
    low, high = np.minimum(below, above)[between], np.maximum(below, above)[between]
    codes = [low * (count + 2) + high]
    if axis == 0 and not periodic:
        for end, wall in ((0, count), (-1, count + 1)):
            touching = stacked[end][stacked[end] >= 0]
            codes.append(touching * (count + 2) + wall)
    return np.concatenate(codes)


@pytest.fixture(scope="session")
def one_block():
    """Make the seams of a core between two walls that it nearly touches, with a face of 3 um2 to either."""
    return seams_of_one_block


def seams_of_one_block(recipe):
    diameter, coat, count = 3e-6, 0.15e-6, 2
    box = np.array([diameter + 2 * coat, 2 * diameter, 2 * diameter])
    fraction = float(np.pi / 6 * diameter**3 / np.prod(box))
    return Seams(
        recipe=recipe,
        cores=Packing(0.5 * box[None], np.array([diameter]), box, (False, True, True), fraction, 0.0, "relax"),
        coats=Coats("film", coat, coat, 1.0, 0.0, 0.0),
        pairs=np.array([(0, 1), (0, 2)]),
        areas=np.full(count, 3e-12),
        normals=np.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]),
        piece_pair=np.array([0, 0, 1]),
        piece_area=np.array([1e-12, 2e-12, 3e-12]),
        piece_height=np.full(3, coat),
        matrix=np.full(1, 1e-18),
        covered=np.ones(1),
        heights=np.full((1, 2), coat),
        shares=np.full((1, 2), 0.5),
    )
