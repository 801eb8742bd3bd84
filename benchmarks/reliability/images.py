"""Image files of others: honest ones are read right, damaged and hostile ones refused, in bounded time and memory."""

from __future__ import annotations

import gzip
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reliability import makers
from benchmarks.reliability.makers import DEFLATE, LZMA, label_image, npy, npy_head, sidecar, tiff, vti, zip_of
from benchmarks.reliability.sentences import attempt, either, refusal, right
from benchmarks.reliability.tally import Tally
from benchmarks.reliability.trial import Ending, clear, in_child, scratch

Make = Callable[[Path], object]
Case = tuple[str, Make, Callable[[Ending], str], dict[str, Any]]
IMAGE = label_image()


def run() -> Iterator[Tally]:
    """Every format."""
    formats = {
        ".tif": tiff_cases, ".npy": npy_cases, ".npz": npz_cases, ".vti": vti_cases, ".raw": raw_cases,
        ".raw.gz": gzip_cases,
    }  # fmt: skip
    for suffix, cases in formats.items():
        yield _tried(f"hostile files: {suffix}", suffix, cases())


def _tried(kind: str, suffix: str, cases: list[Case]) -> Tally:
    tally = Tally(kind)
    for name, make, verdict, options in cases:
        folder = scratch()
        path = folder / f"image{suffix}"
        made = in_child(lambda make=make, path=path: make(path) and None, folder=folder, ceiling=None)
        if made.status != 0:
            raise RuntimeError(f"{kind}: {name} cannot be made: {made.stderr[-500:]}")
        ending = in_child(attempt(lambda path=path, options=options: _read(path, **options)), folder=folder)
        tally.count(name, verdict(ending), ending=ending)
        clear(folder)
    return tally


def _read(path: Path, *, wanted: Any = IMAGE, **options: Any) -> Any:
    from microstructure import read_image

    found = read_image(path, **options)
    if found.size == np.size(wanted) and np.array_equal(np.ravel(found), np.ravel(wanted)):
        return True
    return f"{found.dtype} {found.shape}, mean {found.mean():.4g}"


def fine(name: str, make: Make, **options: Any) -> Case:
    """An honest file, that is read right."""
    return name, make, right, options


def bad(name: str, make: Make, **options: Any) -> Case:
    """A file that is refused."""
    return name, make, refusal, options


def doubtful(name: str, make: Make, **options: Any) -> Case:
    """Read right or refused."""
    return name, make, either, options


def _pages(path: Path, pages: int, **options: Any) -> None:
    tiff(path, bytes(64), width=8, height=8, pages=pages, **options)


def _page_by_page(path: Path) -> None:
    import tifffile

    for page in IMAGE:
        tifffile.imwrite(path, page, append=True)


def _page_by_page_deflated(path: Path) -> None:
    import tifffile

    with tifffile.TiffWriter(path) as file:
        for number, page in enumerate(IMAGE):
            file.write(page, compression="zlib" if number % 2 else None, metadata=None)


def _written(array: np.ndarray, **options: Any) -> Make:
    def make(path: Path) -> None:
        import tifffile

        tifffile.imwrite(path, array, **({"photometric": "minisblack"} | options))

    return make


