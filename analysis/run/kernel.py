"""The kernel that a notebook runs in: this environment's Python, whatever kernels and IPython settings a reader has."""

import os
import secrets
import sys
from contextlib import suppress
from typing import Any

import psutil
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from analysis.paths import ROOT

IPYTHON = ROOT / "build" / "ipython"  # IPython's settings: nothing is ever put there, so one folder serves all
KERNELS = ROOT / "build" / "kernels"  # how to reach each kernel: PID of its runner-anything.json
STARTUP = ("PYTHONSTARTUP", "IPYTHONDIR")  # IPython would run what they name


def sweep() -> None:
    """Remove what runners that were killed left in `KERNELS`."""
    for left in KERNELS.glob("*-*.json"):
        runner = left.name.split("-")[0]
        if runner.isdecimal() and not psutil.pid_exists(int(runner)):
            left.unlink(missing_ok=True)


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
        with suppress(OSError):  # where the clone cannot be written, IPython and Jupyter take the temporary folder
            for folder in (IPYTHON, KERNELS):
                folder.mkdir(parents=True, exist_ok=True)
            sweep()
            self.connection_file = str(KERNELS / f"{os.getpid()}-{secrets.token_hex(4)}.json")
        await super()._async_start_kernel(**options | {"env": kept | {"IPYTHONDIR": str(IPYTHON)}})

    start_kernel = _async_start_kernel
