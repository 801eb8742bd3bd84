"""When each of many random structures first percolates, as something is added to it piece by piece."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

from microstructure.arguments import as_numbers, check_name, check_number
from microstructure.errors import ThresholdError
from percolation.lattice_arguments import Triple, parse_axis
from percolation.statistics.cluster_growth import Growth

ANY = ("any", "either")
ALL = ("all", "both")
KINDS = ("wrap", "span", "largest")


@dataclass(frozen=True, eq=False)
class Sweep:
    """Onsets of percolation in a set of independent random structures of one kind.

    A **lattice** sweep (`total` given) counts onsets in occupied sites; a **continuum** sweep (`total` None) states
    them as the quantity itself, say the volume fraction of CB at which the carbon network first wrapped. `inf` means
    that it never happened, or cannot: nothing wraps along a free axis.

    Attributes
    ----------
    wrap : ndarray of float64 (runs, 3)
        Onset of wrapping along x, y, z.
    span : ndarray of float64 (runs, 3)
        Onset of spanning along x, y, z, face to face inside the box.
    jump : ndarray of float64 (runs,)
        Where the largest cluster grew most at once.
    shape : tuple of three float
        Edge lengths of the box: sites of a lattice, else m. Their ratios decide which critical probability holds.
    periodic : tuple of three bool
        Axes closed to a ring.
    neighbours : int
        6, 18 or 26; 0 for a network that is not on a lattice.
    quantity : str
        What the onsets count or measure, such as "site occupation" or "CB volume fraction of the matrix".
    recipe : str
        What the structures are, in words.
    total : int or None
        Number of sites of the lattice; None for a continuum.
    axis : int
        Direction looked along unless told otherwise.
    growth : Growth or None
        How the clusters grow, where it was asked for.

    Raises
    ------
    ValueError
        If the arrays do not have the shapes above, or an onset is NaN.
    """

    wrap: NDArray[np.float64] = field(repr=False, metadata={"unit": "sites (lattice) or 1 (continuum)"})
    span: NDArray[np.float64] = field(repr=False, metadata={"unit": "sites (lattice) or 1 (continuum)"})
    jump: NDArray[np.float64] = field(repr=False, metadata={"unit": "sites (lattice) or 1 (continuum)"})
    shape: tuple[float, float, float] = field(metadata={"unit": "sites (lattice) or m (continuum)"})
    periodic: Triple = field(metadata={"unit": "1"})
    neighbours: int = field(metadata={"unit": "1"})
    quantity: str = field(metadata={"unit": "1"})
    recipe: str = field(metadata={"unit": "1"})
    total: int | None = field(default=None, metadata={"unit": "sites"})
    axis: int = field(default=0, metadata={"unit": "1"})
    growth: Growth | None = field(default=None, repr=False, metadata={"unit": "sites"})

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        runs = len(self.jump)
        for name, array, wanted in (
            ("wrap", self.wrap, (runs, 3)),
            ("span", self.span, (runs, 3)),
            ("jump", self.jump, (runs,)),
        ):
            if array.shape != wanted:
                raise ValueError(f"{name} must have shape {wanted} for {runs} runs, got {array.shape}")
            if np.isnan(array).any():
                raise ValueError(f"{name} holds NaN: an onset that never happened is inf")

    @property
    def runs(self) -> int:
        """Number of independent structures."""
        return len(self.jump)

    def onsets(self, kind: str = "wrap", axis: int | str | None = None) -> NDArray[np.float64]:
        """Return one onset per run, as a share of `total` for a lattice.

        Parameters
        ----------
        kind : {"wrap", "span", "largest"}
            Closes on itself; joins two faces; grows most at once.
        axis : {0, 1, 2, "any", "either", "all", "both"}, optional
            Direction; "any" is the first of the possible axes, "all" the last. The sweep's own by default.

        Returns
        -------
        ndarray of float64 (runs,)

        Raises
        ------
        ThresholdError
            If nothing of that kind can happen along that axis.
        """
        check_name("kind", kind, KINDS)
        found = self.jump if kind == "largest" else self._along(kind, self.axis if axis is None else axis)
        return found / (1 if self.total is None else self.total)

    def probability(self, p: float, kind: str = "wrap", axis: int | str | None = None) -> float:
        """Return the probability that the structure percolates at `p`; see `curve`.

        Examples
        --------
        One chain of two sites spans when both are there:

        >>> from percolation import sweep_sites
        >>> chain = sweep_sites((2, 1, 1), periodic=(False,) * 3, runs=5, rng=np.random.default_rng(0))
        >>> round(chain.probability(0.7, "span"), 12)
        0.49
        """
        return float(self.curve(np.array([check_number("p", p)]), kind, axis)[0])

    def curve(self, p: ArrayLike, kind: str = "wrap", axis: int | str | None = None) -> NDArray[np.float64]:
        """Return the probability that the structure percolates at each `p`.

        Parameters
        ----------
        p : array_like of float (n,)
            For a lattice the probability of a site to be occupied, 0 to 1; else the quantity itself.
        kind, axis
            As for `onsets`.

        Returns
        -------
        ndarray of float64 (n,)
            For a lattice the mean over the runs of P(binomial(total, p) >= onset), so that `p` is a probability and
            not a share; for a continuum the share of runs whose onset is at most `p`.

        References
        ----------
        M. E. J. Newman and R. M. Ziff, Phys. Rev. E 64 (2001) 016706, eq. (2).
        """
        distinct, counts = np.unique(self.onsets(kind, axis), return_counts=True)
        share: NDArray[np.float64] = counts @ self.tails(distinct, p) / self.runs
        return share

    def tails(self, onsets: NDArray[np.float64], p: ArrayLike) -> NDArray[np.float64]:
        """Return the probability that each onset (n,) is reached at each `p` (m,), float64 (n, m)."""
        points = np.atleast_1d(as_numbers("p", p).astype(np.float64))
        if points.ndim != 1:
            raise ValueError(f"p is a number or a row of numbers; got shape {points.shape}")
        if self.total is None:
            return (onsets[:, np.newaxis] <= points).astype(np.float64)
        if not ((points >= 0) & (points <= 1)).all():
            raise ValueError(f"p, the occupation probability, must be 0 to 1, got {points.min()} to {points.max()}")
        reached = np.zeros((len(onsets), len(points)))
        finite = np.isfinite(onsets)
        sites = np.rint(onsets[finite, np.newaxis] * self.total)
        reached[finite] = betainc(sites, self.total - sites + 1, points)
        return reached

    def _along(self, kind: str, axis: int | str) -> NDArray[np.float64]:
        table = {"wrap": self.wrap, "span": self.span}[kind]
        possible = [a for a in range(3) if self.periodic[a] == (kind == "wrap")]
        if isinstance(axis, str):
            check_name("axis", axis, ANY + ALL)
            if not possible:
                raise ThresholdError(f"nothing {kind}s along any axis with periodic={self.periodic}: {_ADVICE[kind]}")
            pick = np.min if axis in ANY else np.max
            picked: NDArray[np.float64] = pick(table[:, possible], axis=1)
            return picked
        number = parse_axis(axis)
        if number not in possible:
            raise ThresholdError(f"nothing {kind}s along axis {number} with periodic={self.periodic}: {_ADVICE[kind]}")
        return table[:, number]


_ADVICE = {
    "wrap": "make it periodic, or ask for kind='span'",
    "span": "make it free, or ask for kind='wrap'",
}
