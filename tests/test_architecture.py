"""The house is as ARCHITECTURE.md says: imports point down only, chapters do not import chapters, files stay small."""

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.paths import ROOT

# the floors of either package, the lowest first; what stands on one floor does not import one another
LITE = (
    ("errors",),
    ("files", "records", "device"),
    ("dataroot", "packages"),
    ("algorithm", "datasets"),
    ("explanation", "models", "targets"),
    ("reading", "metrics", "show", "runtimes"),
    ("cluscam", "tuning"),
    ("rivals", "stability", "interop"),
    ("methods",),
    ("cli",),
)
ANALYSIS = (
    ("paths",),
    ("statistics", "paper", "run"),
    ("engine",),
    ("studies",),
    ("page",),
    ("judging",),
    ("oracles",),
    ("coursework",),
    ("chapters",),
    ("bench",),
)
PACKAGES = {"cluscam_lite": LITE, "analysis": ANALYSIS}
LINES, FILES = 300, 14
OF_THE_BOOK = {"papermill", "jupyter_book", "seaborn", "statsmodels"}


def modules() -> dict[str, Path]:
    """Dotted name -> file, of both packages."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(source: str, package: str = "") -> Iterator[str]:
    """The dotted names that a source imports, also within functions; `package` resolves relative ones."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield from (f"{base}.{name.name}" for name in node.names)


def arrows() -> dict[str, set[str]]:
    """Module -> the modules of this project that it imports."""
    known, found = modules(), defaultdict(set)
    for name, path in known.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for target in imports(path.read_text(encoding="utf-8"), package):
            while target and target not in known:
                target = target.rpartition(".")[0]
            if target and target != name:
                found[name].add(target)
    return found


def floor(module: str) -> tuple[int, str]:
    """The number of a module's floor, and its room there."""
    package, _, rest = module.partition(".")
    room = rest.partition(".")[0]
    return next((i for i, rooms in enumerate(PACKAGES[package]) if room in rooms), -1), room


def test_every_room_has_a_floor():
    doors = {
        "cluscam_lite",
        "cluscam_lite.__main__",
        "analysis",
        "analysis.__main__",
    }  # they stand outside: they only open other rooms
    assert [name for name in modules() if name not in doors and floor(name)[0] < 0] == []


def test_imports_point_down():
    wrong = []
    for name, targets in arrows().items():
        if floor(name)[0] < 0:
            continue
        for target in targets:
            if name.startswith("cluscam_lite") and target.startswith("analysis"):
                wrong.append(f"{name} imports {target}: the method knows nothing of its evidence")
            if name.split(".")[0] != target.split(".")[0] or floor(target)[0] < 0:
                continue
            (mine, room), (other, there) = floor(name), floor(target)
            if other > mine or (other == mine and room != there):
                wrong.append(f"{name} imports {target}, which is not below it")
    assert wrong == []


def test_chapters_do_not_import_chapters():
    chapter = lambda name: name.split(".")[2] if name.startswith("analysis.chapters.") else None  # noqa: E731
    wrong = [
        f"{name} imports {target}"
        for name, targets in arrows().items()
        for target in targets
        if chapter(name) and chapter(target) and chapter(name) != chapter(target)
    ]
    assert wrong == []


def test_no_module_imports_itself_through_others():
    graph, done = arrows(), set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name not in done:
            for target in sorted(graph.get(name, ())):
                visit(target, (*path, name))
            done.add(name)

    for name in modules():
        visit(name, ())


def test_the_method_needs_no_library_of_the_book():
    wrong = []
    for name, path in modules().items():
        if name.startswith("cluscam_lite"):
            needed = {target.split(".")[0] for target in imports(path.read_text(encoding="utf-8"), "cluscam_lite.x.y")}
            wrong += [
                f"{name} imports {one}" for one in needed & {"papermill", "jupyter_book", "seaborn", "statsmodels"}
            ]
    assert wrong == []


@pytest.mark.parametrize("top", [*PACKAGES, "tests", "scripts"])
def test_files_and_folders_stay_small(top):
    files = [path for path in (ROOT / top).rglob("*.py") if "__pycache__" not in path.parts]
    long = {str(p.relative_to(ROOT)): n for p in files if (n := p.read_text(encoding="utf-8").count("\n")) > LINES}
    assert long == {}
    folders = defaultdict(int)
    for path in files:
        folders[str(path.parent.relative_to(ROOT))] += 1
    assert {name: n for name, n in folders.items() if n > FILES} == {}


def test_the_map_names_what_is_there():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for rooms in PACKAGES.values():
        for room in (room for rooms_ in rooms for room in rooms_):
            assert room in text, f"ARCHITECTURE.md does not name {room}"
    for path in re.findall(r"`((?:cluscam_lite|analysis|notebooks|book|results|tests)/[^`*]*)`", text):
        if "NAME" not in path:
            assert (ROOT / path).exists(), f"ARCHITECTURE.md names {path}, which is not there"


def test_notebooks_import_what_exists():
    known = modules()
    for path in sorted([*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "coursework").glob("*.ipynb")]):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        plain = "\n".join(line for line in code.split("\n") if not line.lstrip().startswith(("%", "!")))
        for target in imports(plain):
            if target.split(".")[0] in PACKAGES:
                assert target in known or target.rpartition(".")[0] in known, f"{path.name} imports {target}"
