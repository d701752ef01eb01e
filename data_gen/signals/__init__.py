"""Where 12-lead signals come from.

Every source draws a `Record` of all 12 leads in the order of `LEADS`, in mV, with
exact identities between the limb leads.
"""

from typing import Protocol

import numpy as np

from data_gen.sample import Record
from data_gen.signals.deepfake import Deepfake
from data_gen.signals.mix import Mix
from data_gen.signals.neurokit import NeuroKit
from data_gen.signals.ptbxl import Ptbxl
from data_gen.signals.simulate import Simulate
from data_gen.signals.wfdb_folder import Wfdb

__all__ = ["Deepfake", "Mix", "NeuroKit", "Ptbxl", "SignalSource", "Simulate", "Wfdb"]


class SignalSource(Protocol):
    """What every source of signals can do."""

    def draw(self, rng: np.random.Generator, *, split: str = "train") -> Record:
        """A record of a split: float32 (n, 12), mV, NaN where a sample is missing.

        The same for the same `rng`, whatever was drawn before.
        """
        ...
