"""What happens beside training: stopping in good order, scores of signals, pictures."""

import signal
from pathlib import Path
from types import FrameType
from typing import Any

import cv2
import numpy as np
import pytorch_lightning as pl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import TensorBoardLogger, WandbLogger

from data_gen.errors import InputError
from data_gen.sample import LeadSample
from ecg_overlap.data import LeadDataModule
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.pipeline import Network, digitize_lead
from ecg_overlap.metrics.signal import LeadScore, score_lead
from ecg_overlap.network import ModelNetwork
from ecg_overlap.task import SegmentationTask


class TrainingInterrupt(Exception):
    """Training stopped on a signal, after its state was saved."""

    def __init__(self, signal_number: int, saved: Path) -> None:
        super().__init__(signal_number, saved)
        self.signal_number, self.saved = signal_number, saved


class SaveOnSignal(Callback):
    """SIGINT and SIGTERM leave a whole `last.ckpt`: the step in hand is finished first.

    A second signal ends the process at once.

    Args:
        dirpath: Folder of the checkpoints.
    """

    def __init__(self, dirpath: str) -> None:
        self.path = Path(dirpath) / "last.ckpt"
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        signal.signal(number, signal.SIG_DFL)

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any, **kwargs: Any) -> None:
        self._stop(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not trainer.sanity_checking:
            self._stop(trainer)

    def _stop(self, trainer: pl.Trainer) -> None:
        if self.received is not None:
            trainer.save_checkpoint(self.path)
            raise TrainingInterrupt(self.received, self.path)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()


class SignalValidation(Callback):
    """Digitizes a few validation leads and logs how good the recovered signals are.

    Segmentation scores do not tell: a mask may gain IoU while the signal loses its peaks.

    Args:
        n: Leads digitized.
        method: Of `ecg_overlap.digitize.methods`.
    """

    def __init__(self, n: int = 24, method: str = "default") -> None:
        self.n, self.method = n, method
        self._samples: list[LeadSample] = []

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.sanity_checking:
            return
        self._samples = self._samples or validation_samples(trainer, self.n)
        scores = [self._score(sample, pl_module) for sample in self._samples]
        logged = {
            "val/snr_db": float(np.median([s.snr_db for s in scores])),
            "val/pearson_r": float(np.mean([s.pearson_r for s in scores])),
            "val/failure_rate": float(np.mean([s.failed for s in scores])),
        }
        pl_module.log_dict(logged, prog_bar=True, rank_zero_only=False, sync_dist=True)

    def _score(self, sample: LeadSample, module: pl.LightningModule) -> LeadScore:
        assert sample.signal_mv is not None and sample.fs_hz is not None
        try:
            estimate = digitized(sample, network_of(module), self.method).signal_mv
        except DigitizeError:
            estimate = None
        return score_lead(sample.signal_mv, estimate, sample.fs_hz, alignment="aligned")


class PredictionPictures(Callback):
    """Draws predictions over validation pictures and hands them to every logger.

    Args:
        dirpath: Folder for the PNG files, which are there whatever the loggers are.
        n: Pictures.
        method: Of `ecg_overlap.digitize.methods`.
    """

    def __init__(self, dirpath: str, n: int = 4, method: str = "default") -> None:
        self.dirpath, self.n, self.method = Path(dirpath), n, method
        self._samples: list[LeadSample] = []

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        self._samples = self._samples or validation_samples(trainer, self.n)
        self.dirpath.mkdir(parents=True, exist_ok=True)
        for i, sample in enumerate(self._samples):
            figure = draw_prediction(sample, network_of(pl_module), self.method)
            name = f"step{trainer.global_step:06d}_{i}"
            figure.savefig(self.dirpath / f"{name}.png", dpi=110)
            for logger in trainer.loggers:
                send(logger, figure, f"val/prediction_{i}", trainer.global_step)


def send(logger: Any, figure: Figure, name: str, step: int) -> None:
    """Hand a figure to a logger that takes pictures; the others have the PNG files."""
    if isinstance(logger, WandbLogger):
        logger.log_image(name, [pixels_of(figure)], step=step)
    elif isinstance(logger, TensorBoardLogger):
        logger.experiment.add_figure(name, figure, step)


def pixels_of(figure: Figure) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) of a drawn figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), np.uint8)[..., :3]


def validation_samples(trainer: pl.Trainer, n: int) -> list[LeadSample]:
    """The first `n` samples of the validation set, as the generator drew them."""
    data = trainer.datamodule  # type: ignore[attr-defined]
    if not isinstance(data, LeadDataModule):
        raise InputError("callbacks", f"{type(data).__name__} draws no samples", "remove them")
    return [data.val_set.sample(i) for i in range(min(n, len(data.val_set)))]


def network_of(module: pl.LightningModule) -> Network:
    """The module's model as `digitize_lead` takes it."""
    assert isinstance(module, SegmentationTask)
    return ModelNetwork(module.model, module.device)


def digitized(sample: LeadSample, network: Network, method: str) -> LeadSignal:
    """The lead as the network recovers it; speed and gain are told, as a user would tell them.

    Raises:
        DigitizeError: The picture gives no signal.
    """
    assert sample.calibration is not None and sample.fs_hz is not None
    return digitize_lead(
        sample.image,
        mm_per_s=sample.calibration.mm_per_s,
        mm_per_mv=sample.calibration.mm_per_mv,
        fs_hz=sample.fs_hz,
        network=network,
        method=method,
    )


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
            label=method,
        )
    except DigitizeError as refusal:
        bottom.text(0.02, 0.9, f"refused: {refusal}", transform=bottom.transAxes, color="C3")
    bottom.set_xlabel("s")
    bottom.set_ylabel("mV")
    bottom.legend(loc="upper right")
    return figure


def overlaid(image: NDArray[np.uint8], probability: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture paled, with the probability map in red over it; uint8 (H, W, 3)."""
    pale = cv2.addWeighted(image, 0.45, np.full_like(image, 255), 0.55, 0)
    alpha = probability[..., None]
    red = np.array([214, 39, 40], np.float32)
    return np.rint(pale * (1 - alpha) + red * alpha).astype(np.uint8)
