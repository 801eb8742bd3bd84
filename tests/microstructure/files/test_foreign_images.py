"""Images of other programs: what they mean is read as they mean it, and what is not sure is asked for."""

import gzip
import json
import lzma
import struct
import zlib

import numpy as np
import pytest
import tifffile

from microstructure.files import read_blocks, read_image, read_voxel_edges, read_voxel_size, write_image

SHAPE = (4, 5, 7)  # three different edges, so that no exchange of axes goes unseen


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(1).integers(0, 5, SHAPE).astype(np.uint8)


def tiff(path, planes, *, tags=None, packed=zlib.compress, compression=8, strip=None):
    """A TIFF by hand, page by page; `tags` are added to, or taken in place of, those of each page."""
    content = bytearray(b"II*\0\0\0\0\0")
    link = 4
    for number, plane in enumerate(planes):
        rows, columns = plane.shape
        step = strip or rows
        strips = [packed(plane[start : start + step].tobytes()) for start in range(0, rows, step)]
        places = [len(content) + sum(map(len, strips[:index])) for index in range(len(strips))]
        content += b"".join(strips)
        kind = {"u": 1, "i": 2, "f": 3}[plane.dtype.kind]
        found = {256: [columns], 257: [rows], 258: [8 * plane.itemsize], 259: [compression], 262: [1], 273: places}
        found |= {277: [1], 278: [step], 279: [len(part) for part in strips], 339: [kind]}
        found |= {code: [value] for code, value in (tags or (lambda _: {}))(number).items()}
        entries = b""
        for code, values in sorted(found.items()):
            data = struct.pack(f"<{len(values)}I", *values)
            place = data
            if len(data) > 4:
                place = struct.pack("<I", len(content))
                content += data
            entries += struct.pack("<HHI", code, 4, len(values)) + place
        struct.pack_into("<I", content, link, len(content))
        content += struct.pack("<H", len(found)) + entries
        link = len(content)
        content += bytes(4)
    path.write_bytes(content)


# --- which end is white -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("white", [{0, 1, 2, 3}, {2}])
def test_a_tag_that_0_is_white_is_asked_about(tmp_path, image, white):
    tiff(tmp_path / "a.tif", image, tags=lambda page: {262: 0 if page in white else 1})
    which = "its pages say" if len(white) == 4 else "1 of its 4 pages say"
    with pytest.raises(ValueError, match=f"{which} that 0 is white.*photometric='as stored'.*'inverted'"):
        read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", photometric="as stored"), image)
    turned = np.array([255 - plane if page in white else plane for page, plane in enumerate(image)])
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", photometric="inverted"), turned)


def test_photometric_is_checked(tmp_path, image):
    write_image(image, tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", photometric="inverted"), image)  # 0 is black there
    with pytest.raises(ValueError, match="photometric is 'as stored' or 'inverted'; got 'white'"):
        read_image(tmp_path / "a.tif", photometric="white")
    write_image(image, tmp_path / "a.npy")
    with pytest.raises(TypeError, match=r"is for \.tif"):
        read_image(tmp_path / "a.npy", photometric="inverted")


def test_one_bit_that_is_white_at_0(tmp_path):
    bits = np.random.default_rng(2).random(SHAPE) < 0.3
    options = {"photometric": "miniswhite", "bitspersample": 1, "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", bits, **options)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", photometric="as stored"), bits)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", photometric="inverted"), ~bits)


# --- stacks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"metadata": None}, {"compression": "zlib"}, {"resolution": (3.0, 3.0)}])
def test_a_stack_written_page_by_page(tmp_path, image, options):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for page in image:
            file.write(page, photometric="minisblack", **options)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), image)


def test_one_page_is_one_layer(tmp_path, image):
    tifffile.imwrite(tmp_path / "a.tif", image[0], photometric="minisblack")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), image[:1])


