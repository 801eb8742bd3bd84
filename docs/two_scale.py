"""The two-scale route beside the resolved one, on the same packings: writes the first tables of docs/two_scale.md.

For ideal contacts of the outer faces, and for the share of them that is fitted; and the share at which carbon alone
stops joining separator and collector, in both routes.
"""

import sys
import time
from dataclasses import replace

import numpy as np
from resolved_route import ResolvedCarbon, find_resolved_bonds, resolve_carbon, resolved_conductance
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from microstructure.coats.contact_faces import lay_seams
from microstructure.coats.outer_face import IDEAL, OuterFace
from microstructure.recipe import Recipe
from microstructure.structure import Structure
from percolation.utilisation.reach import BareContacts, find_bare_contacts, measure_utilisation
from studies.seeding import BARE, BONDS, seed_library, stream
from studies.series.composition import DRAWS, build_seed, extrapolated_ionic
from studies.study import Study, load_study
from studies.summary import half_interval
from studies.two_scale.patch_library import PatchLibrary, study_library
from studies.two_scale.prediction import Blocks

SEEDS = {"80:20:0.2": 8, "80:20:0.5": 8, "80:20:1": 4, "80:20:3": 4}  # five million primaries at x = 3, minutes each
ROWS = {
    "bonds": ("faces between blocks that carbon bridges [%]", 100.0),
    "utilisation": ("utilisation, electrons [%]", 100.0),
    "electronic": ("composite, electrons [mS/cm]", 10.0),
    "ionic": ("composite, ions, ideal contacts [mS/cm]", 10.0),
    "spans": ("share of contacts at which carbon just spans [%]", 100.0),
}
NONE = np.empty((0, 2), np.int64)
STEPS = 12  # of the bisection, each halving the ratio of its ends
SHARES = (1e-5, 1.0)


def main(compositions: list[str]) -> None:
    """Print the table as Markdown, of all compositions or of those named."""
    study = load_study("kissel2026")
    library = study_library(study, workers=2)
    sys.stdout.write(
        "| NCM:LIC:CB | contacts | seeds | | resolved | two-scale | ratio |\n|---|---|---|---|---|---|---|\n"
    )
    for composition in compositions or SEEDS:
        started, seeds = time.perf_counter(), SEEDS[composition]
        found = [compare(study, composition, seed, library) for seed in range(seeds)]
        for contacts in found[0]:
            for name, (heading, scale) in ROWS.items():
                if name in found[0][contacts][0]:
                    sides = (np.array([one[contacts][side][name] for one in found]) * scale for side in (0, 1))
                    show(f"| {composition} | {contacts} | {seeds} | {heading}", *sides)
        sys.stderr.write(f"{composition}: {(time.perf_counter() - started) / seeds:.0f} s for each structure\n")


def show(head: str, resolved: np.ndarray, blocks: np.ndarray) -> None:
    """One row."""
    texts = (f"{found.mean():.3g} +- {half_interval(found):.2g}" for found in (resolved, blocks))
    sys.stdout.write(f"{head} | {' | '.join(texts)} | {blocks.mean() / resolved.mean():.2f} |\n")
    sys.stdout.flush()


def compare(
    study: Study, composition: str, seed: int, library: PatchLibrary
) -> dict[str, tuple[dict[str, float], dict[str, float]]]:
    """One structure by both routes, with the same bare contacts: ideal contacts of carbon, and those of the study."""
    constants = study.constants
    recipe = Recipe.parse(composition, constants)
    structure = build_seed(study, seed, recipe, seed_library(study, seed))
    bare = find_bare_contacts(structure, share=constants["composite.bare_contact_share"], rng=stream(study, seed, BARE))
    seams = lay_seams(recipe, structure.parts.cores, coat=study.composite.coat)
    carbon, blocks = resolve_carbon(structure), Blocks(recipe, seams, library)
    found = {}
    for contacts, face in (("all carry", IDEAL), ("fitted", study.outer_face)):
        resolved = measured_resolved(carbon, blocks, bare, face, stream(study, seed, BARE))
        two_scale = measured_blocks(replace(blocks, face=face), bare, stream(study, seed, BONDS))
        found[contacts] = resolved, two_scale
    found["all carry"][0]["ionic"] = resolved_ions(structure, recipe, library)
    found["all carry"][1]["ionic"] = blocks.ionic_conductivity(ideal=True)
    found["fitted"][0]["spans"] = bisect(lambda face: spans_resolved(carbon.through(face, seed=seed)))
    found["fitted"][1]["spans"] = spanning_share(blocks, stream(study, seed, BONDS))
    return found


