"""The scaffolding: files that must agree with each other, what must not be in the repository, and a light import."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import cluscam_lite
from analysis.paths import ROOT
from analysis.run.parameters import COMMON, check, declared_parameters, notebook_names, profile_parameters, taken_of

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib"}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def repository_files() -> list[Path]:
    """Files that git tracks or would track."""
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_environment_yml_names_the_same_packages_and_ranges_as_pyproject():
    *conda, pip = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = dict(line.partition(" ")[::2] for line in conda if line != "pip")
    python = Version(conda.pop("python").lstrip("="))
    assert python in SpecifierSet(PROJECT["requires-python"])
    conda_ranges = {CONDA_NAMES.get(name, name): SpecifierSet(rest) for name, rest in conda.items()}
    extras = PROJECT["optional-dependencies"]
    lines = [*PROJECT["dependencies"], *extras["models"], *extras["pictures"], *extras["data"]]
    project_ranges = {r.name: r.specifier for r in map(Requirement, lines)}
    assert conda_ranges == project_ranges
    assert pip == {"pip": ["-e .[book,hub,rivals,test]"]}


@pytest.mark.parametrize("extra", [None, *PROJECT["optional-dependencies"]])
def test_every_dependency_has_a_tested_range(extra):
    lines = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    for requirement in map(Requirement, lines):
        if requirement.name == PROJECT["name"]:  # an extra that holds others
            assert requirement.extras <= set(PROJECT["optional-dependencies"])
            continue
        operators = {part.operator for part in requirement.specifier}
        assert operators == {">=", "<"}, requirement


def test_the_extra_all_holds_every_other_extra():
    extras = PROJECT["optional-dependencies"]

    def held(extra):
        own = [r for r in map(Requirement, extras[extra]) if r.name == PROJECT["name"]]
        return {extra}.union(*(held(name) for requirement in own for name in requirement.extras))

    assert held("all") == set(extras)


def test_one_version_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert PROJECT["version"] == cluscam_lite.__version__ == str(citation["version"])


def test_citation_and_package_are_under_the_same_licence():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors", "version", "license"} <= citation.keys()
    assert citation["license"] == PROJECT["license"]
    assert all((ROOT / name).is_file() for name in PROJECT["license-files"])


def test_no_path_of_a_workplace_and_no_registry_host_in_the_repository():
    folders = r"\.\./shared|(?<![\w.])/(?:work|tmp|home|root|farm)/"
    hosts = r"pypi\.org|pythonhosted\.org|npmjs\.org|deb\.debian\.org|anaconda\.org"
    found = []
    for file in repository_files():
        relative = file.relative_to(ROOT)
        if relative.parts[0] in ("tests", ".ci"):
            continue
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # weights
        found += [f"{relative}: {match.group()}" for match in re.finditer(f"{folders}|{hosts}", text)]
    assert not found


def test_no_photograph_and_no_foreign_weights_in_the_repository():
    for file in repository_files():
        assert file.suffix.lower() not in (".jpg", ".jpeg"), file
        if file.suffix in (".safetensors", ".pt", ".pth"):
            assert file.parent == ROOT / "cluscam_lite" / "assets", file


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_stripped_declare_what_they_use_and_check_it_first(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)
    assert "parameters" in code[0]["metadata"]["tags"]
    declared = declared_parameters(path)
    assert declared and declared.items() <= COMMON.items()
    later = "\n".join("".join(cell["source"]) for cell in code[1:])
    assert [name for name in declared if not re.search(rf"\b{name}\b", later)] == []
    assert f'strict(globals(), "{path.stem}")' in "".join(code[1]["source"])


@pytest.mark.parametrize("profile", ["smoke", "embedded", "reference"])
def test_every_notebook_takes_every_profile(profile):
    parameters = profile_parameters(profile)
    assert parameters["profile"] == profile
    for path in NOTEBOOKS:
        declared = declared_parameters(path)
        check(declared, taken_of(parameters, declared), path.stem)


def test_the_table_of_contents_has_a_page_for_every_notebook():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    pages = [toc["root"], *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"])]
    executed = [Path(page).name for page in pages if page.startswith("book/executed/")]
    assert sorted(executed) == notebook_names()


IMPORT = """
import socket, sys, time

def refuse(*arguments, **options):
    raise OSError("no network in this test")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
start = time.perf_counter()
import cluscam_lite
ours = time.perf_counter() - start
heavy = "torchvision timm sklearn datasets matplotlib papermill".split()
print([name for name in heavy if name in sys.modules])
start = time.perf_counter()
import torch
print(ours / (ours + time.perf_counter() - start))
"""


def test_import_is_light_and_takes_no_network():
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    imported, share = done.stdout.splitlines()
    assert imported == "[]"
    assert float(share) < 0.5  # of the time that `import torch` takes with it
