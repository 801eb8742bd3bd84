"""The two-scale route beside the resolved one, on the same packings: writes the first table of docs/two_scale.md."""

import sys
import time
from dataclasses import replace

import numpy as np

from microstructure.recipe import Recipe
from microstructure.seams import lay_seams
from microstructure.structure import Structure
from percolation.utilisation import find_bare_contacts, measure_utilisation
from studies.blocks import Blocks
from studies.bond_check import find_resolved_bonds, resolve_carbon, resolved_conductance
from studies.patches.library import PatchLibrary, study_library
from studies.streams import BARE, BONDS, seed_library, stream
from studies.study import Study, load_study
from studies.tasks import DRAWS, build_seed, extrapolated_ionic
from studies.values import half_interval

SEEDS = {"80:20:0.2": 8, "80:20:0.5": 8, "80:20:1": 4, "80:20:3": 8}  # four million primaries at x = 3, minutes each
ROWS = {
    "bonds": ("faces between blocks that carbon bridges [%]", 100.0),
    "utilisation": ("utilisation, electrons [%]", 100.0),
    "electronic": ("composite, electrons, ideal contacts [mS/cm]", 10.0),
    "ionic": ("composite, ions, ideal contacts [mS/cm]", 10.0),
}


def main() -> None:
    """Print the table as Markdown."""
    study = load_study("kissel2026")
    library = study_library(study, workers=2)
    sys.stdout.write(
        "| NCM:LIC:CB | seeds | | resolved | two-scale | ratio | seconds |\n|---|---|---|---|---|---|---|\n"
    )
    for composition, seeds in SEEDS.items():
        started = time.perf_counter()
        pairs = [compare(study, composition, seed, library) for seed in range(seeds)]
        took = (time.perf_counter() - started) / seeds
        for name, (heading, scale) in ROWS.items():
            resolved, blocks = (np.array([one[side][name] for one in pairs]) * scale for side in (0, 1))
            texts = (f"{found.mean():.3g} +- {half_interval(found):.2g}" for found in (resolved, blocks))
            ratio = blocks.mean() / resolved.mean()
            line = f"| {composition} | {seeds} | {heading} | {' | '.join(texts)} | {ratio:.2f} | {took:.0f} |"
            sys.stdout.write(line + "\n")
        sys.stdout.flush()


def compare(
    study: Study, composition: str, seed: int, library: PatchLibrary
) -> tuple[dict[str, float], dict[str, float]]:
    """One structure by both routes, its blocks touching ideally, with the same bare contacts."""
    constants = study.constants
    recipe = Recipe.parse(composition, constants)
    structure = build_seed(study, seed, recipe, seed_library(study, seed))
    bare = find_bare_contacts(structure, share=constants["composite.bare_contact_share"], rng=stream(study, seed, BARE))
    seams = lay_seams(recipe, structure.parts.cores, coat=study.composite.coat)
    blocks = Blocks(recipe, seams, library)
    rng, inner = stream(study, seed, BONDS), seams.parting & ~seams.walls
    drawn = [replace(one, bare=bare.pairs) for one in blocks.draw(rng, 8)]
    two_scale = {
        "bonds": float(blocks.bonds.probability[inner].mean()),
        "utilisation": blocks.reach(rng).electronic,
        "electronic": blocks.electronic_conductivity(drawn, ideal=True),
        "ionic": blocks.ionic_conductivity(ideal=True),
    }
    carbon = resolve_carbon(structure)
    conductance = resolved_conductance(
        carbon,
        bare,
        neck=constants["cb.neck_conductance"],
        contact_ratio=constants["cb.contact_ratio"],
        core=constants["cam.electronic_conductivity"],
        bare_radius=constants["composite.bare_contact_radius"],
    )
    rng = stream(study, seed, BARE)
    return {
        "bonds": float(find_resolved_bonds(carbon, seams.pairs[inner]).mean()),
        "utilisation": float(measure_utilisation(structure, draws=DRAWS, rng=rng).electronic[-1]),
        "electronic": conductance * blocks.scale,
        "ionic": resolved_ions(structure, recipe, library),
    }, two_scale


def resolved_ions(structure: Structure, recipe: Recipe, library: PatchLibrary) -> float:
    """A voxel solve with the conductivity of the bulk matrix, extrapolated to a voxel of zero."""
    bulk = recipe.electrolyte_conductivity * float(library.value("bulk_ionic", recipe.volume_fraction))
    return extrapolated_ionic(replace(structure, carbon=None), bulk)


if __name__ == "__main__":
    main()
