"""Losses on amodal masks, on the rows of a coordinate head, and on the signal they give."""

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from data_gen.dials import as_number
from data_gen.errors import InputError
from ecg_overlap.digitize.ink.offsets import OFFSETS_MM
from ecg_overlap.inputs import INSIDE, OTHER, TARGET

Batch = dict[str, Tensor]


class BceDice(nn.Module):
    """Weighted binary cross-entropy plus Dice, as arXiv 2506.10617 trains with.

    Args:
        bce_weight: Weight of the cross-entropy.
        dice_weight: Weight of the Dice loss.
        pos_weight: How much more a pixel of ink counts than one of paper in the cross-entropy.
        other_weight: Weight of the intruders' mask beside the primary's; 0 leaves it out, and
            so does a model that predicts the primary's alone.

    Example:
        >>> from data_gen.presets import load_part
        >>> loss = load_part("loss", "bce_dice")
        >>> masks = torch.ones(1, 2, 8, 8)
        >>> float(loss({"mask": masks * 20}, {"mask": masks})) < 1e-3
        True
    """

    def __init__(
        self,
        *,
        bce_weight: float,
        dice_weight: float,
        pos_weight: float,
        other_weight: float,
    ) -> None:
        super().__init__()
        self.bce_weight, self.dice_weight = bce_weight, dice_weight
        self.pos_weight, self.other_weight = pos_weight, other_weight
        self.dice = smp.losses.DiceLoss(mode="binary", from_logits=True)

    def forward(self, outputs: Batch, batch: Batch) -> Tensor:
        """Scalar loss of the logits `mask` (B, M, H, W) against coverage 0–1 (B, 2, H, W)."""
        logits, masks = outputs["mask"], batch["mask"]
        loss = self._one(logits[:, TARGET : TARGET + 1], masks[:, TARGET : TARGET + 1])
        if self.other_weight and logits.shape[1] > OTHER:
            other = self._one(logits[:, OTHER : OTHER + 1], masks[:, OTHER : OTHER + 1])
            loss = loss + self.other_weight * other
        return loss

    def _one(self, logits: Tensor, mask: Tensor) -> Tensor:
        bce = nn.functional.binary_cross_entropy_with_logits(
            logits, mask, pos_weight=logits.new_tensor(self.pos_weight)
        )
        dice: Tensor = self.dice(logits, mask)
        return self.bce_weight * bce + self.dice_weight * dice


class InkAndLayers(nn.Module):
    """Of a network for all traces' ink and for what is no trace; padding does not count.

    Args:
        bce_weight: Weight of the ink's cross-entropy.
        dice_weight: Weight of the ink's Dice loss, over the whole batch.
        layers_weight: Weight of the other masks' cross-entropy.
        offsets_weight: Weight of the cross-entropy of where the ink's own traces have their
            level, for a network that says so; in nats a pixel and owner.

    Example:
        >>> from data_gen.presets import load_part
        >>> loss, masks = load_part("loss", "ink"), torch.ones(1, 3, 8, 8)
        >>> batch = {"image": torch.ones(1, 6, 8, 8), "mask": masks}
        >>> float(loss({"mask": masks * 20}, batch)) < 1e-3
        True
    """

    def __init__(
        self,
        *,
        bce_weight: float,
        dice_weight: float,
        layers_weight: float,
        offsets_weight: float,
    ) -> None:
        super().__init__()
        self.bce_weight, self.dice_weight = bce_weight, dice_weight
        self.layers_weight, self.offsets_weight = layers_weight, offsets_weight

    def forward(self, outputs: Batch, batch: Batch) -> Tensor:
        """Scalar loss of the logits `mask` (B, L, H, W), ink first, against coverage 0–1."""
        logits, masks = outputs["mask"].float(), batch["mask"]
        inside = (batch["image"][:, INSIDE] > 0).to(logits.dtype)
        each = nn.functional.binary_cross_entropy_with_logits(logits, masks, reduction="none")
        of_layer = (each * inside[:, None]).sum(dim=(0, 2, 3)) / inside.sum().clamp(min=1)
        ink, true = logits[:, 0].sigmoid() * inside, masks[:, 0] * inside
        # One pixel is added to both sides: a batch without ink has a loss, and a small one.
        dice = 1 - (2 * (ink * true).sum() + 1) / (ink.sum() + true.sum() + 1)
        loss: Tensor = self.bce_weight * of_layer[0] + self.dice_weight * dice
        loss = loss + self.layers_weight * of_layer[1:].sum()
        if self.offsets_weight and "offsets" in outputs:
            surprise = offsets_cross_entropy(outputs["offsets"].float(), batch["offsets_mm"])
            loss = loss + self.offsets_weight * surprise
        return loss


def offsets_cross_entropy(logits: Tensor, offsets_mm: Tensor) -> Tensor:
    """Mean cross-entropy of the offsets of pixels' own traces, in nats a pixel and owner.

    An offset between two of `OFFSETS_MM` is a share of both.

    Args:
        logits: (B, len(OFFSETS_MM), h, w).
        offsets_mm: (B, n, h, w), of up to n traces that own a pixel; NaN where there are fewer.
    """
    at_mm = logits.new_tensor(OFFSETS_MM)
    owned = offsets_mm.isfinite()
    where = torch.nan_to_num(offsets_mm).clamp(OFFSETS_MM[0], OFFSETS_MM[-1])
    upper = torch.searchsorted(at_mm, where, right=True).clamp(1, len(OFFSETS_MM) - 1)
    share = (where - at_mm[upper - 1]) / (at_mm[upper] - at_mm[upper - 1])
    likely = logits.log_softmax(dim=1)
    of_each = likely.gather(1, upper - 1) * (1 - share) + likely.gather(1, upper) * share
    return -(of_each * owned).sum() / owned.sum().clamp(min=1)