@pytest.mark.parametrize("kind", ["uint8", ">u2", "<i4", "<u8", "float32", ">f8", "float16"])
@pytest.mark.parametrize("options", [{}, {"tile": (16, 16)}, {"rowsperstrip": 2}, {"bigtiff": True}])
@pytest.mark.parametrize("packing", [None, "zlib", "lzma", "predicted"])
def test_every_kind_of_stack_is_read_as_tifffile_reads_it(tmp_path, kind, options, packing):
    packed = {"compression": "zlib", "predictor": True} if packing == "predicted" else {"compression": packing}
    if packing == "predicted" and kind not in ("uint8", "<i4"):
        kind = "uint16"  # tifffile writes no predictor of the others without imagecodecs
    image = np.random.default_rng(3).integers(0, 5, (3, 21, 34)).astype(kind)
    order = ">" if ">" in kind else "<"
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="minisblack", byteorder=order, **options, **packed)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), image)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), image)


def packbits(data):
    return b"".join(
        b"\0" + bytes([byte]) if place % 2 else b"\x80\x00" + bytes([byte]) for place, byte in enumerate(data)
    )


def test_packings_by_hand(tmp_path, image):
    runs = bytes([0x81, 3, 0x02, 1, 2, 4, 0x80, 0xFF, 0])  # 128 times 3; 1, 2, 4; nothing; twice 0
    tiff(tmp_path / "a.tif", [np.zeros((7, 19), np.uint8)], packed=lambda _: runs, compression=32773)
    assert read_image(tmp_path / "a.tif").ravel().tolist() == [3] * 128 + [1, 2, 4, 0, 0]
    tiff(tmp_path / "b.tif", image, packed=packbits, compression=32773, strip=2)
    np.testing.assert_array_equal(read_image(tmp_path / "b.tif"), image)
    differences = np.diff(image.astype("<u2"), axis=2, prepend=np.uint16(0))
    tiff(tmp_path / "c.tif", differences, packed=lzma.compress, compression=34925, tags=lambda _: {317: 2})
    np.testing.assert_array_equal(read_image(tmp_path / "c.tif"), image)
    floats = image.astype(">f4").view(np.uint8).reshape(4, 5, 7, 4).transpose(0, 1, 3, 2).reshape(4, 5, 28)
    sums = np.diff(floats, axis=2, prepend=np.uint8(0))
    tiff(tmp_path / "d.tif", sums, tags=lambda _: {317: 3, 256: 7, 258: 32, 339: 3})
    np.testing.assert_array_equal(read_image(tmp_path / "d.tif"), image)
    nibbles = (image[:, :, :6:2] << 4) | image[:, :, 1:6:2]
    tiff(tmp_path / "e.tif", nibbles, tags=lambda _: {256: 6, 258: 4})
    np.testing.assert_array_equal(read_image(tmp_path / "e.tif"), image[:, :, :6])


@pytest.mark.parametrize(
    ("tags", "advice"),
    [
        (lambda page: {274: 4 if page == 2 else 1}, "page 3 is turned or mirrored.*Orientation 1"),
        (lambda page: {277: 3}, "colour"),
        (lambda page: {262: 2}, "colour"),
        (lambda page: {259: 7}, "packed as JPEG"),
        (lambda page: {259: 9999}, "not read.*save it with deflate"),
        (lambda page: {258: 12}, "12 bits"),
        (lambda page: {339: 6}, "of a kind that is not read"),
        (lambda page: {317: 9}, "predictor 9"),
        (lambda page: {257: 6 if page == 2 else 5, 278: 6}, "2 series of pages that differ"),
        (lambda page: {257: 4, 278: 4}, "more than the 28 bytes"),
        (lambda page: {257: 6, 278: 6}, "42 bytes are wanted, it has 35"),
        (lambda page: {279: 0}, "has no data"),
        (lambda page: {273: 10**9}, "cut short"),
        (lambda page: {322: 65536, 323: 65536, 324: 8, 325: 9}, "tiles"),
    ],
)
def test_tiffs_that_cannot_be_read_say_why(tmp_path, image, tags, advice):
    tiff(tmp_path / "a.tif", image, tags=tags)
    with pytest.raises(ValueError, match=advice):
        read_image(tmp_path / "a.tif")


