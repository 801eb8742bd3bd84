"""One composition of one seed of a study: its structure, its matrix, its utilisation and its conductivities."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from microstructure.carbon.aggregates import AggregateLibrary
from microstructure.carbon.placement import fill_bulk
from microstructure.coats.coat_models import coat_thickness
from microstructure.coats.contact_faces import lay_seams
from microstructure.composite import PERIODIC, coat_composite, core_sizes
from microstructure.cores.sphere_packing import pack_spheres
from microstructure.files import save_structure
from microstructure.patch import bulk_patch
from microstructure.recipe import Recipe
from microstructure.structure import Phase, Structure
from percolation.carbon_paths.network import link_carbon
from percolation.utilisation.reach import measure_utilisation
from studies.seeding import BARE, CARBON, CORES, CUBE, seed_library, stream
from studies.study import Study
from studies.summary import Value
from studies.two_scale.patch_library import PatchLibrary
from studies.two_scale.prediction import DRAWS, Blocks
from transport import effective_conductivity
from transport.networks.carbon_resistors import along_conductivity


def composition_task(
    study: Study, seed: int, recipe: Recipe, patches: PatchLibrary, folder: Path | None = None
) -> list[Value]:
    """One composition of one seed: its matrix, its composite, its utilisation and its conductivities.

    Thresholds, matrix and utilisation follow every primary; the composite conducts as blocks whose coats do what the
    patches of the library do.
    """
    with threadpool_limits(1):
        library = seed_library(study, seed)
        structure = build_seed(study, seed, recipe, library)
        if folder is not None:
            path = folder / f"seed{seed}-{str(recipe).replace(':', '-')}.h5"
            save_structure(structure, path, carbon=False, seed=(study.ensemble.seed, seed))
        electronic, ionic = matrix_conductivities(study, seed, recipe, library)
        values = [*_structure_values(structure), *_utilisation_values(study, seed, structure)]
        values += [
            Value("matrix_electronic", str(recipe), "", "S/m", electronic),
            Value("matrix_ionic", str(recipe), "", "S/m", ionic),
        ]
        return values + _composite_values(study, seed, structure, patches, ionic)


def build_seed(study: Study, seed: int, recipe: Recipe, library: AggregateLibrary) -> Structure:
    """The composite of one seed and composition.

    Every composition of a seed starts from the same random cores and takes its carbon from the same insertion
    sequence of aggregates, as much of it as the recipe holds.
    """
    settings, materials = study.composite, study.constants
    core_fraction = recipe.core_fraction(settings.total_porosity(recipe))
    sizes = core_sizes(materials)
    diameters = sizes.draw(settings.cores, rng=stream(study, seed, CORES, 0))
    box = composite_box(study, diameters, core_fraction)
    packing = pack_spheres(
        diameters * (core_fraction * math.prod(box) / (math.pi / 6.0 * np.sum(diameters**3))) ** (1.0 / 3.0),
        box=box,
        periodic=PERIODIC,
        clearance=coat_thickness(recipe, settings.coat),
        rng=stream(study, seed, CORES, 1),
    )
    return coat_composite(
        recipe,
        packing,
        voxel_size=settings.voxel_size,
        coat=settings.coat,
        fit=study.carbon.fit,
        dispersion=study.carbon.dispersion.dispersion,
        protrusion=study.carbon.protrusion,
        library=library,
        rng=stream(study, seed, CARBON),
    )


def composite_box(study: Study, diameters: np.ndarray, core_fraction: float) -> tuple[float, float, float]:
    """Edges in even numbers of voxels: the thickness asked for, and square sides that suit the core fraction."""
    settings = study.composite
    voxel = settings.voxel_size
    length = 2 * math.ceil(0.5 * settings.thickness * study.constants["cam.median_diameter"] / voxel)
    volume = math.pi / 6.0 * float(np.sum(diameters**3)) / core_fraction
    side = 2 * round(0.5 * math.sqrt(volume / (length * voxel)) / voxel)
    return length * voxel, side * voxel, side * voxel


def matrix_conductivities(study: Study, seed: int, recipe: Recipe, library: AggregateLibrary) -> tuple[float, float]:
    """Electrons on the network of primaries of a periodic cube, ions in a smaller voxel cube [S/m]."""
    settings, materials = study.matrix, recipe.materials
    edge = settings.ion_voxels * settings.ion_voxel_size
    rng = stream(study, seed, CUBE, 1)
    patch = bulk_patch(
        edge,
        recipe.volume_fraction,
        settings.ion_voxel_size,
        dispersion=study.carbon.dispersion.dispersion,
        materials=materials,
        library=library,
        rng=rng,
    )
    conductivity = dict.fromkeys(map(int, Phase), 0.0) | {int(Phase.ELECTROLYTE): recipe.electrolyte_conductivity}
    ionic = effective_conductivity(
        patch.labels, conductivity=conductivity, voxel_size=settings.ion_voxel_size, axis=0, periodic=patch.periodic
    )
    return carbon_conductivity(study, seed, recipe, library), ionic.value


def carbon_conductivity(study: Study, seed: int, recipe: Recipe, library: AggregateLibrary) -> float:
    """Electronic conductivity of the primaries in a periodic cube of matrix [S/m], exactly 0.0 without a path."""
    edge, materials = study.matrix.network_edge, study.constants
    volume = recipe.volume_fraction * (1.0 - recipe.matrix_porosity) * edge**3
    dispersion, rng = study.carbon.dispersion.dispersion, stream(study, seed, CUBE, 0)
    carbon = fill_bulk(library, box=(edge,) * 3, volume=volume, dispersion=dispersion, rng=rng)
    if carbon.count == 0:
        return 0.0
    network = link_carbon(carbon, box=(edge,) * 3, periodic=(True,) * 3, contact_gap=study.carbon.contact_gap)
    return materials["cb.neck_conductance"] * along_conductivity(network, materials["cb.contact_ratio"], axis=0)


def _structure_values(structure: Structure) -> list[Value]:
    recipe, cores, coats = structure.parts.recipe, structure.parts.cores, structure.parts.coats
    carbon = structure.carbon
    between = structure.fraction(Phase.PORE)
    total = between + structure.fraction(Phase.MATRIX) * recipe.coat_porosity
    found = [
        ("core_fraction", "1", cores.fraction),
        ("core_fraction_inside", "1", inner_core_fraction(structure)),
        ("core_overlap", "1", cores.overlap),
        ("porosity_total", "1", total),
        ("coat_thickness", "m", coats.thickness),
        ("matrix_in_film", "1", coats.film_share),
        ("matrix_in_recesses", "1", coats.recess_share),
        ("matrix_in_interstices", "1", coats.interstice_share),
        ("primaries", "1", float(carbon.count if carbon else 0)),
        ("carbon_left_out", "1", carbon.left_out if carbon else 0.0),
    ]
    return [Value(name, str(recipe), "", unit, value) for name, unit, value in found]


def inner_core_fraction(structure: Structure) -> float:
    """Volume fraction of the cores more than one median diameter away from the walls, which order and loosen them."""
    margin = round(float(np.median(structure.parts.cores.diameters)) / structure.voxel_size)
    inside = structure.labels[margin : structure.labels.shape[0] - margin]
    return float(np.mean(inside == Phase.CORE))


def _utilisation_values(study: Study, seed: int, structure: Structure) -> list[Value]:
    found = measure_utilisation(
        structure,
        contact_gap=study.carbon.contact_gap,
        face=study.outer_face,
        ionic_contact_share=study.composite.ionic_contact_share,
        draws=DRAWS,
        rng=stream(study, seed, BARE),
    )
    recipe = str(structure.recipe)
    named = [
        ("utilisation_electronic", float(found.electronic[-1])),
        ("utilisation_ionic", float(found.ionic[-1])),
        ("utilisation_joint", float(found.joint[-1])),
        ("reachable_area", float(found.reachable_area[-1])),
    ]
    return [Value(name, recipe, "", "1", value) for name, value in named]


def _composite_values(
    study: Study, seed: int, structure: Structure, patches: PatchLibrary, ionic: float
) -> list[Value]:
    """Composite conductivities of the structure's blocks, with and without resistance between them; ions in voxels."""
    recipe, values = structure.parts.recipe, []
    seams = lay_seams(recipe, structure.parts.cores, coat=study.composite.coat)
    blocks = Blocks(recipe, seams, patches, study.outer_face)
    drawn = blocks.draw(stream(study, seed, BARE), DRAWS)
    for setting, ideal in (("", False), ("ideal contacts", True)):
        electronic, ions = blocks.electronic_conductivity(drawn, ideal=ideal), blocks.ionic_conductivity(ideal=ideal)
        values.append(Value("composite_electronic", str(recipe), setting, "S/m", electronic))
        values.append(Value("composite_ionic", str(recipe), setting, "S/m", ions))
    voxels = extrapolated_ionic(structure, ionic)
    return [*values, Value("composite_ionic", str(recipe), "voxels, ideal contacts", "S/m", voxels)]


def extrapolated_ionic(structure: Structure, ionic: float) -> float:
    """Ionic conductivity of the composite solved in voxels [S/m], extrapolated from two voxel sizes.

    Insulating cores carry a staircase error of first order, so that the value at a voxel of zero is twice the fine
    one minus the one at double the voxel size.
    """
    conductivity = {int(Phase.PORE): 0.0, int(Phase.CORE): 0.0, int(Phase.MATRIX): ionic}
    fine, coarse = (
        effective_conductivity(
            structure.labels[::step, ::step, ::step],
            conductivity=conductivity,
            axis=0,
            periodic=structure.periodic,
            voxel_size=step * structure.voxel_size,
        ).value
        for step in (1, 2)
    )
    return 2.0 * fine - coarse
