"""Whose a profile is: one of the project's, which the plans know by its name, or the user's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.run import parameters
from cluscam_lite.errors import CluscamError

OWN = "own"  # the name of a profile that bears a name of the project's, or none, and has other parameters


def profile_name(profile: Mapping[str, Any]) -> str:
    """The name by which a profile is planned and its rows are kept.

    A profile goes by a name of the project's only if all that it says is what the project's profile says, but for
    the place of the data; a copy with other networks or images is the user's own.
    """
    name = str(profile.get("profile") or OWN)
    if not (parameters.PROFILES / f"{name}.yaml").is_file():
        return name
    theirs = parameters.profile_parameters(name)
    same = all(theirs.get(key) == value for key, value in profile.items() if key != "data_root")
    return name if same else OWN


def renamed(profile: Mapping[str, Any], source: str) -> tuple[dict[str, Any], str]:
    """The profile under the name by which it is planned, and the name of its folder of rows.

    `source` is what it was read from: a name, or a file, which then names the folder unless a profile of the
    project's is called so.
    """
    name, stem = profile_name(profile), Path(source).stem
    taken = stem != name and (parameters.PROFILES / f"{stem}.yaml").is_file()
    return dict(profile) | {"profile": name}, OWN if taken else stem


def check_profile(profile: Mapping[str, Any], study: str, datasets: Sequence[str]) -> None:
    """Raise CluscamError unless the profile names a data set that the study runs on, networks, and how many images."""
    for needed in ("dataset", "models", "n_images"):
        if not profile.get(needed):
            raise CluscamError(f"the profile has no {needed!r}; the study {study} needs dataset, models, n_images")
    if profile["dataset"] not in datasets:
        raise CluscamError(
            f"the study {study} runs on {' and '.join(datasets)}, not on {profile['dataset']}; images of your own "
            "go through `cluscam explain` and `compare`"
        )
