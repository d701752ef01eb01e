"""Validation by what counts: how good the recovered signals are."""

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

from data_gen.errors import InputError
from data_gen.sample import LeadSample
from ecg_overlap.data import LeadDataModule
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.network import Network
from ecg_overlap.metrics.signal import LeadScore, score_lead
from ecg_overlap.network import ModelNetwork
from ecg_overlap.task import SegmentationTask

SNR_RANGE_DB = (0.0, 30.0)


class SignalValidation(Callback):
    """Digitizes a fixed few validation leads and logs how good the recovered signals are.

    IoU is no measure of that: it may rise while the signal loses its peaks.
    The SNR is the mean over the leads, each clipped to 0–30 dB. It is no median: leads are either
    recovered or lost to a neighbour, and the median of a few jumps between the two.
    The ranks share the leads, and every rank logs the score over all of them.

    Args:
        n: Leads digitized.
        method: Of `ecg_overlap.digitize.plans`.
    """

    def __init__(self, n: int, method: str = "default") -> None:
        self.n, self.method = n, method
        self._samples: list[LeadSample] | None = None

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.sanity_checking:
            return
        if self._samples is None:
            mine = range(trainer.global_rank, self.n, trainer.world_size)
            self._samples = validation_samples(trainer, mine)
        network = network_of(pl_module)
        scores = gathered(trainer, [self._score(sample, network) for sample in self._samples])
        logged = {
            "val/snr_db": float(np.mean(np.clip([s.snr_db for s in scores], *SNR_RANGE_DB))),
            "val/pearson_r": float(np.mean([s.pearson_r for s in scores])),
            "val/failure_rate": float(np.mean([s.failed for s in scores])),
        }
        pl_module.log_dict(logged, prog_bar=True, rank_zero_only=False, sync_dist=True)

    def _score(self, sample: LeadSample, network: Network) -> LeadScore:
        assert sample.signal_mv is not None and sample.fs_hz is not None
        try:
            estimate = digitized(sample, network, self.method).signal_mv
        except DigitizeError:
            estimate = None
        return score_lead(sample.signal_mv, estimate, sample.fs_hz, alignment="aligned")


def gathered(trainer: pl.Trainer, scores: list[LeadScore]) -> list[LeadScore]:
    """The scores of all ranks, in the order of ranks."""
    if trainer.world_size == 1:
        return scores
    shares: list[list[LeadScore]] = [[] for _ in range(trainer.world_size)]
    torch.distributed.all_gather_object(shares, scores)
    return [score for share in shares for score in share]


def validation_samples(trainer: pl.Trainer, indices: range) -> list[LeadSample]:
    """Samples of the validation set, as the generator drew them; those beyond it are left out."""
    data = trainer.datamodule  # type: ignore[attr-defined]
    if not isinstance(data, LeadDataModule):
        raise InputError("callbacks", f"{type(data).__name__} draws no samples", "remove them")
    return [data.val_sample(i) for i in indices if i < len(data.val_set)]


def network_of(module: pl.LightningModule) -> Network:
    """The module's model as `digitize_lead` takes it."""
    assert isinstance(module, SegmentationTask)
    return ModelNetwork(module.model, module.device)


def digitized(sample: LeadSample, network: Network, method: str) -> LeadSignal:
    """The lead as the network recovers it; speed and gain are given, as a user gives them.

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
