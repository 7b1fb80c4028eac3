"""What was built is looked at once more: links, anchors, and whatever would be fetched."""

from __future__ import annotations

import pathlib
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urlsplit

from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
#: Attributes that make a browser fetch something as the page is shown.
FETCHED = {
    ("audio", "src"),
    ("iframe", "src"),
    ("img", "src"),
    ("link", "href"),
    ("object", "data"),
    ("script", "src"),
    ("source", "src"),
    ("video", "src"),
}


class Page(HTMLParser):
    """The anchors and the links of a page, and what it fetches."""

    def __init__(self, path: pathlib.Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note what a tag refers to, and the names that it has."""
        for name, value in attributes:
            if value is None:
                continue
            if name in ("id", "name"):
                self.anchors.add(value)
            elif (tag, name) in FETCHED:
                self.fetched.append(value)
            elif name == "href":
                self.links.append(value)


def problems(folder: pathlib.Path) -> list[str]:
    """What is wrong with the pages in a folder, a line for each thing."""
    pages = {path: Page(path) for path in folder.rglob("*.html")}
    found = []
    for path, page in pages.items():
        name = path.relative_to(folder)
        for link in page.fetched:
            if urlsplit(link).netloc:
                found.append(f"{name} fetches {link}")
        for link in page.links + page.fetched:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                found.append(f"{name} leads to {link}, which is not there")
            elif (
                parts.fragment
                and target in pages
                and unquote(parts.fragment) not in pages[target].anchors
            ):
                found.append(f"{name} leads to {link}, and there is no such anchor")
    for path in folder.rglob("*.css"):
        if "url(http" in path.read_text("utf-8").replace('"', "").replace("'", ""):
            found.append(f"{path.relative_to(folder)} fetches something")
    return found


def _finish(app: Any, exception: Exception | None) -> None:
    if exception is None and app.builder.name == "html":
        for line in problems(pathlib.Path(app.outdir).resolve()):
            LOGGER.warning("%s", line)


def setup(app: Any) -> dict[str, bool]:
    """For Sphinx."""
    app.connect("build-finished", _finish)
    return {"parallel_read_safe": True}