def measured_blocks(blocks: Blocks, bare: BareContacts, rng: np.random.Generator) -> dict[str, float]:
    """By the two-scale route."""
    inner = blocks.seams.parting & ~blocks.seams.walls
    drawn = [replace(one, bare=bare.pairs) for one in blocks.draw(rng, 8)]
    return {
        "bonds": float(blocks.bonds.probability[inner].mean()),
        "utilisation": blocks.reach(rng).electronic,
        "electronic": blocks.electronic_conductivity(drawn),
    }


def measured_resolved(
    carbon: ResolvedCarbon, blocks: Blocks, bare: BareContacts, face: OuterFace, rng: np.random.Generator
) -> dict[str, float]:
    """Primary by primary."""
    constants, seams, carrying = blocks.recipe.materials, blocks.seams, carbon.through(face)
    conductance = resolved_conductance(
        carrying,
        bare,
        neck=constants["cb.neck_conductance"],
        contact_ratio=constants["cb.contact_ratio"],
        core=constants["cam.electronic_conductivity"],
        bare_radius=constants["composite.bare_contact_radius"],
    )
    inner = seams.parting & ~seams.walls
    reached = measure_utilisation(carbon.structure, face=face, draws=DRAWS, rng=rng)
    return {
        "bonds": float(find_resolved_bonds(carrying, seams.pairs[inner]).mean()),
        "utilisation": float(reached.electronic[-1]),
        "electronic": conductance * blocks.scale,
    }


def bisect(spans) -> float:
    """The smallest share of the contacts through seams at which carbon spans; walls carry all."""
    low, high = np.log(SHARES)
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if spans(OuterFace(None, float(np.exp(middle)), 1.0)) else (middle, high)
    return float(np.exp(0.5 * (low + high)))


def spans_resolved(carbon: ResolvedCarbon) -> bool:
    """Whether carbon and cores join the walls, without bare contacts."""
    count, cores = carbon.network.carbon.count, carbon.structure.parts.cores.count
    edges = np.concatenate([carbon.network.links, carbon.touching + np.array([0, count])])
    size = count + cores + 2
    label = connected_components(coo_matrix((np.ones(len(edges)), edges.T), shape=(size, size)), directed=False)[1]
    return bool(label[-2] == label[-1])


def spanning_share(blocks: Blocks, rng: np.random.Generator) -> float:
    """The same of blocks: the mean over draws of the bonds, in the logarithm."""
    drawn = [replace(one, bare=NONE) for one in blocks.draw(rng)]

    def spans(face: OuterFace, ranks) -> bool:
        other = replace(blocks, face=face)
        return other.electrons(other.redrawn(ranks)).conductance() > 0.0

    return float(np.exp(np.mean([np.log(bisect(lambda face, one=one: spans(face, one))) for one in drawn])))


def resolved_ions(structure: Structure, recipe: Recipe, library: PatchLibrary) -> float:
    """A voxel solve with the conductivity of the matrix in a thick coat, extrapolated to a voxel of zero."""
    thick = float(library.value("along_ionic", recipe.volume_fraction, library.reach[1]))
    return extrapolated_ionic(replace(structure, carbon=None), recipe.electrolyte_conductivity * thick)


if __name__ == "__main__":
    main(sys.argv[1:])