def test_thumbnails_and_pyramids_are_passed_over(tmp_path, image):
    planes = [image[0], image[0, ::2, ::2], image[1], image[1, ::2, ::2]]
    tiff(tmp_path / "a.tif", planes, tags=lambda page: {254: page % 2})
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), image[:2])
    with tifffile.TiffWriter(tmp_path / "b.tif") as file:
        file.write(image, subifds=1, photometric="palette", colormap=np.zeros((3, 256), np.uint16))
        file.write(image[:, ::2, ::2], subfiletype=1, photometric="palette", colormap=np.zeros((3, 256), np.uint16))
    np.testing.assert_array_equal(read_image(tmp_path / "b.tif"), image)


@pytest.mark.parametrize("compression", ["lzw", "zstd"])
def test_a_packing_of_imagecodecs_names_it(tmp_path, image, compression, monkeypatch):
    code = {"lzw": 5, "zstd": 50000}[compression]
    tiff(tmp_path / "a.tif", image, compression=code)
    monkeypatch.setitem(__import__("sys").modules, "imagecodecs", None)
    with pytest.raises(ValueError, match=f"{compression.upper()}, which the package imagecodecs reads: install it"):
        read_image(tmp_path / "a.tif")


def test_a_stack_behind_one_page(tmp_path, image):
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="minisblack", metadata={"truncate": True, "axes": "ZYX"})
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), image)
    whole = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(whole[:-30])
    with pytest.raises(ValueError, match="cut short"):
        read_image(tmp_path / "a.tif")


# --- edges of a voxel -------------------------------------------------------------------------------------------------


def imagej(path, image, **metadata):
    options = {"imagej": True, "resolution": (10.0, 5.0)}
    tifffile.imwrite(path, image, **options, metadata={"axes": "ZYX"} | metadata)


@pytest.mark.parametrize(
    ("metadata", "edges"),
    [
        ({"unit": "um", "spacing": 0.3}, (3e-7, 2e-7, 1e-7)),
        ({"unit": "um", "zunit": "nm", "spacing": 300.0}, (3e-7, 2e-7, 1e-7)),
        ({"unit": "um", "yunit": "nm", "zunit": "mm", "spacing": 1e-4}, (1e-7, 2e-10, 1e-7)),
        ({"unit": "um"}, (1e-6, 2e-7, 1e-7)),
        ({"unit": "um", "zunit": "sec"}, None),
        ({"unit": "inch", "spacing": 0.3}, None),
        ({"spacing": 0.3}, None),
    ],
)
def test_edges_of_imagej(tmp_path, image, metadata, edges):
    imagej(tmp_path / "a.tif", image, **metadata)
    assert read_voxel_edges(tmp_path / "a.tif") == (edges and pytest.approx(edges, rel=1e-9))
    turned = edges and (edges[2], edges[1], edges[0])
    assert read_voxel_edges(tmp_path / "a.tif", axes="zyx") == (turned and pytest.approx(turned, rel=1e-9))


@pytest.mark.parametrize(
    ("sizes", "edges"),
    [
        ({"X": (0.1, None), "Y": (0.1, None), "Z": (0.3, None)}, (3e-7, 1e-7, 1e-7)),
        ({"X": (100, "nm"), "Y": (0.1, "µm"), "Z": (3000, "Å")}, (3e-7, 1e-7, 1e-7)),
        ({"X": (1, "pixel"), "Y": (1, "pixel"), "Z": (1, "pixel")}, None),
        ({"X": (0.1, None), "Y": (0.1, None)}, None),
    ],
)
def test_edges_of_ome(tmp_path, image, sizes, edges):
    metadata = {"axes": "ZYX"} | {f"PhysicalSize{axis}": size for axis, (size, _) in sizes.items()}
    metadata |= {f"PhysicalSize{axis}Unit": unit for axis, (_, unit) in sizes.items() if unit}
    tifffile.imwrite(tmp_path / "a.ome.tif", image, ome=True, photometric="minisblack", metadata=metadata)
    np.testing.assert_array_equal(read_image(tmp_path / "a.ome.tif"), image)
    assert read_voxel_edges(tmp_path / "a.ome.tif") == (edges and pytest.approx(edges, rel=1e-9))


