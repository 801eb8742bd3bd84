"""Files that promise more than they hold, or hold more than they promise: refused before memory is taken."""

import base64
import gzip
import io
import json
import lzma
import struct
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pytest

from microstructure.files import read_blocks, read_image, read_voxel_edges, read_voxel_size

MEGABYTE = 2**20
PEAK = 200  # MB, most of it the packages themselves
EACH = 80  # MB that come out of a packed file


def packed_zeros(packer, megabytes):
    return b"".join([*(packer.compress(bytes(MEGABYTE)) for _ in range(megabytes)), packer.flush()])


def tiff(rows, columns, compression, data, pages=1):
    content, size = b"II*\0" + struct.pack("<I", 8 + len(data)) + data, 2 + 8 * 12 + 4
    tags = {256: columns, 257: rows, 258: 8, 259: compression, 262: 1, 273: 8, 278: rows, 279: len(data)}
    entries = b"".join(struct.pack("<HHII", code, 4, 1, value) for code, value in tags.items())
    links = [len(content) + size * page for page in range(1, pages)] + [0]
    return content + b"".join(struct.pack("<H", 8) + entries + struct.pack("<I", link) for link in links)


def vti(data, *, packer="vtkZLibDataCompressor", side=100, promise=None, text=False):
    head = struct.pack("<4Q", 1, promise or side**3, 0, len(data))
    body = base64.b64encode(head) + base64.b64encode(data) if text else head + data
    words = (
        f'<VTKFile type="ImageData" header_type="UInt64" compressor="{packer}"><ImageData>'
        f'<Piece Extent="0 {side} 0 {side} 0 {side}"><CellData>'
        '<DataArray type="UInt8" Name="phase" format="appended" offset="0"/></CellData></Piece>'
        f'</ImageData><AppendedData encoding="{"base64" if text else "raw"}">_'
    )
    return words.encode() + body + b"</AppendedData></VTKFile>"


def npy(head, version=1):
    words = head.encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(words)) + words


def npz(array, packing=zipfile.ZIP_DEFLATED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", packing) as archive, archive.open("a.npy", "w") as file:
        file.write(array)
        for _ in range(EACH):
            file.write(bytes(MEGABYTE))
    return content.getvalue()


def hostile_files():
    zeros, xz = packed_zeros(zlib.compressobj(9), EACH), packed_zeros(lzma.LZMACompressor(preset=1), EACH)
    array = "{{'descr': '|u1', 'fortran_order': False, 'shape': ({}, 1024, 1024)}}\n"
    entity = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">]><VTKFile>&a;</VTKFile>'
    attributes = " ".join(f"a{number}='1'" for number in range(10**5))
    return {
        "lie.tif": tiff(3000, 3000, 8, zeros),
        "true.tif": tiff(EACH * 1024, 1024, 8, zeros),
        "lzma_lie.tif": tiff(3000, 3000, 34925, xz),
        "lzma_true.tif": tiff(EACH * 1024, 1024, 34925, xz),
        "packbits.tif": tiff(100, 100, 32773, b"\x81\0" * 10**6),
        "promise.tif": tiff(2**31, 2**31, 1, bytes(100)),
        "pages.tif": tiff(1, 1, 1, bytes(8), pages=20000),
        "shared.tif": tiff(512, 512, 8, zlib.compress(bytes(2**18)), pages=10000),
        "lie.vti": vti(zeros),
        "true.vti": vti(zeros, side=430),
        "lzma.vti": vti(xz, packer="vtkLZMADataCompressor"),
        "text.vti": vti(zeros, text=True),
        "promise.vti": vti(zeros, promise=2**62),
        "entity.vti": entity.encode(),
        "attributes.vti": f"<VTKFile {attributes}/>".encode(),
        "elements.vti": b"<VTKFile>" + b"<a>" * 10**5,
        "deep.npy": npy("(" * 9000 + "\n"),
        "long.npy": npy(" " * 10**7, version=2),
        "promise.npy": npy(array.format(10**7)),
        "huge.npy": npy(array.format(10**400)),
        "lie.npz": npz(npy(array.format(1))),
        "true.npz": npz(npy(array.format(EACH))),
        "lzma.npz": npz(npy(array.format(1)), zipfile.ZIP_LZMA),
        "list.npz": b"PK\5\6" + struct.pack("<4H2IH", 0, 0, 9, 9, 2**30, 0, 0),
        "lie.raw.gz": packed_zeros(zlib.compressobj(9, wbits=31), EACH),
        "lie.raw.json": json.dumps(SIDECAR | {"shape": [100, 100, 100]}).encode(),
        "true.raw.gz": packed_zeros(zlib.compressobj(9, wbits=31), EACH),
        "true.raw.json": json.dumps(SIDECAR | {"shape": [EACH, 1024, 1024]}).encode(),
        "deep.raw": bytes(8),
        "deep.raw.json": b"[" * 10**5,
        "long.raw": bytes(8),
        "long.raw.json": b"[" + b"1," * 10**6 + b"1]",
    }


SIDECAR = {"format": "percoat raw image", "version": 1, "dtype": "uint8", "byte_order": "little", "axes": "xyz"}
SIDECAR |= {"voxel_size": None}


REFUSE_ALL = """
import sys
from pathlib import Path
from microstructure.files import read_image
for path in sorted(Path(sys.argv[1]).iterdir()):
    if path.suffix != ".json":
        try:
            read_image(path)
            print(path.name, "was read")
        except ValueError as error:
            print(path.name, len(str(error)))
print(*[line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak memory of a process is read as Linux gives it")
def test_hostile_files_take_no_memory(tmp_path):
    files = hostile_files()
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    command = [sys.executable, "-c", REFUSE_ALL, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    *lines, peak = run.stdout.splitlines()
    assert len(lines) == sum(not name.endswith(".json") for name in files)
    assert [line for line in lines if line.endswith("read") or int(line.split()[-1]) > 600] == []
    assert int(peak) / 1024 < PEAK


@pytest.mark.parametrize("suffix", [".tif", ".vti", ".npy", ".npz", ".raw.gz"])
def test_damaged_files_are_refused_or_read(tmp_path, suffix):
    rng = np.random.default_rng(11)
    image = rng.integers(0, 5, (3, 8, 9)).astype(np.uint8)
    if suffix == ".tif":
        content = tiff(8, 9, 8, zlib.compress(image[0].tobytes()), pages=3)
    elif suffix == ".vti":
        content = vti(zlib.compress(bytes(125)), side=5, text=True)
    else:
        saved = io.BytesIO()
        {".npy": np.save, ".npz": np.savez_compressed, ".raw.gz": np.save}[suffix](saved, image)
        content = gzip.compress(image.tobytes()) if suffix == ".raw.gz" else saved.getvalue()
        (tmp_path / "a.raw.json").write_text(json.dumps(SIDECAR | {"shape": [3, 8, 9]}))
    refused = 0
    for _ in range(100):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), rng.integers(1, 5)):
            damaged[place] = rng.choice([0, 1, 127, 255, rng.integers(256)])
        (tmp_path / f"a{suffix}").write_bytes(damaged[: rng.integers(1, 2 * len(content))])
        for read in (read_image, read_blocks, read_voxel_size, read_voxel_edges):
            try:
                read(tmp_path / f"a{suffix}")
            except ValueError:
                refused += 1
    assert refused > 40
