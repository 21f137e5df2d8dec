"""The rules by which tensors of a graph are maps, on graphs that are written down."""

import pytest
from onnx import helper

from cluscam_lite.errors import UnknownName
from cluscam_lite.runtimes.graph import Graph, Step
from cluscam_lite.runtimes.onnx_file import SCOPES, modules_of, modules_of_path


def names(graph, shapes, n=1, size=(32, 32), classes=None):
    return [info.name for info in graph.map_tensors(shapes, n, size, classes).values()]


@pytest.mark.parametrize(
    ("name", "modules"),
    [
        ("/layer1/layer1.0/conv1/Conv", ("layer1", "layer1.0", "layer1.0.conv1")),
        ("/blocks.5/mlp/mlp.2/Add", ("blocks.5", "blocks.5.mlp", "blocks.5.mlp.2")),
        ("/layers.1/blocks.0/attn/MatMul_1", ("layers.1", "layers.1.blocks.0", "layers.1.blocks.0.attn")),
        ("/features/features.3/conv/conv.0/conv.0.0/Conv",
         ("features", "features.3", "features.3.conv", "features.3.conv.0", "features.3.conv.0.0")),
        ("/Flatten", ()),
        ("conv_3", ()),
        ("", ()),
    ],
)  # fmt: skip
def test_modules_of_the_older_exporters_names(name, modules):
    assert modules_of_path(name) == modules
    assert modules_of(helper.make_node("Relu", ["a"], ["b"], name)) == modules


def test_modules_of_the_newer_exporters_notes():
    node = helper.make_node("Relu", ["a"], ["b"], "node_relu")
    node.metadata_props.add(key=SCOPES, value="['', 'layer4', 'layer4.1', 'relu_3']")
    assert modules_of(node) == ("layer4", "layer4.1")


def test_without_modules_every_operation_counts_but_norms_attention_and_reshaping():
    steps = [
        Step("Conv", ("x",), "c"),
        Step("Reshape", ("c",), "r"),
        Step("ReduceMean", ("r",), "mean"),
        Step("Sub", ("r", "mean"), "d"),
        Step("Sqrt", ("v",), "root"),
        Step("Div", ("d", "root"), "norm"),
        Step("Mul", ("norm",), "scaled"),
        Step("Add", ("scaled",), "shifted"),
        Step("Softmax", ("s",), "weights"),
        Step("MatMul", ("shifted",), "m"),
        Step("Add", ("m", "r"), "sum"),
        Step("GlobalAveragePool", ("sum",), "pool"),
    ]
    tokens = dict.fromkeys(["r", "d", "norm", "scaled", "shifted", "weights", "m", "sum"], (1, 16, 12))
    shapes = tokens | {"c": (1, 12, 4, 4), "pool": (1, 12, 1, 1)}
    assert names(Graph(steps), shapes) == ["c", "d", "m", "sum"]
    assert names(Graph(steps), shapes, n=2) == []  # folded into the first axis
    assert names(Graph(steps), {"c": (1, 12, 4, 4), "sum": (1, 16, 5)}, classes=5) == ["c"]
    assert names(Graph(steps), {"sum": (1, 16, 5)}, classes=5) == ["sum"]  # better than nothing


def test_with_modules_their_results_count_under_the_shortest_name():
    steps = [
        Step("Conv", ("x",), "c", ("stem", "stem.conv")),
        Step("Reshape", ("c",), "r", ("stem",)),
        Step("Mul", ("r",), "half", ("block", "block.act")),
        Step("Erf", ("half",), "e", ("block", "block.act")),
        Step("Mul", ("half", "e"), "gelu", ("block", "block.act")),
        Step("Add", ("gelu", "r"), "sum", ("block",)),
        Step("LayerNormalization", ("sum",), "norm", ("norm",)),
        Step("Relu", ("norm",), "outside"),
    ]
    shapes = dict.fromkeys(["r", "half", "e", "gelu", "sum", "norm", "outside"], (1, 17, 12)) | {"c": (1, 12, 4, 4)}
    graph = Graph(steps)
    assert names(graph, shapes | {"r": (1, 16, 12)}) == ["stem", "block.act", "block"]
    assert graph.tensor("block") == "sum" and graph.tensor("e") == "e"
    with pytest.raises(UnknownName, match="nearest: block.act"):
        graph.tensor("block.akt")


def test_rounded_tensors_are_read_after_rounding():
    onnx = Graph([
        Step("Conv", ("x",), "c"), Step("QuantizeLinear", ("c",), "q"), Step("DequantizeLinear", ("q",), "d1"),
        Step("DequantizeLinear", ("q",), "d2"), Step("Relu", ("d1",), "r"),
    ])  # fmt: skip
    assert onnx.read_at("c") == "d1" and onnx.read_at("r") == "r" and onnx.read_at("x") == "x"
    openvino = Graph([
        Step("Convolution", ("x",), "c"), Step("FakeQuantize", ("c",), "f"), Step("Convert", ("f",), "i8"),
        Step("Convert", ("i8",), "f32"), Step("Subtract", ("f32",), "s"), Step("Multiply", ("s",), "m"),
        Step("Multiply", ("m",), "own scale"), Step("FakeQuantize", ("own scale",), "g"), Step("Relu", ("g",), "r"),
    ])  # fmt: skip
    assert openvino.read_at("c") == "m" and openvino.read_at("own scale") == "g"


def test_logits_before_a_softmax():
    graph = Graph([
        Step("Gemm", ("f",), "logits"), Step("Softmax", ("logits",), "p"), Step("Identity", ("p",), "named"),
        Step("Relu", ("named",), "not the end"),
    ])  # fmt: skip
    assert graph.logits_behind("p") == graph.logits_behind("named") == graph.logits_behind("logits") == "logits"
    assert graph.logits_behind("not the end") == "not the end"


@pytest.mark.parametrize("shifted", [True, False])
@pytest.mark.parametrize(("difference", "quotient"), [("Sub", "Div"), ("Subtract", "Divide")])
def test_logits_before_a_softmax_that_is_written_out(difference, quotient, shifted):
    into = "d" if shifted else "logits"
    steps = [
        Step("Gemm", ("x",), "logits"),
        Step("ReduceMax", ("logits",), "most"),
        Step(difference, ("logits", "most"), "d"),
        Step("Exp", (into,), "e"),
        Step("ReduceSum", ("e",), "sum"),
        Step("Unsqueeze", ("sum",), "column"),
        Step(quotient, ("e", "column"), "p"),
        Step(quotient, ("logits", "column"), "other"),
        Step(quotient, ("e",), "scaled"),
    ]
    graph = Graph(steps)
    assert graph.logits_behind("p") == "logits"
    assert graph.logits_behind("other") == "other" and graph.logits_behind("scaled") == "scaled"


def test_logits_before_a_sigmoid():
    graph = Graph(
        [Step("Gemm", ("x",), "logits"), Step("Sigmoid", ("logits",), "p"), Step("Mul", ("logits", "p"), "m")]
    )
    assert graph.logits_behind("p") == "logits" and graph.logits_behind("m") == "m"
