"""Kernels of the packing of rounded polyhedra: overlap energy, forces and torques, descent to no overlap.

Lengths are in mean diameters, on which the constants below rely.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from microstructure.cores._relaxation import find_pairs
from microstructure.cores._shapes import Solids, farthest, near_gap

SKIN = 0.15  # pairs are listed this far beyond contact, so that a list lasts for many steps
# The time is in units of sqrt(mass / stiffness), both 1; a velocity loses the damping's share of itself in a step.
TIME_STEP = 0.4
DAMPING = 0.05
LONGEST_MOVE = 0.1  # in a step: polyhedra deep inside each other push hard
LEVER = 1.0  # of the outer radius: the arm on which the mass resists being turned; with a shorter one needles shake
BALANCED = 1e-4  # net force over contact force (root mean squares): below it the bodies hold each other, jammed


@njit(cache=True, nogil=True)
def spin(quaternion, x, y, z):
    """Turn a body further by the rotation vector (x, y, z), in place; quaternions are (x, y, z, w)."""
    angle = math.sqrt(x * x + y * y + z * z)
    share = 0.5 if angle < 1e-8 else math.sin(0.5 * angle) / angle
    x, y, z, w = share * x, share * y, share * z, math.cos(0.5 * angle)
    a, b, c, d = quaternion[0], quaternion[1], quaternion[2], quaternion[3]
    quaternion[0] = w * a + x * d + y * c - z * b
    quaternion[1] = w * b - x * c + y * d + z * a
    quaternion[2] = w * c + x * b - y * a + z * d
    quaternion[3] = w * d - x * a - y * b - z * c
    norm = math.sqrt(quaternion[0] ** 2 + quaternion[1] ** 2 + quaternion[2] ** 2 + quaternion[3] ** 2)
    for k in range(4):
        quaternion[k] /= norm


@njit(cache=True, nogil=True)
def turn_rows(quaternion, rows, first, last, scale, out):
    """Turn and scale the vectors in some rows."""
    x, y, z, w = quaternion[0], quaternion[1], quaternion[2], quaternion[3]
    for k in range(first, last):
        a, b, c = scale * rows[k, 0], scale * rows[k, 1], scale * rows[k, 2]
        s, t, u = 2.0 * (y * c - z * b), 2.0 * (z * a - x * c), 2.0 * (x * b - y * a)
        out[k, 0] = a + w * s + y * u - z * t
        out[k, 1] = b + w * t + z * s - x * u
        out[k, 2] = c + w * u + x * t - y * s


@njit(cache=True, nogil=True)
def copy_of(solids, scale, coat):
    """The bodies scaled and then grown by a coat, in arrays of their own."""
    return Solids(
        solids.corners * scale,
        solids.start,
        solids.normals.copy(),
        solids.offsets * scale,
        solids.face_start,
        solids.rounding * scale + coat,
    )


@njit(cache=True, nogil=True)
def turn_all(own, quaternions, scale, turned):
    """Turn all bodies from where they were drawn; `turned` is a copy of the same scale."""
    for i in range(quaternions.shape[0]):
        turn_rows(quaternions[i], own.corners, own.start[i], own.start[i + 1], scale, turned.corners)
        turn_rows(quaternions[i], own.normals, own.face_start[i], own.face_start[i + 1], 1.0, turned.normals)


@njit(cache=True, nogil=True)
def near_pairs(solids, outer, centres, box, periodic, reach):
    """Pairs with gaps up to `reach`, the shift of each second body, the normal of each gap, and the gaps."""
    pairs, shifts = find_pairs(centres, 2.0 * outer, box, periodic, reach)
    axes = np.empty_like(shifts)
    gaps = np.empty(len(pairs))
    work = np.empty((6, 6))
    kept = 0
    for k in range(len(pairs)):
        i, j = pairs[k, 0], pairs[k, 1]
        dx = centres[j, 0] + shifts[k, 0] - centres[i, 0]
        dy = centres[j, 1] + shifts[k, 1] - centres[i, 1]
        dz = centres[j, 2] + shifts[k, 2] - centres[i, 2]
        distance = near_gap(work, solids, i, j, dx, dy, dz, dx, dy, dz, reach)
        if distance <= reach:
            pairs[kept, 0], pairs[kept, 1] = i, j
            for d in range(3):
                shifts[kept, d] = shifts[k, d]
                axes[kept, d] = work[4, d]
            gaps[kept] = distance
            kept += 1
    return pairs[:kept].copy(), shifts[:kept].copy(), axes[:kept].copy(), gaps[:kept].copy()


@njit(cache=True, nogil=True)
def push(forces, i, sign, lever, px, py, pz, x, y, z):
    """Add a force (x, y, z) times `sign` that acts at a point of body i, and its torque over the lever."""
    x, y, z = sign * x, sign * y, sign * z
    forces[i, 0] += x
    forces[i, 1] += y
    forces[i, 2] += z
    forces[i, 3] += (py * z - pz * y) / lever
    forces[i, 4] += (pz * x - px * z) / lever
    forces[i, 5] += (px * y - py * x) / lever


@njit(cache=True, nogil=True)
def overlap_forces(solids, diameters, levers, centres, pairs, shifts, axes, forces):
    """Harmonic repulsion of overlapping pairs into `forces` (n, 6): (2 x energy, largest overlap / smaller diameter).

    `axes` are the directions in which the two bodies were nearest, and become those in which they are.
    """
    forces[:] = 0.0
    work = np.empty((6, 6))
    twice_energy, largest = 0.0, 0.0
    for k in range(pairs.shape[0]):
        i, j = pairs[k, 0], pairs[k, 1]
        dx = centres[j, 0] + shifts[k, 0] - centres[i, 0]
        dy = centres[j, 1] + shifts[k, 1] - centres[i, 1]
        dz = centres[j, 2] + shifts[k, 2] - centres[i, 2]
        overlap = -near_gap(work, solids, i, j, dx, dy, dz, axes[k, 0], axes[k, 1], axes[k, 2], 0.0)
        axes[k] = work[4, :3]
        if overlap <= 0.0:
            continue
        twice_energy += overlap * overlap
        largest = max(largest, overlap / min(diameters[i], diameters[j]))
        x, y, z = overlap * work[4, 0], overlap * work[4, 1], overlap * work[4, 2]
        push(forces, i, -1.0, levers[i], work[5, 0], work[5, 1], work[5, 2], x, y, z)
        push(forces, j, 1.0, levers[j], work[5, 3], work[5, 4], work[5, 5], x, y, z)
    return twice_energy, largest


@njit(cache=True, nogil=True)
def wall_forces(solids, diameters, levers, centres, box, periodic, forces):
    """Harmonic walls where an axis is not periodic: (2 x energy, largest overlap / smallest diameter)."""
    twice_energy, largest, smallest = 0.0, 0.0, diameters.min()
    towards = np.zeros(3)
    for axis in range(3):
        if periodic[axis]:
            continue
        for i in range(centres.shape[0]):
            for sign in (-1.0, 1.0):
                towards[:] = 0.0
                towards[axis] = sign
                k = farthest(solids.corners, solids.start[i], solids.start[i + 1], towards[0], towards[1], towards[2])
                end = box[axis] if sign > 0.0 else 0.0
                overlap = sign * (centres[i, axis] + solids.corners[k, axis] - end) + solids.rounding[i]
                if overlap <= 0.0:
                    continue
                twice_energy += overlap * overlap
                largest = max(largest, overlap / smallest)
                px, py, pz = solids.corners[k, 0], solids.corners[k, 1], solids.corners[k, 2]
                x, y, z = overlap * towards[0], overlap * towards[1], overlap * towards[2]
                push(forces, i, -1.0, levers[i], px, py, pz, x, y, z)
    return twice_energy, largest


@njit(cache=True, nogil=True)
def wrap(centres, box, periodic):
    """Fold periodic coordinates into the box, and bring those that a wall lost back inside."""
    for i in range(centres.shape[0]):
        for axis in range(3):
            if periodic[axis]:
                centres[i, axis] -= box[axis] * math.floor(centres[i, axis] / box[axis])
                if centres[i, axis] >= box[axis]:  # a tiny negative coordinate rounds up to the box
                    centres[i, axis] = 0.0
            else:
                centres[i, axis] = min(max(centres[i, axis], 0.0), box[axis])


@njit(cache=True, nogil=True)
def advance(centres, quaternions, velocities, levers, outer, time_step):
    """Move and turn all bodies for one time step; the longest way that a point of a body moved, at most."""
    longest = 0.0
    for i in range(centres.shape[0]):
        moved = math.sqrt(velocities[i, 0] ** 2 + velocities[i, 1] ** 2 + velocities[i, 2] ** 2)
        turned = math.sqrt(velocities[i, 3] ** 2 + velocities[i, 4] ** 2 + velocities[i, 5] ** 2) / levers[i]
        way = time_step * (moved + turned * outer[i])
        if way > LONGEST_MOVE:
            velocities[i] *= LONGEST_MOVE / way
            way = LONGEST_MOVE
        for axis in range(3):
            centres[i, axis] += time_step * velocities[i, axis]
        turn = time_step / levers[i]
        spin(quaternions[i], turn * velocities[i, 3], turn * velocities[i, 4], turn * velocities[i, 5])
        longest = max(longest, way)
    return longest


@njit(cache=True, nogil=True)
def relax(own, diameters, outer, scale, coat, centres, quaternions, box, periodic, wanted, most_steps):
    """Minimise the overlap energy in place, as a heavy ball rolls downhill (Polyak 1964): (largest overlap, steps).

    `own` are the bodies as drawn, `outer` their outer radii, both before they are scaled and coated. Ends when no
    overlap exceeds `wanted` of the smaller diameter, when forces and torques balance, or after `most_steps`.
    Where two faces meet, the point of contact and with it the torque jump from edge to edge. FIRE takes each jump
    for a climb and stops: 20,000 steps were not enough where the heavy ball needs 120.
    """
    solids = copy_of(own, scale, coat)
    outer = scale * outer + coat
    levers = LEVER * outer
    diameters = scale * diameters
    velocities = np.zeros((centres.shape[0], 6))
    forces = np.zeros_like(velocities)
    moved, largest = np.inf, 0.0
    pairs, shifts, axes = np.empty((0, 2), np.int64), np.empty((0, 3)), np.empty((0, 3))
    for step in range(most_steps):
        turn_all(own, quaternions, scale, solids)
        if moved > 0.5 * SKIN:
            wrap(centres, box, periodic)
            pairs, shifts, axes, _ = near_pairs(solids, outer, centres, box, periodic, SKIN)
            moved = 0.0
        twice_energy, largest = overlap_forces(solids, diameters, levers, centres, pairs, shifts, axes, forces)
        wall_energy, wall_overlap = wall_forces(solids, diameters, levers, centres, box, periodic, forces)
        twice_energy, largest = twice_energy + wall_energy, max(largest, wall_overlap)
        if largest <= wanted or (forces * forces).sum() <= BALANCED * BALANCED * twice_energy:
            wrap(centres, box, periodic)
            return largest, step
        velocities[:] = (1.0 - DAMPING) * velocities + TIME_STEP * forces
        moved += advance(centres, quaternions, velocities, levers, outer, TIME_STEP)
    wrap(centres, box, periodic)
    return largest, most_steps
