"""The runner of the notebooks: strict parameters, whole files or none, and clear messages."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import papermill
import pytest

from analysis.paths import ROOT
from analysis.run import jobs as notebook_jobs
from analysis.run import notebooks
from analysis.run.notebooks import inputs_hash, main, run_notebook, strict, up_to_date
from analysis.run.parameters import declared_parameters, notebook_names, notebook_path, profile_parameters, typed
from analysis.run.provenance import as_table, how_to_reproduce, provenance
from cluscam_lite.errors import CluscamError, UnknownName

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


def test_declared_parameters_have_types(tmp_path):
    path = write_notebook(tmp_path / "a.ipynb")
    assert declared_parameters(path) == {"n_images": "int", "models": "list", "part": "str", "scale": "float"}


def test_an_unknown_parameter_is_an_error_before_anything_runs(tmp_path):
    path = write_notebook(tmp_path / "a.ipynb", f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(UnknownName, match=r"unknown parameter 'n_image'; nearest: n_images"):
        run_notebook(path, tmp_path / "out.ipynb", {"n_image": 2})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.ipynb"]


@pytest.mark.parametrize("value", [{"n_images": "2"}, {"n_images": True}, {"models": "a"}, {"part": 3}])
def test_a_parameter_of_the_wrong_type_is_an_error(tmp_path, value):
    path = write_notebook(tmp_path / "a.ipynb")
    (name,) = value
    with pytest.raises(CluscamError, match=f"the parameter {name} of the notebook a is .* must be of type"):
        run_notebook(path, tmp_path / "out.ipynb", value)


def test_main_runs_a_notebook_once_for_the_same_inputs(tmp_path, capsys):
    path = write_notebook(tmp_path / "a.ipynb", "import os", "(n_images, models, scale, os.getcwd())")
    profile = write_profile(tmp_path / "p.yaml", "n_images: 2\nmodels: [b, c]\n")
    command = ["--profile", profile, "--notebook", str(path), "--output", str(tmp_path / "out")]
    assert main([*command, "-p", "scale", "3"]) == 0
    assert "a: running" in capsys.readouterr().out
    output = tmp_path / "out" / "a.ipynb"
    executed = nbformat.read(output, as_version=4)
    nbformat.validate(executed)
    assert executed.cells[-1].outputs[0].data["text/plain"] == f"(2, ['b', 'c'], 3, {str(ROOT)!r})"
    assert executed.metadata.papermill["input_path"] == "notebooks/a.ipynb"
    assert {"inputs", "commit", "modified"} == executed.metadata.cluscam.keys()
    before = output.read_bytes()
    assert main([*command, "-p", "scale", "3"]) == 0
    assert "a: up to date" in capsys.readouterr().out
    assert output.read_bytes() == before


def test_the_hash_covers_notebook_parameters_rows_and_data_root(tmp_path, monkeypatch):
    path = write_notebook(tmp_path / "a.ipynb")
    monkeypatch.setattr("analysis.run.notebooks.RESULTS", tmp_path / "results")
    root = tmp_path / "root" / "weights"
    root.mkdir(parents=True)
    hashes = {inputs_hash(path, {}), inputs_hash(path, {"n_images": 2})}
    hashes.add(inputs_hash(path, {"data_root": str(root.parent)}))
    (root / "x.safetensors").write_bytes(b"1")
    hashes.add(inputs_hash(path, {"data_root": str(root.parent)}))
    write_notebook(path, "1 + 1")
    hashes.add(inputs_hash(path, {}))
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "rows.parquet").write_bytes(b"1")
    hashes.add(inputs_hash(path, {}))
    assert len(hashes) == 6
    assert inputs_hash(path, {}) in hashes  # and is repeatable


@pytest.mark.parametrize("content", ["", "{", "[]", '{"metadata": {}}', '{"metadata": {"cluscam": {"inputs": "0"}}}'])
def test_a_broken_or_foreign_output_is_not_up_to_date(tmp_path, content):
    output = tmp_path / "out.ipynb"
    assert not up_to_date(output, "1")
    output.write_text(content)
    assert not up_to_date(output, "1")


def test_a_failing_cell_is_named_and_leaves_no_file(tmp_path, capsys):
    path = write_notebook(tmp_path / "a.ipynb", "x = 1", "y = x\nraise ValueError('too few maps')")
    profile = write_profile(tmp_path / "p.yaml", "n_images: 2\n")
    assert main(["--profile", profile, "--notebook", str(path), "--output", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert error == "Error: notebooks/a.ipynb, cell 4 of 4 (y = x) failed with ValueError: too few maps\n"
    assert list((tmp_path / "out").iterdir()) == []


def test_a_kernel_that_dies_is_one_sentence(tmp_path):
    path = write_notebook(tmp_path / "a.ipynb", "import os", "os._exit(3)")
    with pytest.raises(CluscamError, match=r"the kernel of notebooks/a\.ipynb died"):
        run_notebook(path, tmp_path / "out.ipynb", {})


@pytest.mark.parametrize("names", ["a", "ab"])
def test_an_interrupt_ends_the_run_and_its_kernels_and_leaves_no_file(tmp_path, names):
    profile = write_profile(tmp_path / "p.yaml", "n_images: 2\n")
    command = [sys.executable, "-m", "analysis.run.notebooks", "--profile", profile, "--jobs", "2", "--notebook"]
    pids = [tmp_path / f"{name} pid" for name in names]
    for name, pid in zip(names, pids, strict=True):
        code = f"import os, time, pathlib\npathlib.Path({str(pid)!r}).write_text(str(os.getpid()))\ntime.sleep(300)"
        command.append(str(write_notebook(tmp_path / f"{name}.ipynb", code)))
    process = subprocess.Popen(
        [*command, "--output", str(tmp_path / "out")], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    kernels = [int(wait_for(lambda pid=pid: pid.exists() and pid.read_text())) for pid in pids]
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error == "Interrupted; nothing is left half-written.\n"
    assert list((tmp_path / "out").glob("*.ipynb")) == []
    assert wait_for(lambda: not any(map(is_running, kernels)))


def test_several_at_a_time_are_what_each_is_alone(tmp_path, capfd):
    paths = [write_notebook(tmp_path / f"{name}.ipynb", f"({name!r}, n_images, scale)") for name in "abc"]
    profile = write_profile(tmp_path / "p.yaml", "n_images: 2\n")
    command = ["--profile", profile, "--output", str(tmp_path / "out"), "-p", "scale", "3"]
    assert main([*command, "--jobs", "2", "--notebook", *map(str, paths)]) == 0
    shown = capfd.readouterr().out
    for path in paths:
        executed = nbformat.read(tmp_path / "out" / path.name, as_version=4)
        assert executed.cells[-1].outputs[0].data["text/plain"] == f"({path.stem!r}, 2, 3)"
        assert f"{path.stem}: running" in shown and f"{path.stem}: done" in shown
    assert main([*command, "--notebook", *map(str, paths)]) == 0  # and of the same inputs
    assert capfd.readouterr().out.count("up to date") == 3


def test_one_that_fails_stops_the_others(tmp_path, capfd):
    codes = {"a": "raise ValueError('too few maps')", "b": "import time; time.sleep(300)", "c": "1"}
    paths = [write_notebook(tmp_path / f"{name}.ipynb", code) for name, code in codes.items()]
    profile = write_profile(tmp_path / "p.yaml", "n_images: 2\n")
    command = ["--profile", profile, "--output", str(tmp_path / "out"), "--jobs", "2", "--notebook"]
    assert main([*command, *map(str, paths)]) == 1
    error = capfd.readouterr().err
    assert "notebooks/a.ipynb, cell 3 of 3" in error and "too few maps" in error and "no more were run" in error
    assert list((tmp_path / "out").glob("*.ipynb")) == []


def test_what_is_timed_runs_alone_and_last(monkeypatch):
    groups = []
    monkeypatch.setattr(notebook_jobs, "_run", lambda *group: groups.append(group))
    notebook_jobs.run_jobs(["notebooks/a.ipynb", "notebooks/runtime.ipynb", "notebooks/b.ipynb"], [], 3)
    keep = notebook_jobs.KEEP  # a setting of the allocator that users' own processes do not have
    assert groups == [
        (["notebooks/a.ipynb", "notebooks/b.ipynb"], [], 3, keep),
        (["notebooks/runtime.ipynb"], [], 1, {}),
    ]


def test_the_allocator_is_set_for_notebooks_as_for_the_reference_run():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "KEEP := " + " ".join(f"{name}={value}" for name, value in notebook_jobs.KEEP.items()) in makefile


def test_a_notebooks_process_has_its_share_of_the_cores_unless_the_user_says_otherwise(monkeypatch):
    started = []
    monkeypatch.setattr(notebook_jobs.subprocess, "Popen", lambda *_, env, **__: started.append(env))
    monkeypatch.setattr(notebook_jobs.os, "cpu_count", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    notebook_jobs._start("a.ipynb", [], 2, {"MALLOC_MMAP_MAX_": "0"})
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook_jobs._start("a.ipynb", [], 2, {})
    assert [env["OMP_NUM_THREADS"] for env in started] == ["4", "1"] and started[0]["MALLOC_MMAP_MAX_"] == "0"

    assert {*notebook_jobs.TIMED} <= {*notebook_names()}


def wait_for(condition, seconds: float = 60):
    """The first true value of `condition()`."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
    return value


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_unknown_names_are_answered_with_the_nearest(capsys):
    with pytest.raises(UnknownName, match="unknown profile 'embeded'; nearest: embedded"):
        profile_parameters("embeded")
    with pytest.raises(UnknownName, match="unknown notebook 'enviroment'; nearest: environment"):
        notebook_path("enviroment")
    assert main(["--profile", "embeded"]) == 1
    assert capsys.readouterr().err.startswith("Error: unknown profile 'embeded'")


