"""VTI against its definition, against VTK itself, and against files that are none."""

import base64
import re
import struct
import zlib

import numpy as np
import pytest

from microstructure.files import read_image, read_voxel_size, write_image

SHAPE = (4, 5, 7)  # three different edges, so that no exchange of axes goes unseen


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(1).integers(0, 5, SHAPE).astype(np.uint8)


def vti(arrays, *, extent="0 4 0 5 0 7", tail="", spacing="1e-7 1e-7 1e-7", extra="", piece=True):
    """A small VTI as another program would write it."""
    pieces = f'<Piece Extent="{extent}">{arrays}</Piece>' * (1 if piece is True else piece)
    return (
        f'<VTKFile type="ImageData" version="1.0" byte_order="LittleEndian" {extra}>'
        f'<ImageData WholeExtent="{extent}" Spacing="{spacing}">{pieces}</ImageData>{tail}</VTKFile>'
    )


def cell_data(text, *, kind="UInt8", layout="ascii", name="phase", more=""):
    array = f'<DataArray type="{kind}" Name="{name}" format="{layout}" {more}>{text}</DataArray>'
    return f"<CellData>{array}</CellData>"


def x_fastest(image):
    """The slow twin of the order that VTK wants."""
    size_x, size_y, size_z = image.shape
    return [int(image[x, y, z]) for z in range(size_z) for y in range(size_y) for x in range(size_x)]


GOOD = "0 " * 140


def test_vti_as_its_definition_says(tmp_path, image):
    """Taken apart by hand: cells, spacing in metres, x fastest, compressed pieces behind their sizes."""
    blocks = np.random.default_rng(6).integers(-1, 900, SHAPE).astype(np.int32)
    write_image(image, tmp_path / "cell.vti", voxel_size=20e-9, blocks=blocks)
    content = (tmp_path / "cell.vti").read_bytes()
    assert b'WholeExtent="0 4 0 5 0 7"' in content
    assert b'Spacing="2e-08 2e-08 2e-08"' in content
    assert b'byte_order="LittleEndian" header_type="UInt64" compressor="vtkZLibDataCompressor"' in content
    data = content[content.index(b'<AppendedData encoding="raw">_') + 30 :]
    for kind, name, wanted in (("B", b"phase", image), ("<i", b"block", blocks)):
        offset = int(re.search(rb'Name="%s" format="appended" offset="(\d+)"' % name, content).group(1))
        number, piece, last, size = struct.unpack_from("<4Q", data, offset)
        assert (number, piece, last) == (1, 2**20, wanted.nbytes)
        values = struct.iter_unpack(kind, zlib.decompress(data[offset + 32 : offset + 32 + size]))
        assert [value for (value,) in values] == x_fastest(wanted)


@pytest.mark.parametrize("shape", [(130, 130, 140), (64, 128, 128), (128, 128, 128)])
def test_a_large_vti_goes_in_several_pieces(tmp_path, shape):
    """The last of 2**20 bytes may be whole, which is said by a 0."""
    image = np.random.default_rng(7).integers(0, 5, shape).astype(np.uint8)
    write_image(image, tmp_path / "cell.vti")
    np.testing.assert_array_equal(read_image(tmp_path / "cell.vti"), image)


def test_vtk_itself_reads_what_we_write_and_writes_what_we_read(tmp_path, image):
    io = pytest.importorskip("vtkmodules.vtkIOXML")
    from vtkmodules.util.numpy_support import vtk_to_numpy

    write_image(image, tmp_path / "cell.vti", voxel_size=20e-9, blocks=image.astype(np.int16) - 1)
    reader = io.vtkXMLImageDataReader()
    reader.SetFileName(str(tmp_path / "cell.vti"))
    reader.Update()
    grid = reader.GetOutput()
    assert grid.GetDimensions() == (5, 6, 8)
    assert grid.GetSpacing() == (20e-9,) * 3
    for name, shift in (("phase", 0), ("block", -1)):
        assert (vtk_to_numpy(grid.GetCellData().GetArray(name)) - shift).tolist() == x_fastest(image)
    assert grid.GetCellData().GetScalars().GetName() == "phase"
    for mode in ("Ascii", "Binary", "Appended"):
        for packer in ("None", "ZLib", "LZMA"):
            for encode in (False, True):
                writer = io.vtkXMLImageDataWriter()
                writer.SetInputData(grid)
                writer.SetFileName(str(tmp_path / "theirs.vti"))
                writer.SetEncodeAppendedData(encode)
                getattr(writer, f"SetDataModeTo{mode}")()
                getattr(writer, f"SetCompressorTypeTo{packer}")()
                writer.Write()
                np.testing.assert_array_equal(read_image(tmp_path / "theirs.vti"), image)
                named = read_image(tmp_path / "theirs.vti", name="block", labels={n - 1: n for n in range(5)})
                np.testing.assert_array_equal(named, image)
                assert read_voxel_size(tmp_path / "theirs.vti") == 20e-9


def encoded(image, *, word, packer):
    """The inline or appended base64 of VTK: head and data each with its own padding where they are compressed."""
    data = bytes(x_fastest(image))
    if packer is None:
        return base64.b64encode(struct.pack(f"<{word}", len(data)) + data).decode()
    pieces = [packer(data[start : start + 48]) for start in range(0, len(data), 48)]
    head = struct.pack(f"<{3 + len(pieces)}{word}", len(pieces), 48, len(data) % 48, *map(len, pieces))
    return base64.b64encode(head).decode() + base64.b64encode(b"".join(pieces)).decode()


