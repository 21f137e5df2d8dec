"""What cannot be run or read is refused in one sentence."""

import sys
import warnings

import numpy as np
import onnx
import pytest
import torch
from files import MODELS, cnn_file, conv_nodes, hand_made
from onnx import TensorProto, helper
from tiny import images, network

from cluscam_lite import ClusCAM, CluscamError
from cluscam_lite.errors import ClusCAMWarning, UnknownName
from cluscam_lite.runtimes import OnnxModel, OpenVinoModel


def refused(words, function, *arguments, kind=CluscamError, **options):
    with pytest.raises(kind) as caught:
        function(*arguments, **options)
    text = str(caught.value)
    assert "\n" not in text and all(word in text for word in words), text


@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize("content", [b"", b"not a network", bytes(range(256)) * 9])
def test_a_file_that_is_no_network(content, model_class, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    refused(["net.onnx is no ONNX file", "torch.onnx.export"], model_class, path)


def test_an_openvino_file_that_is_none(tmp_path):
    path = tmp_path / "net.xml"
    path.write_text("<net></net>")
    refused(["net.xml is no model that OpenVINO reads", ".bin"], OpenVinoModel, path)


@pytest.mark.parametrize("model_class", MODELS)
def test_a_file_that_is_not_there(model_class, tmp_path):
    refused(["there is no file", "nowhere.onnx"], model_class, tmp_path / "nowhere.onnx")


@pytest.mark.parametrize(("package", "model_class", "extra"), [
    ("onnx", OnnxModel, "onnx"), ("onnxruntime", OnnxModel, "onnx"), ("openvino", OpenVinoModel, "openvino"),
    ("onnx", OpenVinoModel, "openvino"),
])  # fmt: skip
def test_a_package_that_is_not_installed(package, model_class, extra, tmp_path, monkeypatch):
    path = cnn_file(tmp_path)
    monkeypatch.setitem(sys.modules, package, None)
    refused([f"needs the package {package}", f"pip install 'cluscam-lite[{extra}]'"], model_class, path)


@pytest.mark.parametrize("model_class", MODELS)
def test_weights_that_were_left_behind(model_class, tmp_path):
    nodes, weights = conv_nodes()
    path = hand_made(tmp_path / "net.onnx", nodes, weights)
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="big.bin", size_threshold=0)
    model_class(path)
    (tmp_path / "big.bin").unlink()
    refused(["the weights of net.onnx lie in big.bin"], model_class, path)


@pytest.mark.parametrize("model_class", MODELS)
def test_a_name_that_does_not_exist(model_class, tmp_path):
    path = cnn_file(tmp_path)
    refused(["unknown tensor or module '/1/Rely_output_0'; nearest: /1/Relu_output_0"], model_class, path,
            "/1/Rely_output_0", kind=UnknownName)  # fmt: skip
    refused(["unknown tensor or module 'nonsense'"], model_class, path, output="nonsense", kind=UnknownName)
    assert model_class(path, "/1/Relu_output_0").layout == model_class(path, "1").layout


@pytest.mark.parametrize("model_class", MODELS)
def test_no_internal_maps(model_class, tmp_path):
    nodes, weights = conv_nodes(pool=False)
    refused(["no tensor within net.onnx gives feature maps of 16 x 16 images"], model_class,
            hand_made(tmp_path / "net.onnx", nodes, weights))  # fmt: skip


@pytest.mark.parametrize("model_class", MODELS)
def test_a_tensor_that_is_no_map(model_class, tmp_path):
    path = cnn_file(tmp_path)
    refused(["'4' of net.onnx gives a tensor of shape (1, 5), not maps; layers that would do: 1, 0"],
            model_class, path, "4")  # fmt: skip


@pytest.mark.parametrize("model_class", MODELS)
def test_images_of_another_size(model_class, tmp_path):
    model = model_class(cnn_file(tmp_path))
    refused(["net.onnx takes images of 3 x 33 x 40, and these are 3 x 40 x 33"], model.forward, images(1, 40, 33))
    refused(["these are 1 x 33 x 40"], model.output, torch.zeros(1, 1, 33, 40))


@pytest.mark.parametrize("model_class", MODELS)
def test_a_precision_that_is_not_the_files(model_class, tmp_path):
    cam = ClusCAM(model_class(cnn_file(tmp_path)), n_clusters=3, precision="bfloat16")
    refused(["net.onnx runs in its own precision; leave precision='bfloat16' (autocast) out"], cam, images(1))