def _cut(path: Path) -> None:
    _written(np.zeros((20, 30, 30), np.uint8))(path)
    os.truncate(path, path.stat().st_size // 2)


def tiff_cases() -> list[Case]:
    white = {"photometric": "miniswhite"}
    zeros, tight = makers.deflated(400), makers.lzma_packed(400)
    small, large = {"width": 64, "height": 64, "pages": 2}, {"width": 2**14, "height": 400 * 2**6, "pages": 2}
    return [
        fine("written page by page", _page_by_page),
        fine("every second page deflated", _page_by_page_deflated),
        fine("whole numbers as int32", _written(IMAGE.astype(np.int32))),
        fine("whole numbers as float32", _written(IMAGE.astype(np.float32))),
        fine("one page", _written(IMAGE[0]), wanted=IMAGE[0]),
        fine("deflated, of other software", _written(IMAGE, compression="zlib", metadata=None)),
        bad("0 is white", _written(IMAGE, **white)),
        bad("0 is white on some pages", lambda p: _pages(p, 4, photometric=(1, 0))),
        bad("0 is white on the first page", lambda p: _pages(p, 4, photometric=(0, 1, 1, 1))),
        bad("cut in half", _cut),
        bad("empty", lambda p: p.write_bytes(b"")),
        bad("random bytes", lambda p: p.write_bytes(np.random.default_rng(2).bytes(5000))),
        bad("head alone", lambda p: p.write_bytes(b"II*\0\x08\0\0\0")),
        bad("pages in a circle", lambda p: _pages(p, 3, chain=72)),
        bad("800 MB of zeros, deflated, honest head", lambda p: tiff(p, zeros, packing=DEFLATE, **large)),
        bad("400 MB of zeros behind a small head", lambda p: tiff(p, zeros, packing=DEFLATE, **small)),
        bad("800 MB in LZMA, honest head", lambda p: tiff(p, tight, packing=LZMA, **large)),
        bad("400 MB in LZMA behind a small head", lambda p: tiff(p, tight, packing=LZMA, **small)),
        doubtful("50,000 pages", lambda p: _pages(p, 50_000), wanted=np.zeros((50_000, 8, 8))),
        bad("promises 2^31 x 2^31", lambda p: tiff(p, bytes(64), width=2**31, height=2**31, pages=2)),
        bad("no width", lambda p: tiff(p, bytes(64), width=0, height=8, pages=2)),
        bad("voxels beyond the end", lambda p: _pages(p, 2, offset=10**9)),
        bad("damaged deflate", lambda p: tiff(p, b"x\x9c" + bytes(30), width=8, height=8, pages=2, packing=DEFLATE)),
        bad("deflate cut short", lambda p: tiff(p, zeros[:40], width=8, height=800, pages=2, packing=DEFLATE)),
        bad("zstd, which needs another library", lambda p: _pages(p, 2, packing=50000)),
        bad("LZW that is none", lambda p: _pages(p, 2, packing=5)),
        bad("packed in a way nobody knows", lambda p: _pages(p, 2, packing=777)),
        bad("0 bits a voxel", lambda p: _pages(p, 2, bits=0)),
        bad("NaN", _written(np.full((3, 4, 5), np.nan, np.float32))),
        bad("colours", _written(np.zeros((3, 8, 8, 3), np.uint8), photometric="rgb")),
        bad("a folder", lambda p: p.mkdir()),
    ]  # fmt: skip


def npy_cases() -> list[Case]:
    shape = "{'descr': '|u1', 'fortran_order': False, 'shape': (%s), }"
    return [
        fine("as numpy writes it", lambda p: p.write_bytes(npy(IMAGE))),
        fine("column-major", lambda p: p.write_bytes(npy(np.asfortranarray(IMAGE)))),
        fine("int64", lambda p: p.write_bytes(npy(IMAGE.astype(np.int64)))),
        fine("whole numbers as float64", lambda p: p.write_bytes(npy(IMAGE.astype(float)))),
        fine("big-endian", lambda p: p.write_bytes(npy(IMAGE.astype(">u2")))),
        bad("grey values", lambda p: p.write_bytes(npy(IMAGE + 0.25))),
        bad("infinite", lambda p: p.write_bytes(npy(np.full((3, 4, 5), np.inf)))),
        bad("Python objects", lambda p: p.write_bytes(npy(np.array([[[None, 1]]], dtype=object)))),
        bad("a pickle alone", lambda p: p.write_bytes(b"\x80\x04N.")),
        bad("empty", lambda p: p.write_bytes(b"")),
        bad("cut short", lambda p: p.write_bytes(npy(IMAGE)[:-7])),
        bad("random bytes", lambda p: p.write_bytes(np.random.default_rng(3).bytes(4000))),
        bad("promises 10^15 voxels", lambda p: p.write_bytes(npy_head(shape % "100000, 100000, 100000") + bytes(99))),
        bad("promises 1.9 GB", lambda p: p.write_bytes(npy_head(shape % "1900, 1000, 1000") + bytes(99))),
        bad("a negative edge", lambda p: p.write_bytes(npy_head(shape % "-4, 5, 6") + bytes(120))),
        bad("edges beyond 64 bits", lambda p: p.write_bytes(npy_head(shape % "9" * 60 + ", 1, 1") + bytes(9))),
        bad("deep brackets in the head", lambda p: p.write_bytes(npy_head("(" * 9000 + ")" * 9000))),
        bad("head is no text of Python", lambda p: p.write_bytes(npy_head("{'descr': \x00\x01"))),
        bad("head longer than the file", lambda p: p.write_bytes(npy_head("{}", length=60000))),
        bad("a head of 4 GB", lambda p: p.write_bytes(npy_head("{}", version=b"\2\0", length=2**32 - 1))),
        bad("version 9", lambda p: p.write_bytes(b"\x93NUMPY\x09\x00" + bytes(40))),
        bad("one axis", lambda p: p.write_bytes(npy(IMAGE.ravel()))),
        bad("no voxel", lambda p: p.write_bytes(npy(IMAGE[:0]))),
        bad("complex", lambda p: p.write_bytes(npy(IMAGE.astype(complex)))),
        bad("dates", lambda p: p.write_bytes(npy(IMAGE.astype("M8[D]")))),
        bad("records", lambda p: p.write_bytes(npy(np.zeros((2, 2, 2), [("a", "u1"), ("b", "f4")])))),
        bad("above 255 without a name", lambda p: p.write_bytes(npy(IMAGE.astype(np.int32) + 1000))),
    ]  # fmt: skip


def npz_cases() -> list[Case]:
    whole = "{'descr': '|u1', 'fortran_order': False, 'shape': (400, 1024, 1024), }"
    return [
        fine("one array", lambda p: zip_of(p, {"arr_0.npy": npy(IMAGE)})),
        fine("one array with a name", lambda p: zip_of(p, {"labels.npy": npy(IMAGE)})),
        fine("not packed", lambda p: zip_of(p, {"arr_0.npy": npy(IMAGE)}, method=zipfile.ZIP_STORED)),
        fine("int64", lambda p: zip_of(p, {"arr_0.npy": npy(IMAGE.astype(np.int64))})),
        bad("two arrays", lambda p: zip_of(p, {"a.npy": npy(IMAGE), "b.npy": npy(IMAGE + 1)})),
        bad("no array", lambda p: zip_of(p, {})),
        bad("another kind of file in it", lambda p: zip_of(p, {"image.txt": b"hello"})),
        bad("empty", lambda p: p.write_bytes(b"")),
        bad("random bytes", lambda p: p.write_bytes(np.random.default_rng(4).bytes(4000))),
        bad("cut short", lambda p: (zip_of(p, {"arr_0.npy": npy(IMAGE)}), os.truncate(p, 90))),
        bad("400 MB of zeros, honest head", lambda p: makers.zip_bomb(p, 400, npy_head(whole))),
        bad("400 MB of zeros behind a small head", lambda p: makers.zip_bomb(p, 400, npy(IMAGE)[:128])),
        bad("promises 1 GB", lambda p: zip_of(p, {"arr_0.npy": npy_head(whole) + bytes(99)})),
        bad("Python objects", lambda p: zip_of(p, {"arr_0.npy": npy(np.array([[[None]]], dtype=object))})),
        bad("grey values", lambda p: zip_of(p, {"arr_0.npy": npy(IMAGE + 0.5)})),
        bad("a name outside of the folder", lambda p: zip_of(p, {"../../x.npy": npy(IMAGE)[:-3]})),
        bad("damaged inside", lambda p: _flipped(p)),
        bad("deep brackets in the head", lambda p: zip_of(p, {"arr_0.npy": npy_head("(" * 9000)})),
        bad("LZMA, 400 MB", lambda p: makers.zip_bomb(p, 400, npy_head(whole), method=zipfile.ZIP_LZMA)),
        bad("a folder", lambda p: p.mkdir()),
        bad("one axis", lambda p: zip_of(p, {"arr_0.npy": npy(IMAGE.ravel())})),
    ]  # fmt: skip


def _flipped(path: Path) -> None:
    zip_of(path, {"arr_0.npy": npy(label_image((20, 20, 20)))})
    content = bytearray(path.read_bytes())
    content[200] ^= 255
    content[300] ^= 255
    path.write_bytes(content)


def vti_cases() -> list[Case]:
    words = " ".join(map(str, IMAGE.T.ravel().tolist()))
    packed = zlib.compress(np.ascontiguousarray(IMAGE.T).tobytes())
    zlib_name, lzma_name = "vtkZLibDataCompressor", "vtkLZMADataCompressor"
    big = "0 400 0 1024 0 1024"
    zeros, tight = makers.deflated(400), makers.lzma_packed(400)
    nested = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(1, 10))
    laughs = f'<!DOCTYPE x [<!ENTITY a1 "haha">{nested}]><VTKFile>&a10;</VTKFile>'
    return [
        fine("as text", lambda p: vti(p, words)),
        fine("appended and deflated", lambda p: vti(p, layout="appended", compressor=zlib_name, appended=makers.vti_blocks(packed, 120))),
        fine("own, with block ids beyond 255", _own_blocks),
        fine("whole numbers as Float32", lambda p: vti(p, words, kind="Float32")),
        bad("empty", lambda p: p.write_bytes(b"")),
        bad("random bytes", lambda p: p.write_bytes(np.random.default_rng(5).bytes(4000))),
        bad("cut short", lambda p: (vti(p, words), os.truncate(p, 400))),
        bad("too few numbers", lambda p: vti(p, words[:-4])),
        bad("too many numbers", lambda p: vti(p, words + " 1 1")),
        bad("no numbers", lambda p: vti(p, "a b c")),
        bad("extent reversed", lambda p: vti(p, words, extent="4 0 5 0 6 0")),
        bad("extent beyond 64 bits", lambda p: vti(p, words, extent="0 99999999999 0 99999999999 0 99999999999")),
        bad("no extent", lambda p: vti(p, words, extent="")),
        bad("400 MB deflated", lambda p: vti(p, layout="appended", compressor=zlib_name, extent=big, appended=makers.vti_blocks(zeros, 400 * 2**20))),
        bad("400 MB behind a promise of 120 bytes", lambda p: vti(p, layout="appended", compressor=zlib_name, appended=makers.vti_blocks(zeros, 120))),
        bad("400 MB in LZMA", lambda p: vti(p, layout="appended", compressor=lzma_name, extent="0 400 0 1024 0 1024", appended=makers.vti_blocks(tight, 400 * 2**20))),
        bad("10^15 pieces", lambda p: vti(p, layout="appended", compressor=zlib_name, appended=np.array([10**15, 120, 0, 5], np.uint64).tobytes())),
        bad("a piece before the beginning", lambda p: vti(p, layout="appended", compressor=zlib_name, appended=np.array([1, 120, 0, -50], np.int64).tobytes() + packed)),
        bad("entities within entities", lambda p: p.write_bytes(laughs.encode())),
        bad("another kind of grid", lambda p: p.write_bytes(b'<VTKFile type="PolyData"/>')),
        bad("100,000 levels deep", lambda p: p.write_bytes(b"<VTKFile type='ImageData'>" + b"<a>" * 100_000)),
        bad("NaN", lambda p: vti(p, "nan " * 120, kind="Float64")),
        bad("text of a kind nobody knows", lambda p: vti(p, words, kind="String")),
        bad("no header kind", lambda p: vti(p, words, header="UInt7", layout="binary")),
        bad("base64 that is none", lambda p: vti(p, "!!!!", layout="binary")),
    ]  # fmt: skip


