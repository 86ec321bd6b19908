"""Look at a graph: pictures, the player that steps through one, derivations, and what is wrong with it."""

from __future__ import annotations

from .diagram import Diagram, draw
from .explain.derivation import Derivation, explain
from .picture.compare import compare
from .picture.health import Finding, diagnose

__all__ = ["Derivation", "Diagram", "Finding", "compare", "diagnose", "draw", "explain"]