@pytest.mark.parametrize("model_class", MODELS)
def test_shapes_that_the_runtime_refuses(model_class, tmp_path):
    """The input says any batch and any size, and the inside was made for two images of 16 x 16."""
    nodes, weights = conv_nodes()
    nodes.insert(2, helper.make_node("Reshape", ["r", "shape"], ["s"], "inside"))
    nodes[3].input[0] = "s"
    path = hand_made(tmp_path / "net.onnx", nodes, weights | {"shape": np.array([2, 6, 4, 4])}, ("n", 3, "h", "w"))
    refused(["refused an input of shape (1, 3, 16, 16) to net.onnx", "batch=N"], model_class, path, size=16)
    model = model_class(path, batch=2)
    refused(["refused an input of shape (2, 3, 24, 24)"], model.output, images(1, 24, 24))
    assert model.output(images(3, 16, 16)).shape == (3, 3)


@pytest.mark.parametrize("model_class", MODELS)
def test_rows_that_are_not_the_images(model_class, tmp_path):
    nodes, weights = conv_nodes()
    nodes[-1].output[0] = "z"
    nodes.append(helper.make_node("Reshape", ["z", "flat"], ["y"]))
    path = hand_made(tmp_path / "net.onnx", nodes, weights | {"flat": np.array([-1])})
    refused(["(6,) for 2 images", "one row each"], model_class(path).output, images(2, 16, 16))


@pytest.mark.parametrize("model_class", MODELS)
def test_sizes_batches_and_threads_that_cannot_be(model_class, tmp_path):
    path = cnn_file(tmp_path, batch=2)
    refused(["size is 50 x 50, but net.onnx takes 33 x 40"], model_class, path, size=50)
    refused(["batch is 3, but net.onnx takes 2 at once"], model_class, path, batch=3)
    refused(["batch is 0; expected a whole number of at least 1"], model_class, path, batch=0)
    refused(["threads is 0; expected a whole number of at least 1"], model_class, path, threads=0)
    nodes, weights = conv_nodes()
    free = model_class(hand_made(tmp_path / "free.onnx", nodes, weights, ("n", 3, "h", "w")))
    refused(["free.onnx leaves the size of its images free; give size=(H, W)"], lambda: free.layers)


@pytest.mark.parametrize("model_class", MODELS)
def test_inputs_that_are_no_images(model_class, tmp_path):
    nodes, weights = conv_nodes()
    both = helper.make_node("Mul", ["x", "q"], ["g"])
    nodes[0].input[0] = "g"
    refused(["net.onnx has 2 inputs (x, q); expected one"], model_class,
            hand_made(tmp_path / "net.onnx", [both, *nodes], weights, inputs=("x", "q")))  # fmt: skip
    cast = helper.make_node("Cast", ["x"], ["g"], to=1)
    refused(["takes uint8; expected floating-point images"], model_class,
            hand_made(tmp_path / "net.onnx", [cast, *nodes], weights, dtype=TensorProto.UINT8))  # fmt: skip
    flat = helper.make_node("MatMul", ["x", "head"], ["y"])
    refused(["has 2 dimensions; expected images (n, 3, H, W)"], model_class,
            hand_made(tmp_path / "net.onnx", [flat], {"head": np.ones((6, 3), "f")}, ("n", 6)))  # fmt: skip


def test_a_file_that_onnx_runtime_cannot_run(tmp_path):
    nodes, weights = conv_nodes()
    nodes[1].op_type = "NoSuchOperation"
    refused(["ONNX Runtime cannot run net.onnx", "NoSuchOperation"], OnnxModel,
            hand_made(tmp_path / "net.onnx", nodes, weights))  # fmt: skip


@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("size", value) for value in (0, -16, 16.0, "16", True, (16,), (16, 16, 3), (16, "16"), {"h": 16})),
        *((name, value) for name in ("batch", "threads") for value in (0, -1, 1.5, "2", True, float("nan"))),
        *((name, value) for name in ("layer", "output") for value in (3, ["1"], torch.nn.ReLU())),
    ],
    ids=repr,
)
def test_settings_of_another_kind(model_class, name, value, tmp_path):
    refused([f"{name} is "], model_class, cnn_file(tmp_path), **{name: value})


def test_settings_of_numpy_and_lists_are_taken(tmp_path):
    path = cnn_file(tmp_path)
    model = OnnxModel(path, size=[np.int64(33), 40], batch=np.int64(1), threads=np.int32(1))
    assert model.size == (33, 40) and model.batch == 1


