"""How the site is built: `sphinx-build -W docs build/site`. docs/contributing.md says more."""

from __future__ import annotations

import importlib.util
import pathlib
import sys

import mrrc_ct

sys.path.insert(0, str(pathlib.Path(__file__).parent / "_ext"))

project = "mrrc-ct"
author = "the maintainers of mrrc-ct"
copyright = "the maintainers of mrrc-ct, MIT license"
release = mrrc_ct.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "bars",
    "checked",
    "commands",
    "record",
    "reference",
    "terminal",
]
exclude_patterns = ["_commands", "_ext", "_static"]
nitpicky = True
smartquotes = False  # what is quoted is mostly code

# Markdown. Links with #anchors lead to headings, as they do where the pages are read unbuilt.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]

# The reference.
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_mock_imports = [
    name for name in ("pyspark", "pyarrow") if importlib.util.find_spec(name) is None
]
python_maximum_signature_line_length = 88
autodoc_class_signature = "separated"
python_use_unqualified_type_names = True
# Types that are Python's own or another package's, and what both faces of a record share.
nitpick_ignore_regex = [
    ("py:class", r"(collections\.abc|io|os|re|xml|pyspark|array|ContentHandler)(\..*)?"),
    ("py:class", "F|BaseRecord"),
]
# Both faces of a record have a Field; which is meant is told by the page.
suppress_warnings = ["ref.python"]

html_theme = "furo"
html_title = f"mrrc-ct {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
