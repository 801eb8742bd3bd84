"""Raw voxels: the JSON file beside them says all, and voxels without it are not guessed at."""

import json
from pathlib import Path

import numpy as np
import pytest

from microstructure.files import read_image, read_voxel_size, write_image

SHAPE = (4, 5, 7)  # three different edges, so that no exchange of axes goes unseen


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(1).integers(0, 5, SHAPE).astype(np.uint8)


def test_the_sidecar_says_all(tmp_path, image):
    write_image(image, tmp_path / "cell.raw", voxel_size=20e-9)
    words = json.loads((tmp_path / "cell.raw.json").read_text())
    assert (tmp_path / "cell.raw").read_bytes() == image.tobytes()
    assert words["shape"] == [4, 5, 7]
    assert words["dtype"] == "uint8"
    assert words["axes"] == "xyz"
    assert words["voxel_size"] == 20e-9
    assert words["phases"] == {"0": "pore", "1": "core", "2": "matrix", "3": "electrolyte", "4": "carbon"}


def test_raw_voxels_of_others_are_read(tmp_path, image):
    wide = (image.astype(int) + 1000).astype(">u2")
    wide.transpose(2, 1, 0).tofile(tmp_path / "a.raw")  # ImageJ: columns are the fastest
    named = read_image(
        tmp_path / "a.raw", shape=(7, 5, 4), dtype=">u2", axes="zyx", labels={n + 1000: n for n in range(5)}
    )
    np.testing.assert_array_equal(named, image)
    assert read_voxel_size(tmp_path / "a.raw") is None


def test_a_sidecar_with_other_axes_and_bytes_is_followed(tmp_path, image):
    write_image(image, tmp_path / "a.raw")
    words = json.loads((tmp_path / "a.raw.json").read_text())
    words |= {"shape": [5, 7, 4], "axes": "yzx", "byte_order": "big", "dtype": "uint16"}
    (tmp_path / "a.raw.json").write_text(json.dumps(words))
    image.transpose(1, 2, 0).astype(">u2").tofile(tmp_path / "a.raw")
    np.testing.assert_array_equal(read_image(tmp_path / "a.raw"), image)


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"shape": [4, 5, 8]}, "has 140 bytes, 4 x 5 x 8 voxels of uint8 have 160"),
        ({"shape": [4, 35]}, "three numbers"),
        ({"shape": [4, 5.0, 7]}, "three whole numbers"),
        ({"shape": None}, "three whole numbers"),
        ({"shape": [4, -5, -7]}, "one or more"),
        ({"dtype": "float64"}, "whole numbers"),
        ({"dtype": "object"}, "whole numbers"),
        ({"dtype": "nonsense"}, "whole number"),
        ({"byte_order": "middle"}, "'little' or 'big'"),
        ({"axes": "xyy"}, "x, y and z once"),
        ({"voxel_size": float("nan")}, "positive length"),
        ({"voxel_size": "20 nm"}, "a number"),
        ({"version": 2}, "update percoat"),
        ({"format": "other"}, "give shape= and dtype="),
    ],
)
def test_a_sidecar_that_does_not_fit_is_refused(tmp_path, image, change, advice):
    write_image(image, tmp_path / "a.raw")
    words = json.loads((tmp_path / "a.raw.json").read_text())
    (tmp_path / "a.raw.json").write_text(json.dumps(words | change))
    with pytest.raises(ValueError, match=advice):
        read_image(tmp_path / "a.raw")


def test_json_that_is_no_sidecar_is_refused(tmp_path, image):
    image.tofile(tmp_path / "a.raw")
    for content in ("", "[1, 2]", "{}", '"text"', "\x00"):
        (tmp_path / "a.raw.json").write_text(content)
        with pytest.raises(ValueError, match=r"a\.raw\.json (is no JSON|does not describe)"):
            read_image(tmp_path / "a.raw")
    write_image(image, tmp_path / "a.raw")
    words = json.loads((tmp_path / "a.raw.json").read_text())
    for key in ("shape", "dtype", "byte_order", "axes", "version", "voxel_size"):
        (tmp_path / "a.raw.json").write_text(json.dumps({name: words[name] for name in words if name != key}))
        with pytest.raises(ValueError, match=f"{key}' is missing"):
            read_image(tmp_path / "a.raw")


def test_raw_voxels_alone_want_shape_and_dtype(tmp_path, image):
    image.tofile(tmp_path / "a.raw")
    with pytest.raises(ValueError, match=r"no a\.raw\.json.*give shape= and dtype="):
        read_image(tmp_path / "a.raw")
    with pytest.raises(TypeError, match="both"):
        read_image(tmp_path / "a.raw", shape=SHAPE)
    with pytest.raises(TypeError, match="three whole numbers"):
        read_image(tmp_path / "a.raw", shape=(4, 5.0, 7), dtype="uint8")
    with pytest.raises(TypeError, match="whole number"):
        read_image(tmp_path / "a.raw", shape=SHAPE, dtype="nonsense")
    with pytest.raises(ValueError, match="whole numbers"):
        read_image(tmp_path / "a.raw", shape=SHAPE, dtype="float32")
    with pytest.raises(ValueError, match=r"has 140 bytes.*have 280"):
        read_image(tmp_path / "a.raw", shape=SHAPE, dtype="uint16")


def test_raw_voxels_never_stand_beside_the_words_of_others(tmp_path, image, monkeypatch):
    """Killed between the two: voxels without words are refused."""
    write_image(image, tmp_path / "a.raw")
    replace = Path.replace

    def killed(self, target):
        if str(target).endswith(".json"):
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_image(image + 1, tmp_path / "a.raw")
    with pytest.raises(ValueError, match="give shape="):
        read_image(tmp_path / "a.raw")
