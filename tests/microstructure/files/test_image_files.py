"""Images on disk: each format returns what was written, other programs' files are read, and no other file is."""

import numpy as np
import pytest
import tifffile

from microstructure.files import read_image, read_voxel_edges, read_voxel_size, whole_file, write_image

SHAPE = (4, 5, 7)  # three different edges, so that no exchange of axes goes unseen
SUFFIXES = (".tif", ".tiff", ".TIF", ".npy", ".vti", ".raw")


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(1).integers(0, 5, SHAPE).astype(np.uint8)


# --- there and back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("voxel_size", [None, 20e-9, 37e-9, 1e-7])
@pytest.mark.parametrize("shape", [SHAPE, (1, 5, 7), (4, 1, 7), (4, 5, 1), (1, 1, 1)])
def test_an_image_comes_back_with_its_voxel_size(tmp_path, suffix, voxel_size, shape):
    image = np.random.default_rng(2).integers(0, 256, shape).astype(np.uint8)
    write_image(image, tmp_path / f"new/cell{suffix}", voxel_size=voxel_size)
    again = read_image(str(tmp_path / f"new/cell{suffix}"))
    assert type(again) is np.ndarray
    assert again.dtype == np.uint8
    assert again.flags.c_contiguous
    assert again.flags.writeable
    np.testing.assert_array_equal(again, image)
    size = read_voxel_size(tmp_path / f"new/cell{suffix}")
    if voxel_size is None or suffix == ".npy":
        assert size is None
    else:
        assert type(size) is float
        assert size == pytest.approx(voxel_size, rel=1e-12)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", ["bool", "int64", "uint16", ">u2", "<i4", "int8"])
def test_any_kind_of_whole_number_goes(tmp_path, suffix, kind):
    image = np.asfortranarray(np.random.default_rng(3).integers(0, 2, SHAPE)).astype(kind)
    kept = image.copy()
    write_image(image, tmp_path / f"cell{suffix}", voxel_size=1e-7)
    np.testing.assert_array_equal(read_image(tmp_path / f"cell{suffix}"), image)
    np.testing.assert_array_equal(image, kept)
    assert (tmp_path / f"cell{suffix}").stat().st_size < image.size + 2000


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", ["uint16", ">u2", "int32", ">i8", "uint64"])
def test_wide_values_are_kept_and_named(tmp_path, suffix, kind):
    high = int(min(np.iinfo(kind).max, 2**53))
    values = np.array([0, 300, high])
    image = values[np.random.default_rng(4).integers(0, 3, SHAPE)].astype(kind)
    write_image(image, tmp_path / f"cell{suffix}", voxel_size=1e-7)
    with pytest.raises(ValueError, match=rf"values \[300, {high}\]"):
        read_image(tmp_path / f"cell{suffix}")
    named = read_image(tmp_path / f"cell{suffix}", labels={0: 4, 300: 3, high: 2})
    np.testing.assert_array_equal(named, np.select([image == 0, image == 300], [4, 3], 2))


def test_labels_may_be_negative_and_scattered(tmp_path):
    image = np.array([-(2**40), -1, 0, 2**40])[np.random.default_rng(5).integers(0, 4, SHAPE)]
    np.save(tmp_path / "cell.npy", image)
    named = read_image(tmp_path / "cell.npy", labels={-(2**40): 9, -1: 1, 0: 0, 2**40: 255, 17: 5})
    np.testing.assert_array_equal(named, np.select([image == -1, image == 0, image > 0], [1, 0, 255], 9))


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".vti", ".raw"])
@pytest.mark.parametrize("axes", ["xyz", "zyx", "yzx", "xzy"])
def test_axes_say_what_those_of_the_file_are(tmp_path, image, suffix, axes):
    write_image(image, tmp_path / f"cell{suffix}")
    again = read_image(tmp_path / f"cell{suffix}", axes=axes)
    lengths = dict(zip(axes, image.shape, strict=True))
    assert again.shape == (lengths["x"], lengths["y"], lengths["z"])
    for place in np.ndindex(*SHAPE):
        where = dict(zip(axes, place, strict=True))
        assert again[where["x"], where["y"], where["z"]] == image[place]


