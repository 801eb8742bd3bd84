"""Pictures as files: what a user wrote stands in them as it is."""

from __future__ import annotations

import warnings
from pathlib import Path

from matplotlib.figure import Figure

from microstructure.files import whole_file
from studies.terminal.console import one_line


def drawn(text: str) -> str:
    """Text for a picture: a dollar is a dollar and begins no formula."""
    return one_line(text).replace("$", r"\$")


def save_picture(figure: Figure, path: Path, *, dpi: int) -> None:
    """Write a PNG file; a letter that the font does not have is drawn as a box, without a warning."""
    with warnings.catch_warnings(), whole_file(path) as temporary:
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        figure.savefig(temporary, format="png", dpi=dpi, metadata={"Software": "percoat"})
