"""The runner of the notebooks: whole files or none, each once for the same inputs, and clear messages."""

import os
import signal
import subprocess
import sys
import time

import nbformat
import papermill
import psutil
import pytest
from toy_notebook import write_notebook, write_profile

from analysis.paths import ROOT
from analysis.run import jobs as notebook_jobs
from analysis.run.notebooks import inputs_hash, main, run_notebook, up_to_date
from analysis.run.parameters import notebook_names
from cluscam_lite.errors import CluscamError


def test_main_runs_a_notebook_once_for_the_same_inputs(tmp_path, capsys):
    path = write_notebook(tmp_path / "a.ipynb", "import os", "(n_images, models, scale, os.getcwd())")
    profile = write_profile(tmp_path / "p.yaml", "n_images: 2\nmodels: [scene_cnn, scene_vit]\n")
    command = ["--profile", profile, "--notebook", str(path), "--output", str(tmp_path / "out")]
    assert main([*command, "-p", "scale", "3"]) == 0
    assert "a: running" in capsys.readouterr().out
    output = tmp_path / "out" / "a.ipynb"
    executed = nbformat.read(output, as_version=4)
    nbformat.validate(executed)
    assert executed.cells[-1].outputs[0].data["text/plain"] == f"(2, ['scene_cnn', 'scene_vit'], 3, {str(ROOT)!r})"
    assert executed.metadata.papermill["input_path"] == "notebooks/a.ipynb"
    assert {"inputs", "commit", "modified"} == executed.metadata.cluscam.keys()
    before = output.read_bytes()
    assert main([*command, "-p", "scale", "3"]) == 0
    assert "a: up to date" in capsys.readouterr().out
    assert output.read_bytes() == before


def test_each_notebook_takes_the_parameters_that_it_declares(tmp_path, capsys):
    paths = [
        write_notebook(tmp_path / "a.ipynb", "n_images", parameters="n_images: int = 1"),
        write_notebook(tmp_path / "b.ipynb", "seed", parameters="seed: int = 0"),
    ]
    profile = write_profile(tmp_path / "p.yaml", "n_images: 2\nseed: 3\nmodel: scene_cnn\n")
    command = ["--profile", profile, "--notebook", *map(str, paths), "--output", str(tmp_path / "out"), "--jobs", "2"]
    assert main([*command, "-p", "seed", "4"]) == 0
    shown = [nbformat.read(tmp_path / "out" / path.name, 4).cells[-1].outputs[0].data["text/plain"] for path in paths]
    assert shown == ["2", "4"]
    assert main([*command, "-p", "sed", "4"]) == 1
    assert "unknown parameter 'sed'; nearest: seed" in capsys.readouterr().err
    assert main([*command[:2], "--notebook", str(paths[0]), "-p", "seed", "4"]) == 1
    assert "the notebook a has no other parameters" in capsys.readouterr().err


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


def test_a_kernel_that_dies_is_one_sentence(tmp_path, caplog):
    path = write_notebook(tmp_path / "a.ipynb", "import os", "os._exit(3)")
    with pytest.raises(CluscamError, match=r"the kernel of notebooks/a\.ipynb died"):
        run_notebook(path, tmp_path / "out.ipynb", {})
    assert caplog.records == []  # else papermill says that the kernel died, too


@pytest.mark.parametrize("lost", [1, 5])
def test_a_kernel_whose_port_was_taken_is_started_again(tmp_path, monkeypatch, lost):
    starts = []
    execute = papermill.execute_notebook

    def losing(*arguments, **options):
        starts.append(1)
        if len(starts) <= lost:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return execute(*arguments, **options)

    monkeypatch.setattr(papermill, "execute_notebook", losing)
    path = write_notebook(tmp_path / "toy.ipynb", "print(1)")
    if lost == 1:
        run_notebook(path, tmp_path / "out" / "toy.ipynb", {})
        assert len(starts) == 2 and (tmp_path / "out" / "toy.ipynb").is_file()
    else:
        with pytest.raises(CluscamError, match="the kernel of notebooks/toy.ipynb does not start"):
            run_notebook(path, tmp_path / "out" / "toy.ipynb", {})
        assert len(starts) == 3 and not (tmp_path / "out" / "toy.ipynb").exists()


@pytest.mark.parametrize("names, sent", [("ab", signal.SIGINT), ("a", signal.SIGTERM)])
def test_a_signal_ends_the_run_and_its_kernels_and_leaves_no_file(tmp_path, names, sent):
    process, others = started(tmp_path, names)
    process.send_signal(sent)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 128 + sent
    assert error == "Interrupted; nothing is left half-written.\n"
    assert list((tmp_path / "out").iterdir()) == []
    assert wait_for(lambda: not any(map(is_running, others)))


def test_no_process_survives_a_runner_that_is_killed(tmp_path):
    process, others = started(tmp_path, "ab")
    process.kill()
    process.communicate()
    assert wait_for(lambda: not any(map(is_running, others)))
    assert list((tmp_path / "out").iterdir()) == []


def started(folder, names):
    """A runner with two jobs at work on notebooks that do not end; all processes that it has started."""
    profile = write_profile(folder / "p.yaml", "n_images: 2\n")
    command = [sys.executable, "-m", "analysis.run.notebooks", "--profile", profile, "--jobs", "2"]
    pids = [folder / f"{name} pid" for name in names]
    codes = [f"import pathlib, time\npathlib.Path({str(pid)!r}).write_text('x')\ntime.sleep(300)" for pid in pids]
    paths = [str(write_notebook(folder / f"{name}.ipynb", code)) for name, code in zip(names, codes, strict=True)]
    process = subprocess.Popen(
        [*command, "--notebook", *paths, "--output", str(folder / "out")], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: all(pid.exists() for pid in pids))
    return process, [child.pid for child in psutil.Process(process.pid).children(recursive=True)]


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
    shown = ["make", "--silent", "--eval", "shown:; @echo '$(KEEP)'", "shown"]
    done = subprocess.run(shown, cwd=ROOT, capture_output=True, text=True)
    assert dict(setting.split("=") for setting in done.stdout.split()) == notebook_jobs.KEEP


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


@pytest.mark.parametrize(("tags", "shown"), [([], True), (["remove-input"], True), (["remove-cell"], False)])
def test_a_page_shows_the_parameters_of_the_run_and_not_the_declaration(tmp_path, tags, shown):
    path = write_notebook(tmp_path / "a.ipynb", "n_images", parameters="n_images: int = 1")
    book = nbformat.read(path, as_version=4)
    book.cells[1].metadata["tags"] += tags
    nbformat.write(book, path)
    run_notebook(path, tmp_path / "out.ipynb", {"n_images": 2})
    declared, injected = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[1:3]
    assert "n_images = 2" in injected.source and "remove-input" in declared.metadata["tags"]
    assert shown == (not {"remove-input", "remove-cell"} & {*injected.metadata["tags"]})