# --- what other programs see ------------------------------------------------------------------------------------------


def test_imagej_finds_the_scale_and_the_pages(tmp_path, image):
    write_image(image, tmp_path / "cell.tif", voxel_size=40e-9)
    with tifffile.TiffFile(tmp_path / "cell.tif") as file:
        assert file.is_imagej
        assert file.imagej_metadata["unit"] == "um"
        assert file.imagej_metadata["spacing"] == 0.04
        assert file.imagej_metadata["slices"] == 4
        pixels, length = file.pages[0].tags["XResolution"].value
        assert pixels / length == 25.0
        for page, layer in zip(file.pages, image, strict=True):
            np.testing.assert_array_equal(page.asarray(), layer)


@pytest.mark.parametrize(
    ("unit", "spacing", "resolution", "expected"),
    [("micron", 0.1, 10.0, 1e-7), ("nm", 50, 0.02, 5e-8), ("\\u00B5m", 0.5, 2.0, 5e-7), ("pixel", 1.0, 1.0, None)],
)
def test_the_scale_of_imagej_is_read(tmp_path, image, unit, spacing, resolution, expected):
    metadata = {"unit": unit, "spacing": spacing, "axes": "ZYX"}
    tifffile.imwrite(tmp_path / "a.tif", image, imagej=True, resolution=(resolution, resolution), metadata=metadata)
    size = read_voxel_size(tmp_path / "a.tif")
    assert size == (None if expected is None else pytest.approx(expected, rel=1e-9))


def test_voxels_that_are_no_cubes_have_three_edges(tmp_path, image):
    metadata = {"unit": "um", "spacing": 0.2, "axes": "ZYX"}
    tifffile.imwrite(tmp_path / "a.tif", image, imagej=True, resolution=(10.0, 10.0), metadata=metadata)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), image)
    with pytest.raises(ValueError, match=r"cubic voxels.*read_voxel_edges"):
        read_voxel_size(tmp_path / "a.tif")
    assert read_voxel_edges(tmp_path / "a.tif") == pytest.approx((2e-7, 1e-7, 1e-7), rel=1e-9)
    assert read_voxel_edges(tmp_path / "a.tif", axes="zxy") == pytest.approx((1e-7, 1e-7, 2e-7), rel=1e-9)


def test_the_dots_per_inch_of_a_plain_tiff_are_no_voxel_size(tmp_path, image):
    options = {"resolution": (72.0, 72.0), "resolutionunit": "INCH", "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="minisblack", **options)
    assert read_voxel_size(tmp_path / "a.tif") is None


@pytest.mark.parametrize("options", [{"metadata": None}, {"compression": "zlib"}, {"bigtiff": True}, {"ome": True}])
def test_tiff_stacks_of_others_are_read(tmp_path, image, options):
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="minisblack", **options)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), image)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".vti"])
def test_a_file_that_is_none_or_cut_short_is_refused(tmp_path, image, suffix):
    path = tmp_path / f"a{suffix}"
    for content in (b"", b"not an image", b"\x00" * 500, b"<VTKFile/>", b"\x93NUMPY"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.... is (not an image|no VTI)"):
            read_image(path)
    write_image(image, path)
    content = path.read_bytes()
    start = content.index(b"_") if suffix == ".vti" else 140
    for length in (8, 60, start, start + 60):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"a\.... is (not an image|no VTI)"):
            read_image(path)


