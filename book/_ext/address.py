"""The project's public address, set in one place: `project_address` under `sphinx: config:` in `_config.yml`.

Empty: no repository, issue or launch button. `https://github.com/OWNER/REPO`: all of them. The launch buttons open
`notebooks/NAME.ipynb` of the repository, because the executed copy that makes a page is not in it.
"""

import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

ADDRESS = re.compile(r"https://github\.com/[A-Za-z0-9-]+/[A-Za-z0-9._-]+")
EXECUTED, SOURCE = "book/executed/", "notebooks/"  # where a page is made from, and what a reader should open
BRANCH = "main"


def set_buttons(app: Sphinx, config: Config) -> None:
    """Turn the theme's buttons on for the address, or off without one."""
    address = config.project_address
    options: dict[str, Any] = config.html_theme_options
    if not address:
        options.pop("repository_url", None)  # Jupyter Book's own default
        return
    if not isinstance(address, str) or not ADDRESS.fullmatch(address):
        raise ConfigError(
            f"project_address in _config.yml is {address!r}, but must be https://github.com/OWNER/REPO, or empty"
        )
    options.update(
        repository_url=address,
        repository_branch=BRANCH,
        path_to_docs="",
        use_repository_button=True,
        use_issues_button=True,
        launch_buttons={
            "colab_url": "https://colab.research.google.com",
            "binderhub_url": "https://mybinder.org",
            "notebook_interface": "jupyterlab",
        },
    )


def open_the_source(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Let the launch buttons of an executed notebook open the notebook it was made from."""
    for group in context.get("header_buttons", []):
        if group.get("label") == "launch-buttons":
            for button in group["buttons"]:
                button["url"] = button["url"].replace(EXECUTED, SOURCE)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("project_address", "", "html", types=[str])
    app.connect("config-inited", set_buttons, priority=100)  # before the theme reads its options
    app.connect("html-page-context", open_the_source, priority=600)  # after the theme (501) made the buttons
    return {"parallel_read_safe": True, "parallel_write_safe": True}
