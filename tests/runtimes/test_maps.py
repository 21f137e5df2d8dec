"""A network in a file is explained as the torch module that it was exported from."""

import importlib.util
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
import torch
from files import MODELS, Tokens, cnn_file, conv_nodes, hand_made, seeded
from tiny import images, network
from torch import nn

from analysis.oracles.runtimes import COST, RUNTIMES, compared, export_onnx, own_passes
from analysis.paths import ROOT
from cluscam_lite import ClusCAM, load_dataset, load_model
from cluscam_lite.runtimes import OnnxModel, OpenVinoModel
from cluscam_lite.runtimes.openvino_model import openvino_core


def same(model, module, x, layer=None, **settings):
    """ClusCAM on the file is ClusCAM on the module."""
    settings = {"n_clusters": 5} | settings
    found, wanted = ClusCAM(model, **settings)(x), ClusCAM(module, layer, **settings)(x)
    torch.testing.assert_close(found.saliency, wanted.saliency, rtol=0, atol=1e-3)
    torch.testing.assert_close(found.output, wanted.output, rtol=0, atol=1e-4)
    assert (found.labels == wanted.labels).all() and (found.target == wanted.target).all()
    assert found.layer == wanted.layer and found.forward_passes == wanted.forward_passes


@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize("name", ["scene_cnn", "scene_vit"])
def test_the_embedded_networks(name, model_class, tmp_path):
    loaded = load_model(name)
    x = torch.stack([loaded.spec.preprocess()(sample.image) for sample in load_dataset("scenes", n=2)])
    path = export_onnx(loaded.module, x, tmp_path / "net.onnx", dynamo=False)
    same(model_class(path), loaded.module, x)
    layer = loaded.spec.layer("paper")
    same(model_class(path, layer), loaded.module, x, layer)
    assert model_class(path).layers[-1].name == ClusCAM(loaded.module, n_clusters=3)(x[:1]).layer


def test_the_newer_exporter_with_its_weights_beside_the_file(tmp_path):
    """Some seconds, since it is the exporter that most files come from."""
    module = seeded(Tokens)
    path = export_onnx(module, torch.zeros(2, 3, 32, 48), tmp_path / "net.onnx")
    assert path.with_name("net.onnx.data").exists()
    for model_class in MODELS:
        model = model_class(path)
        names = [info.name for info in model.layers]
        assert names[0] == "patches" and "mix.1" in names and "norm" not in names and "mix.0" not in names
        same(model, module, images(3, 32, 48))
        same(model_class(path, "patches"), module, images(1, 32, 48), "patches")


@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize("batch", [1, 3])
def test_a_file_of_a_fixed_batch_takes_any_number_of_images(batch, model_class, tmp_path):
    model = model_class(cnn_file(tmp_path, batch=batch))
    assert model.batch == batch
    same(model, network(), images(4))
    alone = model.output(images(4)[3:])
    torch.testing.assert_close(alone, model.output(images(4))[3:], rtol=0, atol=1e-6)


@pytest.mark.parametrize("model_class", MODELS)
def test_free_sizes_are_chosen_again_for_each_size(model_class, tmp_path):
    nodes, weights = conv_nodes()
    model = model_class(hand_made(tmp_path / "net.onnx", nodes, weights, ("n", 3, "h", "w")))
    assert model.size is None and model.layer_name is None
    assert ClusCAM(model, n_clusters=3)(images(1, 16, 16)).saliency.shape == (1, 16, 16)
    assert model.layout.grid == (4, 4) and model.size == (16, 16)
    assert ClusCAM(model, n_clusters=3)(images(2, 24, 48)).saliency.shape == (2, 24, 48)
    assert model.layout.grid == (6, 12) and [info.name for info in model.layers] == ["c", "r"]
    assert model_class(model.path, size=(24, 48)).layers[-1].shape == (1, 6, 6, 12)


