"""The static figures of *Build your own mask*: the same data as its controls."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.chapters.learn.playground import Playground, at_temperature, chosen_masks, temperatures
from analysis.page.figures import KEPT, figure
from cluscam_lite.show.drawing import draw_image, draw_mask, draw_masked, draw_overlay


def groups_alone_figure(play: Playground) -> Figure:
    """The eight masks, and the scene behind each of them alone with its logit."""
    n = len(play.values)
    fig, axes = figure(4, n // 2, 5.6, width=6.6)
    for j in range(n):
        row, column = 2 * (j // (n // 2)), j % (n // 2)
        draw_mask(axes[row, column], chosen_masks(play, 1 << j), f"group {j + 1}")
        logit = play.subsets["logit"][1 << j]
        _masked(axes[row + 1, column], play, 1 << j, f"logit {logit:.2f}".replace("-", "−"))
    return fig


def choices_figure(play: Playground) -> Figure:
    """Four of the 256 choices: the scene, what ClusCAM keeps, the best and the worst, each with its logit."""
    logits = play.subsets["logit"]
    fig, axes = figure(1, 4, 2.1, width=6.6)
    draw_image(axes[0, 0], play.example.photo, f"the scene\n{play.example.logit:.2f}")
    shown = {"ClusCAM keeps": play.kept, "the best": play.best, "the worst": int(logits.argmin())}
    for ax, (name, subset) in zip(axes[0, 1:], shown.items(), strict=True):
        _masked(ax, play, subset, f"{name}\n{logits[subset]:.2f}".replace("-", "−"))
    return fig


def shapley_figure(play: Playground) -> Figure:
    """The score of each group (Eq. 5) and its Shapley value, both in logits."""
    scores = play.few.scores[0].numpy()
    fig, axes = figure(1, 2, 2.8, width=6.6, sharey=True)
    names = [f"group {j + 1}" for j in range(len(scores))]
    shown = {"score $s_j$, logits": scores, "Shapley value, logits": play.values}
    for ax, (label, values) in zip(axes[0], shown.items(), strict=True):
        ax.barh(names, values, color=KEPT)
        ax.axvline(0, color="0.4", lw=0.8)
        ax.set(xlabel=label)
    axes[0, 0].invert_yaxis()
    return fig


def temperatures_figure(play: Playground) -> Figure:
    """The map at every other of the slider's temperatures, with the share of the heaviest group."""
    shown = temperatures(play.full)[::2]
    fig, axes = figure(2, 3, 4.9, width=6.6)
    for ax, tau in zip(axes.flat, shown, strict=True):
        found = at_temperature(play.full, tau)
        draw_overlay(ax, play.example.photo, found["saliency"], rf"$\tau$ = {tau:.2g}" + f"\n{found['heaviest']:.0f} %")
    return fig


def _masked(ax: Axes, play: Playground, subset: int, title: str) -> None:
    draw_masked(ax, play.example.photo, chosen_masks(play, subset), title, play.example.spec.mean)
