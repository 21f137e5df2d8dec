"""The kernel that a notebook runs in: this environment's Python, whatever kernels and IPython settings a reader has."""

import os
import sys
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

STARTUP = ("PYTHONSTARTUP", "IPYTHONDIR")  # IPython would run what they name


def own_kernel(ipython: str) -> type[AsyncKernelManager]:
    """The class of kernels of this interpreter, with the empty folder `ipython` for IPython's settings.

    A kernelspec `python3` may be of another environment, and files in `~/.ipython` run before the first cell.
    """

    class OwnKernel(AsyncKernelManager):
        @property
        def kernel_spec(self) -> KernelSpec:
            command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=command, display_name="Python 3", language="python")

        async def _async_start_kernel(self, **options: Any) -> None:
            kept = {name: value for name, value in os.environ.items() if name not in STARTUP}
            await super()._async_start_kernel(**options | {"env": kept | {"IPYTHONDIR": ipython}})

        start_kernel = _async_start_kernel

    return OwnKernel