def _own_blocks(path: Path) -> None:
    from microstructure import write_image

    ids = np.arange(IMAGE.size).reshape(IMAGE.shape) + 200
    write_image(IMAGE, path, voxel_size=1e-7, blocks=ids)


def raw_cases() -> list[Case]:
    def raw(content: bytes = IMAGE.tobytes(), **changes: Any) -> Make:
        def make(path: Path) -> None:
            path.write_bytes(content)
            sidecar(path, **changes)

        return make

    def words(text: str) -> Make:
        def make(path: Path) -> None:
            path.write_bytes(IMAGE.tobytes())
            path.with_name(path.name + ".json").write_text(text, "utf-8")

        return make

    given = {"shape": (4, 5, 6), "dtype": "uint8"}
    alone = words_free = lambda p: p.write_bytes(IMAGE.tobytes())
    return [
        fine("with its JSON file", raw()),
        fine("shape and dtype given", alone, **given),
        fine("16 bits, big-endian", raw(IMAGE.astype(">u2").tobytes(), dtype="uint16", byte_order="big")),
        bad("no JSON file", words_free),
        bad("empty", raw(b"")),
        bad("one byte short", raw(IMAGE.tobytes()[:-1])),
        bad("one byte long", raw(IMAGE.tobytes() + b"\0")),
        bad("JSON 100,000 levels deep", words("[" * 100_000)),
        bad("JSON of nested objects", words('{"a":' * 50_000 + "1" + "}" * 50_000)),
        bad("JSON is a list", words("[]")),
        bad("JSON is random bytes", lambda p: (p.write_bytes(bytes(120)), p.with_name("image.raw.json").write_bytes(b"\xff\xfe\x00"))),
        bad("a negative edge", raw(shape=[-4, -5, 6])),
        bad("an edge of zero", raw(shape=[0, 5, 6])),
        bad("edges of 10^30", raw(shape=[10**30, 1, 1])),
        bad("a number of 100,000 digits", words('{"format": "percoat raw image", "version": 1, "shape": [' + "9" * 100_000 + ", 1, 1]}")),
        bad("edges with a fraction", raw(shape=[4.5, 5, 6])),
        bad("shape is text", raw(shape="456")),
        bad("dtype is an object", raw(dtype="O")),
        bad("dtype is a float", raw(dtype="float64", content=bytes(960))),
        bad("dtype is null", raw(dtype=None)),
        bad("axes are numbers", raw(axes=[1, 2, 3])),
        bad("voxel size is NaN", words('{"format": "percoat raw image", "version": 1, "shape": [4, 5, 6], "dtype": "uint8", "byte_order": "little", "axes": "xyz", "voxel_size": NaN}')),
        bad("byte order is a list", raw(byte_order=["little"])),
        bad("no version", raw(version=None)),
        bad("the wrong size given", alone, shape=(4, 5, 7), dtype="uint8"),
    ]  # fmt: skip


