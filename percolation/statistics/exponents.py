"""How fast thresholds sharpen as samples grow: the known exponents, and one measured from widths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from microstructure.arguments import as_numbers, check_each, check_rng
from microstructure.errors import ThresholdError
from percolation.statistics.bootstrap import REPLICATES, SEED, find_interval
from percolation.statistics.onsets import Sweep
from percolation.statistics.threshold import check_onsets, parse_share

# 1/nu. Three dimensions: Wang et al., Phys. Rev. E 87 (2013) 052107. Two, and so the lateral size of a slab of fixed
# thickness: nu = 4/3 exactly, den Nijs, J. Phys. A 12 (1979) 1857.
INVERSE_NU_3D = 1.141
INVERSE_NU_2D = 0.75


@dataclass(frozen=True)
class Exponent:
    """A power of the size, and how well it is known.

    Attributes
    ----------
    value : float
        The exponent.
    low, high : float
        Ends of its interval at `confidence`.
    confidence : float
        Of the interval.
    method : str
        How it was found, in words.
    """

    value: float = field(metadata={"unit": "1"})
    low: float = field(metadata={"unit": "1"})
    high: float = field(metadata={"unit": "1"})
    confidence: float = field(metadata={"unit": "1"})
    method: str = field(metadata={"unit": "1"})

    def __str__(self) -> str:
        """Tell the value, its interval and where both come from."""
        return (
            f"exponent {self.value:.4g} [{self.low:.4g}, {self.high:.4g}] ({100 * self.confidence:g} %; {self.method})"
        )


def known_exponent(sweeps: Sequence[Sweep]) -> float:
    """Return the exponent in size that holds for boxes of these shapes.

    Parameters
    ----------
    sweeps : sequence of Sweep
        Of at least two sizes.

    Returns
    -------
    float
        `INVERSE_NU_3D` if all edges grow in proportion; `INVERSE_NU_2D` if two do and the third, the thickness,
        stays.

    Raises
    ------
    ThresholdError
        If the boxes grow in any other way, or do not.

    Examples
    --------
    >>> import numpy as np
    >>> from percolation import sweep_sites
    >>> rng = np.random.default_rng(1)
    >>> known_exponent([sweep_sites((edge, edge, 2), runs=1, rng=rng) for edge in (8, 16)])
    0.75
    """
    check_each("sweeps", sweeps, Sweep)
    shapes = np.array([sweep.shape for sweep in sweeps], dtype=np.float64)
    growth = shapes / shapes[:1]
    grows = [not np.allclose(growth[:, axis], 1.0, rtol=1e-6) for axis in range(3)]
    growing = growth[:, grows]
    if growing.size and np.allclose(growing, growing[:, :1], rtol=1e-6):
        if all(grows):
            return INVERSE_NU_3D
        if sum(grows) == 2:
            return INVERSE_NU_2D
    raise ThresholdError(
        "the exponent is known for boxes that grow in proportion and for slabs of fixed thickness, got "
        f"{shapes.tolist()}: give it as a number, or ask for exponent='fitted'"
    )


def estimate_exponent(
    sizes: Sequence[float],
    sweeps: Sequence[Sweep],
    *,
    kind: str = "wrap",
    axis: int | str | None = None,
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
) -> Exponent:
    """Estimate 1/nu from the widths of the threshold, which shrink as size^(-1/nu).

    Parameters
    ----------
    sizes : sequence of float (n,)
        Edge lengths that grow, all in one unit.
    sweeps : sequence of Sweep (n,)
        One per size, each of at least 8 runs.
    kind, axis
        As for `estimate_threshold`.
    confidence : float
        Of the interval.
    rng : numpy.random.Generator, optional
        Draws the bootstrap replicates; by default one with a fixed seed.

    Returns
    -------
    Exponent
        Slope of ln(width) against ln(size), weighted by the bootstrap errors. The width is the standard deviation of
        the onset; on a lattice with the binomial one of the occupation, without which small boxes look too sharp.

    Raises
    ------
    ValueError
        If sizes and sweeps differ in number, or a size is not positive.
    ThresholdError
        If there are fewer than two sizes, the runs of a sweep are too few, or they are all alike.

    Notes
    -----
    Small boxes carry corrections to scaling that the interval does not know of.

    References
    ----------
    M. E. J. Newman and R. M. Ziff, Phys. Rev. E 64 (2001) 016706, section IV.

    Examples
    --------
    >>> import numpy as np
    >>> from percolation import sweep_sites
    >>> rng = np.random.default_rng(1)
    >>> found = estimate_exponent((6, 18), [sweep_sites((edge,) * 3, runs=900, rng=rng) for edge in (6, 18)])
    >>> round(found.value, 1)
    1.2
    """
    check_each("sweeps", sweeps, Sweep)
    edges = as_numbers("sizes", sizes).astype(np.float64)
    confidence = parse_share(confidence, "confidence")
    rng = np.random.default_rng(SEED) if rng is None else check_rng(rng)
    if edges.shape != (len(sweeps),):
        raise ValueError(f"sizes and sweeps must be as many, got {edges.size} and {len(sweeps)}")
    if not (np.isfinite(edges) & (edges > 0)).all():
        raise ValueError(f"sizes must be positive, got {edges.tolist()}")
    if len(np.unique(edges)) < 2:
        raise ThresholdError(f"an exponent needs at least two sizes, got {edges.tolist()}")
    widths, replicates = [], []
    for sweep in sweeps:
        onsets = sweep.onsets(kind, axis)
        check_onsets(onsets, 0.5, kind)
        onsets = onsets[np.isfinite(onsets)]
        if np.ptp(onsets) == 0:
            raise ThresholdError(f"all runs of {sweep.recipe} show '{kind}' at once: there is no width to measure")
        drawn = rng.choice(onsets, size=(REPLICATES, len(onsets)))
        widths.append(float(_log_width(onsets, sweep.total)))
        replicates.append(_log_width(drawn, sweep.total))
    logs = np.array(replicates)
    logs = logs[:, np.isfinite(logs).all(axis=0)]
    weights = 1.0 / logs.var(axis=1)
    centred = np.log(edges) - np.average(np.log(edges), weights=weights)
    slope = -weights * centred / np.sum(weights * centred**2)
    value = float(slope @ widths)
    low, high = find_interval(slope @ logs, value, min(sweep.runs for sweep in sweeps), confidence)
    return Exponent(value, low, high, confidence, f"widths of '{kind}' in {len(edges)} sizes, bootstrap over runs")


def _log_width(onsets: NDArray[np.float64], total: int | None) -> NDArray[np.float64]:
    """Return ln(width) over the last axis, in occupation probability for a lattice (law of total variance)."""
    variance = np.var(onsets, axis=-1, ddof=1)
    if total is not None:
        variance = variance + np.mean(onsets * (1 - onsets), axis=-1) / total
    with np.errstate(divide="ignore"):  # a replicate of equal runs
        logs: NDArray[np.float64] = 0.5 * np.log(variance)
    return logs
