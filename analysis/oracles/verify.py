"""The slow checks on the real networks and images of a data root: ``make verify``.

Each check prints a table of required and measured values, and the command fails if a value misses. Times need an idle
machine. A check that cannot run here says so. The images are those of the `tune` part; accuracy alone uses all 1,000.
"""

import argparse
import statistics
import sys
from functools import partial

import pandas as pd
import torch
from torch import Tensor

from analysis.oracles.accuracy import accuracy_table
from analysis.oracles.architectures import architectures_table
from analysis.oracles.batching import batching_table
from analysis.oracles.brute_force import brute_force_cluscam, brute_force_labels, full_maps
from analysis.oracles.runtimes import runtimes_table
from analysis.oracles.timing import phased, plain_passes, side_by_side, timed
from analysis.studies.cost.counting import counting
from cluscam_lite import ClusCAM, get_spec, load_dataset, load_model
from cluscam_lite.algorithm.clustering import cluster, coordinates, inertia
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.algorithm.masks import normalized_maps
from cluscam_lite.algorithm.scoring import default_batch_size
from cluscam_lite.dataroot import VARIABLE, data_root
from cluscam_lite.errors import CluscamError, NotApplicable
from cluscam_lite.methods import method

NETWORKS = ("resnet50_v1", "vit_tiny_patch16_224", "mobileone_s0", "squeezenet1_1")
# model: at most this many times K + 1 plain passes, at least this many times faster than brute force
RATIOS = {"resnet50_v1": (1.05, 8.0), "mobileone_s0": (1.15, 20.0)}
SCORECAM = 30.0  # at least this many times faster than grad-cam's
GPU_SHARE, GPU_INERTIA = 0.15, 0.01  # K-Means' share of the time, and its inertia's distance from scikit-learn's


def inputs(name: str, n: int, root: str | None = None) -> Tensor:
    """The first n `tune` images, preprocessed for the model (n, 3, H, W)."""
    dataset = load_dataset("ilsvrc", data_root=root, part="tune", n=n)
    preprocess = get_spec(name).preprocess()
    return torch.stack([preprocess(dataset[i].image) for i in range(n)])


def clustering_table(root: str | None = None, n_images: int = 5, names: tuple[str, ...] = NETWORKS) -> pd.DataFrame:
    """Labels and inertia of the h w-dimensional clustering against K-Means on whole maps, each network's own K."""
    rows = []
    for name in names:
        spec = get_spec(name)
        model = HookedModel(load_model(spec, data_root=root).module, spec.layer("paper"))
        for i, x in enumerate(inputs(name, n_images, root)):
            maps, _ = model.forward(x[None])
            size = tuple(x.shape[-2:])
            points, tolerance = coordinates(maps, normalized_maps(maps, size), size, "upsampled")
            fast = cluster(points, spec.n_clusters, "kmeans", 0, tolerance, "sklearn")
            full = full_maps(maps[0], size)
            slow = torch.from_numpy(brute_force_labels(full, spec.n_clusters, 0)).long()[None]
            low, high = inertia(points, fast), inertia(full.flatten(1)[None], slow)
            rows.append(
                {
                    "model": name,
                    "image": i,
                    "K": spec.n_clusters,
                    "dimensions": f"{points.shape[-1]} for {full[0].numel()}",
                    "labels that differ": int((fast != slow).sum()),
                    "inertia, relative difference": float((low / high - 1).abs()),
                }
            )
    table = pd.DataFrame(rows)
    table["pass"] = (table["labels that differ"] == 0) & (table["inertia, relative difference"] <= 1e-4)
    return table


def ratio_table(root: str | None = None, repeats: int = 5) -> pd.DataFrame:
    """ClusCAM's time against K + 1 plain passes and against brute force: medians of interleaved runs."""
    rows = []
    for name, (at_most, at_least) in RATIOS.items():
        spec = get_spec(name)
        module = load_model(spec, data_root=root).module
        x = inputs(name, 1, root)
        cam = ClusCAM.from_spec(spec, module)
        chunk = default_batch_size(x)
        settings = (spec.n_clusters, spec.drop_ratio, spec.temperature)
        # in pairs: a run after brute force also pays for freeing its memory
        plain = partial(plain_passes, cam.model, x, spec.n_clusters, chunk)
        brute_force = partial(brute_force_cluscam, cam.model, x, *settings)
        overhead = side_by_side(partial(cam, x), plain, repeats)
        speedup = side_by_side(brute_force, partial(cam, x), repeats)
        rows.append(
            {
                "model": name,
                "K": spec.n_clusters,
                "chunk": chunk,
                "ClusCAM / (K + 1 passes)": overhead,
                "at most": at_most,
                "brute force / ClusCAM": speedup,
                "at least": at_least,
            }
        )
    table = pd.DataFrame(rows)
    table["pass"] = (table.iloc[:, 3] <= table["at most"]) & (table.iloc[:, 5] >= table["at least"])
    return table


