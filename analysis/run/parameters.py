"""Parameters of the notebooks: declared in a notebook's `parameters` cell, given by a profile, checked before a run.

papermill only warns about a parameter that a notebook does not have, so a misspelt one would run with the default.
Here it is an error: in `check`, which the runner calls first, and in `strict`, which each notebook calls.
"""

import ast
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.paths import ROOT
from analysis.run.values import check_values
from cluscam_lite.errors import CluscamError, unknown

NOTEBOOKS = ROOT / "notebooks"
PROFILES = NOTEBOOKS / "profiles"
PLANS = NOTEBOOKS / "plans"

# What notebooks may declare (name -> type): each declares those that it uses, so that one profile serves all of them.
COMMON = {
    "profile": "str",
    "model": "str",
    "image": "str",
    "dataset": "str",
    "part": "str",
    "models": "list",
    "n_images": "int",
    "seed": "int",
    "data_root": "str",
}
TYPES = {"str": str, "int": int, "float": (int, float), "bool": bool, "list": list, "dict": dict}


def notebook_names() -> list[str]:
    """Names of the project's notebooks, without suffix."""
    return sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))


def notebook_path(notebook: str | Path) -> Path:
    """The file of a notebook given by name ("method") or by path. Raises UnknownName with the nearest names."""
    path = Path(notebook)
    if path.suffix != ".ipynb":
        path = NOTEBOOKS / f"{notebook}.ipynb"
    if not path.is_file():
        raise unknown("notebook", notebook, notebook_names())
    return path


def declared_parameters(path: Path) -> dict[str, str]:
    """The parameters of a notebook's cell tagged `parameters`: name -> name of the type ("str", "list", ...)."""
    import papermill

    found = papermill.inspect_notebook(str(path))
    return {name: _type_name(entry) for name, entry in found.items()}


def _type_name(entry: Mapping[str, Any]) -> str:
    name = entry["inferred_type_name"].split("[")[0]  # "list[str]" -> "list"
    if name in TYPES:
        return name
    try:
        return type(ast.literal_eval(entry["default"])).__name__
    except (ValueError, SyntaxError):
        return name  # an expression; its type is not checked


def taken_of(profile: Mapping[str, Any], declared: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a profile that a notebook declares; the others are for other notebooks.

    Raises UnknownName for a name that no notebook of the project has.
    """
    for name in profile:
        if name not in declared and name not in COMMON:
            raise unknown("parameter", name, COMMON, hint="no notebook has it")
    return {name: value for name, value in profile.items() if name in declared}


def check(declared: Mapping[str, str], given: Mapping[str, Any], notebook: str) -> None:
    """Raise UnknownName for a parameter that is not declared, CluscamError for a bad value or one of another type."""
    for name, value in given.items():
        if name not in declared:
            raise unknown("parameter", name, declared, hint=f"the notebook {notebook} has no other parameters")
        expected = TYPES.get(declared[name])
        a_bool_for_a_number = isinstance(value, bool) and declared[name] in ("int", "float")
        if expected and (not isinstance(value, expected) or a_bool_for_a_number):
            raise CluscamError(
                f"the parameter {name} of the notebook {notebook} is {value!r}, but must be of type {declared[name]}"
            )
    check_values({name: value for name, value in given.items() if COMMON.get(name) == declared[name]})


def strict(namespace: dict[str, Any], notebook: str) -> None:
    """Check the parameters from within a notebook: its first code cell after the parameters calls this.

    So `papermill notebooks/method.ipynb out.ipynb -p typo 1` fails at once, too. `namespace` is `globals()`; at
    that point the plain values in it, apart from IPython's own, are the parameters. A second call (the cell is run
    again by hand, after others) checks nothing, since the notebook's own variables are there by then.
    Raises UnknownName or CluscamError, as `check` does.
    """
    warnings.filterwarnings("ignore", "IProgress not found")  # of tqdm, on a page where a network is loaded
    if namespace.get("_parameters_are_checked"):
        return
    plain = (str, int, float, list, dict, type(None))
    given = {
        name: value
        for name, value in namespace.items()
        if isinstance(value, plain) and not name.startswith("_") and name not in ("In", "Out")
    }
    try:
        declared = declared_parameters(notebook_path(notebook))
    except CluscamError:
        declared = COMMON  # installed without the repository's notebooks, as on Colab
    check(declared, given, notebook)
    namespace["_parameters_are_checked"] = True


def profile_parameters(profile: str | Path) -> dict[str, Any]:
    """The parameters of a profile, given by name ("embedded") or as the path of a YAML file.

    Raises UnknownName for a name that does not exist, CluscamError for a file that is not a YAML mapping.
    """
    path = Path(profile)
    if path.suffix not in (".yaml", ".yml"):
        path = PROFILES / f"{profile}.yaml"
    if not path.is_file():
        known = sorted(p.stem for p in PROFILES.glob("*.yaml"))
        raise unknown("profile", profile, known, hint="or give the path of your own .yaml file")
    found = read_yaml(path, f"the profile {path}", "; write one `name: value` on each line")
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise CluscamError(f"the profile {path} is not a list of parameters; write one `name: value` on each line")
    return found


def read_yaml(path: Path, name: str, advice: str = "") -> Any:
    """What a YAML file holds. Raises CluscamError, with the file's `name`, the line and `advice`, if it is not YAML."""
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise CluscamError(f"{name} is not valid YAML{where}{advice}") from error


def typed(text: str, type_name: str | None) -> Any:
    """The value of a parameter typed on the command line: text for a `str`, otherwise read as YAML."""
    import yaml

    if type_name == "str":
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CluscamError(f"the value {text!r} cannot be read; write lists as '[a, b]'") from error
