"""Damaged weights, cards of trained networks and tuning files: used as they are, or refused in one sentence."""

import json

import pytest
import torch
from damage import damaged, mistyped
from fuzzing import examples, try_all
from hypothesis import strategies as st
from safetensors.torch import save

from analysis.chapters.alzheimer.networks.training.checkpoint import (
    FILES,
    HASHES,
    checkpoints,
    plain_state,
    read_checkpoint,
    write_checkpoint,
)
from cluscam_lite import load_model
from cluscam_lite.errors import CluscamError
from cluscam_lite.models.trained import CARD, spec_record, trained_spec
from cluscam_lite.tuning.record import KIND, SCHEMA, read_tuned


def refused_or_used(use, seen):
    try:
        use()
    except CluscamError as error:
        assert str(error) and "\n" not in str(error)
        seen["refused"] += 1
    else:
        seen["used"] += 1


@examples(16, 200)
@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_damaged_weights(n, suffix, tmp_path):
    state = {
        key: value.contiguous() for key, value in load_model("scene_cnn", weights="random").module.state_dict().items()
    }
    path = tmp_path / f"w.{suffix}"
    if suffix == "pth":
        torch.save(state, path)
    good = save(state) if suffix == "safetensors" else path.read_bytes()
    seen = {"refused": 0, "used": 0}

    def check(content):
        path.write_bytes(content)
        refused_or_used(lambda: load_model("scene_cnn", weights=path), seen)

    try_all(n, damaged(good), check)
    assert seen["refused"] > 0


@examples(30, 200)
def test_a_damaged_checkpoint(n, tmp_path):
    """Refused whatever was changed: a bit of a weight, of the optimiser's state, or of the history."""
    network = torch.nn.Linear(3, 2)
    optimiser = torch.optim.AdamW(network.parameters())
    weights = plain_state(network)
    write_checkpoint(
        tmp_path, 1, weights, weights, {"optimiser": optimiser.state_dict()}, {"epoch": 1, "history": [0.5]}
    )
    (folder,) = checkpoints(tmp_path)
    good = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(good) == {*FILES, HASHES} and read_checkpoint(folder)[3]["epoch"] == 1
    seen = {"refused": 0, "used": 0}

    def check(example):
        name, content = example
        (folder / name).write_bytes(content)
        before = seen["refused"]
        refused_or_used(lambda: read_checkpoint(folder), seen)
        assert content == good[name] or name == HASHES or seen["refused"] == before + 1
        (folder / name).write_bytes(good[name])

    try_all(n, st.sampled_from(sorted(good)).flatmap(lambda name: st.tuples(st.just(name), damaged(good[name]))), check)
    assert seen["refused"] > 0


TUNED = {
    "kind": KIND,
    "schema": SCHEMA,
    "model": {"name": "scene_cnn", "weights": "embedded"},
    "layer": "stage4",
    "rule": "elbow",
    "n_clusters": 5,
    "drop_ratio": 0.3,
    "choices": {"elbow": {"n_clusters": 5, "drop_ratio": 0.3}},
}


def records(good):
    """A record with other values in it, or its text damaged, or nested deeper than Python goes."""
    text = json.dumps(good)
    deep = st.sampled_from([("[", 100_000), ('{"a":', 100_000), ("9", 5000)])  # a text, so many times
    return st.one_of(mistyped(good).map(json.dumps), damaged(text.encode()), deep)


def written(path, content):
    content = content[0] * content[1] if isinstance(content, tuple) else content
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))


@examples(40, 200)
def test_a_damaged_tuning_file(n, tmp_path):
    seen = {"refused": 0, "used": 0}

    def check(content):
        written(tmp_path / "tuned.json", content)
        refused_or_used(lambda: read_tuned(tmp_path / "tuned.json"), seen)

    try_all(n, records(TUNED), check)
    assert min(seen.values()) > 0


@examples(40, 200)
def test_a_damaged_card(n, tmp_path):
    card = {"spec": spec_record(load_model("phantom_cnn").spec, "phantom_cnn"), "metrics": {}, "classes": ["a", "b"]}
    seen = {"refused": 0, "used": 0}

    def check(content):
        written(tmp_path / CARD, content)
        refused_or_used(lambda: trained_spec(tmp_path), seen)

    try_all(n, records(card), check)
    assert seen["refused"] > 0
