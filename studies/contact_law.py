"""The laws of carbon contacts between two blocks, and the constants that count under each of them."""

from __future__ import annotations

from typing import Literal

from microstructure.errors import StudyError

ContactLaw = Literal["skin", "share", "resistance"]
CONTACT_LAW: ContactLaw = "skin"
# constants that count under one law alone; the first of each is what a calibration fits
FACE_CONSTANTS: dict[ContactLaw, tuple[str, ...]] = {
    "skin": ("coat.skin_thickness", "coat.tunnelling_range"),
    "share": ("coat.carrying_share", "coat.wall_carrying_share"),
    "resistance": ("composite.block_resistance_electronic",),
}


def check_constant(constant: str, law: ContactLaw, place: str) -> None:
    """Refuse a constant that does not count under a law of contacts; `place` says where it stands.

    Raises
    ------
    StudyError
        In a sentence that names the constant that does.
    """
    for other, constants in FACE_CONSTANTS.items():
        if constant in constants and other != law:
            raise StudyError(
                f"{place}: {constant} counts only with carbon.contact_law = '{other}'; this study has '{law}', where"
                f" {FACE_CONSTANTS[law][0]} says which carbon contacts between blocks carry: set that one, or the law"
            )