@pytest.mark.parametrize("model_class", MODELS)
def test_threads_with_images_of_different_sizes(model_class, tmp_path):
    nodes, weights = conv_nodes()
    model = model_class(hand_made(tmp_path / "net.onnx", nodes, weights, ("n", 3, "h", "w")))
    sizes = [(16, 16), (24, 48)] * 4
    wanted = {size: model.forward(images(1, *size))[0] for size in sizes}
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda size: model.forward(images(1, *size))[0], sizes))
    assert all(torch.equal(maps, wanted[size]) for size, maps in zip(sizes, found, strict=True))


def test_a_file_in_half_precision(tmp_path):
    nodes, weights = conv_nodes()
    cast = {name: array.astype("float16") if array.dtype.kind == "f" else array for name, array in weights.items()}
    plain = OnnxModel(hand_made(tmp_path / "net.onnx", nodes, weights))
    nodes[-1].output[0] = "z"
    nodes.append(onnx.helper.make_node("Cast", ["z"], ["y"], to=onnx.TensorProto.FLOAT))
    half = hand_made(tmp_path / "half.onnx", nodes, cast, dtype=onnx.TensorProto.FLOAT16)
    x = images(2, 16, 16)
    for theirs, ours in zip(OnnxModel(half).forward(x), plain.forward(x), strict=True):
        assert theirs.dtype == torch.float32
        torch.testing.assert_close(theirs, ours, rtol=0, atol=0.05)


