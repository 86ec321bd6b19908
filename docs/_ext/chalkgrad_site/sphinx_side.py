"""The part that knows Sphinx: pages that are written before a build, formulas as MathML, flowcharts, links."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from . import flowchart, formulas, operations, reference

ROOT = Path(__file__).parents[3]
_LOGGER = logging.getLogger(__name__)


def connect(app: Sphinx) -> None:
    """Put everything in its place."""
    app.connect("config-inited", write_pages)
    app.connect("source-read", list_folder)
    app.connect("missing-reference", link_type)
    app.connect("doctree-resolved", link_names)
    app.add_html_math_renderer("mathml", (_inline_math, None), (_block_math, None))
    app.add_directive("mermaid", Flowchart)


def write_pages(app: Sphinx, config: Any) -> None:
    """Write what is made of the notebooks, the docstrings and the table into folders that git ignores."""
    source = Path(app.srcdir)
    for folder, pages in {"reference": reference.pages(), "operations": operations.pages()}.items():
        shutil.rmtree(source / folder, ignore_errors=True)
        (source / folder).mkdir()
        for name, text in pages.items():
            (source / folder / f"{name}.md").write_text(text, encoding="utf-8")
    shutil.rmtree(source / "course", ignore_errors=True)
    (source / "course").mkdir()
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(notebook, source / "course")


def list_folder(app: Sphinx, docname: str, content: list[str]) -> None:
    """Put the pages of a folder below its index: a list for Sphinx alone, which other readers need not see."""
    if docname.endswith("/index") and "{toctree}" not in content[0]:
        content[0] += "\n\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"


def link_type(app: Sphinx, env: Any, node: Any, content: Any) -> Any:
    """Make a link of a type in a signature that is a public name of the other package."""
    if node.get("refdomain") != "py":
        return None
    domain, target = env.domains["py"], node.get("reftarget", "")
    for package in reference.PACKAGES:
        name = f"{package.__name__}.{target}"
        if name in domain.objects:
            return domain.resolve_xref(
                env, node["refdoc"], app.builder, "obj", name, node, nodes.inline("", "", *content.children)
            )
    return None


def link_names(app: Sphinx, doctree: Any, docname: str) -> None:
    """Make a link of every public name that a page says in full, as `autograd.draw` or `nn.fit()`."""
    domain = app.env.domains["py"]
    for literal in list(doctree.findall(nodes.literal)):
        name = literal.astext().removesuffix("()")
        linked = any(isinstance(above, (nodes.reference, nodes.title)) for above in _above(literal))
        if "." in name and name in domain.objects and not linked:
            found = domain.resolve_xref(
                app.env, docname, app.builder, "obj", name, addnodes.pending_xref(), literal.deepcopy()
            )
            literal.replace_self(found)


def _above(node: Any) -> Iterator[Any]:
    while node.parent is not None:
        node = node.parent
        yield node


def _inline_math(writer: Any, node: Any) -> None:
    writer.body.append(_mathml(node, "inline"))
    raise nodes.SkipNode


def _block_math(writer: Any, node: Any) -> None:
    writer.body.append(f'<div class="formula">{_mathml(node, "block")}</div>\n')
    raise nodes.SkipNode


def _mathml(node: Any, display: str) -> str:
    try:
        return formulas.mathml(node.astext(), display)
    except ValueError as error:
        _LOGGER.warning("%s", error, location=node)
        return escape(node.astext())


class Flowchart(SphinxDirective):
    """A flowchart in Mermaid's notation, as SVG: from left to right, and from top to bottom on a narrow screen."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the pictures."""
        try:
            pictures = flowchart.drawn("\n".join(self.content))
        except ValueError as error:
            raise self.error(str(error)) from error
        return [nodes.raw("", pictures, format="html")]
