"""The exceptions of this package. Each message says what was given, what was wanted and what to do."""

from __future__ import annotations

import importlib
from types import ModuleType


class AutogradError(Exception):
    """Base class of the errors that are this package's own."""


class AnomalyError(AutogradError, ArithmeticError):
    """An operation made a nan or an infinity out of finite numbers, inside ``detect_anomaly()``."""


class GradientCheckError(AutogradError, AssertionError):
    """A gradient disagrees with its numerical estimate; the message names the input and the first suspect."""


class DiagramError(AutogradError, ValueError):
    """A picture, derivation or diagnosis cannot be made as asked; the message says what to change."""


class TraceError(AutogradError, TypeError):
    """A function given to ``jit`` does something that cannot be traced; the message names the line and the remedy."""


class TracedBranchError(TraceError):
    """A function given to ``jit`` branches on a traced number; the message names the line, and ``where`` instead."""


class MissingExtraError(AutogradError, ImportError):
    """A package that an extra of this distribution brings is not installed; the message names the extra."""


def require(package: str, extra: str, what: str) -> ModuleType:
    """Import and return a package that an extra of this distribution brings.

    Raises MissingExtraError where it is not installed, with ``what`` needs it and how to get it.

    >>> require("math", "plot", "a curve").sqrt(4.0)
    2.0
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:  # any other ImportError is a broken installation, and says so itself
        missing = error.name or package
        raise MissingExtraError(
            f"{what} needs the package {missing}, which is not installed; get it with: pip install 'chalkgrad[{extra}]'"
        ) from None