@pytest.mark.parametrize("options", [{"metadata": None}, {"compression": "zlib", "metadata": None}, {"imagej": True}])
def test_no_missing_page_reads_as_pores(tmp_path, options):
    image = np.random.default_rng(8).integers(1, 5, (6, 40, 40)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "whole.tif", image, photometric="minisblack", **options)
    content = (tmp_path / "whole.tif").read_bytes()
    for length in np.linspace(0, len(content) - 1, 60).astype(int):
        (tmp_path / "a.tif").write_bytes(content[:length])
        try:
            again = read_image(tmp_path / "a.tif")
        except ValueError:
            continue
        np.testing.assert_array_equal(again, image)
    if "compression" not in options:
        first = content.index(image[0].tobytes())
        (tmp_path / "a.tif").write_bytes(content[: first + image.size // 2])
        with pytest.raises(ValueError, match="cut short"):
            read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".vti"])
def test_a_damaged_file_is_refused_or_read(tmp_path, image, suffix):
    rng = np.random.default_rng(9)
    write_image(image, tmp_path / f"whole{suffix}", voxel_size=1e-7)
    content = (tmp_path / f"whole{suffix}").read_bytes()
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), 3):
            damaged[place] = rng.integers(256)
        (tmp_path / f"a{suffix}").write_bytes(damaged)
        for read in (read_image, read_voxel_size):
            try:
                read(tmp_path / f"a{suffix}")
            except ValueError:
                refused += 1
    assert refused > 15


def test_pickles_are_never_opened(tmp_path):
    np.save(tmp_path / "a.npy", np.full((2, 2, 2), {"any": "thing"}), allow_pickle=True)
    with pytest.raises(ValueError, match="is not an image"):
        read_image(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("array", "advice"),
    [
        (np.ones((2, 3, 4), np.float32), r"float32.*astype\('uint8'\)"),
        (np.full((2, 3, 4), 0.5), "float64.*segment it"),
        (np.full((2, 3, 4), np.nan), "NaN"),
        (np.full((2, 3, 4), 1j), "complex128.*save labels"),
        (np.zeros((2, 3), np.uint8), r"three-dimensional image; got the shape \(2, 3\)"),
        (np.zeros((2, 3, 4, 3), np.uint8), "three-dimensional"),
        (np.zeros((2, 0, 4), np.uint8), "three-dimensional"),
        (np.full((2, 3, 4), "1"), "whole numbers"),
    ],
)
def test_no_label_image_is_refused_at_either_end(tmp_path, array, advice):
    np.save(tmp_path / "a.npy", array)
    if "astype" in advice:  # whole numbers are taken as such where they are read, from other programs
        assert read_image(tmp_path / "a.npy").tolist() == array.tolist()
    else:
        with pytest.raises(ValueError, match=advice):
            read_image(tmp_path / "a.npy")
    for suffix in SUFFIXES:
        with pytest.raises(ValueError, match=advice):
            write_image(array, tmp_path / f"folder/b{suffix}", voxel_size=1e-7)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


@pytest.mark.parametrize(
    ("array", "options", "advice"),
    [
        (np.zeros((5, 6, 3), np.uint8), {"photometric": "rgb"}, "colour"),
        (np.zeros((4, 5, 6, 3), np.uint8), {"photometric": "rgb"}, "colour"),
        (np.zeros((2, 3, 5, 6), np.uint8), {"imagej": True, "metadata": {"axes": "ZCYX"}}, "one channel and one time"),
        (np.full((4, 5, 6), 0.5, np.float32), {}, "float32.*segment it"),
    ],
)
def test_tiffs_that_are_no_stack_of_labels_are_refused(tmp_path, array, options, advice):
    tifffile.imwrite(tmp_path / "a.tif", array, **({"photometric": "minisblack"} | options))
    with pytest.raises(ValueError, match=advice):
        read_image(tmp_path / "a.tif")


