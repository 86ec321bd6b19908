"""ht: hand tracking, the distances between measured points and a hand whose bones 26 numbers turn.

The formulas are those of GradBench's cpp/gradbench/evals/ht.hpp, after ADBench. A point belongs to a vertex, or with
``us`` to a place in a triangle. Each point depends on theta and its own us alone, so the columns of the Jacobian are
directions for forward mode: one for each theta, and two that all us share.
"""

from typing import Any

import numpy as np

import autograd
from autograd import cos, dot, jit, jvp, sin, sqrt, where
from common import Function, Work, squares

LEAST_ANGLE = 1e-4  # below it, the hand as a whole is not turned


def product(a: Any, b: Any) -> list[list[Any]]:
    """The product of two matrices."""
    columns = list(zip(*b))
    return [[dot(row, column) for column in columns] for row in a]


def about_axis(axis: int, angle: Any) -> list[list[Any]]:
    """The rotation about a coordinate axis."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix: list[list[Any]] = [[float(row == column) for column in range(3)] for row in range(3)]
    matrix[i][i] = matrix[j][j] = cos(angle)
    matrix[j][i] = sin(angle)
    matrix[i][j] = -matrix[j][i]
    return matrix


def rotation(vector: Any) -> list[list[Any]]:
    """The rotation about a vector, by its length as the angle."""
    square = squares(vector)
    turns = square >= LEAST_ANGLE**2
    angle = sqrt(where(turns, square, 1.0))
    axis = x, y, z = [a / angle for a in vector]
    c, s = cos(angle), sin(angle)
    cross = [[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]]
    matrix = [[a * b * (1.0 - c) + d * s for b, d in zip(axis, row)] for a, row in zip(axis, cross)]
    still = [[float(i == j) for j in range(3)] for i in range(3)]
    return [[where(turns, a + c * b, b) for a, b in zip(*rows)] for rows in zip(matrix, still)]


def bones(theta: Any, parents: Any, relatives: Any, inverses: Any) -> list[Any]:
    """The transform of each bone from its rest.

    Each of five fingers has four angles: two of its first movable joint, one of each of the next two.
    """
    angles: list[tuple[Any, Any]] = [(0.0, 0.0) for _ in parents]
    for finger in range(5):
        bend, spread, second, third = theta[6 + 4 * finger : 10 + 4 * finger]
        angles[4 * finger + 2 : 4 * finger + 5] = [(bend, spread), (second, 0.0), (third, 0.0)]
    absolutes: list[Any] = []
    for parent, relative, (bend, spread) in zip(parents, relatives, angles):
        turn = product(about_axis(2, spread), about_axis(0, bend))
        own = product(relative, [*[[*row, 0.0] for row in turn], [0.0, 0.0, 0.0, 1.0]])
        absolutes.append(own if parent == -1 else product(absolutes[parent], own))
    return [product(absolute, inverse)[:3] for absolute, inverse in zip(absolutes, inverses)]


def errors(theta: Any, us: Any, samples: Any, skeleton: Any, parents: Any, mirror: float) -> list[Any]:
    """The three errors of each sample, which has its measured point, and a position and weights for each corner."""
    hand, whole = bones(theta, parents, *skeleton), rotation(theta[:3])

    def placed(position: Any, weights: Any) -> list[Any]:
        own = [autograd.sum([w * dot(bone[i], position) for w, bone in zip(weights, hand)]) for i in range(3)]
        return [dot(row, [mirror * own[0], *own[1:]]) + shift for row, shift in zip(whole, theta[3:6])]

    result = []
    for u, (point, corners) in zip(us, samples):
        places = [placed(*corner) for corner in corners]
        shares = [*u, 1.0 - u[0] - u[1]] if u else [1.0]
        result.append([a - dot(shares, list(column)) for a, column in zip(point, zip(*places))])
    return result


def columns(theta: Any, us: Any, *rest: Any) -> list[Any]:
    """The columns of the Jacobian: how the errors of each sample change along each direction."""
    result, count = [], len(us[0])
    moved: Function = lambda theta, us: errors(theta, us, *rest)
    for k in range(count + len(theta)):
        unit = [float(i == k) for i in range(count + len(theta))]
        result.append(jvp(moved, (theta, us), (unit[count:], [unit[:count] for _ in us]))[1])
    return result


def work(data: dict[str, Any], compiled: bool, f: Function) -> Work:
    """The numbers of ``errors`` or ``columns``, those of all samples in the last axis.

    Compiled, there is one sample, and its numbers are arrays.
    """
    hand, found, us = data["data"], data["data"]["correspondences"], data["us"]
    model = hand["model"]
    corners = np.array(model["triangles"])[found].T if us else np.array(found)[None]
    places = [[np.array(model[part])[corner] for part in ("base_positions", "weights")] for corner in corners]
    if compiled:
        split: Function = lambda array: list(array.T.copy())
        us = [split(np.array(us)) if us else []]
        samples = [(split(np.array(hand["points"])), [[split(part) for part in corner] for corner in places])]
    else:
        us = us or [[] for _ in found]
        each = [zip(*[part.tolist() for part in corner]) for corner in places]
        samples = list(zip(hand["points"], [list(corner) for corner in zip(*each)]))
    skeleton = model["base_relatives"], model["inverse_base_absolutes"]
    fixed = model["parents"], -1.0 if model["is_mirrored"] else 1.0
    on_hand: Function = lambda *args: f(*args, *fixed)
    call = jit(on_hand) if compiled else on_hand

    def result() -> Any:
        numbers = np.array(call(data["theta"], us, samples, skeleton))
        return np.moveaxis(numbers[..., 0, :, :], -1, -2) if compiled else numbers

    return lambda: result().reshape(*([-1] if f is columns else []), 3 * len(found)).T


FUNCTIONS = {
    "objective": lambda data, compiled: work(data, compiled, errors),
    "jacobian": lambda data, compiled: work(data, compiled, columns),
}
