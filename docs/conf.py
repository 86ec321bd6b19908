"""The site: `make site` builds it into build/site. No page makes a request to elsewhere when it is read."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]

import autograd  # noqa: E402
from chalkgrad_site import look  # noqa: E402

project = "chalkgrad"
author = "chalkgrad contributors"
copyright = author
version = release = autograd.__version__

extensions = ["myst_nb", "sphinx_design", "chalkgrad_site"]
exclude_patterns = ["_ext", "_static", "playground/*"]
nitpicky = True
nitpick_ignore_regex = [("py:class", ".*")]  # the types in signatures: those that are public become links
if (HERE.parent / "build" / "playground" / "index.html").is_file():
    tags.add("playground")  # noqa: F821 - Sphinx puts it here

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 3
myst_dmath_double_inline = True

nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_timeout = 300
nb_merge_streams = True
nb_render_markdown_format = "myst"
# A widget needs Python behind it, which a page has not: what it shows without one stands there.
nb_ipywidgets_js = {}
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]

html_theme = "furo"
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_title = "chalkgrad"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_favicon = "_static/logo.svg"
html_logo = "_static/logo.svg"
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = look.THEME_OPTIONS
maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"
python_use_unqualified_type_names = True
