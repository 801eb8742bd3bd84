"""Draw docs/block.png, docs/patch.png and docs/cathode.png: `python docs/pictures.py`."""

from __future__ import annotations

import io
from pathlib import Path

from block_picture import draw_block
from cathode_picture import draw_cathode
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from patch_picture import draw_patch
from PIL import Image, PngImagePlugin

DRAWINGS = {"block": draw_block, "patch": draw_patch, "cathode": draw_cathode}
DPI = 150
COLOURS = 255  # a palette makes the files three times smaller


def main() -> None:
    """Make all pictures."""
    for name, draw in DRAWINGS.items():
        save(draw(), Path(__file__).with_name(f"{name}.png"))


def save(figure: Figure, path: Path) -> None:
    """Write a figure with a palette of its own, and its small print in the metadata."""
    FigureCanvasAgg(figure)
    whole = io.BytesIO()
    figure.savefig(whole, dpi=DPI)
    image = Image.open(whole).convert("RGB").quantize(COLOURS, kmeans=1, dither=Image.Dither.NONE)
    words = PngImagePlugin.PngInfo()
    words.add_text("Software", "percoat")
    words.add_itxt("Description", figure.get_label())
    image.save(path, optimize=True, pnginfo=words, dpi=(DPI, DPI))


if __name__ == "__main__":
    main()
