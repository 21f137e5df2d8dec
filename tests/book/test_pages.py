"""The pages of the book against the code: names that exist, exercises that have solutions."""

import json
import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
import yaml

import cluscam_lite
from analysis.paths import ROOT
from cluscam_lite import metrics

BOOK = ROOT / "book"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
LEARN = [chapter["file"] for part in TOC["parts"] if part["caption"] == "Learn" for chapter in part["chapters"]]


def source_of(page: str) -> str:
    """The text of a page of the table of contents: Markdown, or a notebook's Markdown cells."""
    name = Path(page).name
    if page.startswith("book/executed/"):
        cells = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
        return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return (ROOT / f"{page}.md").read_text(encoding="utf-8")


def test_the_api_page_has_every_public_name_and_no_other():
    text = (BOOK / "api.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\.\. auto(?:class|function|exception):: (\S+)$", text, re.M)
    assert len(listed) == len(set(listed))
    for name in listed:
        module, _, attribute = name.rpartition(".")
        assert getattr(import_module(module), attribute).__doc__, name
    last = {name.rpartition(".")[2] for name in listed}
    assert set(cluscam_lite.__all__) <= last
    assert set(metrics.__all__) - {"FORMS"} <= last


def test_how_to_cite_agrees_with_the_project_and_the_bibliography():
    page = (BOOK / "citing.md").read_text(encoding="utf-8")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"version = {{{version}}}" in page
    title = yaml.safe_load((ROOT / "CITATION.cff").read_text())["title"]
    assert title in page.replace("{ClusCAM}", "ClusCAM")
    entry = re.search(r"^@misc{cluscam,.*?^}", (BOOK / "references.bib").read_text(), re.S | re.M).group()
    assert entry in page


def test_the_changelog_has_the_version_that_is_under_way():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert text.startswith("# Changelog") and "## Unreleased" in text and cluscam_lite.__version__ in text


def test_the_glossary_is_in_order_and_says_each_term_once():
    text = (BOOK / "glossary.md").read_text(encoding="utf-8")
    block = re.search(r"```{glossary}\n(.*?)```", text, re.S).group(1)
    terms = re.findall(r"^(\S.*)$", block, re.M)
    assert len(terms) > 30 and terms == sorted(terms, key=str.lower) and len(set(terms)) == len(terms)


@pytest.mark.parametrize("page", LEARN)
def test_each_chapter_to_learn_from_has_one_question_and_exercises_with_solutions(page):
    text = source_of(page)
    assert len(re.findall(r"\*\*The question of this (?:chapter|page):\*\*", text)) == 1
    exercises = re.findall(r"```{exercise}[^\n]*\n:label: (\S+)", text)
    solutions = re.findall(r"```{solution(?:-start)?} (\S+)\n:class: dropdown", text)
    assert len(exercises) >= 2 and exercises == solutions


def test_no_label_is_given_twice():
    pages = [TOC["root"], *(chapter["file"] for part in TOC["parts"] for chapter in part["chapters"])]
    labels = []
    for page in pages:
        text = source_of(page)
        labels += re.findall(r"^\(([\w-]+)\)=$", text, re.M) + re.findall(r"^:label: (\S+)$", text, re.M)
        if page.startswith("book/executed/"):
            cells = json.loads((ROOT / "notebooks" / f"{Path(page).name}.ipynb").read_text())["cells"]
            figures = [cell["metadata"].get("mystnb", {}).get("figure", {}) for cell in cells]
            labels += [figure["name"] for figure in figures if "name" in figure]
    assert len(labels) == len(set(labels)), sorted(label for label in set(labels) if labels.count(label) > 1)