@pytest.mark.parametrize("text", ["n_images: [1, 2\n", "a: b: c\n", "\t- x"])
def test_a_broken_profile_is_one_sentence(tmp_path, text):
    profile = write_profile(tmp_path / "p.yaml", text)
    with pytest.raises(CluscamError, match=r"is not valid YAML at line \d+; write one `name: value`") as caught:
        profile_parameters(profile)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "just words", "- a\n- b\n", "1: 2\n"])
def test_a_profile_that_is_no_mapping_is_one_sentence(tmp_path, text):
    with pytest.raises(CluscamError, match="is not a list of parameters"):
        profile_parameters(write_profile(tmp_path / "p.yaml", text))


def test_values_typed_on_the_command_line():
    assert typed("3", "int") == 3
    assert typed("3", "str") == "3"
    assert typed("[a, b]", "list") == ["a", "b"]
    with pytest.raises(CluscamError, match="cannot be read"):
        typed("[a, b", "list")


def test_strict_takes_the_parameters_among_everything_else():
    namespace = {"In": ["x"], "Out": {}, "_i1": "x", "math": math, "Path": Path, "strict": strict, "__name__": "m"}
    namespace |= {"profile": "smoke", "dataset": "scenes", "part": "", "models": [], "n_images": 1, "seed": 0}
    strict(namespace, "environment")
    namespace["my_own_number"] = 7  # the cell run again by hand, later
    strict(namespace, "environment")


