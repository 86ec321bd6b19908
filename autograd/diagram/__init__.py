"""Look at a graph: pictures, the player that steps through one, derivations, and what is wrong with it."""

from __future__ import annotations

from .derivation import Derivation, explain
from .diagram import Diagram, draw
from .health import Finding, diagnose
from .moments import compare

__all__ = ["Derivation", "Diagram", "Finding", "compare", "diagnose", "draw", "explain"]
