"""Linear solvers: conjugate gradients, and multigrid by aggregation as their preconditioner."""