def test_strict_refuses_what_is_not_declared():
    with pytest.raises(UnknownName, match="unknown parameter 'model'; nearest: models"):
        strict({"model": "scene_cnn"}, "environment")
    with pytest.raises(UnknownName, match="unknown parameter 'sed'"):
        strict({"sed": None}, "environment")
    with pytest.raises(CluscamError, match="models of the notebook environment is 'scene_cnn', but must be .* list"):
        strict({"models": "scene_cnn"}, "environment")


def test_strict_without_the_notebooks_knows_the_common_parameters(monkeypatch, tmp_path):
    monkeypatch.setattr("analysis.run.parameters.NOTEBOOKS", tmp_path)
    strict({"n_images": 1}, "environment")
    with pytest.raises(UnknownName, match="nearest: n_images"):
        strict({"n_imags": 1}, "environment")


def test_plain_papermill_with_an_unknown_parameter_fails_at_once(tmp_path):
    with pytest.raises(papermill.PapermillExecutionError, match="unknown parameter 'n_image'; nearest: n_images"):
        papermill.execute_notebook(
            ROOT / "notebooks" / "environment.ipynb",
            None,
            parameters={"n_image": 2},
            kernel_name="python3",
            cwd=ROOT,
            progress_bar=False,
        )


class OneModel:
    class spec:  # noqa: N801
        name = "net"

    source = "data root /home/somebody/data/weights/net.safetensors"
    sha256 = "ab" * 32


def test_provenance_holds_what_made_a_run_and_no_path():
    parameters = {"seed": 3, "data_root": "/home/somebody/data", "profile": "smoke", "dataset": "scenes"}
    record = provenance([OneModel], parameters=parameters)
    assert record == json.loads(json.dumps(record))
    assert record["seed"] == 3
    assert record["parameters"]["data_root"] == "data"
    assert record["models"] == {"net": {"source": "data root net.safetensors", "sha256": "ab" * 32}}
    assert {"torch", "numpy"} <= record["versions"].keys()
    assert "/home" not in json.dumps(record) and str(ROOT) not in json.dumps(record)
    table = as_table(record).data
    assert "models: net: sha256" in table and "ab" * 32 in table


def test_the_commands_that_reproduce_a_run():
    def commands(**parameters):
        return how_to_reproduce({"commit": "c0ffee", "modified": False, "parameters": parameters}).data

    smoke = profile_parameters("smoke")
    assert commands(**smoke) == "```bash\ngit checkout c0ffee\nmake book PROFILE=smoke\n```"
    assert "--profile smoke -p n_images 2\n" in commands(**smoke | {"n_images": 2})
    own = commands(**smoke | {"profile": "own", "models": ["scene_cnn"]})
    assert """--profile embedded -p profile own -p models '["scene_cnn"]' -p n_images 1\n""" in own
    assert "export CLUSCAM_DATA=DATA_ROOT" in commands(**profile_parameters("reference"))


def test_outside_the_repository_the_commit_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setattr("analysis.run.provenance.ROOT", tmp_path)
    assert provenance()["commit"] == "unknown"
    assert notebooks.git_state() == {"commit": "unknown", "modified": "unknown"}
