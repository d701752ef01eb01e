"""Small samples and pages drawn by hand, so that these tests need no generator."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any

import cv2
import numpy as np

from data_gen.calibration import Calibration
from data_gen.sample import LEADS, LeadSample, Page, PageTrace, Severity


def beats_mv(n: int, fs_hz: float, *, gain_mv: float = 1.0, shift_s: float = 0.0) -> np.ndarray:
    """Two narrow bumps a second on a slow wave, float32 (n,)."""
    t = np.arange(n) / fs_hz + shift_s
    bumps = np.exp(-0.5 * (((t * 2) % 1 - 0.5) / 0.05) ** 2)
    return (gain_mv * bumps + 0.1 * np.sin(2 * np.pi * t)).astype(np.float32)


def stroke(shape: tuple[int, int], polyline_px: np.ndarray, width_px: int = 5) -> np.ndarray:
    """Anti-aliased coverage of a line, uint8 (H, W)."""
    canvas = np.zeros(shape, np.uint8)
    points = np.rint(polyline_px * 16).astype(np.int32)
    return cv2.polylines(canvas, [points], False, 255, width_px, cv2.LINE_AA, shift=4)


def ink_on_paper(*masks: np.ndarray) -> np.ndarray:
    """Black ink on pinkish paper, RGB uint8 (H, W, 3)."""
    paper = np.full((*masks[0].shape, 3), (255, 237, 237), np.float64)
    for mask in masks:
        paper *= 1 - mask[..., None] / 255
    return paper.round().astype(np.uint8)


def crop_of_extent(
    signal_mv: np.ndarray, *, fs_hz: float = 100.0, width_px: int = 1003
) -> tuple[np.ndarray, np.ndarray, Calibration]:
    """(polyline_px, mask, calibration) of a lead cut to its own extent and 15 px around it."""
    px_per_mm = (width_px - 30) / ((len(signal_mv) - 1) / fs_hz) / 25
    baseline = 15 + float(np.nanmax(signal_mv)) * px_per_mm * 10
    height = int(np.ceil(baseline - float(np.nanmin(signal_mv)) * px_per_mm * 10)) + 16
    calibration = Calibration(px_per_mm, px_per_mm, t0_px=15.0, baseline_px=baseline)
    x = calibration.x_px(np.arange(len(signal_mv)) / fs_hz)
    polyline = np.column_stack([x, calibration.y_px(signal_mv)]).astype(np.float32)
    return polyline, stroke((height, width_px), polyline), calibration


def lead_sample(index: int = 0, *, seed: int = 0, n: int = 40, fs_hz: float = 100.0) -> LeadSample:
    """A whole sample, small, other for every (seed, index)."""
    rng = np.random.default_rng([seed, index])
    signal = beats_mv(n, fs_hz, gain_mv=rng.uniform(0.2, 0.6), shift_s=rng.uniform())
    polyline, mask, calibration = crop_of_extent(signal, fs_hz=fs_hz, width_px=160)
    other = np.zeros_like(mask)
    other[: index % 7] = 255
    image = ink_on_paper(mask, other)
    return LeadSample(
        image=rng.integers(0, 2, image.shape, np.uint8) + np.minimum(image, 254),
        target_mask=mask,
        other_mask=other,
        polyline_px=polyline,
        signal_mv=signal,
        fs_hz=fs_hz,
        calibration=calibration,
        lead_name=LEADS[index % 12],
        record_id=f"made-{index}",
        severity=Severity(0.5, 0.04 * (index % 10), index % 3, 4, 1.5),
        meta={"layout": "3x4", "seed": seed, "index": index},
    )


def hand_page(index: int = 0, *, px_per_mm: float = 6.0) -> Page:
    """Two rows of two leads and one trace over the whole width, drawn and true."""
    fs_hz, shape = 250.0, (420, 900)
    names = (("I", "V1"), ("II", "aVL"), ("II",))
    traces, image_masks = [], []
    for row, leads in enumerate(names):
        samples = 500 // len(leads)
        for column, lead in enumerate(leads):
            signal = beats_mv(500, fs_hz, gain_mv=0.5 + 0.1 * LEADS.index(lead))
            start = column * samples
            calibration = Calibration(
                px_per_mm,
                px_per_mm,
                t0_px=40.0 + start / fs_hz * px_per_mm * 25,
                baseline_px=120.5 + 120 * row + index,
            )
            piece = signal[start : start + samples]
            x = calibration.x_px(np.arange(samples) / fs_hz)
            polyline = np.column_stack([x, calibration.y_px(piece)]).astype(np.float32)
            mask = stroke(shape, polyline, 2)
            image_masks.append(mask)
            traces.append(
                PageTrace(lead, row, start / fs_hz, piece, fs_hz, polyline, mask, calibration)
            )
    return Page(
        ink_on_paper(*image_masks), tuple(traces), f"made-{index}", "2x2+1R", px_per_mm * 25.4
    )


class Killed(BaseException):
    """Stands for a kill where a real one would take a process of its own."""


@dataclass(frozen=True)
class HandMade:
    """A source of samples for `write_set`, which ends at a sample if wanted.

    Args:
        stop_at: Raise `Killed` at this sample.
        die_at: Kill the process at this sample.
        meet_in: A folder in which each process leaves its number, and waits for a second one.
    """

    stop_at: int | None = None
    die_at: int | None = None
    meet_in: Path | None = None

    def sample(self, index: int, *, seed: int = 0, split: str = "train") -> LeadSample:
        if index == self.stop_at:
            raise Killed
        if index == self.die_at:
            os.kill(os.getpid(), SIGKILL)
        if self.meet_in is not None:
            (self.meet_in / str(os.getpid())).touch()
            patience = 300
            while len(list(self.meet_in.iterdir())) < 2 and (patience := patience - 1):
                time.sleep(0.1)
        return lead_sample(index, seed=seed)

    def page(self, index: int, *, seed: int = 0, split: str = "train") -> Page:
        return hand_page(index)


def same(a: LeadSample, b: LeadSample) -> bool:
    """Every field equal, arrays with their dtype."""
    for name, one in vars(a).items():
        other: Any = getattr(b, name)
        if isinstance(one, np.ndarray):
            if (
                other is None
                or one.dtype != other.dtype
                or not np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
            ):
                return False
        elif one != other:
            return False
    return True
