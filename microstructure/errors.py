"""What can go wrong beyond a wrong type or value: one small tree, so that a caller can catch it whole."""

from __future__ import annotations

from typing import Any


class PercoatError(Exception):
    """Base of every error that percoat raises besides `TypeError` and `ValueError`."""


class RecipeError(PercoatError, ValueError):
    """A recipe that cannot be made: its weights, its porosity or its volumes contradict each other."""


class PackingError(PercoatError):
    """A packing that did not reach its target; `best` holds the densest one found."""

    def __init__(self, message: str, best: Any = None) -> None:
        super().__init__(message)
        self.best = best


class DiskFullError(PercoatError, OSError):
    """A disk, or the share of it that one may use, that has no room left for a file."""

    def __str__(self) -> str:
        return str(self.strerror)


class ConvergenceError(PercoatError):
    """A solve that did not converge; `best` holds the partial result, marked as not converged."""

    def __init__(self, message: str, best: Any = None) -> None:
        super().__init__(message)
        self.best = best


class BoundsError(PercoatError):
    """A result outside bounds that no material can leave: a fault of the program, please report it."""


class ThresholdError(PercoatError, ValueError):
    """Data that cannot carry a threshold: too few runs, or no crossing."""


class StudyError(PercoatError, ValueError):
    """A study file that cannot be read: an unknown key, a value out of range, a missing material."""


class WorkerError(PercoatError):
    """A process that shared the work was killed, most often because memory ran out; finished tasks are kept."""
