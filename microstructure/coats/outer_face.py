"""The outer face of a coat: how far carbon stands out of it, and what share of the contacts through it carry."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from scipy.special import gammainc

from microstructure.arguments import check_number


@dataclass(frozen=True)
class OuterFace:
    """What happens where two coats meet, or a coat and a wall; by default carbon meets ideally.

    A contact is one pair of aggregates of two blocks, an aggregate and the core of another block, or an aggregate and a
    wall. What lies inside one block is no contact of this kind and always carries: carbon in one coat, an aggregate on
    its own core, bare cores that touch.

    Attributes
    ----------
    protrusion : float, optional
        How far a primary may stand out of the free face of its coat [m], 0 for carbon flush with it. None stands for
        the radius of a primary: its centre may lie in the face. In a coat thinner than a primary carbon stands out by
        what does not fit, whatever is set here.
    seam_share, wall_share : float
        Shares of the contacts through a seam of two coats, and of a coat and a wall, that carry electrons.
    resistance : float
        Of the face itself, whatever carbon meets there [ohm m2]: for electrons through building blocks, not for what
        joins.
    """

    protrusion: float | None = field(default=None, metadata={"unit": "m"})
    seam_share: float = field(default=1.0, metadata={"unit": "1"})
    wall_share: float = field(default=1.0, metadata={"unit": "1"})
    resistance: float = field(default=0.0, metadata={"unit": "ohm m2"})

    def __post_init__(self) -> None:
        if not 0.0 <= check_number("resistance", self.resistance) < math.inf:
            raise ValueError(f"resistance is zero or more, in ohm m2; got {self.resistance!r}")
        if self.protrusion is not None and not 0.0 <= check_number("protrusion", self.protrusion) < math.inf:
            raise ValueError(f"protrusion is a length of zero or more in m; got {self.protrusion!r}")
        for name in ("seam_share", "wall_share"):
            if not 0.0 <= check_number(name, getattr(self, name)) <= 1.0:
                raise ValueError(f"{name} is a share of contacts in [0, 1]; got {getattr(self, name)!r}")

    @classmethod
    def with_skin(cls, mean: float, *, tunnelling_range: float, protrusion: float | None = None) -> OuterFace:
        """A skin of electrolyte of this mean thickness [m] over the carbon of every coat; see `carrying_share`.

        A contact of two coats has two skins, one of a coat and a wall has one.
        """
        seam, wall = (carrying_share(mean, tunnelling_range=tunnelling_range, skins=skins) for skins in (2, 1))
        return cls(protrusion, seam, wall)

    @property
    def ideal(self) -> bool:
        """Whether every contact carries."""
        return self.seam_share == self.wall_share == 1.0

    def sunk(self, radius: float) -> float:
        """How far below a free face the centre of a primary of this radius [m] lies at least [m]; negative above it."""
        return 0.0 if self.protrusion is None else radius - self.protrusion

    def ceiling(self, thickness: float, radius: float) -> float:
        """Highest centre of a primary over the core in a coat of this thickness with a free face [m]."""
        return max(thickness - self.sunk(radius), radius)


def carrying_share(mean: float, *, tunnelling_range: float, skins: int = 2) -> float:
    """Share of contacts whose skins of electrolyte are together thinner than electrons tunnel.

    Parameters
    ----------
    mean : float
        Mean thickness of one skin, which is exponentially distributed [m].
    tunnelling_range : float
        Thickness through which electrons still pass [m].
    skins : int
        In a contact: 2 where two coats meet, 1 where a coat meets a wall.

    Returns
    -------
    float
        For y = tunnelling_range / mean, 1 - exp(-y) (1 + y) for two skins and 1 - exp(-y) for one: the distribution of
        a sum of exponential thicknesses (Erlang's).

    Examples
    --------
    >>> round(carrying_share(10e-9, tunnelling_range=1.5e-9), 4)
    0.0102
    >>> round(carrying_share(10e-9, tunnelling_range=1.5e-9, skins=1), 3)
    0.139
    """
    for name, value in (("mean", mean), ("tunnelling_range", tunnelling_range)):
        if not 0.0 <= check_number(name, value) < math.inf:
            raise ValueError(f"{name} is a length of zero or more in m; got {value!r}")
    if isinstance(skins, bool) or not isinstance(skins, int):
        raise TypeError(f"skins is a whole number, 1 or 2; got {skins!r}")
    if skins not in (1, 2):
        raise ValueError(f"a contact has 1 skin (coat and wall) or 2 (two coats); got {skins}")
    return 1.0 if mean == 0.0 else float(gammainc(skins, tunnelling_range / mean))


IDEAL = OuterFace()
