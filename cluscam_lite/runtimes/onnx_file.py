"""An ONNX file as operations: which torch module made each is read from what the exporters of PyTorch note."""

import ast
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CluscamError, ClusCAMWarning, reason_of
from ..packages import from_extra
from .graph import Step
from .runtime import InputFormat

SCOPES = "pkg.torch.onnx.name_scopes"  # what the exporter of torch.export notes: ['', 'layer4', 'layer4.1', 'relu_3']


def read_onnx(path: Path, extra: str = "onnx") -> Any:
    """The file as a `ModelProto`, weights that lie in a file beside it left there.

    Raises:
        CluscamError: the package is missing, the file is no ONNX, or a file of its weights is missing.
    """
    with from_extra(extra):
        import onnx
    try:
        proto = onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf's own, of several kinds
        raise CluscamError(
            f"{path.name} is no ONNX file ({reason_of(error)}); expected what torch.onnx.export and others write"
            + ("; a network of PyTorch's is --model FILE.py:FUNCTION" if path.suffix in (".pt", ".pth") else "")
        ) from None
    if not proto.graph.node:
        raise CluscamError(
            f"{path.name} is no ONNX file, or an empty one; expected what torch.onnx.export and others write"
        )
    for name in beside(proto):
        if not (path.parent / name).is_file():
            raise CluscamError(f"the weights of {path.name} lie in {name}, which is not beside it; put it there")
    return proto


def note_training_mode(proto: Any, name: str) -> None:
    """Warn of a file that was exported in training mode: ONNX Runtime then normalises by the images of each pass."""
    flags = (flag for node in proto.graph.node for flag in node.attribute if flag.name == "training_mode")
    if any(flag.i for flag in flags):
        warnings.warn(
            f"{name} was exported in training mode: it normalises by the images that share a pass, so that logits and "
            "scores depend on the batch; export it again after model.eval()",
            ClusCAMWarning,
            stacklevel=2,
        )


def beside(proto: Any) -> list[str]:
    """Names of the files beside an ONNX file that hold its weights; empty if it holds them itself."""
    entries = (entry for tensor in proto.graph.initializer for entry in tensor.external_data)
    return sorted({entry.value for entry in entries if entry.key == "location"})


def image_input(proto: Any, name: str) -> InputFormat:
    """The one input. Raises CluscamError if there are several, or it takes no images of floating-point numbers."""
    from onnx.helper import tensor_dtype_to_np_dtype

    constants = {tensor.name for tensor in proto.graph.initializer}
    inputs = [entry for entry in proto.graph.input if entry.name not in constants]
    check_inputs([entry.name for entry in inputs], name)
    kind = inputs[0].type.tensor_type
    shape = tuple(d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None for d in kind.shape.dim)
    return checked_format(inputs[0].name, shape, np.dtype(tensor_dtype_to_np_dtype(kind.elem_type)), name)


def check_inputs(names: list[str], file: str) -> None:
    """Raise CluscamError unless there is one input."""
    if len(names) != 1:
        raise CluscamError(
            f"{file} has {len(names)} inputs ({', '.join(names)}); expected one, the images: export it with the others "
            "as constants"
        )


def checked_format(name: str, shape: tuple[int | None, ...], dtype: np.dtype, file: str) -> InputFormat:
    """The format of an input. Raises CluscamError if it is not that of floating-point images."""
    if len(shape) != 4:
        raise CluscamError(f"the input {name} of {file} has {len(shape)} dimensions; expected images (n, 3, H, W)")
    if dtype.kind != "f":
        raise CluscamError(
            f"the input {name} of {file} takes {dtype}; expected floating-point images: leave the conversion of pixels "
            "out of the file"
        )
    return InputFormat(name, shape, dtype)


REAL = (1, 10, 11, 16)  # of TensorProto: float, float16, double, bfloat16


def onnx_outputs(proto: Any) -> list[str]:
    """Names of the outputs; those of real numbers in two dimensions, as logits have, come first."""

    def unlike_logits(entry: Any) -> tuple[bool, bool]:
        kind = entry.type.tensor_type
        return kind.elem_type not in REAL, len(kind.shape.dim) != 2

    return [entry.name for entry in sorted(proto.graph.output, key=unlike_logits)]


def onnx_steps(proto: Any) -> list[Step]:
    """The operations of the main graph that depend on the image, each with the torch modules in which it was made."""
    constants = {"", *(tensor.name for tensor in proto.graph.initializer)}
    steps = []
    for node in proto.graph.node:
        inputs = tuple(name for name in node.input if name not in constants)
        if inputs:
            steps.append(Step(node.op_type, inputs, node.output[0], modules_of(node)))
        else:
            constants |= set(node.output)  # made of constants alone
    return steps


def modules_of(node: Any) -> tuple[str, ...]:
    """Dotted names of the torch modules in which an operation was made, the outermost first."""
    for entry in node.metadata_props:
        if entry.key == SCOPES:
            scopes = ast.literal_eval(entry.value)
            return tuple(str(scope) for scope in scopes[1:-1])  # the network itself, and the operation
    return modules_of_path(node.name)


def modules_of_path(name: str) -> tuple[str, ...]:
    """The modules of a name as the exporter of TorchScript gives it: "/layer1/layer1.0/conv1/Conv".

    A part has the last word of its module's dotted name, with the numbers that follow that word.
    """
    if not name.startswith("/"):
        return ()
    modules: list[str] = []
    dotted = word = ""
    for part in name.split("/")[1:-1]:
        if word and part.startswith(f"{word}."):  # "layer1.0" after "layer1": a child that has no word of its own
            dotted = dotted[: len(dotted) - len(word)] + part
        else:
            dotted = f"{dotted}.{part}" if dotted else part
        word = part
        modules.append(dotted)
    return tuple(modules)
