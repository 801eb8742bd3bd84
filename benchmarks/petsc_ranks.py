"""Conjugate gradients with hypre's BoomerAMG on a matrix from a file; run by mpirun, with a Python that has petsc4py.

    mpirun -n 2 python petsc_ranks.py SYSTEM.npz IMBALANCE OPTIONS

It prints JSON: seconds to set up and to solve, iterations, gigabytes of all ranks, current and flux imbalance. It
solves until the flux imbalance is small enough; looking at it is not on the clock.
"""

import json
import resource
import sys
import time

import petsc4py

petsc4py.init(sys.argv[3:])
import numpy as np  # noqa: E402
from petsc4py import PETSc  # noqa: E402

system, wanted = np.load(sys.argv[1]), float(sys.argv[2])
rank, ranks = PETSc.COMM_WORLD.getRank(), PETSc.COMM_WORLD.getSize()
size = system["right"].size
first, last = rank * size // ranks, (rank + 1) * size // ranks
indptr, layer = system["indptr"][first : last + 1], system["layer"][first:last]
entries = slice(indptr[0], indptr[-1])
A = PETSc.Mat().createAIJ(
    ((last - first, size), (last - first, size)),
    csr=(indptr - indptr[0], system["indices"][entries], system["data"][entries]),
)
b = PETSc.Vec().createWithArray(system["right"][first:last].copy(), (last - first, size))
x, y, r, ones = (b.duplicate() for _ in range(4))
ones.set(1.0)
solver = PETSc.KSP().create()
solver.setOperators(A)
solver.setType("cg")
solver.getPC().setType("hypre")
solver.setFromOptions()
begin = time.perf_counter()
solver.setUp()
setup = time.perf_counter() - begin


def summed(values):
    """Sum over the ranks."""
    total = PETSc.Vec().createMPI((values.size, ranks * values.size))
    total.setArray(values)
    gathered = PETSc.Scatter.toAll(total)
    scatter, everything = gathered
    scatter.scatter(total, everything)
    return everything.getArray().reshape(ranks, -1).sum(axis=0)


spent, imbalance, current = 0.0, np.inf, np.nan


def even_enough(ksp, iteration, norm):
    """Whether the solver may end; what this costs is taken off the clock."""
    global spent, imbalance, current
    begin = time.perf_counter()
    ksp.buildSolution(x)
    A.mult(x, r)
    r.aypx(-1.0, b)
    lost = np.cumsum(summed(np.bincount(layer, r.getArray(), int(system["layers"]))))
    current = b.dot(ones) - b.dot(x)
    imbalance = (max(lost.max(), 0.0) - min(lost.min(), 0.0)) / current
    spent += time.perf_counter() - begin
    return imbalance <= wanted


solver.setConvergenceTest(even_enough)
begin = time.perf_counter()
solver.solve(b, y)
seconds = time.perf_counter() - begin - spent
used = summed(np.array([resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6]))[0]
if rank == 0:
    found = {"setup": setup, "solve": seconds, "iterations": solver.getIterationNumber(), "memory": float(used)}
    print(json.dumps({**found, "current": float(current), "imbalance": float(imbalance)}))
