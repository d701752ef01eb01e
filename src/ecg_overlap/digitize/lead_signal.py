"""What digitization returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from data_gen.calibration import Calibration

FloatArray = NDArray[np.float64]

INTERVAL_LEVEL = 0.9  # share of the samples that `interval_mv` is meant to hold

FLAGS = {
    "grid_low_confidence": "the grid was found, but barely: check the scale",
    "turned": "the picture was turned by `turned_deg` before it was read",
    "maybe_upside_down": "time seems to run backward: it may be turned by 180°, or its scale wrong",
    "inverted": "the ink is lighter than its paper: it was read as if it were darker",
    "scale_from_pulse": "there is no grid: the scale is that of the calibration pulse",
    "gain_from_pulse": "the gain is not 10 mm/mV: it is that of the calibration pulse",
    "gain_contradicted": "the calibration pulse has another height than --mm-per-mv says",
    "speed_from_pulse": "the paper speed is not 25 mm/s, by a calibration pulse that is wide",
    "gap": "a stretch of the trace was not seen and is NaN",
    "baseline_unknown": "0 mV is an estimate of the isoelectric line, not a known row",
    "trace_leaves_crop": "the trace touches the picture's edge: its peaks may be cut off",
    "peak_doubtful": "a peak with faint flanks was joined from pieces of ink, or may be lost",
    "path_invented": "more than 1 % of the path leads over blank paper: see the overlay",
    "several_traces": "which trace is meant is not clear (--row tells), or this is a page",
    "ink_shared": "much of the trace's ink is another trace's too: whose is whose may be wrong",
    "trace_short": "less than three quarters of the picture's width hold the trace",
    "low_quality": "it is likelier than not that the signal is wrong: see `quality`",
}


@dataclass(frozen=True)
class LeadSignal:
    """One digitized lead.

    Args:
        signal_mv: float64 (n,), mV; NaN where no trace was seen.
        fs_hz: Sampling frequency; sample k stands k / fs_hz seconds after column `t0_px`.
        calibration: As found; its `t0_px` and `baseline_px` are those of `signal_mv`.
        confidence: float64 (n,), 0–1; 0 where no trace was seen.
        interval_mv: float64 (n,): the truth, after the metric's alignment, is expected within
            ± this in 90 % of the samples (`INTERVAL_LEVEL`), provided that the right trace was
            followed: it speaks of the pen's place, the ink's edge and the time axis, neither of
            a swapped trace nor of an unknown 0 mV. NaN where the signal is.
        baseline_known: Whether 0 mV is a known row, or an estimate of the isoelectric line.
        flags: Of `FLAGS`.
        stage_images: Pictures of the stages, where asked for.
        path_px: float64 (n, 2), the samples' (x, y) in the picture.
        angle_deg: Tilt of the grid, clockwise on the screen; the calibration is along it.
        grid_confidence: 0–1; NaN where the scale was given.
        method: How it was made; of `surest`, the method whose reading was taken.
        contested: Share of the picture's columns in which the trace shares its ink with another;
            NaN where the method traces no others.
        unexplained: Share of the picture's ink that no trace's path draws (text, pulses, or a peak
            that was lost); likewise.
        invented: Share of the path that leads over blank paper; likewise.
        quality: The probability, 0–1, that the signal's SNR is 10 dB or more (`aligned`,
            docs/metrics.md), as `digitize/quality.py` judges by what the reading itself shows. It
            was fitted on drawn leads, and holds on average over leads like those; on paper unlike
            them it is too careful. It knows no scale, gain or speed that was told wrong, and no
            lead under another's name. NaN where the method traces no others, or was given a mask.
            Of a page's lead, as `digitize/page/quality.py` judges; there a wrong name counts too.
        evidence: What `quality` was judged by: the values of `digitize.quality.Evidence`, of a
            page's lead of `page.strip_evidence.StripEvidence`, by name; empty where it is NaN.
        turned_deg: By how much the picture was turned, clockwise, before it was read: 0, 90, 180
            or 270. `path_px` and the stages' pictures are in the picture as it was given; the
            calibration is of the turned one.
        weights_sha256: Of the file of the network's weights; None where no network was used, or
            one that does not tell.
    """

    signal_mv: FloatArray
    fs_hz: float
    calibration: Calibration
    confidence: FloatArray
    interval_mv: FloatArray
    baseline_known: bool
    flags: tuple[str, ...] = ()
    stage_images: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    path_px: FloatArray = field(default_factory=lambda: np.empty((0, 2)))
    angle_deg: float = 0.0
    grid_confidence: float = np.nan
    method: str = ""
    contested: float = np.nan
    unexplained: float = np.nan
    invented: float = np.nan
    quality: float = np.nan
    evidence: Mapping[str, float] = field(default_factory=dict)
    turned_deg: int = 0
    weights_sha256: str | None = None

    @property
    def t0_px(self) -> float:
        return self.calibration.t0_px

    @property
    def coverage(self) -> float:
        """Fraction of the samples that were seen."""
        return float(np.isfinite(self.signal_mv).mean()) if len(self.signal_mv) else 0.0