@pytest.mark.parametrize("word", ["I", "Q"])
@pytest.mark.parametrize("packer", [None, zlib.compress])
@pytest.mark.parametrize("inline", [True, False])
def test_every_encoding_of_vti_is_read(tmp_path, image, word, packer, inline):
    extra = 'header_type="UInt64"' if word == "Q" else ""
    extra += ' compressor="vtkZLibDataCompressor"' if packer else ""
    text = encoded(image, word=word, packer=packer)
    if inline:
        content = vti(cell_data(f"\n  {text}\n", layout="binary"), extra=extra)
    else:
        arrays = cell_data("", layout="appended", more=f'offset="{len(text)}"')
        content = vti(arrays, extra=extra, tail=f'\n<AppendedData encoding="base64">\n _{text}{text}\n</AppendedData>')
    (tmp_path / "a.vti").write_text(content)
    np.testing.assert_array_equal(read_image(tmp_path / "a.vti"), image)


@pytest.mark.parametrize("kind", ["UInt8", "Int32", "Int64"])
def test_ascii_vti_and_points_are_read(tmp_path, image, kind):
    text = " ".join(map(str, x_fastest(image)))
    (tmp_path / "cells.vti").write_text(vti(cell_data(text, kind=kind, name="material")))
    np.testing.assert_array_equal(read_image(tmp_path / "cells.vti"), image)
    points = cell_data(text, kind=kind, name="material").replace("CellData", "PointData")
    (tmp_path / "points.vti").write_text(vti(points, extent="2 5 0 4 0 6"))
    np.testing.assert_array_equal(read_image(tmp_path / "points.vti"), image)
    other = cell_data(text.replace("0", "9"), kind=kind, name="other")
    (tmp_path / "both.vti").write_text(vti(cell_data(text, kind=kind, name="material") + other))
    with pytest.raises(ValueError, match=r"name one of its arrays.*'material', 'other'"):
        read_image(tmp_path / "both.vti")
    np.testing.assert_array_equal(read_image(tmp_path / "both.vti", name="material"), image)
    with pytest.raises(ValueError, match="no array 'phase'"):
        read_image(tmp_path / "both.vti", name="phase")


@pytest.mark.parametrize(("spacing", "expected"), [("1 1 1", None), ("5e-8 5e-8 5e-8", 5e-8)])
def test_a_spacing_of_one_is_none(tmp_path, spacing, expected):
    (tmp_path / "a.vti").write_text(vti(cell_data("0 " * 140), spacing=spacing))
    assert read_voxel_size(tmp_path / "a.vti") == expected


@pytest.mark.parametrize("spacing", ["0.02 0.02 0.02", "0 0 0", "nan nan nan", "-1e-7 -1e-7 -1e-7"])
def test_a_spacing_that_cannot_be_metres_is_refused(tmp_path, spacing):
    (tmp_path / "a.vti").write_text(vti(cell_data("0 " * 140), spacing=spacing))
    with pytest.raises(ValueError, match="VTI has no units"):
        read_voxel_size(tmp_path / "a.vti")


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (vti(cell_data("0 " * 139)), "140 numbers of uint8 are wanted, it has 139"),
        (vti(cell_data("0 " * 139 + "300")), "140 numbers of uint8"),
        (vti(cell_data("0 " * 139 + "x")), "is not an image"),
        (vti(cell_data("0.5 " * 140, kind="Float32")), "grey values"),
        (vti(cell_data("nan " * 140, kind="Float64")), "NaN"),
        (vti(cell_data(GOOD, kind="String")), "is not an image"),
        (vti(cell_data(GOOD, more='NumberOfComponents="3"')), "one number per voxel"),
        (vti(cell_data("AAAA", layout="binary")), "is not an image"),
        (vti(cell_data("jAAAAAAB", layout="binary")), "140 bytes are wanted"),
        (vti(cell_data("", layout="appended", more='offset="0"')), "is not an image"),
        (vti(cell_data(GOOD, layout="hdf5")), "written as 'hdf5'"),
        (vti(""), "it has none"),
        (vti(cell_data(GOOD), piece=2), "one Piece is wanted, it has 2"),
        (vti(cell_data(GOOD), extra='compressor="vtkLZ4DataCompressor"'), "save it with ZLib"),
        (vti(cell_data(GOOD), extra='byte_order_="x"').replace("LittleEndian", "Middle"), "no VTI"),
        (vti(cell_data(GOOD)).replace("<ImageData", '<ImageData Direction="0 1 0 1 0 0 0 0 1"'), "axes are turned"),
        (vti(cell_data(GOOD)).replace('type="ImageData"', 'type="PolyData"'), "of type ImageData is wanted"),
        (vti(cell_data(GOOD), extent="0 4 0 5"), "six whole numbers"),
        (vti(cell_data(GOOD), extent="0 4 5 0 0 7"), "three-dimensional"),
    ],
)
def test_vti_that_cannot_be_read_is_refused(tmp_path, content, advice):
    (tmp_path / "a.vti").write_text(content)
    with pytest.raises(ValueError, match=advice):
        read_image(tmp_path / "a.vti")