class MasksAndRows(nn.Module):
    """The masks' loss and, where a model has a coordinate head, the losses of its rows.

    Args:
        masks: The loss on the masks.
        masks_weight: Its weight.
        rows_weight: Of the cross-entropy between the rows' distribution and a Gaussian around
            the trace's centre line.
        sigma_px: The Gaussian's standard deviation, in the network's pixels.
        presence_weight: Of the cross-entropy of presence, per column.
        snr_weight: Of the signal's noise-to-signal ratio, see `noise_to_signal`.

    Raises:
        InputError: A standard deviation below 0.1 px or above 100 px.

    Example:
        >>> from data_gen.presets import load_part
        >>> loss = load_part("loss", "rows")
        >>> masks = torch.ones(1, 2, 8, 8)
        >>> float(loss({"mask": masks * 20}, {"mask": masks})) < 1e-3
        True
    """

    def __init__(
        self,
        masks: nn.Module,
        *,
        masks_weight: float,
        rows_weight: float,
        sigma_px: float,
        presence_weight: float,
        snr_weight: float,
    ) -> None:
        super().__init__()
        self.masks, self.masks_weight = masks, masks_weight
        self.rows_weight = rows_weight
        self.sigma_px = as_number("loss.sigma_px", sigma_px, lowest=0.1, highest=100)
        self.presence_weight, self.snr_weight = presence_weight, snr_weight

    def forward(self, outputs: Batch, batch: Batch) -> Tensor:
        """Scalar loss of a model's outputs against the batch's `mask`, `centre` and `image`."""
        loss: Tensor = self.masks_weight * self.masks(outputs, batch)
        if "rows" not in outputs:
            return loss
        rows, presence, centre = outputs["rows"].float(), outputs["presence"], batch["centre"]
        known = centre.isfinite()
        if self.rows_weight:
            surprise = rows_cross_entropy(rows, centre, self.sigma_px)
            loss = loss + self.rows_weight * surprise[known].sum() / known.sum().clamp(min=1)
        if self.presence_weight:
            per_px = presence.shape[-1] // batch["image"].shape[-1]
            in_crop = batch["image"][:, INSIDE].amax(dim=1).repeat_interleave(per_px, dim=-1)
            each = nn.functional.binary_cross_entropy_with_logits(
                presence.float(), known.float(), weight=in_crop, reduction="sum"
            )
            loss = loss + self.presence_weight * each / in_crop.sum().clamp(min=1)
        if self.snr_weight:
            loss = loss + self.snr_weight * noise_to_signal(rows, centre).mean()
        return loss


def rows_cross_entropy(rows: Tensor, centre: Tensor, sigma_px: float) -> Tensor:
    """Cross-entropy (B, C) of each column against a Gaussian around the true row, in nats.

    Args:
        rows: Logits (B, H, C).
        centre: True rows (B, C); where NaN, the result has no meaning.
        sigma_px: Of the Gaussian.
    """
    at = torch.arange(rows.shape[1], device=rows.device, dtype=rows.dtype)[None, :, None]
    away = at - torch.nan_to_num(centre)[:, None]
    wanted = (-0.5 * (away / sigma_px) ** 2).softmax(dim=1)
    return -(wanted * rows.log_softmax(dim=1)).sum(dim=1)


def noise_to_signal(rows: Tensor, centre: Tensor, *, beta: float = 1.0) -> Tensor:
    """Mean-free noise over signal energy of each picture, in nats: -ln 10 / 10 × its SNR in dB.

    The signal is the mean of each column's distribution, in rows: gain and offset cancel in the
    ratio. Of one plus the ratio the logarithm is taken, or the few pictures in which the wrong
    trace is followed would outweigh the rest of the batch.

    Args:
        rows: Logits (B, H, C).
        centre: True rows (B, C); NaN where the trace is not.
        beta: Factor on the logits; the larger it is, the nearer is the mean to the mode.

    Returns:
        (B,): ln(1 + noise / signal); 0 for a picture without a trace.
    """
    at = torch.arange(rows.shape[1], device=rows.device, dtype=rows.dtype)[None, :, None]
    found = ((beta * rows).softmax(dim=1) * at).sum(dim=1)
    known = centre.isfinite()
    n = known.sum(dim=1).clamp(min=1)
    truth = torch.nan_to_num(centre)
    mean = (truth * known).sum(dim=1, keepdim=True) / n[:, None]
    error = (found - truth) * known
    error = (error - error.sum(dim=1, keepdim=True) / n[:, None]) * known
    signal = (((truth - mean) * known) ** 2).sum(dim=1)
    return torch.log1p((error**2).sum(dim=1) / signal.clamp(min=1.0))


def check_trains(loss: nn.Module, columns_per_px: int, *, offsets: bool = False) -> None:
    """Refuse a loss that leaves a part of a model untrained.

    Args:
        loss: Of it.
        columns_per_px: Of its coordinate head.
        offsets: Whether it says whose the ink is.

    Raises:
        InputError: It has a coordinate head and the loss is of masks alone, or it says whose the
            ink is and the loss does not ask.
    """
    if offsets and not getattr(loss, "offsets_weight", 0):
        raise InputError(
            "loss", "does not train the model's offsets", "take loss=ink, offsets_weight > 0"
        )
    if columns_per_px and not isinstance(loss, MasksAndRows):
        raise InputError(
            "loss", f"{type(loss).__name__} does not train the model's rows", "take loss=rows"
        )