@pytest.mark.parametrize("model_class", MODELS)
def test_images_with_the_channels_last(model_class, tmp_path):
    nodes, weights = conv_nodes()
    first = onnx.helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2])
    nodes[0].input[0] = "t"
    last = hand_made(tmp_path / "last.onnx", [first, *nodes], weights, ("n", 16, 16, 3))
    nodes[0].input[0] = "x"
    wanted = model_class(hand_made(tmp_path / "net.onnx", nodes, weights)).forward(images(2, 16, 16))
    for ours, theirs in zip(model_class(last).forward(images(2, 16, 16)), wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


CLOSED = {
    "softmax": lambda logits: logits.softmax(1),
    "log softmax": lambda logits: logits.log_softmax(1),
    "sigmoid": torch.sigmoid,
    "written out": lambda logits: logits.exp() / logits.exp().sum(1, keepdim=True),
    "written out, shifted": lambda logits: (
        (logits - logits.amax(1, keepdim=True)).exp() / (logits - logits.amax(1, keepdim=True)).exp().sum(1)[:, None]
    ),
}


@pytest.mark.parametrize("closing", CLOSED)
@pytest.mark.parametrize("model_class", MODELS)
@pytest.mark.parametrize("newer", [True, False])
def test_logits_are_read_before_what_closes_an_exported_network(model_class, closing, newer, tmp_path):
    class Closed(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = network()

        def forward(self, x):
            return CLOSED[closing](self.net(x))

    x = images(1, 32, 32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(Closed().eval(), (x,), tmp_path / "closed.onnx", dynamo=newer, verbose=False)
    torch.testing.assert_close(model_class(tmp_path / "closed.onnx").output(x), network()(x), rtol=0, atol=1e-4)


@pytest.mark.parametrize("model_class", MODELS)
def test_logits_are_read_before_a_closing_softmax(model_class, tmp_path):
    nodes, weights = conv_nodes()
    plain = model_class(hand_made(tmp_path / "net.onnx", nodes, weights)).output(images(2, 16, 16))
    nodes[-1].output[0] = "logits"
    nodes.append(onnx.helper.make_node("Softmax", ["logits"], ["y"], axis=1))
    path = hand_made(tmp_path / "soft.onnx", nodes, weights)
    torch.testing.assert_close(model_class(path).output(images(2, 16, 16)), plain)
    asked = model_class(path, output="y").output(images(2, 16, 16))
    torch.testing.assert_close(asked, plain.softmax(1), rtol=0, atol=1e-6)


def quantised(path, x):
    """The file with 8-bit weights and activations, in QDQ form."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.left = iter([{OnnxModel(path).input.name: x.numpy()}])

        def get_next(self):
            return next(self.left, None)

    out = path.with_name("int8.onnx")
    quantize_static(path, out, Reader(), quant_format=QuantFormat.QDQ, per_channel=True)
    return out


@pytest.mark.parametrize("model_class", MODELS)
def test_an_int8_file(model_class, tmp_path):
    x, module = images(4), network()
    path = quantised(cnn_file(tmp_path), x)
    model = model_class(path)
    maps, output = model.forward(x)
    assert model.layer_name == "1"  # the ReLU's, as of the float file
    assert len(maps.unique()) <= 256  # read after rounding, so that the runtime still computes in int8:
    untouched = RUNTIMES[model.runtime][1](path, model.threads)(x.numpy())[0]
    assert np.array_equal(output.numpy(), untouched)
    with torch.no_grad():
        wanted = module[:2](x)
    assert (maps - wanted).abs().mean() < 0.01 * wanted.max()
    found, wanted = ClusCAM(model, n_clusters=5)(x), ClusCAM(module, "1", n_clusters=5)(x)
    assert torch.corrcoef(torch.stack([found.saliency.flatten(), wanted.saliency.flatten()]))[0, 1] > 0.8


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="needs openvino")
def test_an_openvino_file(tmp_path):
    import openvino

    module = seeded(Tokens)
    path = export_onnx(module, torch.zeros(2, 3, 32, 48), tmp_path / "net.onnx", dynamo=False)
    openvino.save_model(openvino_core().read_model(path), tmp_path / "net.xml", compress_to_fp16=False)
    model = OpenVinoModel(tmp_path / "net.xml")
    found, wanted = ClusCAM(model, n_clusters=5)(images(2, 32, 48)), ClusCAM(module, n_clusters=5)(images(2, 32, 48))
    torch.testing.assert_close(found.saliency, wanted.saliency, rtol=0, atol=1e-3)
    assert (found.labels == wanted.labels).all()


SIGNALLED = """
import gc, os, signal, sys
from cluscam_lite.runtimes import OpenVinoModel
first = OpenVinoModel(sys.argv[1])
second = OpenVinoModel(sys.argv[1])
del first
gc.collect()
del second
gc.collect()
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append(1))
os.kill(os.getpid(), signal.SIGINT)
print(len(seen))
"""


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="needs openvino")
def test_a_signal_after_several_models_is_only_a_signal(tmp_path):
    path = cnn_file(tmp_path)
    done = subprocess.run([sys.executable, "-c", SIGNALLED, path], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


def test_threads_are_those_of_torch_or_as_asked(tmp_path):
    path = cnn_file(tmp_path)
    for model_class in MODELS:
        assert model_class(path).threads == torch.get_num_threads() and model_class(path, threads=2).threads == 2
        same(model_class(path, threads=2), network(), images(2))


def test_the_check_of_make_verify_compares_what_it_says(tmp_path):
    """On the smallest network; one that is not the file's fails it."""
    loaded = load_model("scene_cnn")
    x = torch.stack([loaded.spec.preprocess()(load_dataset("scenes", n=1)[0].image)])
    path = export_onnx(loaded.module, x, tmp_path / "net.onnx", free_batch=False, dynamo=False)
    rows = compared("scene_cnn", loaded.module, x, path, repeats=1)
    assert [row["runtime"] for row in rows] == list(RUNTIMES) and all(row["batch"] == 1 for row in rows)
    for row in rows:
        assert row["maps, largest difference"] < 1e-3 and row["maps in another group"] == 0 and row["at most"] > COST
    other = load_model("scene_cnn", weights="random").module
    assert not any(row["pass"] for row in compared("scene_cnn", other, x, path, repeats=0))


def test_the_passes_that_are_the_unit_of_cost_are_all_there():
    seen = []
    own_passes(lambda batch: seen.append(len(batch)), np.zeros((1, 3, 4, 4)), 30, 8)
    assert seen == [1, 8, 8, 8, 6]
