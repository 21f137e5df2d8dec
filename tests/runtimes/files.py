"""Small networks in files, for the tests of the runtimes."""

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from tiny import network

from analysis.oracles.runtimes import export_onnx
from cluscam_lite.runtimes import OnnxModel, OpenVinoModel

MODELS = (OnnxModel, OpenVinoModel)


def cnn_file(folder, size=(33, 40), batch=None, **options):
    """`tiny.network` as an ONNX file with a free batch, or one of `batch` images."""
    example = torch.zeros(batch or 2, 3, *size)
    return export_onnx(network(**options), example, folder / "net.onnx", batch is None, dynamo=False)


class Tokens(torch.nn.Module):
    """Patches of 8 pixels, a class token, a norm, a layer over the tokens, the final norm, and what reads them."""

    def __init__(self, classes=5, width=12):
        super().__init__()
        self.patches = torch.nn.Conv2d(3, width, 8, 8)
        self.token = torch.nn.Parameter(torch.ones(1, 1, width))
        self.mix = torch.nn.Sequential(torch.nn.LayerNorm(width), torch.nn.Linear(width, width), torch.nn.GELU())
        self.norm = torch.nn.LayerNorm(width)
        self.head = torch.nn.Linear(width, classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        return self.head(self.norm(x + self.mix(x)).mean(1))


def seeded(module_class, **options):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return module_class(**options).eval()


def hand_made(path, nodes, weights=(), shape=("n", 3, 16, 16), dtype=TensorProto.FLOAT, inputs=("x",), opset=17):
    """A file of the given nodes and weights, whose output is `y`."""
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info(name, dtype, shape) for name in inputs],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in dict(weights).items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)
    return path


def conv_nodes(pool=True):
    """A convolution of 6 maps, a ReLU, pooling, and three classes; without `pool` the maps are gone after one step."""
    r = np.random.default_rng(0)
    weights = {
        "w": r.normal(size=(6, 3, 4, 4)).astype("f"),
        "axes": np.array([2, 3]),
        "head": r.normal(size=(6, 3)).astype("f"),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv", strides=[4, 4] if pool else [16, 16]),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node("GlobalAveragePool", ["r"], ["p"], "pool"),
        helper.make_node("Flatten", ["p"], ["f"], "flat"),
        helper.make_node("MatMul", ["f", "head"], ["y"], "head"),
    ]
    return nodes, weights
