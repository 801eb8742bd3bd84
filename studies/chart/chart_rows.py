"""One row of a chart: what was asked of which coat, and the answer with its interval."""

from __future__ import annotations

from dataclasses import dataclass, field

QUANTITIES = {
    "bulk": "carbon wraps a periodic cube of matrix",
    "in_plane": "carbon wraps a flat coat along its plane",
    "across": "half of all contacts of an area are bridged; of a seam, by ideal contact unless its case is the skin",
    "bridge_rate": "bridges per area of coat at a carbon content",
    "all_round": "carbon goes all round half of the blocks",
    "outward": "carbon joins core and outer face of half of the blocks, somewhere",
    "octants": "carbon joins core and outer face in half of all eighths of a block's coat",
    "flat_in_plane": "carbon wraps half of the flat periodic coats as large as the block's",
    "flat_outward": "half of the flat windows as large as an eighth of a block's coat are bridged",
}
SEAM = "core_to_core_seam"
SKIN = "core_to_core_seam_skin"  # of the contacts of two coats those alone carry whose skins are thin enough


@dataclass(frozen=True)
class Row:
    """A threshold, as CB volume fraction of the matrix, pores excluded; or a bridge rate [1/m2]."""

    quantity: str
    structure: str
    dispersion: str
    fit: str
    size_measure: str
    contact_gap: float = field(metadata={"unit": "m"})
    thickness: float = field(metadata={"unit": "m", "what": "of one coat; 0 for the bulk"})
    ratio: float = field(metadata={"unit": "1", "what": "thickness over aggregate size"})
    value: float = field(metadata={"unit": "1 or 1/m2"})
    low: float = field(metadata={"unit": "1 or 1/m2"})
    high: float = field(metadata={"unit": "1 or 1/m2"})
    seeds: int = field(metadata={"unit": "1"})
    structures: int = field(metadata={"unit": "1", "what": "independent boxes, patches or blocks"})
    case: str = ""
    area: float = field(default=0.0, metadata={"unit": "m2", "what": "of the contact"})
    area_factor: float = field(default=0.0, metadata={"unit": "1", "what": "contact area over pi R (t1 + t2)"})
    content: float = field(default=0.0, metadata={"unit": "1", "what": "CB volume fraction of a bridge rate"})
    rim: float = field(default=0.0, metadata={"unit": "m"})
    diameter: float = field(default=0.0, metadata={"unit": "m", "what": "of a block's core"})
    composition: str = ""
    remark: str = ""
