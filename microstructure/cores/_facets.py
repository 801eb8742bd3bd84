"""Kernel that spreads random directions evenly over the sphere: the face normals of a crystal."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def spread(normals, rounds):
    """Push the unit vectors of each body, float64 (n, faces, 3), apart like charges on a sphere, in place."""
    faces = normals.shape[1]
    spacing = math.sqrt(4.0 * math.pi / faces)
    step = 0.2 * spacing**3  # two neighbours move by a fifth of their distance in a round
    push = np.empty((faces, 3))
    for body in range(normals.shape[0]):
        points = normals[body]
        for _ in range(rounds):
            push[:] = 0.0
            for a in range(faces):
                for b in range(a):
                    x, y, z = points[a, 0] - points[b, 0], points[a, 1] - points[b, 1], points[a, 2] - points[b, 2]
                    square = max(x * x + y * y + z * z, 0.01 * spacing * spacing)
                    force = step / (square * math.sqrt(square))
                    push[a, 0] += force * x
                    push[a, 1] += force * y
                    push[a, 2] += force * z
                    push[b, 0] -= force * x
                    push[b, 1] -= force * y
                    push[b, 2] -= force * z
            for a in range(faces):
                move(points[a], push[a], 0.5 * spacing)


@njit(cache=True, nogil=True)
def move(point, push, most):
    """Move a unit vector along the sphere, at most this far."""
    outward = push[0] * point[0] + push[1] * point[1] + push[2] * point[2]
    length = math.sqrt(max(push[0] ** 2 + push[1] ** 2 + push[2] ** 2 - outward**2, 1e-300))
    share = min(1.0, most / length)
    square = 0.0
    for axis in range(3):
        point[axis] += share * (push[axis] - outward * point[axis])
        square += point[axis] ** 2
    for axis in range(3):
        point[axis] /= math.sqrt(square)
