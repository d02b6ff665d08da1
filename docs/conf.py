"""The site: the Markdown files of the repository as pages, and the docstrings of public names.

Links between pages, to files and to headings are those that work in the repository, so the source of the site is the
repository itself. What only the site can show is added as a page is read: to the table of contents (index.md) the
sidebar that it describes, to the list of modules (api.md) a page for each of them.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from textwrap import indent
from typing import Any

import potbench

project = "potbench"
author = project_copyright = "The potbench developers"
version = release = potbench.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

root_doc = "docs/index"
include_patterns = ["*.md", "docs/*.md", "docs/api/*.md", "docs/studies/*.md", "notebooks/*.ipynb", "notebooks/*.md"]
exclude_patterns = [".*", "build", "configs", "runs", "src", "tests"]
default_role = "code"  # of docstrings, which write `name` for code
myst_heading_anchors = 4  # those of GitHub
nb_execution_mode = "off"  # notebooks are shown as they were run

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"potbench {version}"
html_static_path = ["site.css", "site.js"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sphinx = False

DOCS = Path(__file__).parent
MODULE = re.compile(r"^- `(potbench\S*)`", re.MULTILINE)


def write_api(app: Any) -> None:
    """Write a page for each module that api.md lists; what a module has from elsewhere is on the page of its own."""
    (DOCS / "api").mkdir(exist_ok=True)
    for name in MODULE.findall((DOCS / "api.md").read_text()):
        module = importlib.import_module(name)
        members = {each: getattr(module, each) for each in getattr(module, "__all__", [])}
        foreign = [each for each, value in members.items() if not getattr(value, "__module__", name).startswith(name)]
        directive = f".. automodule:: {name}\n   :exclude-members: {', '.join(foreign)}"
        page, text = DOCS / "api" / f"{name}.md", f"# {name}\n\n```{{eval-rst}}\n{directive}\n```\n"
        if not page.exists() or page.read_text() != text:
            page.write_text(text)


def add_what_only_the_site_shows(app: Any, page: str, source: list[str]) -> None:
    """Add the sidebar that the table of contents describes, and the links to the pages of modules."""
    if page == "docs/api":
        source[0] = MODULE.sub(r"- [`\1`](api/\1.md)", source[0])
    if page in {root_doc, "docs/api"}:
        for chapter in source[0].split("\n## ")[1:]:
            title, pages = chapter.partition("\n")[0], re.findall(r"^- \[.*?\]\((\S+)\.(?:md|ipynb)\)", chapter, re.M)
            source[0] += "\n".join(["", "```{toctree}", ":hidden:", f":caption: {title}", "", *pages, "```", ""])


def keep_as_written(app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Take bars for absolute values, trees for drawings, and what is before a colon not for the type of a property."""
    text = re.sub(r"\|(?=[^`\n]*(?:`[^`\n]*`[^`\n]*)*$)", r"\\|", "\n".join(["..", "", *lines]), flags=re.MULTILINE)
    tree = re.compile(r"^\w+\n(?:[├│└].*\n)+", re.MULTILINE)
    lines[:] = tree.sub(lambda drawn: "::\n\n" + indent(drawn[0], "    "), text).split("\n")


def write_first_page(app: Any, exception: Exception | None) -> None:
    """Lead from the folder of the site to its table of contents."""
    (Path(app.outdir) / "index.html").write_text(f'<meta http-equiv="refresh" content="0; url={root_doc}.html">\n')


def setup(app: Any) -> None:
    """Call the functions above when their time has come."""
    app.connect("builder-inited", write_api)
    app.connect("source-read", add_what_only_the_site_shows)
    app.connect("autodoc-process-docstring", keep_as_written, priority=400)  # before napoleon
    app.connect("build-finished", write_first_page)
