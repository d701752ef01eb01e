"""A callback with a defect."""

from typing import Any

from pytorch_lightning.callbacks import Callback


class Break(Callback):
    def on_train_batch_end(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError("broken")
