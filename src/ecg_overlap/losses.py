"""Losses on the two amodal masks."""

import segmentation_models_pytorch as smp
from torch import Tensor, nn

from ecg_overlap.inputs import OTHER, TARGET


class BceDice(nn.Module):
    """Weighted binary cross-entropy plus Dice, as arXiv 2506.10617 trains with.

    Args:
        bce_weight: Weight of the cross-entropy.
        dice_weight: Weight of the Dice loss.
        pos_weight: How much more a pixel of ink counts than one of paper in the cross-entropy.
        other_weight: Weight of the intruders' mask beside the primary's; 0 leaves it out.

    Example:
        >>> import torch
        >>> loss = BceDice()
        >>> masks = torch.ones(1, 2, 8, 8)
        >>> float(loss(masks * 20, masks)) < 1e-3
        True
    """

    def __init__(
        self,
        *,
        bce_weight: float = 1.0,
        dice_weight: float = 1.0,
        pos_weight: float = 1.0,
        other_weight: float = 0.3,
    ) -> None:
        super().__init__()
        self.bce_weight, self.dice_weight = bce_weight, dice_weight
        self.pos_weight, self.other_weight = pos_weight, other_weight
        self.dice = smp.losses.DiceLoss(mode="binary", from_logits=True)

    def forward(self, logits: Tensor, masks: Tensor) -> Tensor:
        """Scalar loss of logits (B, 2, H, W) against coverage 0–1 of the same shape."""
        loss = self._one(logits[:, TARGET : TARGET + 1], masks[:, TARGET : TARGET + 1])
        if self.other_weight:
            other = self._one(logits[:, OTHER : OTHER + 1], masks[:, OTHER : OTHER + 1])
            loss = loss + self.other_weight * other
        return loss

    def _one(self, logits: Tensor, mask: Tensor) -> Tensor:
        bce = nn.functional.binary_cross_entropy_with_logits(
            logits, mask, pos_weight=logits.new_tensor(self.pos_weight)
        )
        dice: Tensor = self.dice(logits, mask)
        return self.bce_weight * bce + self.dice_weight * dice
