"""The training task: amodal masks by a U-Net, judged by masks and by recovered signals."""

from collections.abc import Callable, Iterable
from typing import Any, cast

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics.classification import BinaryJaccardIndex

from data_gen.errors import InputError
from ecg_overlap.contract import Model, stored_spec
from ecg_overlap.data import Example
from ecg_overlap.inputs import INSIDE, TARGET
from ecg_overlap.losses import check_trains
from ecg_overlap.narrow import outputs_of

MakeOptimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
MakeScheduler = Callable[..., torch.optim.lr_scheduler.LRScheduler]  # (optimizer, *, steps)


class SegmentationTask(pl.LightningModule):
    """Train a model on amodal masks.

    Args:
        model: What is trained.
        loss: Scalar of the model's outputs and the batch.
        optimizer: Makes the optimizer from the parameters.
        scheduler: Makes its schedule, given the steps of the trainer's whole budget.
        seed: Reseeds torch at every batch, so that a resumed run draws what the
            uninterrupted one would have drawn.
    """

    def __init__(
        self,
        model: Model,
        loss: nn.Module,
        optimizer: MakeOptimizer,
        *,
        scheduler: MakeScheduler,
        seed: int = 0,
    ) -> None:
        super().__init__()
        spec = model.input_spec
        check_trains(loss, spec.columns_per_px, offsets=spec.offsets)
        self.model, self.loss, self.make_optimizer = model, loss, optimizer
        self.make_scheduler, self.seed = scheduler, seed
        self.val_iou = nn.ModuleDict({name: BinaryJaccardIndex() for name in spec.masks})

    def forward(self, channels: Tensor) -> dict[str, Tensor]:
        """The model's outputs for channels (B, 6, H, W)."""
        return outputs_of(self.model, channels)

    def on_train_batch_start(self, batch: Example, batch_idx: int) -> None:
        accumulated = self.trainer.accumulate_grad_batches
        batches = self.global_step * accumulated + batch_idx % accumulated
        torch.manual_seed(self.seed + batches * self.trainer.world_size + self.global_rank)

    def training_step(self, batch: Example, batch_idx: int) -> Tensor:
        loss: Tensor = self.loss(self(batch["image"]), batch)
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Example, batch_idx: int) -> None:
        outputs, masks = self(batch["image"]), batch["mask"]
        loss = self.loss(outputs, batch)
        self.log("val/loss", loss, prog_bar=True, batch_size=len(masks), sync_dist=True)
        inside = batch["image"][:, INSIDE] > 0  # padding is not scored
        for channel, name in enumerate(self.model.input_spec.masks[: outputs["mask"].shape[1]]):
            iou = cast(BinaryJaccardIndex, self.val_iou[name])
            iou.update(outputs["mask"][:, channel][inside], masks[:, channel][inside] >= 0.5)
            self.log(f"val/iou_{name}", iou, prog_bar=channel == TARGET)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        optimizer = self.make_optimizer(self.model.parameters())
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = self.make_scheduler(optimizer, steps=steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["network"] = stored_spec(self.model)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        found, wanted = checkpoint.get("network"), stored_spec(self.model)
        if found != wanted:
            raise other_model("ckpt", found, wanted)


def other_model(where: str, found: dict[str, Any] | None, wanted: dict[str, Any]) -> InputError:
    """What to say where weights are not of the model that is wanted, by their stored specs."""
    if found is None:
        return InputError(where, "not a checkpoint of ecg-overlap", "give one that train.py wrote")
    differ = [key for key in {**wanted, **found} if found.get(key) != wanted.get(key)]
    listed = ", ".join(f"{key}: {found.get(key)} there, {wanted.get(key)} here" for key in differ)
    return InputError(where, f"weights of another model ({listed})", "choose the same model=")
