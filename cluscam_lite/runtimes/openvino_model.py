"""An OpenVINO model (.xml with its .bin), or an ONNX file that OpenVINO reads."""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CluscamError
from ..files import PathLike
from ..packages import from_extra
from .graph import Graph, Step
from .onnx_file import beside, check_inputs, checked_format, modules_of_path, onnx_steps, read_onnx
from .runtime import Array, InputFormat, RuntimeModel

MODULE = "__module."  # how names begin that OpenVINO's converter gives what it finds within torch modules
NO_RESULT = ("Constant", "Parameter", "Result")


@cache
def openvino_core() -> Any:
    """OpenVINO's core, one for the process.

    Each core gives the main thread a stack of its own for signals, and takes it away when it goes: after two that do
    not go in reverse order, the next Ctrl-C would end Python with a segmentation fault.
    """
    return import_module("openvino").Core()


class OpenVinoModel(RuntimeModel):
    """An OpenVINO model as a model for `ClusCAM`: no torch module, no gradient.

    As `OnnxModel`. Passes run in float32 also where the processor has bfloat16, which OpenVINO would take by itself.

    Args:
        path: the .xml file of a model, its .bin beside it; or an ONNX file.
        layer, output, size, batch: as in `OnnxModel`; a tensor has the name of its operation, or one of its own.
        threads: of OpenVINO; None as many as torch uses.
        device: of OpenVINO.

    Raises:
        CluscamError: a package is missing, the file is no model, it has no internal maps, or OpenVINO refuses it.
        UnknownName: no such tensor or module; the message has the nearest.
    """

    runtime = "OpenVINO"

    def __init__(
        self,
        path: PathLike,
        layer: str | None = None,
        output: str | None = None,
        size: int | Sequence[int] | None = None,
        batch: int | None = None,
        threads: int | None = None,
        device: str = "CPU",
    ):
        with from_extra("openvino"):
            import_module("openvino")
        self._core = openvino_core()
        self.device = device
        super().__init__(path, layer, output, size, batch, threads)

    @property
    def files(self) -> list[Path]:
        """The file, and those beside it that have its weights, if any."""
        if self.path.suffix == ".onnx":
            return [self.path, *(self.path.parent / name for name in beside(read_onnx(self.path, "openvino")))]
        return [file for file in (self.path, self.path.with_suffix(".bin")) if file.is_file()]

    def _open(self) -> tuple[Graph, InputFormat, list[str]]:
        modules: dict[str, tuple[str, ...]] = {}
        if self.path.suffix == ".onnx":  # OpenVINO drops what the exporter noted
            modules = {step.output: step.modules for step in onnx_steps(read_onnx(self.path, "openvino"))}
        try:
            self._model = self._core.read_model(self.path)
        except Exception as error:  # RuntimeError and others
            raise CluscamError(
                f"{self.path.name} is no model that OpenVINO reads ({_reason(error)}); expected an .xml file with its "
                ".bin, or an ONNX file"
            ) from None
        check_inputs([entry.node.get_friendly_name() for entry in self._model.inputs], self.path.name)
        entry = self._model.inputs[0]
        shape = tuple(d.get_length() if d.is_static else None for d in _dimensions(entry))
        dtype = np.dtype(entry.get_element_type().to_dtype())
        found = checked_format(entry.node.get_friendly_name(), shape, dtype, self.path.name)
        outputs = sorted(self._model.outputs, key=lambda output: len(_dimensions(output)) != 2)
        names = [output.node.input_value(0).get_node().get_friendly_name() for output in outputs]
        return Graph(_steps(self._model, modules)), found, names

    def _shapes(self, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        model = self._model.clone()
        try:
            model.reshape(list(shape))
        except Exception as error:
            raise self._refusal(shape, error) from None
        return {
            node.get_friendly_name(): tuple(node.output(0).get_shape())
            for node in model.get_ordered_ops()
            if node.get_type_name() not in NO_RESULT
            and node.output(0).get_partial_shape().is_static
            and node.output(0).get_element_type().is_real()
        }

    def _compile(self, maps: str) -> None:
        model = self._model.clone()
        nodes = {node.get_friendly_name(): node for node in model.get_ordered_ops()}
        added = model.add_outputs([nodes[name].output(0) for name in (maps, self.output_name)])
        options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        if self.device == "CPU":
            options |= {"INFERENCE_NUM_THREADS": self.threads, "NUM_STREAMS": 1}
        try:
            compiled = self._core.compile_model(model, self.device, options)
        except Exception as error:
            raise CluscamError(
                f"OpenVINO cannot run {self.path.name} on {self.device}: {_reason(error)}; export it again, or choose "
                f"another device of {', '.join(self._core.available_devices)}"
            ) from None
        places = [output.node.get_friendly_name() for output in model.outputs]
        self._places = [places.index(output.node.get_friendly_name()) for output in added]
        self._request = compiled.create_infer_request()

    def _infer(self, images: Array, with_maps: bool) -> list[Array]:
        try:
            self._request.infer([images], share_inputs=True)
        except Exception as error:
            raise self._refusal(images.shape, error) from None
        places = self._places if with_maps else self._places[1:]
        return [self._request.get_output_tensor(place).data.copy() for place in places]

    def _refusal(self, shape: tuple[int, ...], error: Exception) -> CluscamError:
        return super()._refusal(shape, RuntimeError(_reason(error)))


def _steps(model: Any, modules: dict[str, tuple[str, ...]]) -> list[Step]:
    """The operations that depend on the image; `modules` of a tensor's name as the ONNX file notes them."""
    constant: set[str] = set()
    steps = []
    for node in model.get_ordered_ops():
        name, op = node.get_friendly_name(), node.get_type_name()
        inputs = [value.get_node().get_friendly_name() for value in node.input_values()]
        taken = tuple(given for given in inputs if given not in constant)
        if op != "Parameter" and not taken:
            constant.add(name)
        elif op not in NO_RESULT:
            aliases = tuple(sorted(node.output(0).get_names()))
            title = next((alias for alias in aliases if alias in modules), "")  # the name that the ONNX file has for it
            noted = modules[title] if title else _modules_of(name)
            steps.append(Step(op, taken, name, noted, aliases, title))
    return steps


def _modules_of(name: str) -> tuple[str, ...]:
    """The modules of "__module.stage4.bn1/aten::batch_norm/Add": stage4, stage4.bn1; or of a name from an ONNX file."""
    if not name.startswith(MODULE):
        return modules_of_path(name)
    parts = name.removeprefix(MODULE).partition("/")[0].split(".")
    return tuple(".".join(parts[: i + 1]) for i in range(len(parts)))


def _dimensions(output: Any) -> list[Any]:
    shape = output.get_partial_shape()
    return list(shape) if shape.rank.is_static else []


def _reason(error: Exception) -> str:
    """The last line of what OpenVINO says, which names the cause; those before it name its own source files."""
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
