"""Kernels for rounded convex polyhedra: distance to a point, gap between two of them, border half-way between two.

A body is all that lies within `rounding` of the convex hull of its corners; a sphere has one corner and no faces.
All points are relative to the centre of a body, all lengths in one unit, whatever it is.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

MOST_ROUNDS = 100  # of the distance search; about 4 are usual, 10 are many
EXACT = 1e-14  # of the size of the bodies: distances agree to this
TOUCHING = 1e-10  # of the size: polyhedra closer than this count as interpenetrating
MOST_BORDER_ROUNDS = 200
RAY_HALVINGS = 50
MOST_DESCENTS = 8  # towards the least depth of two polyhedra inside each other


class Solids(NamedTuple):
    """The bodies as the kernels want them: row i of `start` and `face_start` is where body i begins."""

    corners: np.ndarray  # float64 (corners, 3)
    start: np.ndarray  # int64 (n + 1,)
    normals: np.ndarray  # float64 (faces, 3)
    offsets: np.ndarray  # float64 (faces,)
    face_start: np.ndarray  # int64 (n + 1,)
    rounding: np.ndarray  # float64 (n,)


@njit(cache=True, nogil=True)
def farthest(corners, first, last, x, y, z):
    """The corner that lies farthest along a direction."""
    best, most = first, -np.inf
    for k in range(first, last):
        along = x * corners[k, 0] + y * corners[k, 1] + z * corners[k, 2]
        if along > most:
            best, most = k, along
    return best


@njit(cache=True, nogil=True)
def try_segment(work, a, b, best):
    """Nearest point to the origin on the segment between two rows of `work`, into row 4 if nearer than `best`."""
    x, y, z = work[b, 0] - work[a, 0], work[b, 1] - work[a, 1], work[b, 2] - work[a, 2]
    square = x * x + y * y + z * z
    along = -(work[a, 0] * x + work[a, 1] * y + work[a, 2] * z)
    if not 0.0 < along < square:
        return best
    share = along / square
    x, y, z = work[a, 0] + share * x, work[a, 1] + share * y, work[a, 2] + share * z
    found = x * x + y * y + z * z
    if found >= best:
        return best
    work[:4, 3] = 0.0
    work[a, 3], work[b, 3] = 1.0 - share, share
    work[4, 0], work[4, 1], work[4, 2] = x, y, z
    return found


@njit(cache=True, nogil=True)
def try_triangle(work, a, b, c, best):
    """Nearest point to the origin inside the triangle of three rows of `work`, into row 4 if nearer than `best`."""
    ux, uy, uz = work[b, 0] - work[a, 0], work[b, 1] - work[a, 1], work[b, 2] - work[a, 2]
    vx, vy, vz = work[c, 0] - work[a, 0], work[c, 1] - work[a, 1], work[c, 2] - work[a, 2]
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    square = nx * nx + ny * ny + nz * nz
    if square <= 1e-24 * (ux * ux + uy * uy + uz * uz) * (vx * vx + vy * vy + vz * vz):
        return best  # a sliver: its edges are as near
    x, y, z = work[a, 0], work[a, 1], work[a, 2]
    at_c = (ny * uz - nz * uy) * x + (nz * ux - nx * uz) * y + (nx * uy - ny * ux) * z
    at_b = (vy * nz - vz * ny) * x + (vz * nx - vx * nz) * y + (vx * ny - vy * nx) * z
    at_b, at_c = -at_b / square, -at_c / square
    if at_b <= 0.0 or at_c <= 0.0 or at_b + at_c >= 1.0:
        return best
    height = (x * nx + y * ny + z * nz) / square
    found = height * height * square
    if found >= best:
        return best
    work[:4, 3] = 0.0
    work[a, 3], work[b, 3], work[c, 3] = 1.0 - at_b - at_c, at_b, at_c
    work[4, 0], work[4, 1], work[4, 2] = height * nx, height * ny, height * nz
    return found


@njit(cache=True, nogil=True)
def side(work, a, b, c, d):
    """Whether the origin lies strictly on the same side of the triangle abc as the point d."""
    ux, uy, uz = work[b, 0] - work[a, 0], work[b, 1] - work[a, 1], work[b, 2] - work[a, 2]
    vx, vy, vz = work[c, 0] - work[a, 0], work[c, 1] - work[a, 1], work[c, 2] - work[a, 2]
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    origin = -(nx * work[a, 0] + ny * work[a, 1] + nz * work[a, 2])
    apex = nx * (work[d, 0] - work[a, 0]) + ny * (work[d, 1] - work[a, 1]) + nz * (work[d, 2] - work[a, 2])
    return origin * apex > 0.0


@njit(cache=True, nogil=True)
def shrink(work, count):
    """Nearest point of a simplex to the origin: rows kept, the newest one moved up; 4 if it encloses the origin.

    The newest row, which lies nearer the origin along the search direction than all others, is always part of it.
    """
    new = count - 1
    if (
        count == 4
        and side(work, 0, 1, 2, 3)
        and side(work, 0, 1, 3, 2)
        and side(work, 0, 2, 3, 1)
        and side(work, 1, 2, 3, 0)
    ):
        return 4
    best = work[new, 0] ** 2 + work[new, 1] ** 2 + work[new, 2] ** 2
    work[:4, 3] = 0.0
    work[new, 3] = 1.0
    work[4, 0], work[4, 1], work[4, 2] = work[new, 0], work[new, 1], work[new, 2]
    for a in range(new):
        best = try_segment(work, a, new, best)
        for b in range(a + 1, new):
            best = try_triangle(work, a, b, new, best)
    kept = 0
    for a in range(count):
        if work[a, 3] > 0.0:
            if kept != a:
                for d in range(work.shape[1]):
                    work[kept, d] = work[a, d]
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def separate(work, corners, first, last, other_first, other_last, dx, dy, dz, x, y, z, enough):
    """Distance of two convex hulls by the algorithm of Gilbert, Johnson and Keerthi (1988), 0 if they interpenetrate.

    The second hull is shifted by (dx, dy, dz); without corners it is that point. (x, y, z) is the direction from the
    first to the second to begin with. Ends with a lower bound once it exceeds `enough`. The rows of `work` (6 x 6)
    are those of the simplex (vector, share, corner of each hull), then the vector between the nearest points, then
    the nearest point of the first hull and that of the second before its shift (only if no bound was enough).
    """
    count, size, distance_squared = 0, 0.0, np.inf
    for _ in range(MOST_ROUNDS):
        p = farthest(corners, first, last, x, y, z)
        wx, wy, wz = dx - corners[p, 0], dy - corners[p, 1], dz - corners[p, 2]
        q = -1
        if other_last > other_first:
            q = farthest(corners, other_first, other_last, -x, -y, -z)
            wx, wy, wz = wx + corners[q, 0], wy + corners[q, 1], wz + corners[q, 2]
        size = max(size, wx * wx + wy * wy + wz * wz)
        along, square = x * wx + y * wy + z * wz, x * x + y * y + z * z
        if along > 0.0 and along * along > enough * enough * square:
            work[4, 0], work[4, 1], work[4, 2] = x, y, z
            return along / math.sqrt(square)
        known = count > 0 and square - along <= EXACT * math.sqrt(square * size)
        for a in range(count):
            known |= work[a, 4] == p and work[a, 5] == q
        if known:
            break
        work[count, 0], work[count, 1], work[count, 2] = wx, wy, wz
        work[count, 4], work[count, 5] = p, q
        count = shrink(work, count + 1)
        x, y, z = work[4, 0], work[4, 1], work[4, 2]
        square = x * x + y * y + z * z
        if count == 4 or square <= TOUCHING * TOUCHING * size:
            return 0.0
        if square >= distance_squared:  # nothing but round-off is left to gain
            break
        distance_squared = square
    for axis in range(3):
        work[5, axis] = work[5, axis + 3] = 0.0
        for a in range(count):
            work[5, axis] += work[a, 3] * corners[int(work[a, 4]), axis]
            if work[a, 5] >= 0.0:
                work[5, axis + 3] += work[a, 3] * corners[int(work[a, 5]), axis]
    return math.sqrt(distance_squared)


@njit(cache=True, nogil=True)
def nearest_face(normals, offsets, first, last, px, py, pz):
    """The face plane that a point lies farthest outside of (or least inside), and how far; -1 without faces."""
    best, most = -1, -np.inf
    for k in range(first, last):
        height = normals[k, 0] * px + normals[k, 1] * py + normals[k, 2] * pz - offsets[k]
        if height > most:
            best, most = k, height
    return best, most


@njit(cache=True, nogil=True)
def foot(corners, first, last, normals, offsets, face_first, face_last, rounding, px, py, pz):
    """Signed distance of a point to the surface of a body, negative inside, and the outward normal there.

    Corners `first` to `last` and faces `face_first` to `face_last` (exclusive) are those of the body;
    one with more than a single corner has faces.
    """
    if last - first == 1:
        x, y, z = px - corners[first, 0], py - corners[first, 1], pz - corners[first, 2]
        distance = math.sqrt(x * x + y * y + z * z)
        if distance == 0.0:
            return -rounding, 1.0, 0.0, 0.0
        return distance - rounding, x / distance, y / distance, z / distance
    face, height = nearest_face(normals, offsets, face_first, face_last, px, py, pz)
    nx, ny, nz = normals[face, 0], normals[face, 1], normals[face, 2]
    size = abs(px) + abs(py) + abs(pz) + abs(offsets[face])
    if height > TOUCHING * size:  # right above the face? Most points near a sharp body are
        x, y, z = px - height * nx, py - height * ny, pz - height * nz
        if nearest_face(normals, offsets, face_first, face_last, x, y, z)[1] <= 0.1 * EXACT * size:
            return height - rounding, nx, ny, nz
    if height > -TOUCHING * size:  # a flat polyhedron is nowhere deeper than this, outside its outline neither
        work = np.empty((6, 6))
        distance = separate(work, corners, first, last, 0, 0, px, py, pz, nx, ny, nz, np.inf)
        if distance > 0.0:
            return distance - rounding, work[4, 0] / distance, work[4, 1] / distance, work[4, 2] / distance
    return min(height, 0.0) - rounding, nx, ny, nz


@njit(cache=True, nogil=True)
def depth_along(solids, i, j, dx, dy, dz, x, y, z):
    """How far the second polyhedron has to move along a unit vector to leave the first one."""
    p = farthest(solids.corners, solids.start[i], solids.start[i + 1], x, y, z)
    q = farthest(solids.corners, solids.start[j], solids.start[j + 1], -x, -y, -z)
    depth = x * (solids.corners[p, 0] - solids.corners[q, 0] - dx)
    depth += y * (solids.corners[p, 1] - solids.corners[q, 1] - dy)
    return depth + z * (solids.corners[p, 2] - solids.corners[q, 2] - dz)


@njit(cache=True, nogil=True)
def way_out(work, solids, i, j, dx, dy, dz, x, y, z):
    """Least depth of two polyhedra that interpenetrate; its unit normal and the two points into rows 4 and 5.

    The best of a first guess (x, y, z) and all face normals, then downhill: moved apart by a little more than the
    depth, they show the direction in which they really are nearest. Ends in a minimum that may be a local one.
    """
    norm = math.sqrt(x * x + y * y + z * z)
    if norm == 0.0:  # any oblique direction parts them
        x, y, z, norm = 0.6, 0.64, 0.48, 1.0
    nx, ny, nz = x / norm, y / norm, z / norm
    depth = depth_along(solids, i, j, dx, dy, dz, nx, ny, nz)
    for a in (i, j):
        sign = 1.0 if a == i else -1.0
        for k in range(solids.face_start[a], solids.face_start[a + 1]):
            x, y, z = sign * solids.normals[k, 0], sign * solids.normals[k, 1], sign * solids.normals[k, 2]
            trial = depth_along(solids, i, j, dx, dy, dz, x, y, z)
            if trial < depth:
                depth, nx, ny, nz = trial, x, y, z
    size = abs(dx) + abs(dy) + abs(dz) + solids.rounding[i] + solids.rounding[j] + depth
    first, last, other_first, other_last = solids.start[i], solids.start[i + 1], solids.start[j], solids.start[j + 1]
    for _ in range(MOST_DESCENTS):
        shift = max(depth, 0.0) + 0.05 * depth + 1e-6 * size
        mx, my, mz = dx + shift * nx, dy + shift * ny, dz + shift * nz
        gap = separate(work, solids.corners, first, last, other_first, other_last, mx, my, mz, nx, ny, nz, np.inf)
        if gap == 0.0:
            break
        x, y, z = work[4, 0] / gap, work[4, 1] / gap, work[4, 2] / gap
        trial = shift * (x * nx + y * ny + z * nz) - gap
        if trial >= depth * (1.0 - 1e-9):
            break
        depth, nx, ny, nz = trial, x, y, z
    work[4, 0], work[4, 1], work[4, 2] = nx, ny, nz
    return depth


@njit(cache=True, nogil=True)
def near_gap(work, solids, i, j, dx, dy, dz, x, y, z, enough):
    """Gap of two bodies, or a lower bound above `enough`; `work` as in `separate`, with unit normal and both points.

    (x, y, z) is a first guess of the normal. Points are those of the polyhedra, each relative to its own centre.
    """
    rounding = solids.rounding[i] + solids.rounding[j]
    first, last, other_first, other_last = solids.start[i], solids.start[i + 1], solids.start[j], solids.start[j + 1]
    enough += rounding
    distance = separate(work, solids.corners, first, last, other_first, other_last, dx, dy, dz, x, y, z, enough)
    if distance == 0.0:
        return -way_out(work, solids, i, j, dx, dy, dz, x, y, z) - rounding
    norm = math.sqrt(work[4, 0] ** 2 + work[4, 1] ** 2 + work[4, 2] ** 2)
    for axis in range(3):
        work[4, axis] /= norm
    return distance - rounding


@njit(cache=True, nogil=True)
def gap(solids, i, j, dx, dy, dz):
    """Distance between the surfaces of two bodies, the normal from i to j, the nearest points of i and of j.

    (dx, dy, dz) is the way from the centre of i to that of j; each point is on the surface of its body, relative to
    the centre of that body. Exact, and negative by the exact depth, as long as the roundings alone overlap; where
    the polyhedra interpenetrate the gap is no less negative than the true one, and the normal one that parts them.
    """
    work = np.empty((6, 6))
    distance = near_gap(work, solids, i, j, dx, dy, dz, dx, dy, dz, np.inf)
    nx, ny, nz = work[4, 0], work[4, 1], work[4, 2]
    a, b = solids.rounding[i], solids.rounding[j]
    return (
        distance,
        (nx, ny, nz),
        (work[5, 0] + a * nx, work[5, 1] + a * ny, work[5, 2] + a * nz),
        (work[5, 3] - b * nx, work[5, 4] - b * ny, work[5, 5] - b * nz),
    )


@njit(cache=True, nogil=True)
def ray_to_border(
    corners, first, last, normals, offsets, face_first, face_last, rounding, px, py, pz, nx, ny, nz, highest
):
    """Height above a surface point at which the body is as far away as the point below: the border half-way.

    The point, on the surface of another body, is relative to the centre of this body; (nx, ny, nz) is the outward
    unit normal there. inf if the border lies above `highest` or nowhere, negative where the bodies overlap. Distance
    less height is a convex falling function of the height: its tangent gives a lower bound, and the ball of the
    rounding about the nearest point of the polyhedron, which the body contains, an upper one.
    """
    k = farthest(corners, first, last, nx, ny, nz)
    reach = (corners[k, 0] - px) * nx + (corners[k, 1] - py) * ny + (corners[k, 2] - pz) * nz + rounding
    if reach <= 0.0:  # this body lies wholly behind the tangent plane of the other one
        return np.inf
    height, low, high = 0.0, -np.inf, np.inf
    for step in range(MOST_BORDER_ROUNDS):
        x, y, z = px + height * nx, py + height * ny, pz + height * nz
        distance, mx, my, mz = foot(corners, first, last, normals, offsets, face_first, face_last, rounding, x, y, z)
        excess = distance - height
        size = abs(px) + abs(py) + abs(pz) + abs(height)
        if abs(excess) <= EXACT * size:
            return height
        if excess > 0.0:
            low = max(low, height)
        else:
            high = min(high, height)
        slope = mx * nx + my * ny + mz * nz - 1.0
        if slope < 0.0:
            low = max(low, height - excess / slope)
        if low > highest:
            return np.inf
        away = distance + rounding  # from the nearest point of the polyhedron
        qx, qy, qz = x - away * mx - px, y - away * my - py, z - away * mz - pz
        ahead = qx * nx + qy * ny + qz * nz + rounding
        if ahead > 0.0 and away > 0.0:
            high = min(high, 0.5 * (qx * qx + qy * qy + qz * qz - rounding * rounding) / ahead)
        if high - low <= EXACT * size:
            return 0.5 * (low + high)
        if low == -np.inf:
            height -= size
        elif high == np.inf:
            height = low if low > height else height + size
        else:
            guess = high if step % 2 == 0 else low
            height = guess if guess != height else 0.5 * (low + high)
    return height


@njit(cache=True, nogil=True)
def surface_points(solids, reaches, directions, points, normals, areas):
    """Where rays from the centre of each body leave it: the points, the normals there, and the area each stands for.

    `reaches` are the radii of spheres that hold the bodies; the rays share the sphere of directions evenly.
    """
    share = 4.0 * math.pi / directions.shape[0]
    for i in range(reaches.size):
        own = (solids.corners, solids.start[i], solids.start[i + 1], solids.normals, solids.offsets)
        faces = (solids.face_start[i], solids.face_start[i + 1], solids.rounding[i])
        sphere = solids.start[i + 1] - solids.start[i] == 1
        for d in range(directions.shape[0]):
            x, y, z = directions[d, 0], directions[d, 1], directions[d, 2]
            low, high = 0.0, reaches[i]
            for _ in range(0 if sphere else RAY_HALVINGS):
                middle = 0.5 * (low + high)
                if foot(*own, *faces, middle * x, middle * y, middle * z)[0] < 0.0:
                    low = middle
                else:
                    high = middle
            _, nx, ny, nz = foot(*own, *faces, high * x, high * y, high * z)
            points[i, d, 0], points[i, d, 1], points[i, d, 2] = high * x, high * y, high * z
            normals[i, d, 0], normals[i, d, 1], normals[i, d, 2] = nx, ny, nz
            areas[i, d] = share * high * high / (x * nx + y * ny + z * nz)
