"""What a perfect mask can tell of the signal at all, and how much of that the decoder takes.

    python benchmarks/information_limit.py --records FOLDER --n 10 --json limit.json

A lead is drawn with a round pen at the true scale. Then each sample alone is moved up and down
for as long as no pixel's coverage changes by more than a tolerance: within that stretch the mask
says nothing of the sample. The best guess is the middle of the stretch, its error that of an
even distribution, stretch / √12; the limit is the signal's energy over these errors'. It is
an upper bound: samples that move together are freer still, but a decoder that knows what an ECG
looks like may guess better. The stretch is long where a pen's width spans many samples, i.e.
inside steep strokes and between an upstroke and a downstroke that have run together.

Beside it: the decoder `stroke` on the same masks, at the true scale (`aligned`).
"""

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_gen.calibration import Calibration
from data_gen.presets import load
from data_gen.render import draw_stroke
from data_gen.sample import Record
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.metrics.signal import score_lead

LEAD = 7  # V2: the steepest strokes
SECONDS = 5.0
MARGIN_MM = 2.0
PX_PER_MM = (4.0, 8.0, 15.75)
PEN_MM = (0.2, 0.3, 0.45)
TOLERANCES = {"exact": 1, "scan": 26}  # levels of 255: rounding alone; a clean scan's noise
FloatArray = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=Path, help="folder of WFDB records; else simulated")
    parser.add_argument("--n", type=int, default=10, help="leads")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    source = "wfdb" if arguments.records else "simulate"
    values = {"signals": {"root": str(arguments.records)}} if arguments.records else {}
    signals = load("clean", values=values, signals=source).signals
    records = [signals.draw(np.random.default_rng([1, i])) for i in range(arguments.n)]
    table = []
    for px_per_mm in PX_PER_MM:
        for pen_mm in PEN_MM:
            found = [_lead(record, px_per_mm, pen_mm) for record in records]
            row = {"px_per_mm": px_per_mm, "pen_mm": pen_mm, "n": len(found)}
            row |= {name: float(np.median([f[name] for f in found])) for name in found[0]}
            table.append(row)
            print(
                f"{px_per_mm:5.2f} px/mm  pen {pen_mm:.2f} mm = {pen_mm * px_per_mm:4.1f} px  "
                + "  ".join(f"{name} {row[name]:5.2f}" for name in found[0]),
                flush=True,
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def _lead(record: Record, px_per_mm: float, pen_mm: float) -> dict[str, float]:
    """Limits and the decoder's SNR (dB) of one lead, and the median stretch (px)."""
    signal = record.signal_mv[: int(SECONDS * record.fs_hz), LEAD].astype(np.float64)
    margin = MARGIN_MM * px_per_mm
    zero_px = float(signal.max()) * 10 * px_per_mm + margin
    scale = Calibration(px_per_mm, px_per_mm, t0_px=margin, baseline_px=zero_px)
    columns = scale.x_px(np.arange(len(signal)) / record.fs_hz)
    line = np.stack([columns, scale.y_px(signal)], axis=1)
    pen = pen_mm * px_per_mm
    shape = (int(np.ptp(line[:, 1]) + 2 * margin) + 1, int(line[-1, 0] + margin) + 1)
    mask = np.zeros(shape, np.uint8)
    draw_stroke(mask, line, width_px=pen)
    energy = float(np.var(line[:, 1]))
    found = {}
    for name, tolerance in TOLERANCES.items():
        stretch = free_stretch_px(line, pen, tolerance)
        found[f"limit_{name}_db"] = 10 * np.log10(energy / np.mean(stretch**2 / 12))
        found[f"p99_{name}_px"] = float(np.quantile(stretch, 0.99))
    paper = np.full((*shape, 3), 255, np.uint8)
    lead = digitize_lead(paper, method="stroke@mask@grid", mask=mask, calibration=scale)
    score = score_lead(signal, lead.signal_mv, record.fs_hz, alignment="aligned", est_fs_hz=500.0)
    return found | {"stroke_db": score.snr_db}


def free_stretch_px(line: FloatArray, pen: float, tolerance: int) -> FloatArray:
    """How far each sample alone may move before any pixel changes by more than `tolerance`.

    Args:
        line: float64 (n, 2), the samples' columns and rows.
        pen: Width of the stroke, px.
        tolerance: In levels of 255.

    Returns:
        float64 (n,): upward and downward stretch together, px.
    """
    reaches = [
        [_reach_px(line, i, side, pen, tolerance) for side in (-1, 1)] for i in range(len(line))
    ]
    return np.sum(reaches, axis=1)


def _reach_px(line: FloatArray, i: int, side: int, pen: float, tolerance: int) -> float:
    """The stretch to one side, by halving; only what the moved sample can touch is drawn."""
    x = line[i, 0]
    first, last = np.searchsorted(line[:, 0], [x - 2 * pen - 2, x + 2 * pen + 2])
    near = line[max(first - 1, 0) : last + 1].copy()
    k = i - max(first - 1, 0)
    origin = np.floor(near.min(axis=0)) - np.ceil(3 * pen) - 2
    near -= origin
    shape = tuple(int(n) for n in (near.max(axis=0) + 3 * pen + 4)[::-1])
    before = np.zeros(shape, np.uint8)
    draw_stroke(before, near, width_px=pen)
    row, low, high = near[k, 1], 0.0, 2 * pen
    while high - low > 0.01:
        reach = (low + high) / 2
        near[k, 1] = row + side * reach
        after = np.zeros(shape, np.uint8)
        draw_stroke(after, near, width_px=pen)
        if int(np.abs(after.astype(np.int16) - before).max()) <= tolerance:
            low = reach
        else:
            high = reach
    return low


if __name__ == "__main__":
    main()