def test_pages_of_two_sizes_are_refused(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for rows in (4, 5):
            file.write(np.zeros((rows, 5), np.uint8), metadata=None)
    with pytest.raises(ValueError, match="2 series"):
        read_image(tmp_path / "a.tif")


def test_wrong_places_are_refused(tmp_path, image):
    for suffix in SUFFIXES:
        with pytest.raises(FileNotFoundError, match="missing"):
            read_image(tmp_path / f"missing{suffix}")
        with pytest.raises(FileNotFoundError, match="missing"):
            read_voxel_size(tmp_path / f"missing{suffix}")
        (tmp_path / f"folder{suffix}").mkdir()
        for door in (read_image, read_voxel_size, lambda path: write_image(image, path)):
            with pytest.raises(ValueError, match="folder"):
                door(tmp_path / f"folder{suffix}")
    (tmp_path / "cell.jpg").write_text("")
    for door in (read_image, read_voxel_size, lambda path: write_image(image, path)):
        with pytest.raises(ValueError, match=r"ends in \.tif"):
            door(tmp_path / "cell.jpg")
        with pytest.raises(TypeError):
            door(3)


@pytest.mark.parametrize(
    ("labels", "error"),
    [
        ([1, 2], TypeError), ("abc", TypeError), ({0: "a"}, TypeError), ({0: True}, TypeError), ({0.5: 1}, TypeError),
        ({0: 1.0}, TypeError), ({0: 256}, ValueError), ({0: -1}, ValueError), ({0: 1}, ValueError),
    ],
)  # fmt: skip
def test_label_maps_are_checked(tmp_path, image, labels, error):
    write_image(image, tmp_path / "a.tif")
    with pytest.raises(error, match="label"):
        read_image(tmp_path / "a.tif", labels=labels)


def test_arguments_are_checked(tmp_path, image):
    write_image(image, tmp_path / "a.tif")
    for axes, error in (("xy", ValueError), ("xyx", ValueError), ((0, 1, 2), TypeError)):
        with pytest.raises(error, match="axes"):
            read_image(tmp_path / "a.tif", axes=axes)
    with pytest.raises(TypeError, match=r"are for \.raw"):
        read_image(tmp_path / "a.tif", dtype="uint8")
    with pytest.raises(TypeError, match=r"is for \.vti"):
        read_image(tmp_path / "a.tif", name="phase")
    kept = (tmp_path / "a.tif").read_bytes()
    for size, error in ((0.0, ValueError), (-1e-7, ValueError), (np.nan, ValueError), ("20 nm", TypeError)):
        with pytest.raises(error, match="voxel_size"):
            write_image(image, tmp_path / "a.tif", voxel_size=size)
    with pytest.raises(TypeError, match=r"\.vti alone"):
        write_image(image, tmp_path / "a.tif", blocks=image)
    for blocks in (image[1:], image.astype(float)):
        with pytest.raises(ValueError, match="blocks"):
            write_image(image, tmp_path / "b.vti", blocks=blocks)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]
    assert (tmp_path / "a.tif").read_bytes() == kept


# --- whole or not at all ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize(
    ("suffix", "step"),
    [(".tif", "tifffile.imwrite"), (".npy", "numpy.save"), (".vti", "zlib.compress"), (".raw", "json.dumps")],
)
def test_an_interruption_leaves_the_old_file(tmp_path, image, monkeypatch, suffix, step, error):
    write_image(image, tmp_path / f"a{suffix}")
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(step, fail)
    with pytest.raises(error):
        write_image(image + 1, tmp_path / f"a{suffix}")
    with pytest.raises(error):
        write_image(image + 1, tmp_path / f"b{suffix}")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == kept


def test_a_whole_file_takes_its_name_at_the_end(tmp_path):
    with whole_file(tmp_path / "new/a.txt") as path:
        path.write_text("all")
        assert not (tmp_path / "new/a.txt").exists()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.txt"]


def test_the_same_image_gives_the_same_bytes(tmp_path, image):
    for suffix in (".npy", ".vti", ".raw", ".tif"):
        for name in ("a", "b"):
            write_image(image, tmp_path / f"{name}{suffix}", voxel_size=1e-7)
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