@pytest.mark.parametrize(
    ("unit", "per", "size"),
    [
        ("CENTIMETER", 1e5, 1e-7),
        ("CENTIMETER", 72 / 2.54, None),
        ("CENTIMETER", 118.11, None),
        ("INCH", 254000.0, None),
    ],
)
def test_pixels_per_centimetre(tmp_path, image, unit, per, size):
    options = {"resolution": (per, per), "resolutionunit": unit, "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="minisblack", **options)
    assert read_voxel_size(tmp_path / "a.tif") == (size and pytest.approx(size, rel=1e-9))


def test_a_size_that_no_voxel_has_is_refused_at_both_ends(tmp_path, image):
    for suffix in (".tif", ".npy", ".vti", ".raw"):
        for size, words in ((80, "like nm, written 80e-9"), (1e-4, "80 nm are 80e-9"), (1e-16, "check the units")):
            with pytest.raises(ValueError, match=rf"voxel_size is a length in metres, 1e-10 to .*{words}"):
                write_image(image, tmp_path / f"a{suffix}", voxel_size=size)
    assert not list(tmp_path.iterdir())
    imagej(tmp_path / "a.tif", image, unit="mm", spacing=0.2)
    write_image(image, tmp_path / "a.raw", voxel_size=1e-7)
    words = json.loads((tmp_path / "a.raw.json").read_text())
    (tmp_path / "a.raw.json").write_text(json.dumps(words | {"voxel_size": 80}))
    for suffix in (".tif", ".raw"):
        for read in (read_voxel_size, read_voxel_edges):
            with pytest.raises(ValueError, match="give the voxel size yourself"):
                read(tmp_path / f"a{suffix}")


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["float32", ">f8", "int64", "<i2", "bool"])
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".tif"])
def test_whole_numbers_of_any_kind_are_labels(tmp_path, suffix, kind):
    image = np.random.default_rng(4).integers(0, 2, SHAPE).astype(kind)
    path = tmp_path / f"a{suffix}"
    if suffix == ".tif":
        tifffile.imwrite(path, image, photometric="minisblack")
    else:
        (np.save if suffix == ".npy" else np.savez)(path, image)
    again = read_image(path)
    assert again.dtype == np.uint8
    np.testing.assert_array_equal(again, image)


@pytest.mark.parametrize(
    ("value", "advice"), [(0.5, "segment it"), (np.nan, "NaN"), (np.inf, "NaN"), (1e30, "too large")]
)
def test_other_numbers_are_none(tmp_path, value, advice):
    image = np.ones(SHAPE)
    image[1, 2, 3] = value
    np.save(tmp_path / "a.npy", image)
    with pytest.raises(ValueError, match=f"float64.*{advice}"):
        read_image(tmp_path / "a.npy")


def test_floats_beyond_a_byte_are_named(tmp_path):
    np.save(tmp_path / "a.npy", np.where(np.arange(140).reshape(SHAPE) % 2, -1000.0, 300.0))
    with pytest.raises(ValueError, match=r"values \[-1000, 300\]"):
        read_image(tmp_path / "a.npy")
    assert read_image(tmp_path / "a.npy", labels={-1000: 1, 300: 0}).sum() == 70


