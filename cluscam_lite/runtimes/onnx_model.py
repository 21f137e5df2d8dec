"""An ONNX file, run by ONNX Runtime."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CluscamError, check_known, reason_of
from ..files import PathLike
from ..packages import from_extra
from .graph import ROUNDED, SAME_VALUES, Graph
from .onnx_file import beside, image_input, note_training_mode, onnx_outputs, onnx_steps, read_onnx
from .runtime import Array, InputFormat, RuntimeModel

WEIGHTS_FOLDER = "session.model_external_initializers_file_folder_path"


class OnnxModel(RuntimeModel):
    """An ONNX file as a model for `ClusCAM`: no torch module, no gradient.

    One tensor within the graph becomes an output, in memory; the file is only read. Files of a fixed batch size and
    int8 files (QDQ form) are taken, too. Where the graph ends in a softmax or a sigmoid, the logits before it are the
    output.

    Args:
        path: the file.
        layer: the tensor that is read as maps: its name or, for a network exported from PyTorch, the dotted name of
            the module that gives it; None takes the deepest that gives maps, by the rules for torch modules.
        output: the tensor that is explained; None takes the first output, before a closing softmax or sigmoid.
        size: (H, W) of the images, or one number for both; needed only to see `layers` of a file that leaves it free
            before the first image.
        batch: how many images the file takes at once; None as the file says, any number where it is free. For a file
            whose inside was made for N images although its input says otherwise.
        threads: of ONNX Runtime within a pass; None as many as torch uses.
        providers: of ONNX Runtime, the preferred first. The network must run on the first one: ONNX Runtime would fall
            back to another without an error.

    Raises:
        CluscamError: a package is missing, the file is no ONNX, it has no internal maps, or ONNX Runtime refuses it or
            cannot start the first provider.
        UnknownName: no such tensor, module or provider; the message has the nearest.

    Example:
        ::

            from cluscam_lite import ClusCAM
            from cluscam_lite.runtimes import OnnxModel

            model = OnnxModel("net.onnx")  # or layer="layer3"
            print([info.name for info in model.layers])
            e = ClusCAM(model)(x)
    """

    runtime = "ONNX Runtime"

    def __init__(
        self,
        path: PathLike,
        layer: str | None = None,
        output: str | None = None,
        size: int | Sequence[int] | None = None,
        batch: int | None = None,
        threads: int | None = None,
        providers: Sequence[str] = ("CPUExecutionProvider",),
    ):
        with from_extra("onnx"):
            self._ort: Any = import_module("onnxruntime")
        self.providers = self._checked(providers)
        super().__init__(path, layer, output, size, batch, threads)

    @property
    def files(self) -> list[Path]:
        """The file, and those beside it that have its weights, if any."""
        return [self.path, *(self.path.parent / name for name in beside(self._proto))]

    def _checked(self, providers: Sequence[str]) -> tuple[str, ...]:
        """The providers, each of which this ONNX Runtime has. Raises UnknownName, or CluscamError for none."""
        found = (providers,) if isinstance(providers, str) else tuple(providers)
        if not found:
            raise CluscamError("providers is empty; name at least one, such as CPUExecutionProvider")
        for name in found:
            check_known(
                "provider", name, self._ort.get_available_providers(), "others need another build of onnxruntime"
            )
        return found

    def _open(self) -> tuple[Graph, InputFormat, list[str]]:
        self._proto = read_onnx(self.path)
        return Graph(onnx_steps(self._proto)), image_input(self._proto, self.path.name), onnx_outputs(self._proto)

    def _shapes(self, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """By one pass with every tensor as an output: what a graph says of its shapes is often incomplete."""
        wanted = [
            name
            for name, step in self.graph.steps.items()
            if step.op not in SAME_VALUES or name in self.graph.modules.values() or name == self._tensor
        ]
        wanted = list(dict.fromkeys([*wanted, self.output_name]))
        session = self._session(wanted, optimized=False)
        try:
            arrays = session.run(wanted, {self.input.name: np.zeros(shape, self.input.dtype)})
        except Exception as error:  # its errors have no common class
            raise self._refusal(shape, error) from None
        return {
            name: array.shape
            for name, array in zip(wanted, arrays, strict=True)
            if isinstance(array, np.ndarray) and array.dtype.kind == "f"
        }

    def _compile(self, maps: str) -> None:
        """One session for both; of an int8 file one for each.

        An inner tensor that is an output is no longer part of an int8 operation, and a score is a small difference:
        the logits come from the graph as it is.
        """
        rounded = any(step.op in ROUNDED for step in self.graph.steps.values())
        parts = [[maps], [self.output_name]] if rounded else [[maps, self.output_name]]
        self._sessions = [(part, self._session(part)) for part in parts]

    def _infer(self, images: Array, with_maps: bool) -> list[Array]:
        found: list[Array] = []
        if with_maps:  # once for each explanation
            note_training_mode(self._proto, self.path.name)
        try:
            for part, session in self._sessions if with_maps else self._sessions[-1:]:
                wanted = part if with_maps else [self.output_name]
                found += session.run(wanted, {self.input.name: images})
        except Exception as error:
            raise self._refusal(images.shape, error) from None
        return found

    def _session(self, outputs: list[str], optimized: bool = True) -> Any:
        """A session of the graph whose outputs are these tensors."""
        import onnx

        graph = self._proto.graph
        model = onnx.ModelProto()
        model.CopyFrom(self._proto)
        known = {entry.name: entry for entry in graph.output}
        del model.graph.output[:]
        model.graph.output.extend(known.get(name) or onnx.ValueInfoProto(name=name) for name in outputs)
        options = self._ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
        options.log_severity_level = 3  # errors only: they come as exceptions
        options.add_session_config_entry(WEIGHTS_FOLDER, str(self.path.parent.resolve()))
        if not optimized:
            options.graph_optimization_level = self._ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            session = self._ort.InferenceSession(model.SerializeToString(), options, providers=list(self.providers))
        except Exception as error:
            raise CluscamError(
                f"ONNX Runtime cannot run {self.path.name}: {reason_of(error)}; check the file with onnx.checker, or "
                "export it again"
            ) from None
        if (first := session.get_providers()[0]) != self.providers[0]:
            raise CluscamError(
                f"ONNX Runtime could not start {self.providers[0]} and fell back to {first}; install what it needs, or "
                "leave it out"
            )
        return session
