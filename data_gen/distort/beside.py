"""The edge of another page that lies on the table beside a photographed one."""

from dataclasses import dataclass

import cv2
import numpy as np

from data_gen.arrays import F32
from data_gen.dials import happens, uniform
from data_gen.distort.distortion import Distortion
from data_gen.distort.warp import Image

# As on photographs: another sheet of the same printer, near and a little turned.
_PAPER, _MAJOR, _MINOR, _INK = (
    np.array(rgb, np.float32)
    for rgb in ((250, 244, 240), (226, 140, 140), (244, 208, 206), (50, 45, 50))
)
_GAP_MM, _TURN_DEG = (0.5, 6.0), (-4.0, 4.0)
_PITCH_MM = (16.0, 28.0)  # of its rows
_BEAT_MM, _HEIGHT_MM = (15.0, 25.0), (4.0, 12.0)
_PEN_MM = 0.35
_SHADOW_MM, _SHADOW = 1.5, 0.35  # that the page throws on what lies beside it


@dataclass(frozen=True)
class Beside:
    """Another page beside the page, on one of the picture's sides.

    Args:
        side: 0 left, 1 top, 2 right, 3 bottom.
        gap_mm: Table that is seen between the two.
        turn_deg: How far it is turned.
        pitch_mm: Of its rows.
        beat_mm: From beat to beat on it.
        height_mm: Of its beats.
        phase_mm: Where its grid, rows and beats begin.
    """

    side: int
    gap_mm: float
    turn_deg: float
    pitch_mm: float
    beat_mm: float
    height_mm: float
    phase_mm: tuple[float, float]


def draw_beside(dials: Distortion, rng: np.random.Generator) -> Beside | None:
    """Whether another page lies there; where none can, nothing is drawn from `rng`."""
    if dials.beside_p == 0 or not happens(rng, dials.beside_p):
        return None
    side = int(rng.integers(4))
    ranges = (_GAP_MM, _TURN_DEG, _PITCH_MM, _BEAT_MM, _HEIGHT_MM)
    gap, turn, pitch, beat, height = (uniform(rng, bounds) for bounds in ranges)
    return Beside(
        side, gap, turn, pitch, beat, height, (float(rng.random()) * 50, float(rng.random()) * 50)
    )


def lay_beside(image: Image, beyond: Image, beside: Beside, *, px_per_mm: float) -> None:
    """Lay the other page on the table, in place.

    Args:
        image: uint8 (H, W, 3), with page and table.
        beyond: uint8 (H, W), how far a pixel is of the table.
        beside: The other page.
        px_per_mm: Of the picture.
    """
    height, width = beyond.shape
    away_mm = cv2.distanceTransform((beyond >= 128).astype(np.uint8), cv2.DIST_L2, 3) / px_per_mm
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    on_side = (x < width / 2, y < height / 2, x >= width / 2, y >= height / 2)[beside.side]
    # Only what is nearest to that side: at a corner the other page ends.
    table = on_side & (away_mm > 0)
    other = table & (away_mm > beside.gap_mm)
    paper = _texture(x / px_per_mm, y / px_per_mm, beside, px_per_mm)
    image[other] = paper[other].astype(np.uint8)
    dark = 1 - _SHADOW * np.clip(1 - away_mm / _SHADOW_MM, 0, 1)
    image[table] = (image[table] * dark[table][:, None]).astype(np.uint8)


def _texture(x_mm: F32, y_mm: F32, beside: Beside, px_per_mm: float) -> F32:
    """The other page as it would be everywhere: paper, grid, rows of beats; (H, W, 3)."""
    turn = np.deg2rad(beside.turn_deg)
    u = x_mm * np.cos(turn) + y_mm * np.sin(turn) + beside.phase_mm[0]
    v = y_mm * np.cos(turn) - x_mm * np.sin(turn) + beside.phase_mm[1]
    # A beat is a narrow hat; the flank is as dark as the level stroke is wide.
    into_beat = np.abs((u + beside.beat_mm / 2) % beside.beat_mm - beside.beat_mm / 2)
    trace = -beside.height_mm * np.clip(1 - into_beat / 1.0, 0, 1)
    off_row = (v + beside.pitch_mm / 2) % beside.pitch_mm - beside.pitch_mm / 2
    flank = np.where(into_beat < 1.0, np.hypot(1.0, beside.height_mm), 1.0)
    ink = np.clip((_PEN_MM / 2 - np.abs(off_row - trace) / flank) * px_per_mm + 0.5, 0, 1)
    out = np.broadcast_to(_PAPER, (*u.shape, 3)).astype(np.float32)
    for step_mm, half_mm, colour in ((1.0, 0.06, _MINOR), (5.0, 0.12, _MAJOR)):
        for along in (u, v):
            off = np.abs((along + step_mm / 2) % step_mm - step_mm / 2)
            line = np.clip((half_mm - off) * px_per_mm + 0.5, 0, 1)[..., None]
            out += line * (np.minimum(out, colour) - out)
    shown: F32 = out + ink[..., None] * (_INK - out)
    return shown
