"""Loading weights from every place and in every state they can be in."""

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from cluscam_lite.errors import CluscamError
from cluscam_lite.files import sha256
from cluscam_lite.models import get_spec, hubs, load_model, weights
from cluscam_lite.models.statedict import read_state
from cluscam_lite.packages import reachable

SMALL = "squeezenet1_1"


# Weights: random


def test_random_weights_depend_on_the_seed_alone_and_leave_torchs_state():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = load_model(SMALL, weights="random", seed=1).module.state_dict()
    assert torch.equal(torch.rand(3), expected)
    again = load_model(SMALL, weights="random", seed=1).module.state_dict()
    other = load_model(SMALL, weights="random", seed=2).module.state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["features.0.weight"], other["features.0.weight"])


# Weights: files


@pytest.fixture(scope="module")
def state():
    """Half-precision weights that a real file could hold."""
    module = load_model(SMALL, weights="random", seed=7).module
    return {key: value.half().contiguous() for key, value in module.state_dict().items()}


def test_a_file_is_loaded_in_float32(state, tmp_path):
    path = tmp_path / "any name.safetensors"
    save_file(state, path)
    loaded = load_model(SMALL, weights=path)
    assert loaded.sha256 == sha256(path) and loaded.source == "file (any name.safetensors)"
    for key, value in loaded.module.state_dict().items():
        assert value.dtype == torch.float32 and torch.equal(value, state[key].float())


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"model": {f"module.{k}": v for k, v in s.items()}}])
def test_pickled_state_dicts_are_read_wrapped_or_not(state, tmp_path, wrap):
    torch.save(wrap(state), tmp_path / "w.pth")
    loaded = load_model(SMALL, weights=str(tmp_path / "w.pth")).module.state_dict()
    assert all(torch.equal(loaded[key], state[key].float()) for key in state)


def test_the_data_root_comes_first(state, tmp_path, monkeypatch):
    (tmp_path / "weights").mkdir()
    save_file(state, tmp_path / "weights" / f"{SMALL}.safetensors")
    monkeypatch.setenv("CLUSCAM_DATA", str(tmp_path))
    loaded = load_model(SMALL)
    assert loaded.source == f"data root ({SMALL}.safetensors)"
    monkeypatch.delenv("CLUSCAM_DATA")
    assert load_model(SMALL, data_root=tmp_path).sha256 == loaded.sha256
    with pytest.raises(CluscamError, match="is not a folder"):
        load_model(SMALL, data_root=tmp_path / "nowhere")


def test_weights_that_are_not_there(tmp_path):
    with pytest.raises(CluscamError, match="there is no weights file .*absent.safetensors"):
        load_model(SMALL, weights=tmp_path / "absent.safetensors")
    with pytest.raises(CluscamError, match="must be a .safetensors, .pth or .pt file"):
        load_model(SMALL, weights="pretrained")
    (tmp_path / "folder.pt").mkdir()
    with pytest.raises(CluscamError, match="are a folder"):
        load_model(SMALL, weights=tmp_path / "folder.pt")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("damage", ["empty", "cut", "noise"])
