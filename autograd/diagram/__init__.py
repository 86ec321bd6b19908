"""Look at a graph: pictures, the player that steps through one, derivations, and what is wrong with it.

A graph of Values passes through three stages: `picture` (what to show), `place` (where), `formats` (how it is written);
`diagram` leads it through them, and `on_error` what was there when an error came. `chain_rule` writes derivatives out,
also for the player. `network` draws a neural network as textbooks do.
"""

from __future__ import annotations

from .chain_rule.derivation import Derivation, explain
from .diagram import Diagram, compare, draw
from .on_error import draw_on_error
from .picture.health import Finding, diagnose
from .widget import interact

__all__ = ["Derivation", "Diagram", "Finding", "compare", "diagnose", "draw", "draw_on_error", "explain", "interact"]
