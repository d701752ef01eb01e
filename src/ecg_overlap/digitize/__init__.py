"""From a picture of one lead to millivolts; needs no torch."""

import data_gen.compiled  # noqa: F401  (before any function below is compiled)
from ecg_overlap.digitize.decoders import decode
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.network import Network
from ecg_overlap.digitize.paths.path import Path

__all__ = ["DigitizeError", "LeadSignal", "Network", "Path", "decode", "digitize_lead"]
