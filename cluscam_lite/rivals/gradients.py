"""What rivals with gradients share: a differentiable pass that leaves the caller's model as it was."""

import torch
from torch import Tensor, nn

from ..algorithm.borrowed import eval_mode
from ..algorithm.maps.outputs import logits_of, passed
from ..errors import CluscamError, NotApplicable, reason_of


@torch.enable_grad()
def differentiable_output(module: nn.Module, x: Tensor) -> Tensor:
    """The network's logits (n, C) in eval mode, with their graph.

    The caller stays in eval mode for the backward pass, in which a network may compute parts of its forward pass again.
    Raises as `check_differentiable`, and CluscamError within torch.inference_mode.
    """
    if torch.is_inference_mode_enabled():
        raise CluscamError(
            "there are no gradients in torch.inference_mode; call this method under torch.no_grad, or neither"
        )
    check_differentiable(module)
    with eval_mode(module):
        return logits_of(passed(module, x), len(x))


def check_differentiable(module: nn.Module) -> None:
    """Raise NotApplicable for a network that was made in torch.inference_mode."""
    if any(parameter.is_inference() for parameter in module.parameters()):
        raise NotApplicable(
            "this method needs gradients, and the network was made in torch.inference_mode, which rules them out; "
            "build or load it outside, or use a method without gradients"
        )


@torch.enable_grad()
def gradient_of(value: Tensor, source: Tensor, what: str) -> Tensor:
    """The gradient of the sum of `value` with respect to `source`, in the shape of `source`.

    `what` names the source in messages. Raises NotApplicable where `value` does not depend differentiably on it, and
    CluscamError for a gradient that is not finite.
    """
    found = None
    if value.requires_grad and source.requires_grad:
        try:
            (found,) = torch.autograd.grad(value.sum(), source, allow_unused=True)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:  # an activation overwritten in place, an operation without a derivative
            raise NotApplicable(
                f"this method needs gradients, and PyTorch cannot differentiate this model ({reason_of(error)}); use a "
                "method without gradients, or a model without in-place operations"
            ) from error
    if found is None:
        raise NotApplicable(
            f"this method needs gradients, but the output of this model does not depend differentiably on {what}; use "
            "a method without gradients, or a model that keeps the graph (no detach, no_grad or integer arithmetic)"
        )
    if not torch.isfinite(found).all():
        raise CluscamError(
            f"the gradient with respect to {what} is NaN or infinite; expected finite numbers: check the model's "
            "weights, precision and preprocessing"
        )
    return found
