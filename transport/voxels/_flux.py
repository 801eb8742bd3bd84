"""Loops over the faces of voxels, in the rows of `_grid`: currents, what a row loses, sums over phases and layers."""

from __future__ import annotations

import numpy as np
from numba import njit

from transport.solvers._circuit import rounding_of_sum
from transport.solvers._smoothing import entries
from transport.voxels._grid import ends, turns
from transport.voxels._tiles import TILE, tiles_of_line


@njit(cache=True, nogil=True)
def drop(near, far, near_low, far_low, emf):
    """Voltage from near to far that drives a current; none of it is lost to rounding."""
    difference = near - far
    rest = rounding_of_sum(near, -far)
    if emf != 0.0:
        rest += rounding_of_sum(difference, emf)
        difference += emf
    return difference + (rest + (near_low - far_low))


@njit(cache=True, nogil=True)
def fed(excess, layer, layers, periodic):
    """Part of a voxel's excess that leads to the first plate; of a single layer half, the other half to the second."""
    if periodic or layer > 0:
        return 0.0
    return excess if layers > 1 else 0.5 * excess


@njit(cache=True, nogil=True)
def layer_of(grid, line, row, axis):
    """Where a row lies along an axis."""
    if axis < 2:
        return grid.order[line] // grid.shape[1] if axis == 0 else grid.order[line] % grid.shape[1]
    tiles, lacking = tiles_of_line(grid.shape[2])
    return TILE * (grid.kept[row // TILE] - line * tiles) + row % TILE - lacking


@njit(cache=True, nogil=True)
def even_fall(first, last, blocks, grid, axis, potential):
    """Write an even fall along an axis, from 1 V in front of the first layer to 0 V behind the last one."""
    for line in range(grid.bounds[first], min(grid.bounds[last], grid.lines.size - 2)):
        for row in range(TILE * grid.lines[line], TILE * grid.lines[line + 1]):
            potential[row] = 1.0 - (layer_of(grid, line, row, axis) + 0.5) / grid.shape[axis]


@njit(cache=True, nogil=True)
def balance(first, last, blocks, grid, axis, periodic, high, low, inflow, parts):
    """Net current into each row; power of each block.

    A turn round a periodic `axis` raises the potential by 1 V; if it is open, the first layer's links to the
    ground lead to 1 V.
    """
    total = np.empty(TILE)
    for block in range(first, last):
        power = 0.0
        for line in range(grid.bounds[block], grid.bounds[block + 1]):
            start, stop = TILE * grid.lines[line], TILE * grid.lines[line + 1]
            if start == stop:
                continue
            begin, end, closed = ends(grid, line, True)
            turn = turns(grid, line, axis if periodic else -1)
            into = along = 0.0
            for tile in range(grid.lines[line], grid.lines[line + 1]):
                total[:] = spent = 0.0
                for side in range(4):
                    conductance, classes = grid.table[side // 2], grid.x if side < 2 else grid.y
                    there = TILE * grid.near[tile, side]
                    onward = side % 2 == 1
                    emf = 0.0 if not turn[side] else 1.0 if onward else -1.0
                    for k in range(TILE):
                        here, far = np.uint64(TILE * tile + k), np.uint64(there + k)
                        voltage = drop(high[here], high[far], low[here], low[far], emf)
                        flow = conductance[classes[here if onward else far]] * voltage
                        total[k] -= flow
                        spent += flow * voltage if onward else 0.0
                for k in range(TILE):
                    here = np.uint64(TILE * tile + k)
                    after = here + np.uint64(here < end)
                    voltage = drop(high[here], high[after], low[here], low[after], 0.0)
                    flow = grid.table[2, grid.z[here]] * voltage  # none behind the last row
                    spent += flow * voltage
                    inflow[here] = (total[k] + into) - flow
                    into = flow
                along += spent
            power += along  # line by line: summed up row by row, it would lose two digits more at 512^3
            if closed > 0.0:
                voltage = drop(high[end], high[begin], low[end], low[begin], 1.0 if turn[4] else 0.0)
                inflow[end] -= closed * voltage
                inflow[begin] += closed * voltage
                power += closed * voltage**2
            for row in range(start, stop):
                if grid.ground[row] > 0:
                    excess = grid.table[3, grid.ground[row]]
                    feed = fed(excess, layer_of(grid, line, row, axis), grid.shape[axis], periodic)
                    source = drop(0.0, high[row], 0.0, low[row], 1.0)
                    sink = drop(high[row], 0.0, low[row], 0.0, 0.0)
                    inflow[row] += feed * source - (excess - feed) * sink
                    power += feed * source**2 + (excess - feed) * sink**2
        parts[block] = power


@njit(cache=True, nogil=True)
def face_currents(first, last, blocks, grid, direction, axis, high, low, faces):
    """Current from each row to the next along `direction`; a turn round `axis` raises the potential by 1 V."""
    side = 2 * direction + 1
    conductance, classes = grid.table[direction], grid.x if direction == 0 else grid.y if direction == 1 else grid.z
    for line in range(grid.bounds[first], grid.bounds[last]):
        if grid.lines[line] == grid.lines[line + 1]:
            continue
        begin, end, _ = ends(grid, line, True)
        emf = 1.0 if direction < 2 and turns(grid, line, axis)[min(side, 3)] else 0.0
        for tile in range(grid.lines[line], grid.lines[line + 1]):
            for k in range(TILE):
                here = np.uint64(TILE * tile + k)
                there = here + np.uint64(here < end)
                if direction < 2:
                    there = np.uint64(TILE * grid.near[tile, side] + k)
                faces[here] = conductance[classes[here]] * drop(high[here], high[there], low[here], low[there], emf)
        if direction == 2:
            emf = 1.0 if axis == 2 else 0.0
            faces[end] = conductance[classes[end]] * drop(high[end], high[begin], low[end], low[begin], emf)


@njit(cache=True, nogil=True)
def cell_currents(first, last, blocks, grid, direction, faces, cells):
    """Mean of what the two faces of each row carry along `direction`."""
    for block in range(first, last):
        for line in range(grid.bounds[block], grid.bounds[block + 1]):
            start, stop = TILE * grid.lines[line], TILE * grid.lines[line + 1]
            if start == stop:
                continue
            begin, end, _ = ends(grid, line, True)
            for here in range(start, stop):
                if direction < 2:
                    before = TILE * grid.near[here // TILE, 2 * direction] + here % TILE
                    cells[here] = 0.5 * (faces[here] + faces[before])
                else:
                    cells[here] = 0.5 * (faces[here] + (faces[here - 1] if here > start else 0.0))
            if direction == 2:
                cells[begin] += 0.5 * faces[end]


@njit(cache=True, nogil=True)
def phase_sums(first, last, blocks, grid, phases, values, parts):
    """Sum of the rows' values in each phase, of each block."""
    for block in range(first, last):
        parts[block] = 0.0
        start, stop = TILE * grid.lines[grid.bounds[block]], TILE * grid.lines[grid.bounds[block + 1]]
        for row in entries(start, stop):
            parts[block, np.uint64(phases[row])] += values[row]


@njit(cache=True, nogil=True)
def layer_sums(first, last, blocks, grid, axis, values, parts):
    """Sum of the rows' values in each layer along an axis, of each block."""
    for block in range(first, last):
        parts[block] = 0.0
        for line in range(grid.bounds[block], min(grid.bounds[block + 1], grid.lines.size - 2)):
            if axis < 2:
                total = 0.0
                for row in entries(TILE * grid.lines[line], TILE * grid.lines[line + 1]):
                    total += np.float64(values[row])
                parts[block, layer_of(grid, line, 0, axis)] += total
                continue
            for tile in range(grid.lines[line], grid.lines[line + 1]):
                layer = layer_of(grid, line, TILE * tile, axis)
                for k in range(max(-layer, 0), TILE):
                    parts[block, layer + k] += values[TILE * tile + k]
