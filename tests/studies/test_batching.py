"""Some images at once give the rows that one after the other gives, in shared passes, whatever the memory."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from analysis.engine import Cell
from analysis.oracles.batching import batching_table
from analysis.oracles.one_by_one import rows_of_image
from analysis.studies.batching import pictures as kept_pictures
from analysis.studies.batching.cells import rows_of_cell
from analysis.studies.batching.machine import Machine, named_machine
from analysis.studies.batching.memory import Shrinking
from analysis.studies.explaining import images_of
from analysis.studies.map_study import map_rows
from cluscam_lite import get_spec, load_dataset, read
from cluscam_lite.errors import CluscamError, ClusCAMWarning, NotApplicable
from cluscam_lite.methods import METHODS, method_info
from cluscam_lite.models import LoadedModel

QUICK = {"iterations": 3, "n_clusters": 6, "n_groups": 6, "n_layers": 2}
IMAGES = load_dataset("scenes", part="test", n=3).ids


def small():
    """Three resolutions, for scenes of 32 x 32 pixels, in no time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(
            nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(8, 12, 3, stride=2, padding=1), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 5),
        )  # fmt: skip
    spec = replace(get_spec("scene_cnn"), layers={"paper": "5"}, input_size=32, resize=32)
    return LoadedModel(spec, module.eval(), "", None)


@pytest.fixture(scope="module")
def model():
    """In double precision, where the shape of a batch moves no digit that counts."""
    found = small()
    found.module.double()
    return found


def cell_of(method, images=IMAGES, **settings):
    quick = {key: value for key, value in QUICK.items() if key in method_info(method).parameters}
    lent = load_dataset("scenes", part="train").ids[: len(images)]
    donors = {"donor_part": "train", "donors": list(lent)} if method == "donor" else {}
    settings = {"preprocess": "standard"} | quick | donors | settings
    return Cell("faithfulness", 1, "scenes", "test", "scene_cnn", "paper", method, images, settings=settings)


def alone(cell, model):
    return pd.DataFrame([row for pair in images_of(cell, lambda _: None) for row in rows_of_image(cell, model, *pair)])


def together(cell, model, **machine):
    kept_pictures.forget(model)
    with named_machine(machine):
        return pd.DataFrame(rows_of_cell(cell, model, map_rows, lambda _: None))


def assert_same(one, other):
    words = [*one.select_dtypes(exclude="float").columns]
    pd.testing.assert_frame_equal(one[words], other[words])
    for name in one.columns.difference(words):
        # percent; the blurred image and a map's power are found in single precision
        np.testing.assert_allclose(other[name], one[name], rtol=1e-4, atol=1e-4, err_msg=name)
    for name in ("probability", "probability_masked", "coverage"):
        np.testing.assert_allclose(other[name], one[name], rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_the_rows_of_one_image_after_the_other(method, model):
    cell = cell_of(method)
    assert_same(alone(cell, model), together(cell, model, batch=2))


def test_a_batch_groups_the_maps_as_its_images_do(model):
    preprocess = model.spec.preprocess()
    x = torch.stack([preprocess(sample.image) for sample in load_dataset("scenes", part="test", n=3)]).double()
    for backend in ("sklearn", "torch"):
        labels = read(model.module, x, layer=model.spec.layer()).group(8, backend=backend).labels
        for i in range(3):
            mine = read(model.module, x[i : i + 1], layer=model.spec.layer()).group(8, backend=backend).labels
            assert torch.equal(mine[0], labels[i])


def test_on_a_cpu_the_maps_are_those_of_one_image_to_the_bit():
    single = small()
    one, other = (make(cell_of("cluscam"), single) for make in (alone, together))
    raw = one["form"] == "raw"
    assert one.loc[raw, "coverage"].equals(other.loc[raw, "coverage"]) and one["target"].equals(other["target"])


def watched(most=10**6):
    """A network with no memory for more than `most` images, and the list of the sizes of its passes."""
    found, seen = small(), []

    def note(_module, inputs):
        if len(inputs[0]) > most:
            raise torch.OutOfMemoryError("no memory")
        seen.append(len(inputs[0]))

    found.module.register_forward_pre_hook(note)
    return found, seen


def test_masked_copies_share_passes_and_the_images_are_looked_at_once():
    network, seen = watched()
    with named_machine({"batch": 3}):
        rows_of_cell(cell_of("ones"), network, map_rows, lambda _: None)
        first = [*seen]
        rows_of_cell(cell_of("centre"), network, map_rows, lambda _: None)
    # a pass for the classes, and one of three images with their 21 copies; then the copies, and nothing else
    assert first == [3, 24] and seen[2:] == [24]


def test_a_device_without_memory_gets_fewer_at_once_and_it_is_said():
    expected, (poor, seen) = together(cell_of("ones"), watched()[0], batch=3), watched(most=2)
    with pytest.warns(ClusCAMWarning, match="do not fit in the device's memory; going on with") as said:
        found = together(cell_of("ones"), poor, batch=3)
    assert_same(expected, found)
    words = [str(one.message) for one in said if issubclass(one.category, ClusCAMWarning)]
    assert words[0].startswith("3 images at once") and "masked images at once" in words[-1] and max(seen) == 2
    with pytest.raises(CluscamError, match="no memory for the least number of images at once, 1; use a smaller"):
        together(cell_of("ones"), watched(most=0)[0], batch=1)


def test_what_was_found_of_the_memory_is_kept():
    fits, tried = Shrinking(8, "images"), []

    def work(size):
        tried.append(size)
        if size > 3:
            raise torch.OutOfMemoryError
        return size

    with pytest.warns(ClusCAMWarning):
        assert fits(work) == 2
    assert fits(work) == 2 and tried == [8, 4, 2, 2]


def test_an_image_that_a_method_cannot_explain_leaves_the_others(monkeypatch, model):
    from cluscam_lite.rivals.trivial import Ones

    whole = Ones.maps
    bad = model.spec.preprocess()(load_dataset("scenes", part="test", n=2)[1].image)

    def maps(self, x):
        if any(torch.equal(one, bad.to(one)) for one in x):
            raise NotApplicable("not this one")
        return whole(self, x)

    monkeypatch.setattr(Ones, "maps", maps)
    found = together(cell_of("ones"), model, batch=3)
    assert found.groupby("image_id", sort=False).size().tolist() == [7, 1, 7]
    assert found[found["image_id"] == IMAGES[1]]["reason"].tolist() == ["not this one"]


def test_other_processes_may_decode(model):
    cell = cell_of("ones", IMAGES[:2])
    assert together(cell, model, loaders=1).equals(together(cell, model, loaders=0))


def test_the_machine_is_what_the_environment_says(monkeypatch):
    cpu = torch.device("cpu")
    assert (Machine().images(cpu), Machine().workers(cpu), Machine().images(torch.device("cuda"))) == (1, 0, 32)
    with named_machine({"batch": 5, "loaders": None}):
        assert Machine.here() == Machine(batch=5) and Machine.here().images(cpu) == 5
    assert Machine.here() == Machine()
    for name, value in (("batch", 0), ("batch", "many"), ("loaders", -1)):
        with pytest.raises(CluscamError, match=f"{name} is '{value}'; expected a"), named_machine({name: value}):
            pass


def test_the_check_compares_both_paths(monkeypatch):
    table = batching_table(
        n_images=1, repeats=1, places={"scene_cnn": "paper"}, methods=("ones", "smooth"), dataset="scenes"
    )
    assert table["method"].tolist() == ["ones", "smooth"] and table["passes"].tolist() == [1, 31]
    assert (table["times as fast"] > 0).all() and table["at least"][0] == 1.3
