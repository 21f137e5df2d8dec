"""The kernel that a notebook runs in: this environment's Python, whatever kernels and IPython settings a reader has."""

import os
import sys
from contextlib import suppress
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from analysis.paths import ROOT

IPYTHON = ROOT / "build" / "ipython"  # nothing is ever put there: one folder serves all, also after a kill
STARTUP = ("PYTHONSTARTUP", "IPYTHONDIR")  # IPython would run what they name


class OwnKernel(AsyncKernelManager):
    """The manager of kernels of this interpreter, which read no settings of the reader's and keep no history.

    A kernelspec `python3` may be of another environment, and files in `~/.ipython` run before the first cell.
    """

    @property
    def kernel_spec(self) -> KernelSpec:
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        command += ["--HistoryManager.enabled=False"]
        return KernelSpec(argv=command, display_name="Python 3", language="python")

    async def _async_start_kernel(self, **options: Any) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in STARTUP}
        with suppress(OSError):  # a folder that cannot be written: IPython takes a temporary one
            IPYTHON.mkdir(parents=True, exist_ok=True)
        await super()._async_start_kernel(**options | {"env": kept | {"IPYTHONDIR": str(IPYTHON)}})

    start_kernel = _async_start_kernel
