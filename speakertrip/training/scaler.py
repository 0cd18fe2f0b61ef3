"""Scaling of the loss for half precision, as part of what a checkpoint keeps."""

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler

LOWEST_SCALE = 1.0  # with a loss that is not scaled, fp16 overflows no sooner than it must


class LossScaler(nn.Module):
    """torch's ``GradScaler``, with its state in ``state_dict``.

    Gradients of fp16 vanish below 6e-8: the loss is multiplied by a scale, the gradients divided by it before the
    optimiser's step. A step whose gradient overflows is left out and the scale halved; after 2,000 good ones it is
    doubled. Other precisions need none: then nothing is scaled.

    Args:
        device: of the loss.
        enabled: whether to scale.
    """

    def __init__(self, device: torch.device, enabled: bool) -> None:
        super().__init__()
        self.scaler = GradScaler(device.type, enabled=enabled)

    def scale(self, loss: Tensor) -> Tensor:
        """Return the loss to differentiate."""
        scaled: Tensor = self.scaler.scale(loss)
        return scaled

    def unscale(self, optimizer: torch.optim.Optimizer) -> None:
        """Give the optimiser's gradients their size."""
        self.scaler.unscale_(optimizer)

    def may_skip(self) -> bool:
        """Return whether a step without a finite gradient is left out, and no fault: the scale can still be halved."""
        return self.scaler.is_enabled() and self.scaler.get_scale() > LOWEST_SCALE

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """Let the optimiser step, unless a gradient overflowed."""
        self.scaler.step(optimizer)
        self.scaler.update()

    def get_extra_state(self) -> Tensor:
        """Return the scale and the good steps in a row."""
        state = self.scaler.state_dict()
        return torch.tensor([state.get("scale", 1.0), state.get("_growth_tracker", 0)])

    def set_extra_state(self, state: Tensor) -> None:
        """Restore what ``get_extra_state`` gave."""
        scale, good = state.tolist()
        if self.scaler.is_enabled():
            known = self.scaler.state_dict()
            self.scaler.load_state_dict(known | {"scale": scale, "_growth_tracker": int(good)})
