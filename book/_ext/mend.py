"""Faults of the generated pages, mended in the finished HTML: labels that hide a button's text, scripts of no use.

Accessibility checkers (axe-core's `label-content-name-mismatch`) ask that the name of a control holds the text that
is seen on it, and (`aria-required-children`) that what is called a list has list items, which citations are not. And
Jupyter Book declares the constants of Thebe twice, an error on every page; this book has no Thebe.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

MENDS = (
    (re.compile(r'<summary aria-label="Toggle hidden content">'), "<summary>"),  # "Show code cell source" is its name
    (re.compile(r'(<button class="[^"]*search-button-field[^"]*" title="Search") aria-label="Search"'), r"\1"),
    (re.compile(r'(<i class="theme-switch [^>]*?) title="[^"]*"'), r"\1"),  # the button is called "Color mode"
    (re.compile(r'<div role="list" class="citation-list">'), '<div class="citation-list">'),
    (re.compile(r"\s*<script>const THEBE_JS_URL.*?</script>", re.S), ""),
    (re.compile(r'\s*<script[^>]* src="[^"]*sphinx-thebe\.js[^"]*"></script>'), ""),
)


def mended(page: str) -> str:
    """The HTML of a page without these faults; mending it twice is the same as once."""
    for pattern, replacement in MENDS:
        page = pattern.sub(replacement, page)
    return page


def mend_all(app: Sphinx, exception: Exception | None) -> None:
    """Mend every page of a build that succeeded."""
    if exception is not None or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        if (better := mended(page)) != page:
            path.write_text(better, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", mend_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
