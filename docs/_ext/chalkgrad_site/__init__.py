"""What the site needs besides Sphinx: pages written from the docstrings and from the table of operations.

`reference` and `operations` write pages as Markdown, `plot` a curve as SVG, `flowchart` the drawings of
docs/architecture.md; `sphinx_side` puts them into a build. Only the last one knows Sphinx.
"""

from __future__ import annotations

from typing import Any


def setup(app: Any) -> dict[str, bool]:
    """Tell Sphinx what there is."""
    from . import sphinx_side

    sphinx_side.connect(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