def test_damaged_weights(state, tmp_path, suffix, damage):
    path = tmp_path / f"w{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    whole = path.read_bytes()
    path.write_bytes({"empty": b"", "cut": whole[: len(whole) // 2], "noise": b"\x89noise" * 1000}[damage])
    with pytest.raises(CluscamError, match="cannot be read: the file is corrupted"):
        load_model(SMALL, weights=path)


def test_a_pickle_of_other_things_is_not_run(tmp_path):
    torch.save(Path("x"), tmp_path / "object.pt")
    with pytest.raises(CluscamError, match="holds more than tensors"):
        read_state(tmp_path / "object.pt")
    torch.save({"a": 1}, tmp_path / "numbers.pt")
    with pytest.raises(CluscamError, match="hold no state dict of tensors"):
        read_state(tmp_path / "numbers.pt")


def test_weights_that_do_not_fit_are_described(state, tmp_path):
    path = tmp_path / "w.safetensors"

    def message(changed):
        save_file(changed, path)
        with pytest.raises(CluscamError) as caught:
            load_model(SMALL, weights=path)
        return str(caught.value)

    assert "1 tensor missing (features.0.bias)" in message({k: v for k, v in state.items() if k != "features.0.bias"})
    extra = {f"extra.{i}": torch.zeros(1) for i in range(3)}
    assert "3 tensors unexpected (extra.0, extra.1, ...)" in message({**state, **extra})
    both = message({"a": torch.zeros(1)})
    assert "do not fit squeezenet1_1 (torchvision): 52 tensors missing" in both and "1 tensor unexpected (a)" in both
    shaped = message({**state, "classifier.1.bias": torch.zeros(10)})
    assert "1 tensor of another shape (classifier.1.bias): classifier.1.bias is (10,), expected (1000,)" in shaped
    assert "\n" not in shaped + both


def test_batch_norm_without_its_counter_is_old_but_fine(tmp_path):
    module = load_model("resnet18", weights="random", seed=3).module
    old = {k: v.contiguous() for k, v in module.state_dict().items() if "num_batches_tracked" not in k}
    save_file(old, tmp_path / "w.safetensors")
    loaded = load_model("resnet18", weights=tmp_path / "w.safetensors").module
    assert torch.equal(loaded.fc.weight, module.fc.weight)


# Weights: shipped with the package


def test_shipped_weights_are_checked_against_their_card(tmp_path, monkeypatch, no_data_root):
    monkeypatch.setattr(weights, "ASSETS", tmp_path)
    with pytest.raises(CluscamError, match="missing or have no card; install it again"):
        load_model("scene_cnn")
    path, card = tmp_path / "scene_cnn.safetensors", tmp_path / "scene_cnn.json"
    module = load_model("scene_cnn", weights="random", seed=4).module
    save_file({k: v.contiguous() for k, v in module.state_dict().items()}, path)
    card.write_text(json.dumps({"sha256": sha256(path)}))
    loaded = load_model("scene_cnn")
    assert loaded.source == "shipped with the package (scene_cnn.safetensors)"
    assert torch.equal(loaded.module.fc.weight, module.fc.weight)
    card.write_text(json.dumps({"sha256": "0" * 64}))
    with pytest.raises(CluscamError, match="differ from their card"):
        load_model("scene_cnn")


# Weights: hubs. No download is made; the hubs' caches are filled with files of the right name.


def test_without_a_network_one_sentence_says_what_to_put_where(monkeypatch, tmp_path, no_data_root):
    import huggingface_hub

    monkeypatch.setattr(hubs, "reachable", lambda url: False)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda repository, name: None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(
        CluscamError, match=r"fetch https://.*resnet18-\w+.pth .* put it as resnet18.pth into .*weights/"
    ):
        load_model("resnet18")
    with pytest.raises(CluscamError, match=r"timm/levit_192.* put it as levit_192.safetensors into .*CLUSCAM_DATA"):
        load_model("levit_192")
    with pytest.raises(CluscamError, match="resnet50_v1 has no weights here and no checkpoint on a public hub"):
        load_model("resnet50_v1")


def test_torchvisions_hub_is_read_from_its_cache(monkeypatch, tmp_path, state, no_data_root):
    import torchvision

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    url = torchvision.models.get_weight(get_spec(SMALL).weights_id).url
    path = tmp_path / "hub" / "checkpoints" / url.rsplit("/", 1)[1]
    path.parent.mkdir(parents=True)
    torch.save(state, path)
    with pytest.raises(CluscamError, match=r"is not the file that torchvision published .* b8a52dc0.* delete it"):
        load_model(SMALL)
    monkeypatch.setattr(hubs, "sha256", lambda path: "b8a52dc0")
    loaded = load_model(SMALL)
    assert loaded.source == f"torchvision hub, SqueezeNet1_1_Weights.IMAGENET1K_V1 ({path.name})"
    assert loaded.sha256 == sha256(path)


def test_a_download_that_fails_leaves_nothing(monkeypatch, tmp_path, no_data_root):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(hubs, "reachable", lambda url: True)

    def broken(url, path, hash_prefix):
        assert (path, hash_prefix) == (str(tmp_path / "hub" / "checkpoints" / url.rsplit("/", 1)[1]), "b8a52dc0")
        raise RuntimeError("invalid hash value")

    monkeypatch.setattr(torch.hub, "download_url_to_file", broken)
    with pytest.raises(CluscamError, match=r"could not be downloaded from https://.* \(invalid hash value\)"):
        load_model(SMALL)


def test_mobileones_checkpoint_is_loaded_unfused_then_fused(monkeypatch, tmp_path, no_data_root):
    import huggingface_hub

    spec = get_spec("mobileone_s0")
    torch.manual_seed(0)
    unfused = spec.unfused().eval()
    for module in unfused.modules():  # statistics of a trained network, so that fusing has something to fold
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    path = tmp_path / "model.safetensors"
    save_file({k: v.contiguous() for k, v in unfused.state_dict().items()}, path)
    monkeypatch.setattr(
        huggingface_hub,
        "try_to_load_from_cache",
        lambda repository, name: str(path) if repository == "timm/mobileone_s0.apple_in1k" else None,
    )
    loaded = load_model("mobileone_s0")
    assert loaded.module.state_dict().keys() == spec.build().state_dict().keys()
    x = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        fused, wanted = loaded.module(x), unfused(x)
    assert (fused - wanted).abs().max() <= 1e-4 * wanted.abs().max()  # random branches add up to huge logits


# Is there a network?


def test_a_host_that_answers_refuses_or_stays_silent(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    handler = type("Refuses", (BaseHTTPRequestHandler,), {})
    handler.do_HEAD = lambda self: self.send_error(404)
    handler.log_message = lambda *_: None
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        assert reachable(f"http://127.0.0.1:{server.server_port}/x")
        server.shutdown()
    assert not reachable(f"http://127.0.0.1:{server.server_port}/x")  # nobody listens there any more
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        assert not reachable(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.3)
        assert time.monotonic() - start < 3
    assert not reachable("no address")
