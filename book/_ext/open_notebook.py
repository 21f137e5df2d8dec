"""A box on each page that is made from a notebook: download it, open it here, or, with an address, on the web.

What is offered is the notebook without outputs, `notebooks/NAME.ipynb`, copied into the book, so that the link works
from `file://` too. With `project_address` set (see `address.py`) there are links to Colab, Binder and Codespaces.
"""

import html
import shutil
from pathlib import Path
from typing import Any

from address import BRANCH, EXECUTED, SOURCE
from sphinx.application import Sphinx

FOLDER = "_downloads/notebooks"
EXTRAS = "book,rivals"  # of the project, which a notebook on Colab needs
BOX = """<details class="cluscam-open">
<summary>Open this notebook</summary>
<p>Run it yourself and change it: <a href="{download}" download>download it</a>{web}. It runs where the project is
installed.</p>
<p>{here}</p>
<div class="highlight"><pre>make notebook NAME={name}</pre></div>
<p>A sentence that has a number of the run here has its name there: the cell above with <code>glue("name", ...)</code>
holds it.</p>
{colab}</details>
"""
WEB = (
    ', or open it on <a href="{colab}">Colab</a>, <a href="{binder}">Binder</a> or '
    '<a href="{codespaces}">Codespaces</a>'
)
HERE = "In a clone of the project, this command opens it in JupyterLab, with everything that it needs:"
HERE_WITH_ADDRESS = (
    'In a <a href="{address}">clone of the project</a>, or in the terminal of a codespace, this command opens it in '
    "JupyterLab, with everything that it needs:"
)
COLAB = """<p>On Colab, run this first, in a cell of its own:</p>
<div class="highlight"><pre>%pip install "cluscam-lite[{extras}] @ git+{address}"</pre></div>
"""


def notebook_of(app: Sphinx, page: str) -> Path | None:
    """The notebook without outputs that a page was made from, None for a page of prose."""
    if not page.startswith(EXECUTED):
        return None
    path = Path(app.srcdir) / SOURCE / f"{page.removeprefix(EXECUTED)}.ipynb"
    return path if path.is_file() else None


def box_of(name: str, download: str, address: str) -> str:
    """The HTML of the box for the notebook `name`, `download` away from the page; `address` is the project's, or ""."""
    if not address:
        return BOX.format(name=name, download=html.escape(download), web="", here=HERE, colab="")
    project = address.removeprefix("https://github.com/")
    web = WEB.format(
        colab=f"https://colab.research.google.com/github/{project}/blob/{BRANCH}/{SOURCE}{name}.ipynb",
        binder=f"https://mybinder.org/v2/gh/{project}/{BRANCH}?urlpath=lab/tree/{SOURCE}{name}.ipynb",
        codespaces=f"https://codespaces.new/{project}?quickstart=1",
    )
    here, colab = HERE_WITH_ADDRESS.format(address=address), COLAB.format(extras=EXTRAS, address=address)
    return BOX.format(name=name, download=html.escape(download), web=web, here=here, colab=colab)


def add_box(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Put the box below the title; on the first page, which tells the story at once, at the end."""
    path = notebook_of(app, page)
    if path is None or "body" not in context:
        return
    download = context["pathto"](f"{FOLDER}/{path.name}", resource=True)
    box, body = box_of(path.stem, download, app.config.project_address), context["body"]
    title = body.find("</h1>")
    if page == app.config.root_doc or title < 0:
        context["body"] = body + box
    else:
        end = title + len("</h1>")
        context["body"] = body[:end] + "\n" + box + body[end:]


def copy_notebooks(app: Sphinx, exception: Exception | None) -> None:
    """Copy what the boxes offer into the book."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    for page in sorted(app.env.found_docs):
        if path := notebook_of(app, page):
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / path.name)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", add_box)
    app.connect("build-finished", copy_notebooks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
