"""Scalar automatic differentiation that can be read, looked through and relied on.

>>> from autograd import Value
>>> w, x = Value(0.5, name="w"), Value(2.0, name="x")
>>> loss = (w * x).tanh()
>>> loss.backward()
>>> print(f"{w.grad:.6f}")
0.839949
"""

from typing import TYPE_CHECKING, Any

from ._engine import Value, engine
from .check import check_grad, numerical_grad
from .errors import (
    AnomalyError,
    AutogradError,
    DiagramError,
    GradientCheckError,
    MissingExtraError,
    TracedBranchError,
    TraceError,
)
from .functional import derivative, grad, gradients, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from .graph import topological_order
from .loops import loop, scan, take, while_loop
from .matvec import matvec
from .modes import detect_anomaly, enable_grad, no_grad, record_source
from .ops import (
    OPERATIONS,
    Number,
    Operation,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cbrt,
    ceil,
    clip,
    cos,
    cosh,
    define,
    dot,
    elu,
    erf,
    erfc,
    exp,
    exp2,
    expm1,
    floor,
    gelu,
    hardtanh,
    hypot,
    leaky_relu,
    lgamma,
    log,
    log1p,
    log2,
    log10,
    logsigmoid,
    logsumexp,
    maximum,
    mean,
    minimum,
    mish,
    ndtr,
    norm,
    polygamma,
    prod,
    relu,
    selu,
    sigmoid,
    sign,
    silu,
    sin,
    sinh,
    softmax,
    softplus,
    softsign,
    sqrt,
    square,
    tan,
    tanh,
    trunc,
    where,
)
from .ops import abs as abs
from .ops import max as max
from .ops import min as min
from .ops import round as round
from .ops import sum as sum

if TYPE_CHECKING:
    from .compiler import jit
    from .diagram import Derivation, Diagram, Finding, compare, diagnose, draw, draw_on_error, explain, interact

__version__ = "0.1.0"

# Loaded when first used: what draws and what compiles brings packages of its own.
_LAZY = {
    **dict.fromkeys(
        ["Derivation", "Diagram", "Finding", "compare", "diagnose", "draw", "draw_on_error", "explain", "interact"],
        "diagram",
    ),
    "jit": "compiler",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'autograd' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})


__all__ = [
    "OPERATIONS",
    "AnomalyError",
    "AutogradError",
    "Derivation",
    "Diagram",
    "DiagramError",
    "Finding",
    "GradientCheckError",
    "MissingExtraError",
    "Number",
    "Operation",
    "TraceError",
    "TracedBranchError",
    "Value",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "check_grad",
    "clip",
    "compare",
    "cos",
    "cosh",
    "define",
    "derivative",
    "detect_anomaly",
    "diagnose",
    "dot",
    "draw",
    "draw_on_error",
    "elu",
    "enable_grad",
    "engine",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "explain",
    "expm1",
    "floor",
    "gelu",
    "grad",
    "gradients",
    "hardtanh",
    "hessian",
    "hvp",
    "hypot",
    "interact",
    "jacobian",
    "jit",
    "jvp",
    "leaky_relu",
    "lgamma",
    "log",
    "log1p",
    "log2",
    "log10",
    "logsigmoid",
    "logsumexp",
    "loop",
    "matvec",
    "maximum",
    "mean",
    "minimum",
    "mish",
    "ndtr",
    "no_grad",
    "norm",
    "numerical_grad",
    "polygamma",
    "prod",
    "record_source",
    "relu",
    "scan",
    "selu",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "softsign",
    "sqrt",
    "square",
    "take",
    "tan",
    "tanh",
    "topological_order",
    "trunc",
    "value_and_grad",
    "vjp",
    "where",
    "while_loop",
]
if TYPE_CHECKING:  # the names that builtins have too come as `autograd.sum`, and never with a star import
    __all__ += ["abs", "max", "min", "round", "sum"]
