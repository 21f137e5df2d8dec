"""Every parameter that a notebook declares changes its page: the notebook runs once more with one value changed.

A page is what a reader sees: outputs that are not removed, and glued values that a sentence names. What differs
between two runs of the same values (seconds) does not count, and neither does a record of the parameters themselves,
but for the chapter that is about it. All pairs take half an hour or more: `make verify` runs them, and `make test`
those of three notebooks.
"""

import re
from functools import cache

import nbformat
import pytest

from analysis.run.notebooks import run_notebook
from analysis.run.parameters import declared_parameters, notebook_names, notebook_path, profile_parameters, taken_of
from cluscam_lite.errors import CluscamError

# `data_root` is not among them: where the weights and images lie changes nothing on a page. That it is read is tested
# with a folder that is missing, in `test_a_bad_value_is_one_sentence_before_anything_runs`.
CHANGED = {
    "profile": "a-readers-own",
    "model": "scene_vit",
    "image": "scene:4",
    "dataset": "badges",
    "part": "train",
    "models": ["scene_vit"],
    "n_images": 2,
    "seed": 1,
}
ANOTHER_CNN = {"family": "efficientnet_lite0"}  # CAM needs a network that pools: the transformer is refused there
TAKE_BADGES = ("environment", "groundtruth")  # the other studies run on scenes, or on photographs of a data root
CHEAP = ("cheap",)
RECORD = "environment"  # the chapter whose page is a record of the run
GLUED = "application/papermill.record/"
# ids of styled tables, addresses, the time of a run
OF_THE_PROCESS = re.compile(r"\bT_[0-9a-f]{5,}|\bat 0x[0-9a-f]+|\d{4}-\d\d-\d\d \d\d:\d\d UTC")


def pairs():
    """(notebook, parameter) as tests; those of dear notebooks are marked as slow."""
    for name in notebook_names():
        marks = [] if name in CHEAP else [pytest.mark.slow]
        for parameter in declared_parameters(notebook_path(name)):
            if parameter in CHANGED:
                yield pytest.param(name, parameter, marks=marks, id=f"{name}-{parameter}")


def page_of(name, folder, **changed):
    """What the page shows when the notebook ran with the smoke profile's values and the `changed`: place -> content."""
    path, output = notebook_path(name), folder / f"{name}.ipynb"
    run_notebook(path, output, taken_of(profile_parameters("smoke"), declared_parameters(path)) | changed)
    cells = nbformat.read(output, as_version=4).cells
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    named = set(re.findall(r"\{glue:[^}]*\}`([\w-]+)", prose))
    shown = {}
    code = [cell for cell in cells if cell.cell_type == "code" and "injected-parameters" not in tags_of(cell)]
    for number, cell in enumerate(code):
        for place, output in enumerate(cell.outputs):
            key = output.get("metadata", {}).get("scrapbook", {}).get("name")
            hidden = {"remove-output", "remove-cell"} & set(tags_of(cell))
            record = "provenance(" in cell.source and name != RECORD
            if key in named or (key is None and not hidden and not record):
                content = str(output.get("text") or output.get("data"))
                shown[number, key or place] = OF_THE_PROCESS.sub("", content)
    return shown


def tags_of(cell):
    return cell.metadata.get("tags", [])


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory):
    """The page of a notebook with the smoke profile's values, without what differs between two such runs."""

    @cache
    def pages(name):
        one, two = (page_of(name, tmp_path_factory.mktemp(name)) for _ in range(2))
        return {place: content for place, content in one.items() if two.get(place) == content}

    return pages


@pytest.mark.parametrize(("name", "parameter"), list(pairs()))
def test_the_parameter_changes_the_page(name, parameter, unchanged, tmp_path):
    changed = {parameter: ANOTHER_CNN.get(name, CHANGED[parameter]) if parameter == "model" else CHANGED[parameter]}
    if parameter == "dataset" and name not in TAKE_BADGES:
        with pytest.raises(CluscamError, match="runs on scenes and ilsvrc, not on badges"):
            page_of(name, tmp_path, **changed)
        return
    before, after = unchanged(name), page_of(name, tmp_path, **changed)
    assert any(after.get(place) != content for place, content in before.items())
