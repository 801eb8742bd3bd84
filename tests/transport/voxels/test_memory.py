"""Conduction takes the memory that it says it takes."""

from __future__ import annotations

import tracemalloc
from functools import partial

import numpy as np
import psutil
import pytest

import microstructure.free_memory
from benchmarks.images import CONDUCTIVITIES, PERIODIC
from benchmarks.images import labels as benchmark_labels
from benchmarks.processes import measured
from microstructure.arguments import check_room
from microstructure.files.unpacking import check_voxel_count
from microstructure.free_memory import free_memory
from transport import effective_conductivity, estimate_memory, sweep_conductivities
from transport.sweep import KEPT


@pytest.mark.parametrize("resisting", [False, True])
@pytest.mark.parametrize("matrix", [0.0, 1e-7])
def test_arrays_of_a_solve_stay_below_the_estimate(resisting, matrix):
    rng = np.random.default_rng(1)
    labels = np.kron(rng.choice(3, (24,) * 3, p=(0.3, 0.5, 0.2)), np.ones((4, 4, 4))).astype(np.uint8)
    blocks = np.kron(np.arange(12**3).reshape((12,) * 3), np.ones((8, 8, 8))).astype(np.int32)
    contacts = {(1, 1): 1e-7, (1, 2): 1e-7} if resisting else None
    values = {0: matrix, 1: 1.0, 2: 1e-3}
    conducting = 1.0 if matrix else float(np.mean(labels > 0))
    effective_conductivity(labels[:8], values, 1e-7, 1, (True,) * 3, contacts, blocks[:8])  # compiles
    tracemalloc.start()
    try:
        effective_conductivity(labels, values, 1e-7, 1, (True,) * 3, contacts, blocks)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 30 * labels.size < peak < estimate_memory(labels.shape, conducting)


EDGE = 128


def solve(edge):
    labels = benchmark_labels("three phases", edge)
    return effective_conductivity(labels, CONDUCTIVITIES["three phases"], 1.0, periodic=PERIODIC).iterations


def sweep(edge):
    labels, sigma = benchmark_labels("three phases", edge), CONDUCTIVITIES["three phases"]
    swept = sweep_conductivities(labels, [sigma, {**sigma, 0: 1.3e-7}], 1.0, periodic=PERIODIC)
    return [found.iterations for found in swept]


def warm(work, edge):
    work(24)
    benchmark_labels("three phases", edge)


@pytest.mark.slow
@pytest.mark.parametrize(("work", "kept"), [(solve, 0.0), (sweep, KEPT)])
def test_a_process_takes_no_more_than_it_asked_for(work, kept):
    """Seen from outside: what threads and compiled loops take, too. Without the fixed part at most 80 bytes a voxel."""
    run = measured(partial(work, EDGE), partial(warm, work, EDGE))
    asked = estimate_memory((EDGE,) * 3) + kept * EDGE**3
    assert 0.5 * asked < 1e6 * run.memory < asked


def test_what_is_kept_is_asked_for(monkeypatch):
    labels = np.ones((40, 40, 40), np.uint8)
    free = psutil.virtual_memory()._replace(available=int(estimate_memory(labels.shape) + 10 * labels.size))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    effective_conductivity(labels, {1: 1.0}, 1.0, keep_potential=True)
    for more in ({"keep_current": True}, {"keep_current": True, "keep_potential": True}):
        with pytest.raises(MemoryError, match="would fit"):
            effective_conductivity(labels, {1: 1.0}, 1.0, **more)
    with pytest.raises(MemoryError, match="would fit"):
        sweep_conductivities(labels, [{1: 1.0}, {1: 2.0}], 1.0)


def group(folder, names, numbers, stat):
    """A control group as Linux shows it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, number in zip(names, numbers, strict=True):
        (folder / name).write_text(f"{number}\n")
    (folder / "memory.stat").write_text("".join(f"{name} {number}\n" for name, number in stat.items()))


def test_a_containers_limit_counts(tmp_path):
    member = tmp_path / "member"
    # version 2: its own group has no limit, the one above it has; what was read from files is given up
    member.write_text("0::/job/step\n")
    names, cached = ("memory.max", "memory.current"), {"anon": 5, "inactive_file": 300, "active_file": 50}
    group(tmp_path / "job", names, (2000, 1500), cached)
    group(tmp_path / "job" / "step", names, ("max", 100), {})
    assert free_memory(tmp_path, member) == 850.0
    # seen from inside the container its group is the root
    (tmp_path / "job").rename(tmp_path / "elsewhere")
    group(tmp_path, names, (700, 900), {"inactive_file": 100})
    assert free_memory(tmp_path, member) == 0.0
    # version 1
    old, names = tmp_path / "old", ("memory.limit_in_bytes", "memory.usage_in_bytes")
    member.write_text("5:cpu,cpuacct:/job\n4:memory:/job\n0::/\n")
    group(old / "memory" / "job", names, (4000, 1000), {"inactive_file": 7, "total_inactive_file": 70})
    group(old / "memory", names, (9223372036854771712, 5000), {})
    assert free_memory(old, member) == 3070.0


@pytest.mark.parametrize("content", ["", "nonsense\n", "0::/gone\n"])
def test_without_control_groups_the_machine_counts(tmp_path, monkeypatch, content):
    free = psutil.virtual_memory()._replace(available=12345)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    (tmp_path / "member").write_text(content)
    assert free_memory(tmp_path, tmp_path / "member") == free_memory(tmp_path, tmp_path / "none") == 12345.0


def test_a_container_is_asked_wherever_memory_is(monkeypatch):
    monkeypatch.setattr(microstructure.free_memory, "_left", lambda folder, names: 1e6)
    monkeypatch.setattr(microstructure.free_memory, "_memory_groups", lambda groups, member: [(groups, ())])
    with pytest.raises(MemoryError, match=r"0\.0 GB are free"):
        effective_conductivity(np.ones((40, 40, 40), np.uint8), {1: 1.0}, 1.0)
    with pytest.raises(ValueError, match=r"0\.001 GB are free"):
        check_room("voxels", 1e6, 2.0, "take fewer")
    with pytest.raises(ValueError, match=r"0\.0 GB are free"):
        check_voxel_count((100, 100, 100))
