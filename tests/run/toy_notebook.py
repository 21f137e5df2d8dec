"""A notebook and a profile of a few lines, for the tests of the runner."""

from pathlib import Path

import nbformat

PARAMETERS = 'n_images: int = 1\nmodels: list = ["a"]\npart: str = ""\nscale = 1.5'


def write_notebook(path: Path, *code: str, parameters: str = PARAMETERS) -> Path:
    new = nbformat.v4
    cells = [new.new_markdown_cell("# A title"), new.new_code_cell(parameters)]
    cells[1].metadata["tags"] = ["parameters"]
    book = new.new_notebook(cells=cells + [new.new_code_cell(source) for source in code])
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(book, path)
    return path


def write_profile(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)
