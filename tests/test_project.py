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
from packaging.utils import canonicalize_name
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
    assert pip == {"pip": ["-e .[book,hub,rivals,cluster,onnx,openvino,test]"]}


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


def locked(python: str) -> dict[str, Version]:
    """Name -> the release that requirements.lock has for a version of Python, on Linux; each has a hash."""
    environment = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    environment |= {"platform_machine": "x86_64", "platform_system": "Linux", "implementation_name": "cpython"}
    pins: dict[str, Version] = {}
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")
    for line in (line.strip() for line in text.splitlines()):
        if not line or line.startswith("#"):
            continue
        requirement = Requirement(line.partition("--hash")[0].strip())
        assert line.count("--hash=sha256:") >= 1, requirement
        if requirement.marker is None or requirement.marker.evaluate(environment):
            (specifier,) = requirement.specifier
            assert specifier.operator == "==" and canonicalize_name(requirement.name) not in pins, requirement
            pins[canonicalize_name(requirement.name)] = Version(specifier.version)
    return pins


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_lock_satisfies_pyproject(python):
    pins, extras = locked(python), PROJECT["optional-dependencies"]
    chosen = re.search("^LOCKED_EXTRAS := (.*)$", (ROOT / "Makefile").read_text(), re.M).group(1).split()
    lines, seen = list(PROJECT["dependencies"]), set()
    while chosen:
        if (extra := chosen.pop()) not in seen:
            seen.add(extra)
            lines += extras[extra]
            chosen += [
                also for line in extras[extra] if (r := Requirement(line)).name == PROJECT["name"] for also in r.extras
            ]
    wanted = [r for r in map(Requirement, lines) if r.name != PROJECT["name"]]
    assert len(wanted) > 30 and seen == set(extras) - {"quantus", "all"}
    for requirement in wanted:
        release = pins.get(canonicalize_name(requirement.name))
        assert release in requirement.specifier, f"{requirement}: make lock"
    (builder,) = map(Requirement, tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"])
    assert pins[builder.name] in builder.specifier


def test_the_lock_names_no_place_to_download_from():
    text = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"://|--(extra-)?index|--find-links|-i ", text)


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.stem)
def test_workflows_take_actions_by_commit_and_build_from_the_lock(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["env"]["LOCKED"] == "1"
    for line in (line.strip() for line in path.read_text().splitlines()):
        if "uses:" in line:
            assert re.fullmatch(r"(- )?uses: [\w/-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", line), line


def test_the_gpu_workflow_is_skipped_where_no_runner_is_named():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "gpu.yml").read_text())
    assert workflow["jobs"]["run"]["if"] == "vars.GPU_RUNNER != ''"
    assert workflow["jobs"]["publish"]["needs"] == "run"


def test_the_container_is_set_up_from_the_lock_on_a_base_pinned_by_digest():
    text = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^ARG BASE=\S+@sha256:[0-9a-f]{64}$", text, re.M) and "make setup LOCKED=1" in text
    for name in re.search(r"^COPY (Makefile .*) \./$", text, re.M).group(1).split():
        assert (ROOT / name).is_file(), name
    for name in re.findall(r"\$\(BIN\)/python (scripts/\S+)", (ROOT / "Makefile").read_text()):
        assert f"COPY {name} {name}\n" in text  # what `make setup` runs
