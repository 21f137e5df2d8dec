"""The options of ``cluscam tune``. What it does is in `cluscam_lite.cli.tune`, which is loaded when it is used."""

import argparse
from collections.abc import Callable
from typing import Any

EXAMPLES = """examples:
  cluscam tune --model scene_cnn --dataset scenes --images 10 --grid 5 10 20 30 40
  cluscam tune --model resnet50 --dataset ilsvrc --images 100 --seeds 3 --out resnet50.json
  cluscam tune --model resnet50 --dataset folder --path photos/ --rule argmin --out mine.json
  cluscam tune --model out/train/vit --dataset alzheimer_mri --images 40 --layer last --out tuned.json
  cluscam explain photo.jpg --model resnet50 --tuned mine.json --out out/
"""


def add_tune(add: Callable[..., Any]) -> Any:
    """Add the parser of the command with `add`, argparse's `add_parser`, and return it."""
    text = "choose K, r and tau for a network by a sample of images (Algorithms 2 and 3, Eq. 10)"
    parser = add("tune", help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=EXAMPLES)
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
    option("--data-root", metavar="DIR", help="folder with weights/ and data sets (default: $CLUSCAM_DATA)")
    parser.set_defaults(run=_tune)
    return parser


def _tune(arguments: argparse.Namespace) -> None:
    from .tune import tune_command

    tune_command(arguments)