def gzip_cases() -> list[Case]:
    given = {"shape": (4, 5, 6), "dtype": "uint8"}
    large = {"shape": (1000, 1024, 1024), "dtype": "uint8"}
    packed = gzip.compress(IMAGE.tobytes(), mtime=0)

    def holds(content: bytes) -> Make:
        return lambda path: path.write_bytes(content)

    return [
        fine("shape and dtype given", holds(packed), **given),
        fine("16 bits", holds(gzip.compress(IMAGE.astype("<u2").tobytes())), shape=(4, 5, 6), dtype="<u2"),
        fine("in two members", holds(gzip.compress(IMAGE.tobytes()[:50]) + gzip.compress(IMAGE.tobytes()[50:])), **given),
        bad("no shape", holds(packed)),
        bad("empty", holds(b""), **given),
        bad("random bytes", holds(np.random.default_rng(6).bytes(4000)), **given),
        bad("not packed", holds(IMAGE.tobytes()), **given),
        bad("cut short", holds(packed[:-12]), **given),
        bad("wrong check sum", holds(packed[:-8] + bytes(4) + packed[-4:]), **given),
        bad("one voxel short", holds(gzip.compress(IMAGE.tobytes()[:-1])), **given),
        bad("one voxel long", holds(gzip.compress(IMAGE.tobytes() + b"\0")), **given),
        bad("400 MB behind a small shape", lambda p: makers.gzip_bomb(p, 400), **given),
        bad("promises 1 GB", holds(packed), **large),
        bad("10^15 voxels", holds(packed), shape=(10**5,) * 3, dtype="uint8"),
        bad("a negative edge", holds(packed), shape=(-4, -5, 6), dtype="uint8"),
        bad("dtype is a float", holds(gzip.compress(IMAGE.astype(float).tobytes())), shape=(4, 5, 6), dtype="float64"),
        bad("a head alone", holds(packed[:10]), **given),
        bad("damaged inside", holds(packed[:20] + b"\xff\xff" + packed[22:]), **given),
        bad("the name of a file in its head is endless", holds(b"\x1f\x8b\x08\x08" + bytes(6) + b"a" * 100_000), **given),
        bad("dtype of an object", holds(packed), shape=(4, 5, 6), dtype="O"),
        bad("a folder", lambda p: p.mkdir(), **given),
        bad("bytes behind the end", holds(packed + struct.pack("<I", 7)), **given),
    ]  # fmt: skip