def scorecam_table(root: str | None = None, name: str = "resnet50_v1", repeats: int = 3) -> pd.DataFrame:
    """grad-cam's ScoreCAM, all its passes on one image once, over ClusCAM's median of as many runs before and after."""
    spec = get_spec(name)
    module = load_model(spec, data_root=root).module
    x = inputs(name, 1, root)
    cam, scorecam = ClusCAM.from_spec(spec, module), method("scorecam", module, spec)
    cam(x)
    ours = [timed(partial(cam, x), x.device) for _ in range(repeats)]
    with counting(module) as count:
        theirs = timed(partial(scorecam, x), x.device)
    ours += [timed(partial(cam, x), x.device) for _ in range(repeats)]
    ratio = theirs / statistics.median(ours)
    row = {"model": name, "passes of ScoreCAM": count.forward, "passes of ClusCAM": spec.n_clusters + 1}
    row |= {"ScoreCAM / ClusCAM": ratio, "at least": SCORECAM, "pass": ratio >= SCORECAM}
    return pd.DataFrame([row])


def gpu_table(root: str | None = None, n_images: int = 32, repeats: int = 5) -> pd.DataFrame:
    """On a GPU: the share of K-Means in a batch, and the mean inertia of its groups over scikit-learn's.

    Raises NotApplicable where there is no GPU.
    """
    if not torch.cuda.is_available():
        raise NotApplicable("torch sees no GPU here")
    rows = []
    for name in RATIOS:
        spec = get_spec(name)
        module = load_model(spec, data_root=root).module.cuda()
        x = inputs(name, n_images, root).cuda()
        cam = ClusCAM.from_spec(spec, module)
        reference = phased(ClusCAM.from_spec(spec, module, backend="sklearn"), x)
        runs = [phased(cam, x) for _ in range(repeats + 1)][1:]  # the first one warms up
        share = statistics.median((r.seconds["normalise"] + r.seconds["clustering"]) / r.total for r in runs)
        ratio = inertia(runs[0].points, runs[0].labels) / inertia(reference.points, reference.labels)
        row = {"model": name, "images": n_images, "K-Means, share": share, "at most": GPU_SHARE}
        row |= {"inertia / scikit-learn's": float(ratio.mean()), "within": GPU_INERTIA}
        rows.append(row | {"pass": share <= GPU_SHARE and abs(float(ratio.mean()) - 1) <= GPU_INERTIA})
    return pd.DataFrame(rows)


CHECKS = {
    "accuracy": ("Top-1 on all 1,000 images, in percent", accuracy_table),
    "clustering": ("K-Means in h w dimensions against K-Means on whole maps", clustering_table),
    "ratios": ("Time, as ratios measured side by side", ratio_table),
    "scorecam": ("Time of ScoreCAM, all its passes on one image once, as a ratio", scorecam_table),
    "runtimes": ("Networks in files: maps beside torch's, time as a ratio to the runtime's own passes", runtimes_table),
    "batching": ("Batched studies against one image after the other, CPU time per image", batching_table),
    "architectures": ("Networks of timm and torchvision, explained without naming a layer", architectures_table),
    "gpu": ("K-Means on a GPU, for a batch of images", gpu_table),
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m analysis.oracles.verify", description=__doc__.splitlines()[0])
    parser.add_argument("--data-root", help=f"folder with weights and data sets (default: ${VARIABLE})")
    parser.add_argument("--only", choices=CHECKS, nargs="+", default=list(CHECKS), help="run these checks only")
    arguments = parser.parse_args(argv)
    try:
        if data_root(arguments.data_root) is None:
            raise CluscamError(f"these checks need real networks: set {VARIABLE} or --data-root to a data root")
        passed = True
        for name in arguments.only:
            title, check = CHECKS[name]
            print(f"\n{title} ...", flush=True)
            try:
                table = check(arguments.data_root)
            except NotApplicable as reason:
                print(f"not run: {reason}", flush=True)
                continue
            print(table.to_string(index=False, float_format="%.4g"), flush=True)
            passed &= bool(table["pass"].all())
    except CluscamError as error:
        print(f"verify: {error}", file=sys.stderr)
        return 2
    print("\nall checks that ran passed" if passed else "\nsome checks FAILED")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
