"""ba: bundle adjustment, the errors with which p cameras see points, and the sparse Jacobian of all.

The formulas are those of GradBench's cpp/gradbench/evals/ba.hpp, after ADBench: rotation by Rodrigues' formula,
projection, radial distortion. The Jacobian is in rows: two for each observation, then one for each weight.
"""

from typing import Any

import numpy as np

from autograd import cos, dot, jacobian, jit, sin, sqrt, where
from common import Function, Work, squares

CAMERA, POINT = 11, 3  # numbers of each
SENT = 30  # the entries of the first observation, which with the last entry of all are the output


def cross(a: Any, b: Any) -> list[Any]:
    """The cross product."""
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def rotated(rotation: Any, x: Any) -> list[Any]:
    """The vector turned about an axis, by its length as the angle."""
    square = squares(rotation)
    turns = square > 0.0
    angle = sqrt(where(turns, square, 1.0))  # so that the branch which is not taken has numbers, too
    axis = [a / angle for a in rotation]
    c, s = cos(angle), sin(angle)
    along = dot(axis, x) * (1.0 - c)
    turned = [a * c + b * s + d * along for a, b, d in zip(x, cross(axis, x), axis)]
    return [where(turns, a, b + c) for a, b, c in zip(turned, x, cross(rotation, x))]


def errors(camera: Any, point: Any, weight: Any, feature: Any) -> list[Any]:
    """The two errors of the projection, and that of the weight."""
    rotation, center, focal, principal, radial = camera[:3], camera[3:6], camera[6], camera[7:9], camera[9:]
    x, y, depth = rotated(rotation, [a - b for a, b in zip(point, center)])
    flat = [x / depth, y / depth]
    square = squares(flat)
    scale = 1.0 + radial[0] * square + radial[1] * square * square
    seen = [a * scale * focal + b for a, b in zip(flat, principal)]
    return [*[weight * (a - b) for a, b in zip(seen, feature)], 1.0 - weight * weight]


def slopes(*args: Any) -> list[Any]:
    """The derivatives of the two errors by camera, point and weight, and of the last by the weight."""
    first, second, last = jacobian(errors, argnums=(0, 1, 2))(*args)
    return [x for camera, point, weight in (first, second) for x in [*camera, *point, weight]] + [last[2]]


def observed(data: dict[str, Any], compiled: bool, f: Function) -> Work:
    """The results of ``f`` for each observation, side by side in arrays."""
    i, p = np.arange(data["p"]), data["p"]
    cameras, points = np.tile(data["cam"], (data["n"], 1)), np.tile(data["x"], (data["m"], 1))
    batch = cameras[i % data["n"]], points[i % data["m"]], np.full(p, data["w"]), np.tile(data["feat"], (p, 1))
    if compiled:
        columns, call = [list(part.T.copy()) if part.ndim == 2 else part for part in batch], jit(f)
        return lambda: np.array(call(*columns))
    samples = list(zip(*[part.tolist() for part in batch]))
    return lambda: np.array([f(*sample) for sample in samples]).T


def objective(data: dict[str, Any], compiled: bool) -> Work:
    """The errors of one observation, and how many there are."""
    work = observed(data, compiled, errors)

    def result() -> Any:
        first, second, weight = work()
        reprojection = {"elements": [first[0], second[0]], "repeated": len(first)}
        return {"reproj_error": reprojection, "w_err": {"element": weight[0], "repeated": len(weight)}}

    return result


def sparse(data: dict[str, Any], compiled: bool) -> Work:
    """The Jacobian, of which rows says where each row begins in cols and vals."""
    work, i = observed(data, compiled, slopes), np.arange(data["p"])

    def result() -> Any:
        numbers, points = work(), CAMERA * data["n"]
        weights = points + POINT * data["m"] + i
        camera = CAMERA * (i % data["n"])[:, None] + np.arange(CAMERA)
        point = points + POINT * (i % data["m"])[:, None] + np.arange(POINT)
        row = np.hstack([camera, point, weights[:, None]])
        starts = np.arange(2 * len(i) + 1) * (SENT // 2)
        rows = np.concatenate([starts, starts[-1] + 1 + i])
        cols = np.concatenate([np.hstack([row, row]).ravel(), weights])
        vals = np.concatenate([numbers[:SENT].T.ravel(), numbers[SENT]])
        return {name: [*x[:SENT], x[-1]] for name, x in (("rows", rows), ("cols", cols), ("vals", vals))}

    return result


FUNCTIONS = {"objective": objective, "jacobian": sparse}
