"""Parameters of the notebooks: declared in a notebook's `parameters` cell, given by a profile, checked before a run.

papermill only warns about a parameter that a notebook does not have, so a misspelt one would run with the default.
Here it is an error: in `check`, which the runner calls first, and in `strict`, which each notebook calls.
"""

import ast
import warnings
from collections.abc import Collection, Mapping
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
# what a profile may say to studies beside these
OF_STUDIES = {"methods": "list", "layer": "str", "grid": "list", "seeds": "int", "precision": "str"}
OF_PAGES = ("profile", "model", "image")  # and what it says to notebooks alone
SHOWN = 60  # characters of a value in a message
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
        _check_type(name, value, declared[name], f" of the notebook {notebook}")
    check_values({name: value for name, value in given.items() if COMMON.get(name) == declared[name]})


def check_study(profile: Mapping[str, Any], asked: Collection[str] = ()) -> None:
    """Raise UnknownName for a parameter that nobody has, CluscamError for one of a bad type or value.

    `asked` are the names of those that were given by hand: they are checked as a notebook's are. Of the others, which
    are for notebooks too, the names of networks and of files are checked where they are opened.
    """
    known = COMMON | OF_STUDIES
    for name in asked:
        if name not in known or name in OF_PAGES:
            raise unknown("parameter", name, sorted(known.keys() - set(OF_PAGES)), hint="studies have no others")
    for name, value in profile.items():
        if name not in known:
            raise unknown("parameter", name, known, hint="neither studies nor notebooks have it")
        _check_type(name, value, known[name])
    for name in ("models", "methods"):
        for one in profile.get(name, ()):
            if not isinstance(one, str) or not one:
                raise CluscamError(f"the parameter {name} is a list of names, but has {str(one)[:SHOWN]!r} in it")
    judged = {"n_images", "seed", *asked} | ({"dataset"} if "part" in asked else set())  # whose part it is
    check_values({name: value for name, value in profile.items() if name in judged})
    if profile.get("seeds", 1) < 1:
        raise CluscamError(f"the parameter seeds is {profile['seeds']}; expected how many, at least 1")


def _check_type(name: str, value: Any, kind: str, where: str = "") -> None:
    expected = TYPES.get(kind)
    a_bool_for_a_number = isinstance(value, bool) and kind in ("int", "float")
    if expected and (not isinstance(value, expected) or a_bool_for_a_number):
        shown = repr(value) if len(repr(value)) <= SHOWN else f"{repr(value)[:SHOWN]}..."
        advice = f"; write [{value}]" if kind == "list" and isinstance(value, str) and len(value) <= SHOWN else ""
        raise CluscamError(f"the parameter {name}{where} is {shown}, but must be of type {kind}{advice}")


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
    elif not path.is_file():
        raise CluscamError(f"there is no profile {path}; give the path of a .yaml file, or a name, such as embedded")
    if not path.is_file():
        known = sorted(p.stem for p in PROFILES.glob("*.yaml"))
        raise unknown("profile", profile, known, hint="or give the path of your own .yaml file")
    found = read_yaml(path, f"the profile {path}", "; write one `name: value` on each line")
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise CluscamError(f"the profile {path} does not name its parameters; write one `name: value` on each line")
    return found


def read_yaml(path: Path, name: str, advice: str = "") -> Any:
    """What a YAML file holds.

    Raises CluscamError, with the file's `name`, the line and `advice`, if it is not YAML or has a name twice.
    """
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        twice, found = _doubled(yaml.compose(text, yaml.SafeLoader)), yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a number of thousands of digits, for one
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise CluscamError(f"{name} is not valid YAML{where}{advice}") from error
    if twice:
        raise CluscamError(f"{name} has {twice[0][:SHOWN]!r} twice, at line {twice[1]}; keep one of them")
    return found


def _doubled(node: Any) -> tuple[str, int] | None:
    """The first key that stands twice in one mapping of a YAML document, and its line; None if there is none."""
    if node is None or isinstance(node.value, str):
        return None
    pairs = node.value if node.id == "mapping" else [(None, part) for part in node.value]
    seen = set[str]()
    for key, value in pairs:
        word = getattr(key, "value", None)
        if isinstance(word, str):
            if word in seen:
                return word, key.start_mark.line + 1
            seen.add(word)
        if found := _doubled(value):
            return found
    return None


def typed(text: str, type_name: str | None) -> Any:
    """The value of a parameter typed on the command line: text for a `str`, otherwise read as YAML."""
    import yaml

    if type_name == "str":
        return text
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CluscamError(f"the value {text[:SHOWN]!r} cannot be read; write lists as '[a, b]'") from error
