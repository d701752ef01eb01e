"""What happens beside training: resuming, averaging, scores of signals, pictures."""

from ecg_overlap.callbacks.averaging import AveragedWeights
from ecg_overlap.callbacks.finite_loss import FiniteLoss
from ecg_overlap.callbacks.last_checkpoint import LastCheckpoint, TrainingInterrupt
from ecg_overlap.callbacks.pictures import PredictionPictures
from ecg_overlap.callbacks.signal_validation import SignalValidation

__all__ = [
    "AveragedWeights",
    "FiniteLoss",
    "LastCheckpoint",
    "PredictionPictures",
    "SignalValidation",
    "TrainingInterrupt",
]
