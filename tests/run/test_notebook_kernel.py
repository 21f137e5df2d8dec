"""A notebook runs in this environment, whatever kernels and IPython settings the reader's machine has."""

import json
import sys

import nbformat
from toy_notebook import write_notebook

from analysis.run.notebooks import run_notebook


def test_foreign_kernels_and_startup_files_are_not_asked(tmp_path, monkeypatch):
    spec = tmp_path / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    argv = ["/usr/bin/false", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Other", "language": "python"}))
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("intruder = 'startup file'\n")
    (startup.parent / "ipython_kernel_config.py").write_text("c.IPKernelApp.exec_lines = ['intruder = 1']\n")
    (tmp_path / "pythonstartup.py").write_text("intruder = 'PYTHONSTARTUP'\n")
    for name, place in (("JUPYTER_PATH", "jupyter"), ("IPYTHONDIR", "ipython"), ("PYTHONSTARTUP", "pythonstartup.py")):
        monkeypatch.setenv(name, str(tmp_path / place))
    path = write_notebook(tmp_path / "a.ipynb", "import sys", "(sys.executable, 'intruder' in globals())")
    run_notebook(path, tmp_path / "out.ipynb", {})
    output = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[-1].outputs[0]
    assert output.data["text/plain"] == repr((sys.executable, False))
