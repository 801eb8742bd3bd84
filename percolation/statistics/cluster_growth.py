"""How the largest cluster grows, and how many pairs of sites the clusters hold, as a lattice fills up."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

from microstructure.arguments import as_numbers


@dataclass(frozen=True, eq=False)
class Growth:
    """Sizes of clusters in many lattices, noted at some numbers of occupied sites.

    Attributes
    ----------
    counts : ndarray of int64 (points,)
        Occupied sites, rising, the last of them `total`.
    largest : ndarray of int64 (runs, points)
        Size of the largest cluster.
    pairs : ndarray of float64 (runs, points)
        Sum over clusters of the size squared: ordered pairs of sites in one cluster.
    total : int
        Sites of the lattice.

    References
    ----------
    M. E. J. Newman and R. M. Ziff, Phys. Rev. E 64 (2001) 016706.
    """

    counts: NDArray[np.int64] = field(repr=False, metadata={"unit": "sites"})
    largest: NDArray[np.int64] = field(repr=False, metadata={"unit": "sites"})
    pairs: NDArray[np.float64] = field(repr=False, metadata={"unit": "sites^2"})
    total: int = field(metadata={"unit": "sites"})

    def largest_share(self, p: ArrayLike) -> NDArray[np.float64]:
        """Return the expected share of all sites that is in the largest cluster at each occupation probability `p`.

        Returns
        -------
        ndarray of float64, as `p`
            The mean over runs and, by the binomial distribution, over numbers of occupied sites.

        Examples
        --------
        Of two sites in a row the largest cluster holds 2 with probability p^2, and 1 with 2 p (1 - p):

        >>> from percolation import sweep_sites
        >>> pair = sweep_sites((2, 1, 1), periodic=(False,) * 3, runs=3, points=2, rng=np.random.default_rng(1))
        >>> float(pair.growth.largest_share(0.5).round(12))
        0.5
        """
        return self._average(self.largest.mean(axis=0), p) / self.total

    def _average(self, noted: NDArray[np.float64], p: ArrayLike) -> NDArray[np.float64]:
        """Return the binomial average of what was noted, straight between the points and 0 without sites."""
        points = as_numbers("p", p).astype(np.float64)
        if not ((points >= 0) & (points <= 1)).all():
            raise ValueError(f"p, the occupation probability, must be 0 to 1, got {points.tolist()}")
        kinks = np.concatenate([[0], self.counts[:-1]])
        slopes = np.diff(noted, prepend=0.0) / np.diff(self.counts, prepend=0)
        bends = np.diff(slopes, prepend=0.0)
        result = np.zeros(points.shape)
        for kink, bend in zip(kinks, bends, strict=True):
            result += bend * _excess(int(kink), self.total, points)
        return result


def _excess(kink: int, total: int, p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the expectation of max(n - kink, 0), n occupied of `total`: n C(total, n) is total C(total - 1, n - 1)."""
    if kink == 0:
        return total * p
    above: NDArray[np.float64] = total * p * betainc(kink, total - kink, p)
    return above - kink * betainc(kink + 1, total - kink, p)
