"""The operations of a file in their order, and which of their tensors are maps, by the rules for torch modules.

A file has no modules, but the exporters of PyTorch note which module made an operation. Where they did, the results of
modules are the candidates, as in `cluscam_lite.algorithm.features.map_layers`; elsewhere those of all operations.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch

from ..algorithm.maps.layers import LayerInfo
from ..algorithm.maps.layouts import Layout, find_layout
from ..errors import unknown

# operations by the names that ONNX and OpenVINO have for them
SAME_VALUES = frozenset(
    ["Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout", "Cast", "Convert"]
    + ["QuantizeLinear", "DequantizeLinear", "FakeQuantize"]
)
NORMS = frozenset(
    ["LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization", "SkipLayerNormalization", "MVN", "RMS"]
)
ROOTS = frozenset(["Sqrt", "Reciprocal"])  # a norm that an exporter has taken apart divides by one, or multiplies
QUOTIENTS = frozenset(["Div", "Divide"])
SCALES = QUOTIENTS | {"Mul", "Multiply"}
DIFFERENCES = frozenset(["Sub", "Subtract"])
SHIFTS = DIFFERENCES | {"Add"}
CLOSING = frozenset(["Softmax", "LogSoftmax", "Sigmoid"])  # make probabilities of logits
NO_MAPS = frozenset(["Softmax", "LogSoftmax", "Sigmoid", "HardSigmoid", "Shape", "ShapeOf", "Constant"])
RECURRENT = frozenset(["LSTM", "GRU", "RNN", "LSTMSequence", "GRUSequence", "RNNSequence", "TensorIterator", "Loop"])
CHOICES = frozenset(["ArgMax", "ArgMin", "TopK"])  # name classes, and give no logits
ROUNDED = frozenset(["QuantizeLinear", "FakeQuantize"])


@dataclass(frozen=True)
class Step:
    """One operation.

    Attributes:
        op: its kind, as the format names it.
        inputs: the tensors that it takes; constants are left out.
        output: the tensor that it gives, the first if there are several.
        modules: dotted names of the torch modules in which it was made, the outermost first; empty if nothing is noted.
        aliases: further names of the output.
        title: the name to show; empty for that of the output.
    """

    op: str
    inputs: tuple[str, ...]
    output: str
    modules: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    title: str = ""


class Graph:
    """The operations of a file, in an order in which they can run.

    Attributes:
        steps: output -> the operation that gives it.
        modules: dotted name of a torch module -> the tensor that it gives, of its last use.
    """

    def __init__(self, steps: Iterable[Step]):
        self.steps = {step.output: step for step in steps}
        self.modules: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._users: dict[str, list[Step]] = {}
        self._normed: set[str] = set()
        for step in self.steps.values():
            self.modules |= dict.fromkeys(step.modules, step.output)
            self._names |= dict.fromkeys((*step.aliases, step.output), step.output)
            for tensor in step.inputs:
                self._users.setdefault(tensor, []).append(step)
            if self._is_norm(step):
                self._normed.add(step.output)

    def tensor(self, name: str) -> str:
        """The tensor of a tensor's or a torch module's name. Raises UnknownName, with the nearest, if there is none."""
        if name in self._names:
            return self._names[name]
        if name in self.modules:
            return self.modules[name]
        raise unknown("tensor or module", name, [*self.modules, *self._names])

    def read_at(self, tensor: str) -> str:
        """Where a tensor is read: of a rounded one the values that the next operation sees, else the tensor itself.

        A tensor between an operation and its rounding is one that an int8 runtime never makes. As an output it would
        keep the runtime from computing in int8.
        """
        step = self._only_user(tensor)
        if step is None or step.op not in ROUNDED:
            return tensor
        rounded, users = step.output, self._users.get(step.output, [])
        if users and all(user.op == "DequantizeLinear" for user in users):
            return users[0].output
        step = self._only_user(rounded)
        if step is None or step.op != "Convert":
            return rounded  # to the nearest step, in the tensor's own units
        while step and (step.op == "Convert" or step.op in SCALES | SHIFTS and len(step.inputs) == 1):
            # OpenVINO takes the pair apart: to int8 and back, less the zero point, times the scale
            rounded = step.output
            step = self._only_user(rounded) if step.op not in SCALES else None
        return rounded

    def logits_behind(self, tensor: str) -> str:
        """What a softmax or a sigmoid at the very end takes, also a softmax that is written out; else the tensor."""
        step = self._maker(tensor)
        if step and step.op in CLOSING and step.inputs:
            return step.inputs[0]
        return (step and self._into_written_softmax(step)) or tensor

    def _into_written_softmax(self, step: Step) -> str | None:
        """The logits l of exp(l) / sum(exp(l)), also where their maximum is subtracted first, else None."""
        if step.op not in QUOTIENTS or len(step.inputs) != 2:
            return None
        exp, total = map(self._maker, step.inputs)
        terms = self._maker(total.inputs[0]) if total and total.op == "ReduceSum" and total.inputs else None
        if not exp or not terms or exp.op != "Exp" or (terms.op, terms.inputs) != (exp.op, exp.inputs):
            return None
        shifted = self._maker(exp.inputs[0])
        if shifted and shifted.op in DIFFERENCES and len(shifted.inputs) == 2:
            most = self._maker(shifted.inputs[1])
            if most and most.op == "ReduceMax":
                return shifted.inputs[0]
        return exp.inputs[0]

    def _maker(self, tensor: str) -> Step | None:
        """The operation that made the values of a tensor, whatever has reshaped them since."""
        step = self.steps.get(tensor)
        while step and step.op in SAME_VALUES and step.inputs:
            step = self.steps.get(step.inputs[0])
        return step

    def map_tensors(
        self, shapes: Mapping[str, tuple[int, ...]], n: int, size: tuple[int, int], classes: int | None = None
    ) -> dict[str, LayerInfo]:
        """The tensors that are maps of more than one cell, shallow to deep: where each is read -> what it is.

        Results of layer normalisation, softmax and plain reshaping are left out; a module that only reshapes what its
        child gives stands for both. Class maps are left out where there are others.

        Args:
            shapes: of the tensors of floating-point numbers, for one batch.
            n: images in that batch; a tensor of another length has places folded into its first axis, and is no map.
            size: (H, W) of the input.
            classes: length of the output; None if it is no list of classes.
        """
        modules_of: dict[str, list[str]] = {}
        for module, tensor in self.modules.items():
            modules_of.setdefault(tensor, []).append(module)
        groups: dict[str, LayerInfo] = {}
        sources: dict[str, str] = {}
        for tensor, step in self.steps.items():
            names = modules_of.get(tensor, [])
            if step.op in NO_MAPS or tensor in self._normed or tensor not in shapes or self._is_sequence(tensor):
                continue
            if self.modules and not names or not self.modules and step.op in SAME_VALUES:
                continue
            layout = layout_of(shapes[tensor], n, size)
            if layout is None or max(layout.grid) <= 1:
                continue
            info = LayerInfo(min(names, key=len, default=step.title or tensor), step.op, shapes[tensor], layout)
            source = self._source(tensor)
            if source not in groups or len(info.name) <= len(groups[source].name):
                groups[source], sources[source] = info, tensor
        found = {sources[source]: info for source, info in groups.items()}
        others = {tensor: info for tensor, info in found.items() if _maps(info) != classes}
        return others or found

    def _only_user(self, tensor: str) -> Step | None:
        users = self._users.get(tensor, [])
        return users[0] if len(users) == 1 else None

    def chooses(self, tensor: str) -> bool:
        """Whether a tensor is what an operation like argmax or top-k has chosen."""
        step = self._maker(tensor)
        return step is not None and step.op in CHOICES

    def _is_sequence(self, tensor: str) -> bool:
        """Whether a recurrent operation has made the values of a tensor."""
        step = self._maker(tensor)
        return step is not None and step.op in RECURRENT

    def _source(self, tensor: str) -> str:
        """The tensor whose values these are, in another shape."""
        while (step := self.steps.get(tensor)) and step.op in SAME_VALUES and len(step.inputs) == 1:
            tensor = step.inputs[0]
        return tensor

    def _is_norm(self, step: Step) -> bool:
        if step.op in NORMS:
            return True
        if len(step.inputs) == 1:  # scaled, shifted and reshaped it stays one
            return step.op in SCALES | SHIFTS | SAME_VALUES and step.inputs[0] in self._normed
        ops = [self.steps[tensor].op for tensor in step.inputs if tensor in self.steps]
        return step.op in SCALES and any(op in ROOTS for op in ops)


def layout_of(shape: tuple[int, ...], n: int, size: tuple[int, int]) -> Layout | None:
    """How a tensor of this shape, for n images of `size`, is read as maps; None if it is none."""
    return find_layout(torch.empty(shape, device="meta"), size) if shape[:1] == (n,) else None


def _maps(info: LayerInfo) -> int | None:
    return info.layout.channels if info.layout else None
