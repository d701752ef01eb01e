"""Pictures of predictions, for every logger and for the folder of the run."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytorch_lightning as pl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import TensorBoardLogger, WandbLogger

from data_gen.sample import LeadSample
from ecg_overlap.callbacks.signal_validation import digitized, network_of, validation_samples
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.network import Network


class PredictionPictures(Callback):
    """Draws predictions over validation pictures and hands them to every logger.

    Args:
        dirpath: Folder for the PNG files, which are written whichever loggers there are.
        n: Pictures.
        method: Of `ecg_overlap.digitize.plans`.
    """

    def __init__(self, dirpath: str, n: int, method: str = "default") -> None:
        self.dirpath, self.n, self.method = Path(dirpath), n, method
        self._samples: list[LeadSample] = []

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        self._samples = self._samples or validation_samples(trainer, range(self.n))
        self.dirpath.mkdir(parents=True, exist_ok=True)
        for i, sample in enumerate(self._samples):
            figure = draw_prediction(sample, network_of(pl_module), self.method)
            name = f"step{trainer.global_step:06d}_{i}"
            figure.savefig(self.dirpath / f"{name}.png", dpi=110)
            for logger in trainer.loggers:
                send(logger, figure, f"val/prediction_{i}", trainer.global_step)


def send(logger: Any, figure: Figure, name: str, step: int) -> None:
    """Give a figure to a logger that takes pictures; nothing happens with the others."""
    if isinstance(logger, WandbLogger):
        logger.log_image(name, [pixels_of(figure)], step=step)
    elif isinstance(logger, TensorBoardLogger):
        logger.experiment.add_figure(name, figure, step)


def pixels_of(figure: Figure) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) of a drawn figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), np.uint8)[..., :3]


def draw_prediction(sample: LeadSample, network: Network, method: str) -> Figure:
    """Three rows: the picture, the predicted mask over it, the recovered signal over the truth."""
    assert sample.calibration is not None and sample.signal_mv is not None
    figure = Figure(figsize=(10, 7), layout="constrained")
    top, middle, bottom = figure.subplots(3, 1)
    title = f"{sample.record_id} {sample.lead_name}"
    if sample.severity is not None:
        title += (
            f" – contact {sample.severity.contact:.0%}, intrusion {sample.severity.intrusion:.0%}"
        )
    top.set_title(title)
    top.imshow(sample.image, aspect="equal")
    probability = network(sample.image, px_per_mm=sample.calibration.px_per_mm_x)
    middle.imshow(overlaid(sample.image, probability), aspect="equal")
    for axis in (top, middle):
        axis.set_axis_off()
    times = np.arange(len(sample.signal_mv)) / float(sample.fs_hz or 1)
    bottom.plot(times, sample.signal_mv, color="0.2", lw=1.4, label="truth")
    try:
        lead = digitized(sample, network, method)
        start = float(sample.calibration.time_s(lead.t0_px))
        estimate = lead.signal_mv + np.nanmedian(sample.signal_mv) - np.nanmedian(lead.signal_mv)
        bottom.plot(
            start + np.arange(len(estimate)) / lead.fs_hz,
            estimate,
            color="C3",
            lw=0.9,
            label=lead.method,
        )
    except DigitizeError as refusal:
        bottom.text(0.02, 0.9, f"refused: {refusal}", transform=bottom.transAxes, color="C3")
    bottom.set_xlabel("s")
    bottom.set_ylabel("mV")
    bottom.legend(loc="upper right")
    return figure


def overlaid(image: NDArray[np.uint8], probability: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture in pale colours, with the probability map in red over it; uint8 (H, W, 3)."""
    pale = cv2.addWeighted(image, 0.45, np.full_like(image, 255), 0.55, 0)
    alpha = probability[..., None]
    red = np.array([214, 39, 40], np.float32)
    return np.rint(pale * (1 - alpha) + red * alpha).astype(np.uint8)
