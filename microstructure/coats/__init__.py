"""Coats on cores: how thick, how uneven, what their outer faces let through, and where two of them meet."""

from microstructure.coats.coat_models import coat_thickness
from microstructure.coats.coating import Coats
from microstructure.coats.contact_faces import Seams, lay_seams
from microstructure.coats.outer_face import OuterFace
from microstructure.coats.unevenness import Unevenness

__all__ = ["Coats", "OuterFace", "Seams", "Unevenness", "coat_thickness", "lay_seams"]
