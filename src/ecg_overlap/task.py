"""The training task: amodal masks by a U-Net, judged by masks and by recovered signals."""

from collections.abc import Callable, Iterable
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics.classification import BinaryJaccardIndex

from data_gen.errors import InputError
from ecg_overlap.data import Example
from ecg_overlap.inputs import INSIDE, OTHER, TARGET
from ecg_overlap.models import SegmentationModel

MakeOptimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


class SegmentationTask(pl.LightningModule):
    """Train a model on amodal masks.

    Args:
        model: What is trained.
        loss: Scalar of (logits, masks), both (B, 2, H, W).
        optimizer: Makes the optimizer from the parameters.
        max_lr: Peak of the one-cycle schedule, which runs over the trainer's whole budget.
        warmup: Fraction of the budget in which the learning rate rises.
        seed: Reseeds torch at every step, so that a resumed run draws what the
            uninterrupted one would have drawn.
    """

    def __init__(
        self,
        model: SegmentationModel,
        loss: nn.Module,
        optimizer: MakeOptimizer,
        *,
        max_lr: float,
        warmup: float = 0.1,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.model, self.loss, self.make_optimizer = model, loss, optimizer
        self.max_lr, self.warmup, self.seed = max_lr, warmup, seed
        self.val_iou_target, self.val_iou_other = BinaryJaccardIndex(), BinaryJaccardIndex()

    def forward(self, planes: Tensor) -> Tensor:
        """Logits (B, 2, H, W) of planes (B, 5, H, W)."""
        logits: Tensor = self.model(planes)
        return logits

    def on_train_batch_start(self, batch: Example, batch_idx: int) -> None:
        torch.manual_seed(self.seed + self.global_step)

    def training_step(self, batch: Example, batch_idx: int) -> Tensor:
        loss: Tensor = self.loss(self(batch["image"]), batch["mask"])
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Example, batch_idx: int) -> None:
        logits, masks = self(batch["image"]), batch["mask"]
        self.log("val/loss", self.loss(logits, masks), prog_bar=True, batch_size=len(masks))
        inside = batch["image"][:, INSIDE] > 0  # padding is not scored
        for channel, iou in ((TARGET, self.val_iou_target), (OTHER, self.val_iou_other)):
            iou.update(logits[:, channel][inside], masks[:, channel][inside] >= 0.5)
        self.log("val/iou_target", self.val_iou_target, prog_bar=True)
        self.log("val/iou_other", self.val_iou_other)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        optimizer = self.make_optimizer(self.model.parameters())
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=self.max_lr,
            total_steps=int(self.trainer.estimated_stepping_batches),
            pct_start=self.warmup,
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["network"] = self.model.spec

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        found = checkpoint.get("network")
        if found != self.model.spec:
            raise _other_model(found, self.model.spec)


def _other_model(found: dict[str, Any] | None, wanted: dict[str, Any]) -> InputError:
    if found is None:
        return InputError("ckpt", "not a checkpoint of ecg-overlap", "give one that train.py wrote")
    differ = [k for k in wanted if found.get(k) != wanted[k]]
    listed = ", ".join(f"{k}: {found.get(k)} there, {wanted[k]} here" for k in differ)
    return InputError("ckpt", f"a checkpoint of another model ({listed})", "choose the same model=")
