"""The options of the commands. What a command does is imported when it is used, so that help and mistakes are quick."""

import argparse
from collections.abc import Callable
from typing import Any

AddParser = Callable[..., argparse.ArgumentParser]  # argparse's `add_parser`
EXAMPLES = """examples:
  cluscam explain scene:3 --model scene_cnn --out out/
  cluscam explain cat.jpg dog.png --model resnet50 --out out/
  cluscam explain photos/ --model timm:mobilenetv3_small_100 --maps npz --out out/
  cluscam explain cat.jpg --model vit_tiny_patch16_224 --layer last --target tabby --out out/ --data-root data/
  cluscam explain cat.jpg --model net.onnx --mean 0.485 0.456 0.406 --std 0.229 0.224 0.225 --out out/
"""
COMPARE_EXAMPLES = """examples:
  cluscam compare scene:3 --model scene_cnn --methods cluscam,gradcam,centre --out out/
  cluscam compare cat.jpg --model resnet50 --methods cluscam,gradcam,smooth --target tabby --seeds 5 --out out/
"""
TUNE_EXAMPLES = """examples:
  cluscam tune --model scene_cnn --dataset scenes --images 10 --grid 5 10 20 30 40
  cluscam tune --model resnet50 --dataset ilsvrc --images 100 --seeds 3 --out resnet50.json
  cluscam tune --model resnet50 --dataset folder --path photos/ --rule argmin --out mine.json
  cluscam tune --model out/train/vit --dataset alzheimer_mri --images 40 --layer last --out tuned.json
  cluscam explain photo.jpg --model resnet50 --tuned mine.json --out out/
"""
IMAGE = "an image file, scene:N for the icon scene N, or photograph:NAME, such as chelsea, for a free photograph"
LAYER = "paper"  # that is read unless another is named
MOST_SEEDS = 100
DIGITS = 20  # more than any number that is asked for
LISTS = {
    "models": "list the networks: K, r, tau, layers, and where their weights come from",
    "methods": "list the explanation methods",
    "datasets": "list the data sets, and what to do for those that are missing here",
}


def whole(low: int, high: int | None = None, what: str = "") -> Callable[[str], int]:
    """A type of an option: a whole number from `low` to `high`, or on. `what` says in messages what it counts."""
    expected = f"{what}{', ' * bool(what)}a whole number from {low} {'on' if high is None else f'to {high}'}"

    def number(text: str) -> int:
        # Python reads no number of thousands of digits
        if not text.isdecimal() or len(text) > DIGITS or not low <= int(text) <= (int(text) if high is None else high):
            raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")
        return int(text)

    return number


# settings of a method: option, name, type, metavar, help; one that is not given keeps the model's or method's own
SETTINGS: list[tuple[str, str, Callable[[str], Any], str, str]] = [
    ("--clusters", "n_clusters", int, "K", "number of clusters"),
    ("--drop", "drop_ratio", float, "R", "fraction of the clusters that is dropped, 0 <= R < 1"),
    ("--temperature", "temperature", float, "T", "temperature of the softmax over scores, T > 0"),
    ("--space", "space", str, "NAME", "cluster the maps upsampled or raw"),
    ("--clustering", "clustering", str, "NAME", "kmeans, random, none, spectral, hdbscan or agglomerative"),
    ("--fill", "fill", str, "NAME", "what hidden pixels show: mean, black or blur"),
    ("--seed", "seed", whole(0, 2**32 - 1), "N", "seed of the clustering, and of random weights"),
    ("--batch-size", "batch_size", int, "N", "masked images per pass"),
]


def add_commands(add: AddParser) -> None:
    """Add the parsers of all commands of this package."""
    _add_explain(add)
    _add_compare(add)
    _add_tune(add)
    for name, text in LISTS.items():
        parser = add(name, help=text, description=_sentence(text), epilog=f"example:\n  cluscam {name} --json")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        if name != "methods":
            _add_data_root(parser)
        parser.set_defaults(run=_list)


def _add_explain(add: AddParser) -> None:
    text = "explain images: an overlay, the clusters with their scores and weights, and all numbers as JSON"
    files = "Each image gives NAME.png, NAME.json and, of methods with clusters, NAME.clusters.png."
    parser = add("explain", help=text, description=f"{_sentence(text)} {files}", epilog=EXAMPLES)
    option = parser.add_argument
    option("images", nargs="+", metavar="IMAGE", help=f"{IMAGE}; or one folder, of which every image is explained")
    _add_network(parser)
    option("--method", default="cluscam", metavar="NAME", help="see `cluscam methods` (default: cluscam)")
    option(
        "--maps",
        choices=("npz", "npy"),
        help="write the map itself as well: npy, or npz with masks, scores and weights",
    )
    option("--no-figures", action="store_true", help="write no pictures")
    option("--at-once", type=whole(1), metavar="N", help="of a folder: images that are explained together (default: 1)")
    option(
        "--seeds",
        type=whole(2, MOST_SEEDS, "a number of seeds"),
        metavar="N",
        help="explain with N seeds, from --seed on, and say how far their maps agree: NAME.seeds.png has the mean map "
        "and the spread",
    )
    _add_settings(parser)
    parser.set_defaults(run=_explain)


