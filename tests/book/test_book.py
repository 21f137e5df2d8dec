"""The book's configuration and its buttons, on a book of two pages that is built in a second or two."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from analysis.paths import ROOT

EXAMPLE = "https://github.com/an-owner/a.repo_1"


def build(folder: Path, address: str, pages: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
    """Build a tiny book with the project's configuration, `address` and `pages`, as `make book` does."""
    (folder / "book").mkdir()
    config = (ROOT / "_config.yml").read_text()
    assert config.count('project_address: ""') == 1
    (folder / "_config.yml").write_text(config.replace('project_address: ""', f'project_address: "{address}"'))
    chapters = "".join(f"- file: book/{page}\n" for page in ("executed/method", *pages))
    (folder / "_toc.yml").write_text(f"format: jb-book\nroot: book/index\nchapters:\n{chapters}")
    for page in pages:
        shutil.copy(ROOT / "book" / f"{page}.md", folder / "book")
    for part in ("_ext", "_static"):
        shutil.copytree(ROOT / "book" / part, folder / "book" / part)
    shutil.copy(ROOT / "book" / "references.bib", folder / "book")
    page = "# A page\n\nA formula: $x^2$.\n\n```{bibliography}\n:all:\n```\n"
    (folder / "book" / "index.md").write_text(page)
    cell = nbformat.v4.new_code_cell("1 + 1", execution_count=1)
    cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=1)]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A notebook"), cell])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (folder / "book" / "executed").mkdir()
    nbformat.write(notebook, folder / "book" / "executed" / "method.ipynb")
    (folder / "notebooks").mkdir()
    (folder / "notebooks" / "method.ipynb").write_text('{"the": "source"}')
    for stray in (".pytest_cache/README.md", ".venv/lib/x.md", "README.md", "tests/x.md", "book/notes.md"):
        (folder / stray).parent.mkdir(parents=True, exist_ok=True)
        (folder / stray).write_text("# Not a page of the book\n")
    options = ["--all", "--quiet", "--warningiserror", "--keep-going"]
    return subprocess.run(
        [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", ".", *options],
        cwd=folder,
        capture_output=True,
        text=True,
    )


def test_without_an_address_there_are_no_buttons_and_no_warnings(tmp_path):
    done = build(tmp_path, "")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for page in ("index.html", "executed/method.html"):
        html = (tmp_path / "_build" / "html" / "book" / page).read_text()
        assert '<html lang="en"' in html
        for trace in ("launch-buttons", "colab.research", "mybinder", "source-repository-button", "github.com"):
            assert trace not in html
        assert "_static/widgets.js?v=" in html  # the interactive pieces
        assert "THEBE" not in html and 'aria-label="Toggle hidden content"' not in html  # book/_ext/mend.py
        assert len(re.findall(r'<button[^>]*search-button-field[^>]*title="Search"[^>]*>', html)) == 1
        assert not re.search(r"<button[^>]*search-button-field[^>]*aria-label", html)
        assert ("Open this notebook" in html) == (page == "executed/method.html")
    box = html[html.index('<details class="cluscam-open">') :]  # of the page that is made from a notebook
    assert html.index("</h1>") < html.index(box) < html.index("cell_input")
    link = re.search(r'<a href="([^"]*)" download>download it</a>', box).group(1)
    assert (tmp_path / "_build/html/book/executed" / link).read_text() == '{"the": "source"}'
    assert "<pre>make notebook NAME=method</pre>" in box
    index = (tmp_path / "_build" / "html" / "book" / "index.html").read_text()
    assert "Cluster-CAM" in index  # the bibliography
    assert 'src="../_static/mathjax/' in index  # formulas without a network


def test_with_an_address_the_launch_buttons_open_the_notebook_in_the_repository(tmp_path):
    done = build(tmp_path, EXAMPLE)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    html = (tmp_path / "_build" / "html" / "book" / "executed" / "method.html").read_text()
    assert "https://colab.research.google.com/github/an-owner/a.repo_1/blob/main/notebooks/method.ipynb" in html
    binder = "https://mybinder.org/v2/gh/an-owner/a.repo_1/main?urlpath=lab/tree/notebooks/method.ipynb"
    assert binder in html
    box = html[html.index('<details class="cluscam-open">') :].partition("</details>")[0]
    assert "https://colab.research.google.com/github/an-owner/a.repo_1/blob/main/notebooks/method.ipynb" in box
    assert binder in box and "https://codespaces.new/an-owner/a.repo_1?quickstart=1" in box
    assert f'%pip install "cluscam-lite[book,rivals] @ git+{EXAMPLE}"' in box
    assert f'href="{EXAMPLE}"' in html
    assert f"{EXAMPLE}/issues/new" in html
    index = (tmp_path / "_build" / "html" / "book" / "index.html").read_text()
    assert "colab.research" not in index  # a page of prose has nothing to launch
    assert f'href="{EXAMPLE}"' in index


def test_a_malformed_address_is_one_sentence(tmp_path):
    address = "github.com/owner/repo"
    done = build(tmp_path, address)
    assert done.returncode != 0
    sentence = f"project_address in _config.yml is '{address}', but must be https://github.com/OWNER/REPO, or empty"
    assert sentence in done.stderr
    assert not (tmp_path / "_build" / "html" / "index.html").exists()


def test_the_api_is_made_of_the_docstrings_without_a_warning(tmp_path):
    done = build(tmp_path, "", pages=("api",))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    html = (tmp_path / "_build" / "html" / "book" / "api.html").read_text()
    for name in ("cluscam.ClusCAM", "cluscam.ClusCAM.from_spec", "methods.method", "metrics.evaluate"):
        assert f'id="cluscam_lite.{name}"' in html
    assert "fraction of groups discarded" in html  # an argument, from the class's docstring


MEND = importlib.util.spec_from_file_location("mend", ROOT / "book" / "_ext" / "mend.py")


@pytest.fixture
def mended():
    module = importlib.util.module_from_spec(MEND)
    MEND.loader.exec_module(module)
    return module.mended


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<summary aria-label="Toggle hidden content"><p>Show</p></summary>', "<summary><p>Show</p></summary>"),
        (
            '<button class="btn search-button-field x" title="Search" aria-label="Search" data-y="1">',
            '<button class="btn search-button-field x" title="Search" data-y="1">',
        ),
        ('<i class="theme-switch fa-sun fa-lg" data-mode="light" title="Light"></i>',
         '<i class="theme-switch fa-sun fa-lg" data-mode="light"></i>'),
        ('<div role="list" class="citation-list"><div role="doc-biblioentry">',
         '<div class="citation-list"><div role="doc-biblioentry">'),
        ('a\n<script>const THEBE_JS_URL = "x"; let y = "<b>"</script>\n<script>z</script>', "a\n<script>z</script>"),
        ('<button class="search-button" title="Search" aria-label="Search">',) * 2,  # an icon needs its label
    ],
)  # fmt: skip
def test_mending_a_page(mended, before, after):
    assert mended(before) == after
    assert mended(after) == after
