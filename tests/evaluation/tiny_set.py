"""A test set and methods small enough to know every score by hand."""

from dataclasses import dataclass, replace

import numpy as np

from data_gen.calibration import Calibration
from data_gen.sample import LeadSample, Severity
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.evaluation.methods import Method, Outcome

FS_HZ = 100.0
CALIBRATION = Calibration(4.0, 4.0, t0_px=10.0, baseline_px=60.0)


def beat_mv(n: int = 200, *, seed: int = 0) -> np.ndarray:
    """A smooth signal of mean 0, float32 (n,): two sines, so that only lag 0 fits it."""
    t = np.arange(n) / FS_HZ
    signal = np.sin(2 * np.pi * (1.0 + 0.1 * seed) * t) + 0.5 * np.sin(2 * np.pi * 2.7 * t)
    return (signal - signal.mean()).astype(np.float32)


def lead_of(signal_mv: np.ndarray, *, fs_hz: float = FS_HZ, t0_px: float = 10.0) -> LeadSignal:
    """What a digitizer would return for this signal."""
    values = np.asarray(signal_mv, np.float64)
    calibration = Calibration(4.0, 4.0, t0_px=t0_px, baseline_px=60.0)
    x_px = calibration.x_px(np.arange(len(values)) / fs_hz)
    return LeadSignal(
        values,
        fs_hz,
        calibration,
        confidence=np.ones(len(values)),
        interval_mv=np.full(len(values), 0.1),
        baseline_known=False,
        path_px=np.stack([x_px, calibration.y_px(values)], axis=1),
    )


def sample_of(index: int, *, contact: float = 0.0, intrusion: float = 0.0) -> LeadSample:
    """A blank picture with a known signal; the mask is a band of 2 rows, 200 columns wide."""
    signal = beat_mv(seed=index)
    mask = np.zeros((120, 230), np.uint8)
    mask[59:61, 10:210] = 255
    x_px = CALIBRATION.x_px(np.arange(len(signal)) / FS_HZ)
    return LeadSample(
        np.full((120, 230, 3), 255, np.uint8),
        target_mask=mask,
        other_mask=np.zeros_like(mask),
        polyline_px=np.stack([x_px, CALIBRATION.y_px(signal)], axis=1).astype(np.float32),
        signal_mv=signal,
        fs_hz=FS_HZ,
        calibration=CALIBRATION,
        lead_name="II",
        record_id=f"record-{index // 2}",
        severity=Severity(intrusion, contact, 0, 0, np.inf),
        meta={"layout": "3x1", "index": index},
    )


@dataclass(frozen=True)
class TinySet:
    """Samples of growing contact: 0, 10 %, 20 %, … of the columns, at most all."""

    n: int = 4
    name: str = "tiny"
    kind: str = "preset"
    note: str = ""

    def __len__(self) -> int:
        return self.n

    def sample(self, index: int) -> LeadSample:
        share = min(index / 10, 1.0)
        return sample_of(index, contact=share, intrusion=share)

    def sample_id(self, index: int) -> str:
        return f"{self.name}/{index}"

    def identity(self) -> str:
        return f"{self.n}"


def perfect(sample: LeadSample) -> Outcome:
    assert sample.signal_mv is not None
    return Outcome(lead_of(sample.signal_mv), sample.target_mask)


def nine_tenths(sample: LeadSample) -> Outcome:
    """Error 0.1 of the signal: 20 dB."""
    assert sample.signal_mv is not None
    return Outcome(lead_of(0.9 * sample.signal_mv), sample.target_mask)


def sure_of_itself(sample: LeadSample) -> Outcome:
    """Right in every other sample, and knows it: quality 0.9 there, 0.1 where it is a ramp."""
    assert sample.signal_mv is not None and sample.meta is not None
    good = int(sample.meta["index"]) % 2 == 0
    lead = lead_of(sample.signal_mv if good else np.linspace(-1, 1, len(sample.signal_mv)))
    return Outcome(replace(lead, quality=0.9 if good else 0.1), sample.target_mask)


def refuse(sample: LeadSample) -> Outcome:
    return Outcome(None, reason="grid: no grid was found; give px_per_mm")


def broken(sample: LeadSample) -> Outcome:
    raise ZeroDivisionError("a defect")


def method(name: str, kind: str = "baseline", **facts: object) -> Method:
    """A method by the name of one of the functions above."""
    return Method(name, kind, globals()[name], in_workers=True, **facts)  # type: ignore[arg-type]
