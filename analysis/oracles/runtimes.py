"""Networks in files against the torch modules that they were exported from: equal maps, and what they cost.

    python -m analysis.oracles.verify --only runtimes

One image, in one process: a network is exported, explained by torch and by the runtime, and the runtime's own K + 1
passes, on the file as it is, are timed in turn with ClusCAM on it, in seconds of the processor and with one thread.
"""

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from analysis.oracles.timing import side_by_side
from cluscam_lite import ClusCAM, get_spec, load_dataset, load_image, load_model
from cluscam_lite.algorithm.scoring import default_batch_size
from cluscam_lite.errors import NotApplicable
from cluscam_lite.runtimes import OnnxModel, OpenVinoModel, RuntimeModel
from cluscam_lite.runtimes.openvino_model import openvino_core

EMBEDDED = ("scene_cnn", "scene_vit")
NETWORKS = (*EMBEDDED, "efficientnet_lite0", "resnet50_v1", "vit_tiny_patch16_224", "mobileone_s0", "squeezenet1_1")
MAP_DIFFERENCE, COST = 1e-3, 1.3
COST_EMBEDDED = 1.6  # a pass takes a millisecond or two there, and the grouping ten


def export_onnx(module: nn.Module, example: Tensor, path: Path, free_batch: bool = True, dynamo: bool = True) -> Path:
    """Write a network as an ONNX file and return its path.

    Args:
        module: the network.
        example: images (B, 3, H, W); two or more for a free batch.
        path: of the file.
        free_batch: whether the file takes any number of images, or as many as the example has.
        dynamo: by torch.export; else by the older exporter, which is quicker.
    """
    options: dict = {}
    if free_batch:
        free = {"dynamic_shapes": ({0: torch.export.Dim("batch", min=1)},)}
        options = free if dynamo else {"dynamic_axes": {"images": {0: "batch"}, "logits": {0: "batch"}}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of exporters, about what they will become
        torch.onnx.export(
            module, (example,), path, dynamo=dynamo, verbose=False, input_names=["images"], output_names=["logits"],
            **options,
        )  # fmt: skip
    return path


def onnx_passes(path: Path, threads: int) -> Callable[[np.ndarray], object]:
    """A pass of the file as it is, by ONNX Runtime without this project."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {session.get_inputs()[0].name: images})


def openvino_passes(path: Path, threads: int) -> Callable[[np.ndarray], object]:
    """A pass of the file as it is, by OpenVINO without this project."""
    options = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    request = openvino_core().compile_model(path, "CPU", options).create_infer_request()
    return lambda images: request.infer([images])


RUNTIMES: dict[str, tuple[type[RuntimeModel], Callable[[Path, int], Callable[[np.ndarray], object]]]] = {
    "ONNX Runtime": (OnnxModel, onnx_passes),
    "OpenVINO": (OpenVinoModel, openvino_passes),
}


def own_passes(run: Callable[[np.ndarray], object], image: np.ndarray, n: int, chunk: int) -> None:
    """n + 1 passes of one image (1, ...): one alone, and n in chunks, as ClusCAM makes them."""
    run(image)
    for start in range(0, n, chunk):
        run(image.repeat(min(chunk, n - start), 0))


def compared(
    name: str,
    module: nn.Module,
    x: Tensor,
    path: Path,
    which: str = "last",
    repeats: int = 5,
    n_clusters: int | None = None,
) -> list[dict[str, object]]:
    """One row for each runtime: the explanation of x (1, 3, H, W) by the file, beside torch's.

    Args:
        name: of a registered network, for its layer, K, r and tau.
        module: the network.
        x: one normalised image.
        path: the ONNX file of the network.
        which: "paper" or "last" layer.
        repeats: of the timing; 0 leaves it out.
        n_clusters: K; None is the network's own.
    """
    spec = get_spec(name)
    k = n_clusters or spec.n_clusters
    settings = {"n_clusters": k, "drop_ratio": spec.drop_ratio, "temperature": spec.temperature}
    wanted = ClusCAM(module, spec.layer(which), **settings)(x)
    rows = []
    for runtime, (model_class, passes) in RUNTIMES.items():
        model = model_class(path, spec.layer(which), threads=1)
        cam = ClusCAM(model, **settings)
        e = cam(x)
        row: dict[str, object] = {
            "model": name,
            "layer": spec.layer(which),
            "runtime": runtime,
            "batch": model.batch or "free",
            "maps, largest difference": float((e.saliency - wanted.saliency).abs().max()),
            "maps in another group": int((e.labels != wanted.labels).sum()),
            "same class": bool((e.target == wanted.target).all()),
        }
        row["pass"] = row["maps, largest difference"] <= MAP_DIFFERENCE and row["same class"]
        row["pass"] &= row["maps in another group"] == 0
        if repeats:
            run = passes(path, model.threads)
            chunk = model.batch or default_batch_size(x)
            plain = partial(own_passes, run, x.numpy(), k, chunk)
            row["K + 1"] = k + 1
            row["ClusCAM / (K + 1 passes)"] = ratio = side_by_side(partial(cam, x), plain, repeats, process_time)
            row["at most"] = COST_EMBEDDED if spec.library == "embedded" else COST
            row["pass"] &= ratio <= row["at most"]
        rows.append(row)
    return rows


def runtimes_table(root: str | None = None, names: tuple[str, ...] = NETWORKS, repeats: int = 5) -> pd.DataFrame:
    """Every network at its paper's and its last layer, by every runtime, in one run.

    Raises NotApplicable where a runtime is not installed, CluscamError if weights are missing.
    """
    for package in ("onnx", "onnxruntime", "onnxscript", "openvino"):
        try:
            __import__(package)
        except ImportError:
            raise NotApplicable(f"{package} is not installed; pip install 'cluscam-lite[onnx,openvino,test]'") from None
    rows = []
    with TemporaryDirectory() as folder:
        for name in names:
            spec, module = get_spec(name), load_model(name, data_root=root).module
            image = load_dataset("scenes", n=1)[0].image if name in EMBEDDED else load_image("photograph:chelsea")
            x = spec.preprocess()(image)[None]
            path = Path(folder, f"{name}.onnx")
            # the smallest network is one that takes a single image, as many files do
            free = name != "scene_cnn"
            export_onnx(module, torch.cat([x, x]) if free else x, path, free)
            for which in dict.fromkeys((spec.layer("paper"), spec.layer("last"))):
                rows += compared(name, module, x, path, which, repeats)
    table = pd.DataFrame(rows)
    return table[[*(column for column in table if column != "pass"), "pass"]]