def test_a_provider_that_there_is_not(tmp_path):
    path = cnn_file(tmp_path)
    refused(["unknown provider 'CPU'; nearest: CPUExecutionProvider"], OnnxModel, path, providers=["CPU"],
            kind=UnknownName)  # fmt: skip
    refused(["providers is empty"], OnnxModel, path, providers=())
    assert OnnxModel(path, providers="CPUExecutionProvider").providers == ("CPUExecutionProvider",)


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_provider_that_does_not_start_is_no_silent_fallback(tmp_path, monkeypatch):
    """As with CUDA's where its libraries are missing: ONNX Runtime says it on its log alone."""
    import onnxruntime

    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    refused(["could not start CUDAExecutionProvider and fell back to CPUExecutionProvider"], OnnxModel,
            cnn_file(tmp_path), providers=["CUDAExecutionProvider", "CPUExecutionProvider"])  # fmt: skip


@pytest.mark.parametrize("device", ["GPU.7", "nonsense", 3, ""])
def test_a_device_that_openvino_has_not(device, tmp_path):
    refused(
        ["OpenVINO cannot run net.onnx on", "choose another device"], OpenVinoModel, cnn_file(tmp_path), device=device
    )


class Chosen(torch.nn.Module):
    def __init__(self, choose):
        super().__init__()
        self.net, self.choose = network(), choose

    def forward(self, x):
        return self.choose(self.net(x))


@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize("choose", [lambda y: y.argmax(1), lambda y: tuple(y.topk(3))], ids=["argmax", "topk"])
def test_a_file_that_gives_the_classes_that_it_chose(model_class, choose, tmp_path):
    path = tmp_path / "chosen.onnx"
    torch.onnx.export(Chosen(choose).eval(), (images(1),), path, dynamo=False, verbose=False)
    refused(["chosen.onnx gives the classes that it chose, and no logits", "output="], model_class, path)
    graph = onnx.load(path).graph
    logits = next(node.input[0] for node in graph.node if node.op_type in ("ArgMax", "TopK"))
    found = OnnxModel(path, output=logits).output(images(1))
    torch.testing.assert_close(found, network()(images(1)), rtol=0, atol=1e-5)


def test_a_tensor_of_whole_numbers_as_logits(tmp_path):
    path = tmp_path / "chosen.onnx"
    torch.onnx.export(Chosen(lambda y: y.argmax(1)).eval(), (images(1),), path, dynamo=False, verbose=False)
    (output,) = (entry.name for entry in onnx.load(path).graph.output)
    model = OnnxModel(path, output=output)
    refused(["holds int64 numbers, and no logits", "output="], ClusCAM(model, n_clusters=4), images(1))


class Columns(torch.nn.Module):
    """Reads maps column by column."""

    def __init__(self):
        super().__init__()
        self.maps = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 4, stride=4), torch.nn.ReLU())
        self.read, self.last = torch.nn.LSTM(8, 16, batch_first=True), torch.nn.Linear(16, 5)

    def forward(self, x):
        return self.last(self.read(self.maps(x).mean(2).transpose(1, 2))[0][:, -1])


@pytest.mark.parametrize("model_class", MODELS)
def test_columns_of_a_sequence_are_no_patches(model_class, tmp_path):
    path = tmp_path / "columns.onnx"
    torch.onnx.export(Columns().eval(), (images(1, 32, 48),), path, dynamo=False, verbose=False)
    layers = [info.layout for info in model_class(path).layers]
    assert layers and all(layout.kind == "NCHW" for layout in layers)


@pytest.mark.parametrize("training", [0, 1])
def test_a_file_in_training_mode_depends_on_the_batch_and_says_so(training, tmp_path):
    nodes, weights = conv_nodes()
    nodes[0].output[0] = "raw"
    kept = ["c", "mean", "variance"] if training else ["c"]
    norm = helper.make_node("BatchNormalization", ["raw", *"sbmv"], kept, "norm", training_mode=training)
    ones, zeros = np.ones(6, "f"), np.zeros(6, "f")
    nodes.insert(1, norm)
    path = hand_made(tmp_path / "net.onnx", nodes, weights | {"s": ones, "b": zeros, "m": zeros, "v": ones})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = OnnxModel(path)
        ClusCAM(model, n_clusters=3)(torch.ones(1, 3, 16, 16))
    said = [str(one.message) for one in caught if isinstance(one.message, ClusCAMWarning)]
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    alone, together = model.output(x[:1]), model.output(x)[:1]
    assert torch.allclose(alone, together, atol=1e-5) == (not training)
    assert sum("exported in training mode" in words for words in said) == training
