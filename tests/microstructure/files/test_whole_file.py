"""A file that is written whole or not at all, whatever stands under its name."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from microstructure.errors import DiskFullError
from microstructure.files.whole_file import whole_file


def write(path, text):
    with whole_file(path) as temporary:
        temporary.write_text(text)


def test_a_new_file_takes_its_name_at_the_end(tmp_path):
    with whole_file(tmp_path / "new/deep/a.txt") as path:
        path.write_text("all")
        assert not (tmp_path / "new/deep/a.txt").exists()
        assert path.suffix == ".txt"
    assert [path.name for path in (tmp_path / "new/deep").iterdir()] == ["a.txt"]


def test_a_pipe_is_written_through(tmp_path):
    pipe, read = tmp_path / "pipe.csv", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write(pipe, "a,b\n" * 50_000)
    reader.join()
    assert read == ["a,b\n" * 50_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe.csv"]


def test_a_device_is_written_through_and_stays(tmp_path, monkeypatch):
    """A pipe that says it is a character device: nobody tries this on a real one."""
    device, read = tmp_path / "tty", []
    os.mkfifo(device)
    monkeypatch.setattr(stat, "S_ISFIFO", lambda mode: False)
    reader = threading.Thread(target=lambda: read.append(device.read_text()))
    reader.start()
    write(device, "line\n")
    reader.join()
    assert read == ["line\n"]
    assert not device.is_file()


@pytest.mark.parametrize("kind", ["S_ISBLK", "S_ISSOCK"])
def test_disks_and_sockets_are_refused(tmp_path, monkeypatch, kind):
    os.mkfifo(tmp_path / "disk")
    monkeypatch.setattr(stat, kind, lambda mode: True)
    with pytest.raises(ValueError, match="disk or a socket"):
        write(tmp_path / "disk", "all")
    assert (tmp_path / "disk").is_fifo()


@pytest.mark.parametrize("words", [["/dev/stdout"], ["/dev/fd/1"]])
def test_standard_output_is_written_in_its_place(tmp_path, words):
    program = (
        "import sys, pathlib\nfrom microstructure.files.whole_file import whole_file\n"
        "print('first')\n"
        f"with whole_file(pathlib.Path({words[0]!r})) as path:\n    path.write_text('second\\n')\n"
        "print('third')\n"
    )
    with (tmp_path / "out.txt").open("w") as out:
        subprocess.run([sys.executable, "-c", program], check=True, stdout=out)
    assert (tmp_path / "out.txt").read_text() == "first\nsecond\nthird\n"
    piped = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert piped.stdout == "first\nsecond\nthird\n"


def test_a_link_stays_and_its_target_is_replaced(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far/a.txt").write_text("old")
    (tmp_path / "a.txt").symlink_to("far/a.txt")
    (tmp_path / "b.txt").symlink_to("far/b.txt")
    (tmp_path / "c.txt").symlink_to("a.txt")
    for name in ("a", "b", "c"):
        write(tmp_path / f"{name}.txt", name)
        assert (tmp_path / f"{name}.txt").is_symlink()
    assert {path.name: path.read_text() for path in (tmp_path / "far").iterdir()} == {"a.txt": "c", "b.txt": "b"}
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="loop cannot be written"):
        write(tmp_path / "loop", "all")
    assert (tmp_path / "loop").is_symlink()


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o755])
def test_permissions_are_kept(tmp_path, mode):
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "a.txt").chmod(mode)
    write(tmp_path / "a.txt", "new")
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == mode
    (tmp_path / "b.txt").write_text("plain")
    write(tmp_path / "c.txt", "new")
    assert (tmp_path / "c.txt").stat().st_mode == (tmp_path / "b.txt").stat().st_mode


def test_long_names_fit(tmp_path):
    for name in ("a" * 251 + ".txt", "ä" * 127, "a." + "b" * 253):
        write(tmp_path / name, "all")
        assert (tmp_path / name).read_text() == "all"
    with pytest.raises(OSError, match="cannot be written: File name too long"):
        write(tmp_path / ("a" * 256), "all")


def test_what_is_no_place_for_a_file_is_refused_at_once(tmp_path):
    (tmp_path / "file").write_text("kept")
    for path in ("file/a.txt", "file/deep/a.txt"):
        with pytest.raises(ValueError, match=r"a\.txt cannot be written: .*file is a file, not a folder"):
            write(tmp_path / path, "all")
    with pytest.raises(ValueError, match="is a folder: add a file name"):
        write(tmp_path, "all")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EPERM])
def test_a_folder_that_takes_no_file_is_named(tmp_path, monkeypatch, number):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number), "temporary")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(OSError, match=rf"a\.txt cannot be written: {os.strerror(number)}; choose") as caught:
        write(tmp_path / "a.txt", "all")
    assert "temporary" not in str(caught.value)
    assert caught.value.errno == number


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("step", ["write", "fsync", "open"])
def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(tmp_path, monkeypatch, number, step):
    write(tmp_path / "a.txt", "old")

    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(*((Path, "write_text") if step == "write" else (os, step)), fail)
    with pytest.raises(DiskFullError, match=rf"^[^\n]*disk that holds {tmp_path} .*: a\.txt is not written"):
        write(tmp_path / "a.txt", "new")
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_it_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    settled, fsync = [], os.fsync

    def note(handle):
        settled.append((stat.S_ISDIR(os.fstat(handle).st_mode), (tmp_path / "a.txt").exists()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", note)
    write(tmp_path / "a.txt", "all")
    assert settled == [(False, False), (True, True)]


def test_the_command_ends_with_status_1_on_a_full_disk(percoat, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    ended = percoat("threshold", "--csv", "a.csv", folder=tmp_path)
    assert ended.status == 1
    assert ended.err.count("\n") == 1
    assert f"the disk that holds {tmp_path} is full: a.csv is not written" in ended.err
    assert "the same command goes on from there" in ended.err
    assert not list(tmp_path.iterdir())
