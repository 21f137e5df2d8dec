"""The book's configuration and its buttons, on a book of two pages that is built in a second or two."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = "https://github.com/an-owner/a.repo_1"


def build(folder: Path, address: str) -> subprocess.CompletedProcess:
    """Build a tiny book with the project's configuration and `address`, as `make book` does."""
    config = (ROOT / "_config.yml").read_text()
    assert config.count('project_address: ""') == 1
    (folder / "_config.yml").write_text(config.replace('project_address: ""', f'project_address: "{address}"'))
    (folder / "_toc.yml").write_text("format: jb-book\nroot: book/index\nchapters:\n- file: book/executed/method\n")
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
