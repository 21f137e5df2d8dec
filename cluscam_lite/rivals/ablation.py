"""AblationCAM on the head of the network alone: the package's map, hundreds of times faster."""

import torch
from torch import Tensor, nn

from ..algorithm.inputs import check_batch_size, check_finite
from ..algorithm.maps.layouts import Layout, size_of
from ..algorithm.scoring import default_batch_size
from ..algorithm.targets import Target
from ..errors import NotApplicable, check_known
from ..explanation import Explanation
from .common import Question, Rival, ask, hooked
from .gradcam_package import Found, explanation, package, scaled
from .head import Head

ABLATIONS = ("package", "zero")
CHUNK = 32  # maps that the package takes out side by side
FAR = 1e7  # how far below a layer's minimum the package puts a map that is taken out


class AblationCAM(Rival):
    r"""The maps, each weighed by how much of the logit is lost without it (Desai and Ramaswamy 2020, WACV).

    :math:`\mathrm{ReLU}(\sum_k w_k A_k)` with :math:`w_k = (y_c - y_c^{(k)}) / y_c`, :math:`y_c^{(k)}` the logit with
    map k taken out (Eqs. 3, 4). The package `grad-cam` runs the whole network for each map; here only what comes
    after the layer is run (`Head`), with the same result.

    What "taken out" means depends on the layer. In the paper it is zero, and so it is in the package where the
    layer's minimum is zero, as after a ReLU. Otherwise the package puts the first map of a chunk 1e7 below the
    minimum, the second 2e7, and so on, so that its map depends on `batch_size`; a note says where that happened. Of
    tokens, the class token's channel is taken out with the map, as in the package.

    Args:
        model: a torch module that gives logits (B, C).
        layer: dotted name of the layer to read, or the module itself; None takes the deepest that gives maps.
        ablation: "package", as above, or "zero", as in the paper.
        batch_size: length of the package's chunks, which its values depend on, as above; None is its 32. It does not
            limit the memory: a pass of the head takes as many maps as have the size of a pass of the whole network.
    """

    def __init__(
        self,
        model: nn.Module,
        layer: str | nn.Module | None = None,
        ablation: str = "package",
        batch_size: int | None = CHUNK,
    ):
        check_known("ablation", ablation, ABLATIONS)
        check_batch_size(batch_size)
        self.model, self.ablation, self.batch_size = hooked(model, layer), ablation, batch_size or CHUNK

    @torch.no_grad()
    def _explain(self, x: Tensor, target: Target) -> Explanation:
        package()
        with Head(self.model.module, self.model.layer_for(x), x) as head:
            question = ask(head.output, target, len(x))
            check_finite(head.maps, question.baseline)
            low = [0.0 if self.ablation == "zero" else float(given.min()) for given in head.given]
            chunk = self._chunk(head, x)
            after = torch.stack([self._without_each(head, question, i, low[i], chunk) for i in range(len(x))])  # (B, d)
            weights = (question.baseline[:, None] - after) / question.baseline[:, None]
            raw = torch.einsum("bd,bdhw->bhw", weights, head.maps.float())
        if not torch.isfinite(raw).all():
            raise NotApplicable(
                "AblationCAM divides by the logit, and it is zero, or NaN or infinite without some map; expected "
                "finite numbers: use another layer, or ablation='zero'"
            )
        found = Found(
            cam=scaled(raw, size_of(x)),
            raw=raw,
            question=question,
            layer=head.layer,
            layout=head.layout,
            forward_passes=2 + weights.shape[1] if head.whole else 1,
        )
        return explanation(found, 0, found.facts + _notes(head, low))

    def _chunk(self, head: Head, x: Tensor) -> int:
        """Maps taken out in one pass of the head: as many as a pass of the whole network has numbers, or more."""
        return max(self.batch_size, default_batch_size(x) * x[0].numel() // head.maps[0].numel())

    def _without_each(self, head: Head, question: Question, image: int, low: float, chunk: int) -> Tensor:
        """The explained logit of one image without each of its maps in turn: (d,)."""
        d = head.maps.shape[1]
        values = ablation_values(low, d, self.batch_size).to(head.given)
        logits = []
        for channels in torch.split(torch.arange(d, device=head.given.device), chunk):
            images = torch.full_like(channels, image)
            without = ablate(head.given[image], head.layout, channels, values[channels])
            output = head.replace(without, images, keep=False)
            logits.append(question.logits(output, images).float())
        return torch.cat(logits)


def ablation_values(low: float, d: int, chunk: int) -> Tensor:
    """What the package puts in place of each of d maps, `chunk` to a pass, of a layer with the minimum `low`: (d,)."""
    # it takes the minimum anew after each map of a chunk, so that each goes below the one before
    return torch.zeros(d) if low == 0 else low - FAR * (torch.arange(d) % chunk + 1)


def ablate(given: Tensor, layout: Layout, channels: Tensor, values: Tensor) -> Tensor:
    """n copies of one image's output of a layer, copy i with channel ``channels[i]`` set to ``values[i]``."""
    copies = given.expand(len(channels), *given.shape).clone()  # (n, d, h, w), (n, h, w, d) or (n, N, d)
    first = copies if layout.kind == "NCHW" else copies.movedim(-1, 1)  # a view, channels first
    first[torch.arange(len(channels), device=given.device), channels] = values.view(-1, *[1] * (first.ndim - 2))
    return copies


def _notes(head: Head, low: list[float]) -> tuple[str, ...]:
    d = head.maps.shape[1]
    if head.whole:
        notes = ["head: cannot be run alone on this network, each map took a pass of all of it"]
    else:
        notes = [f"head: {d + 1:,} passes of what comes after the layer, one for each map and one to check it"]
    if any(low):
        notes.append("ablation: the layer's minimum is not zero, so maps were set to -1e7 and below, as in grad-cam")
    return tuple(notes)
