"""Public solvers on the images that ours solves: set-up and solve on the clock, what they read ready made before it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from glob import glob
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

from benchmarks.images import CONDUCTIVITIES, PERIODIC, labels
from transport.solvers.operators import as_graph
from transport.solvers.potential import Potential
from transport.voxels.image import parse_image
from transport.voxels.voxel_circuit import VoxelCircuit, voxel_circuit

HYPRE = {
    "PMIS, ext+i": ["coarsen_type PMIS", "interp_type ext+i", "P_max 4"],
    "HMIS, ext+i, one aggressive level": ["coarsen_type HMIS", "interp_type ext+i", "P_max 4", "agg_nl 1"],
}
TAUFACTOR_ITERATIONS = 800


@dataclass(frozen=True)
class Found:
    """What a solver says, and what it took; `memory` in megabytes if it had to be measured inside."""

    seconds: float
    value: float
    imbalance: float
    memory: float | None = None
    remark: str = ""


def wanted_imbalance(image: str) -> float:
    """Flux imbalance to be reached: double precision allows no less at high contrast."""
    conducting = [sigma for sigma in CONDUCTIVITIES[image].values() if sigma > 0.0]
    return max(1e-6, 10.0 * np.finfo(float).eps * max(conducting) / min(conducting))


@cache
def circuit(image: str, edge: int) -> VoxelCircuit:
    """The resistors of an image: plates along x, periodic sides."""
    parsed = parse_image(labels(image, edge), CONDUCTIVITIES[image], 1.0, PERIODIC, None, None)
    found = voxel_circuit(parsed, 0)
    if found is None:
        raise ValueError(f"no path through {image} of {edge}^3")
    return found


@cache
def matrix(image: str, edge: int) -> tuple[Any, Any]:
    """Matrix and right side, unknowns without links left out."""
    found = circuit(image, edge)
    whole = as_graph(found.grid).matrix()
    inflow, _ = found.balance(Potential.of(np.zeros(found.grid.size)))
    live = scipy.sparse.csr_matrix(whole[found.live][:, found.live])
    live.sort_indices()
    return live, inflow[found.live] / found.scale


def judged(image: str, edge: int, values: Any) -> tuple[float, float]:
    """Conductivity and flux imbalance of a solution on the live voxels."""
    found = circuit(image, edge)
    potential = np.zeros(found.grid.size)
    potential[found.live] = values
    inflow, power = found.balance(Potential.of(potential))
    return power / edge, found.imbalance(inflow) / power


class Enough(Exception):  # noqa: N818 - no error
    """The flux is even enough."""


class Watch:
    """Looks at the flux after each iteration of a solver, off the clock, and ends it when it is even enough."""

    def __init__(self, image: str, edge: int) -> None:
        self.image, self.edge = image, edge
        self.spent = 0.0
        self.value = self.imbalance = float("nan")

    def __call__(self, values: Any) -> None:
        """Raise Enough, or go on."""
        begin = time.perf_counter()
        self.value, self.imbalance = judged(self.image, self.edge, values)
        self.spent += time.perf_counter() - begin
        if self.imbalance <= wanted_imbalance(self.image):
            raise Enough


def pyamg(image: str, edge: int) -> Found:
    """Classical multigrid, V-cycle, as a preconditioner of conjugate gradients."""
    import pyamg

    system, right = matrix(image, edge)
    watch = Watch(image, edge)
    begin = time.perf_counter()
    hierarchy = pyamg.ruge_stuben_solver(system, strength=("classical", {"theta": 0.25, "norm": "min"}))
    with suppress(Enough):
        hierarchy.solve(right, tol=1e-15, accel="cg", maxiter=500, callback=watch)
    return Found(time.perf_counter() - begin - watch.spent, watch.value, watch.imbalance)


def hypre(image: str, edge: int, ranks: int, setting: str) -> Found:
    """PETSc's conjugate gradients with BoomerAMG, in processes of their own."""
    system, right = matrix(image, edge)
    found = circuit(image, edge)
    layer = (found.grid.places_of(np.flatnonzero(found.live)) // edge**2).astype(np.int32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "system.npz"
        arrays = {"indptr": system.indptr, "indices": system.indices, "data": system.data}
        np.savez(path, **arrays, right=right, layer=layer, layers=edge)
        options = [part for option in HYPRE[setting] for part in f"-pc_hypre_boomeramg_{option}".split()]
        script = str(Path(__file__).with_name("petsc_ranks.py"))
        command = ["mpirun", "--allow-run-as-root", "-n", str(ranks), *petsc_python(), script, str(path)]
        ended = subprocess.run(
            [*command, str(wanted_imbalance(image)), *options],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": petsc_path()},
        )
    said = json.loads(ended.stdout.splitlines()[-1])
    value = said["current"] * found.scale / edge
    return Found(said["setup"] + said["solve"], value, said["imbalance"], 1000 * said["memory"])


def porespy(image: str, edge: int) -> Found:
    """Its finite differences with OpenPNM and pyamg, at its own default of 1e-3 between inlet and outlet."""
    from porespy.simulations import tortuosity_fd

    void = labels(image, edge) == 1
    begin = time.perf_counter()
    found = tortuosity_fd(void, axis=0)
    return Found(time.perf_counter() - begin, float(1.0 / found.formation_factor), 1e-3, remark="its own default")


def openpnm(image: str, edge: int) -> Found:
    """A cubic network without insulators, closed sides, pyamg's classical multigrid; plates at voxel centres."""
    import openpnm as op

    found = circuit(image, edge)
    begin = time.perf_counter()
    network = op.network.Cubic(shape=[edge] * 3)
    conns = network["throat.conns"]
    direction = np.select([conns[:, 1] - conns[:, 0] == edge**2, conns[:, 1] - conns[:, 0] == edge], [0, 1], 2)
    conductance = np.empty(len(conns))
    links = found.grid.voxels
    for axis, classes in enumerate((links.x, links.y, links.z)):
        throats = direction == axis
        conductance[throats] = links.table[axis][found.grid.image(classes, 0).ravel()[conns[throats, 0]]]
    phase = op.phase.Phase(network=network)
    phase["throat.diffusive_conductance"] = conductance
    transport = op.algorithms.FickianDiffusion(network=network, phase=phase)
    x = network.coords[:, 0]
    first, last = network.pores()[x < 1.0], network.pores()[x > edge - 1.0]
    transport.set_value_BC(pores=first, values=1.0)
    transport.set_value_BC(pores=last, values=0.0)
    transport.run(solver=op.solvers.PyamgRugeStubenSolver(tol=1e-8))
    inward, outward = (abs(float(transport.rate(pores=end).item())) for end in (first, last))
    seconds = time.perf_counter() - begin
    value = found.scale * inward * (edge - 1) / edge**2
    return Found(seconds, value, abs(inward - outward) / inward, remark="closed sides, residual 1e-8")


def taufactor(image: str, edge: int) -> Found:
    """Successive over-relaxation on the processors, at its own default of 1 % between layers; closed sides."""
    import taufactor
    import torch

    torch.set_num_threads(os.cpu_count() or 1)
    sigma = CONDUCTIVITIES[image]
    begin = time.perf_counter()
    if image == "blobs":
        solver = taufactor.Solver(labels(image, edge), device="cpu")
    else:
        shifted = np.zeros((edge,) * 3, np.uint8)
        for label, value in sigma.items():
            shifted[labels(image, edge) == label] = label + 1 if value > 0.0 else 0
        conducting = {label + 1: value for label, value in sigma.items() if value > 0.0}
        solver = taufactor.MultiPhaseSolver(shifted, cond=conducting, device="cpu")
    solver.solve(verbose=False, iter_limit=TAUFACTOR_ITERATIONS)
    converged = bool(np.all(solver.converged))
    remark = "its own default" if converged else f"NOT CONVERGED after {TAUFACTOR_ITERATIONS} iterations"
    imbalance = 1e-2 if converged else float("nan")
    return Found(time.perf_counter() - begin, float(np.ravel(solver.D_eff)[0]), imbalance, remark=remark)


def petsc_path() -> str:
    """Where Debian keeps petsc4py, else nothing."""
    return next(iter(sorted(glob("/usr/lib/petscdir/*/*-real/lib/python3/dist-packages"))), "")


@cache
def petsc_python() -> tuple[str, ...]:
    """A Python that has petsc4py: this one, or the system's; none if there is neither."""
    for python in (sys.executable, "/usr/bin/python3"):
        if shutil.which(python) and shutil.which("mpirun"):
            tried = subprocess.run(
                [python, "-c", "import numpy; from petsc4py import PETSc"],
                env={**os.environ, "PYTHONPATH": petsc_path()},
                capture_output=True,
            )
            if tried.returncode == 0:
                return (python,)
    return ()


def made_ready(way: Callable[[str, int], Found], image: str, edge: int) -> None:
    """What a peer reads is made before its clock runs."""
    solver = getattr(way, "func", way)
    given = matrix if solver in (pyamg, hypre) else circuit if solver is openpnm else labels
    given(image, edge)


def available() -> tuple[dict[str, Callable[[str, int], Found]], dict[str, str]]:
    """The peers that can run here, by name, and why the others cannot."""
    ways: dict[str, Callable[[str, int], Found]] = {}
    missing: dict[str, str] = {}
    for name, way, modules in (
        ("pyamg Ruge-Stueben, conjugate gradients", pyamg, ["pyamg"]),
        ("PoreSpy tortuosity_fd", porespy, ["porespy", "openpnm"]),
        ("OpenPNM, pyamg", openpnm, ["openpnm", "pyamg"]),
        ("TauFactor", taufactor, ["taufactor"]),
    ):
        lacking = [module for module in modules if importlib.util.find_spec(module) is None]
        if lacking:
            missing[name] = f"{lacking[0]} is not installed"
        else:
            ways[name] = way
    for setting in HYPRE:
        for ranks, text in ((1, "one rank"), (2, "two ranks")):
            name = f"PETSc, hypre {setting}, {text}"
            if petsc_python():
                ways[name] = partial(hypre, ranks=ranks, setting=setting)
            else:
                missing[name] = "no Python with petsc4py and mpirun was found (Debian: python3-petsc4py)"
    return ways, missing