@pytest.mark.parametrize("kind", ["uint8", "uint16", "int64"])
def test_grey_values_are_said_to_look_like_them(tmp_path, kind):
    top = 256 if kind == "uint8" else 10**4
    grey = np.random.default_rng(5).integers(0, top, (20, 20, 20)).astype(kind)
    grey[0, 0, :2] = 0, top - 1
    np.save(tmp_path / "a.npy", grey)
    count = len(np.unique(grey))
    with pytest.raises(ValueError, match=f"{count} different values from 0 to {top - 1}: it looks like grey values"):
        read_image(tmp_path / "a.npy")
    named = read_image(tmp_path / "a.npy", labels={value: int(value > 100) for value in range(top)})
    np.testing.assert_array_equal(named, grey > 100)


def test_block_ids_come_back(tmp_path, image):
    ids = np.random.default_rng(6).integers(-1, 70000, SHAPE).astype(np.int32)
    write_image(image, tmp_path / "a.vti", voxel_size=1e-7, blocks=ids)
    again = read_blocks(tmp_path / "a.vti")
    assert again.dtype == np.int32
    np.testing.assert_array_equal(again, ids)
    np.testing.assert_array_equal(read_blocks(tmp_path / "a.vti", name="phase"), image)
    np.testing.assert_array_equal(read_blocks(tmp_path / "a.vti", axes="zyx"), ids.transpose(2, 1, 0))
    for suffix in (".npy", ".tif", ".raw"):
        write_image(ids, tmp_path / f"b{suffix}")
        np.testing.assert_array_equal(read_blocks(tmp_path / f"b{suffix}"), ids)
    np.save(tmp_path / "c.npy", ids.astype(np.int64) + 2**40)
    with pytest.raises(ValueError, match="int32"):
        read_blocks(tmp_path / "c.npy")
    write_image(image, tmp_path / "d.vti")
    with pytest.raises(ValueError, match="no array 'block'"):
        read_blocks(tmp_path / "d.vti")


# --- npz and packed raw voxels ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_of_an_npz(tmp_path, image, save, order):
    save(tmp_path / "a.npz", np.asarray(image, order=order))
    np.testing.assert_array_equal(read_image(tmp_path / "a.npz"), image)
    assert read_voxel_edges(tmp_path / "a.npz") is None
    save(tmp_path / "b.npz", phases=np.asarray(image, order=order), other=image[::-1])
    with pytest.raises(ValueError, match=r"name one of its arrays.*'phases', 'other'"):
        read_image(tmp_path / "b.npz")
    np.testing.assert_array_equal(read_image(tmp_path / "b.npz", name="phases"), image)
    with pytest.raises(ValueError, match="no array 'pores'"):
        read_image(tmp_path / "b.npz", name="pores")
    with pytest.raises(ValueError, match=r"ends in \.tif"):
        write_image(image, tmp_path / "c.npz")


def test_raw_voxels_that_gzip_packed(tmp_path, image):
    write_image(image, tmp_path / "a.raw", voxel_size=2e-8)
    (tmp_path / "a.raw.gz").write_bytes(gzip.compress((tmp_path / "a.raw").read_bytes()))
    np.testing.assert_array_equal(read_image(tmp_path / "a.raw.gz"), image)
    assert read_voxel_size(tmp_path / "a.raw.gz") == 2e-8
    (tmp_path / "b.raw.gz").write_bytes(gzip.compress(image.astype(">i4").tobytes()))
    np.testing.assert_array_equal(read_image(tmp_path / "b.raw.gz", shape=SHAPE, dtype=">i4"), image)
    for shape in ((4, 5, 8), (4, 5, 6)):
        with pytest.raises(ValueError, match="does not hold 4 x 5 x"):
            read_image(tmp_path / "b.raw.gz", shape=shape, dtype=">i4")
    (tmp_path / "b.raw.gz").write_bytes((tmp_path / "b.raw.gz").read_bytes()[:-12])
    with pytest.raises(ValueError, match="does not hold 4 x 5 x 7 voxels"):
        read_image(tmp_path / "b.raw.gz", shape=SHAPE, dtype=">i4")