def _add_compare(add: AddParser) -> None:
    text = "compare methods on one image: a sheet of their maps, each with its drop, gain and cost"
    files = "The image gives NAME.compare.png and NAME.compare.csv."
    parser = add("compare", help=text, description=f"{_sentence(text)} {files}", epilog=COMPARE_EXAMPLES)
    option = parser.add_argument
    option("image", metavar="IMAGE", help=IMAGE)
    option(
        "--methods",
        required=True,
        metavar="A,B,...",
        help="see `cluscam methods`; they are shown in the order of that list, whatever the order here",
    )
    _add_network(parser)
    option(
        "--seeds",
        type=whole(2, MOST_SEEDS, "a number of seeds"),
        metavar="N",
        help="also N seeds of each method that has one: how far its maps agree",
    )
    _add_settings(parser, "settings of the methods, for each that has it (default: those of the model)")
    parser.set_defaults(run=_compare, maps=None, no_figures=False)


def _add_network(parser: argparse.ArgumentParser) -> None:
    """The network, what is asked of it and where the files go: what all that explain images share."""
    parser.set_defaults(usual_layer=LAYER)
    option = parser.add_argument
    option(
        "--model",
        metavar="NAME",
        help="a network, see `cluscam models`; a folder of `cluscam train`; timm:NAME, torchvision:NAME or hf:NAME "
        "for any of theirs; FILE.py:FUNCTION, which builds one of yours; or a file of ONNX (.onnx) or OpenVINO (.xml)",
    )
    option("--out", required=True, metavar="DIR", help="the folder to write to; it is made if missing")
    option(
        "--layer",
        default=LAYER,
        metavar="NAME",
        help="paper (default), last, or a dotted module name; of a file also a tensor's (default: the deepest)",
    )
    option("--target", metavar="CLASS", help="the class to explain, its number or name (default: the top-1)")
    option("--weights", metavar="FILE", help="auto (default), random, hub, or a file")
    option("--tuned", metavar="FILE", help="take K and r from this file of `cluscam tune`")
    _add_data_root(parser)
    option(
        "--preprocess",
        default="standard",
        metavar="NAME",
        help="standard (default): the weights' own resize and crop; paper: the whole image squashed to a square",
    )
    option("--device", default="cpu", metavar="NAME", help="cpu (default) or cuda")
    group = parser.add_argument_group("a network from elsewhere or in a file: what it does not say itself")
    group.add_argument(
        "--onnx",
        metavar="FILE",
        help="the same as --model FILE for an ONNX file or OpenVINO's .xml; needs that extra, --mean and --std",
    )
    add_input(group)


def add_input(group: Any) -> None:
    """Add to a group of options what a network from elsewhere does not say of its input and classes."""
    for flag, text in (("--mean", "mean"), ("--std", "standard deviation")):
        group.add_argument(flag, type=float, nargs=3, metavar=("R", "G", "B"), help=f"{text} of its input, in [0, 1]")
    group.add_argument(
        "--size", type=whole(1, what="a side in pixels"), metavar="N", help="side of its images in pixels"
    )
    group.add_argument("--classes", metavar="FILE", help="names of its classes, one on each line (default: numbers)")


def _add_settings(
    parser: argparse.ArgumentParser,
    text: str = "settings of the method (default: those of the model, see `cluscam models`)",
) -> None:
    group = parser.add_argument_group(text)
    for flag, name, kind, metavar, help_text in SETTINGS:
        group.add_argument(flag, dest=name, type=kind, metavar=metavar, help=help_text, default=argparse.SUPPRESS)
    parser.set_defaults(flags={name: flag for flag, name, *_ in SETTINGS})


def _add_tune(add: AddParser) -> None:
    text = "choose K, r and tau for a network by a sample of images (Algorithms 2 and 3, Eq. 10)"
    parser = add("tune", help=text, description=_sentence(text), epilog=TUNE_EXAMPLES)
    option = parser.add_argument
    option("--model", required=True, metavar="NAME", help="a network, see `cluscam models`")
    option("--dataset", required=True, metavar="NAME", help="see `cluscam datasets`")
    option("--path", metavar="DIR", help="the images of --dataset folder, or the official files of ilsvrc")
    option(
        "--part",
        metavar="NAME",
        help="the part of the data set, or all (default: train of the scenes, tune of ilsvrc, validation of slices)",
    )
    option("--images", type=int, default=20, metavar="N", help="how many images (default: 20)")
    option(
        "--grid",
        type=int,
        nargs="+",
        metavar="K",
        help="candidate sizes, ascending, at least three (default: 5 10 15 20 30 40 50 60 80 100, as far as there are "
        "maps)",
    )
    option("--seeds", type=int, default=1, metavar="S", help="how many seeds of K-Means (default: 1)")
    option(
        "--rule",
        default="argmax",
        metavar="NAME",
        help="what the file's K is by: argmax (default), as Algorithm 2 is printed; argmin, as the elbow of a "
        "saturating curve needs",
    )
    option("--out", metavar="FILE", help="a JSON file to write, for `cluscam explain --tuned`")
    option("--layer", default="paper", metavar="NAME", help="paper (default), last, or a dotted module name")
    option("--weights", default="auto", metavar="FILE", help="auto (default), random, or a file")
    option("--device", default="cpu", metavar="NAME", help="cpu (default) or cuda")
    _add_data_root(parser)
    parser.set_defaults(run=_tune)


def _add_data_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-root", metavar="DIR", help="folder with weights/ and data sets (default: $CLUSCAM_DATA)"
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _explain(arguments: argparse.Namespace) -> None:
    from .explain import explain

    explain(arguments)


def _compare(arguments: argparse.Namespace) -> None:
    from .compare import compare

    compare(arguments)


def _tune(arguments: argparse.Namespace) -> None:
    from .tune import tune_command

    tune_command(arguments)


def _list(arguments: argparse.Namespace) -> None:
    from .lists import print_list

    print_list(arguments.command, getattr(arguments, "data_root", None), arguments.json)
