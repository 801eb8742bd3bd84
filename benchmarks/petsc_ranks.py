"""Conjugate gradients with hypre's BoomerAMG on a matrix from a file; run by mpirun, with a Python that has petsc4py.

    mpirun -n 2 python petsc_solve.py SYSTEM.npz IMBALANCE OPTIONS

It prints JSON: seconds to set up and to solve, iterations, gigabytes of all ranks, current and flux imbalance. The
residual asked for falls by half-decades until the flux imbalance is small enough; the last solve counts.
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
x, r, ones = b.duplicate(), b.duplicate(), b.duplicate()
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


for tolerance in 10.0 ** -np.arange(6.0, 14.0, 0.5):
    x.set(0.0)
    solver.setTolerances(rtol=tolerance, max_it=2000)
    begin = time.perf_counter()
    solver.solve(b, x)
    seconds = time.perf_counter() - begin
    A.mult(x, r)
    r.aypx(-1.0, b)
    lost = np.cumsum(summed(np.bincount(layer, r.getArray(), int(system["layers"]))))
    current = b.dot(ones) - b.dot(x)
    imbalance = (max(lost.max(), 0.0) - min(lost.min(), 0.0)) / current
    if imbalance <= wanted:
        break
used = summed(np.array([resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6]))[0]
if rank == 0:
    found = {"setup": setup, "solve": seconds, "iterations": solver.getIterationNumber(), "memory": float(used)}
    print(json.dumps({**found, "current": float(current), "imbalance": float(imbalance), "rtol": float(tolerance)}))
