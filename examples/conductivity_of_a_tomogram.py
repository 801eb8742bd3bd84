"""How tortuous are the pores of a tomogram? Labels from a file, between plates, the other sides closed."""

import tempfile
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from microstructure import read_image, read_voxel_size, write_image
from transport import effective_conductivity


def stand_in() -> Path:
    """Write an image of two phases, to run this without one of your own."""
    noise = gaussian_filter(np.random.default_rng(1).standard_normal((60, 60, 60)), 3.0)
    path = Path(tempfile.mkdtemp()) / "tomogram.tif"
    write_image((noise > 0).astype(np.uint8), path, voxel_size=80e-9)
    return path


path = stand_in()  # yours: an image of labels, 0 in the pores
image, voxel_size = read_image(path), read_voxel_size(path)
sigma = {int(label): float(label == 0) for label in np.unique(image)}  # S/m

for axis in range(3):
    found = effective_conductivity(image, sigma, voxel_size, axis)  # nothing is known beyond its sides: they are closed
    share, factor = found.connected[0], found.tortuosity_factor
    print(f"along {'xyz'[axis]}: tortuosity factor {factor:.3f}, {100 * share:.1f} % of the pores lead through")
print(found)
