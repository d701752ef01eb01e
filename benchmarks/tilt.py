"""How well tilted leads are read: `python benchmarks/tilt.py --records FOLDER --n 60`.

Clean leads are drawn, turned about their middle on a larger sheet, and read as a user would: speed
and gain alone are given. Median and mean SNR (aligned) and the share that fails, at each angle.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.presets import load
from data_gen.sample import LeadSample
from ecg_overlap.digitize.lead import digitize_lead
from ecg_overlap.digitize.network import Network
from ecg_overlap.metrics.signal import LeadScore, score_lead
from ecg_overlap.network import load_model

ANGLES_DEG = (0.0, 0.3, 1.0, 2.0, 3.0, 5.0, 8.0)


def turned(image: NDArray[np.uint8], angle_deg: float) -> NDArray[np.uint8]:
    """The picture turned clockwise about its middle, on paper of its own median colour."""
    height, width = image.shape[:2]
    cos, sin = abs(np.cos(np.deg2rad(angle_deg))), abs(np.sin(np.deg2rad(angle_deg)))
    size = int(np.ceil(width * cos + height * sin)), int(np.ceil(width * sin + height * cos))
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -angle_deg, 1.0)
    turn[:, 2] += ((size[0] - width) / 2, (size[1] - height) / 2)
    paper = np.median(image, axis=(0, 1)).tolist()
    return np.asarray(
        cv2.warpAffine(image, turn, size, flags=cv2.INTER_CUBIC, borderValue=paper), np.uint8
    )


def read(sample: LeadSample, angle_deg: float, method: str, network: Network | None) -> LeadScore:
    """The lead's score, its picture turned."""
    assert sample.signal_mv is not None and sample.fs_hz is not None
    assert sample.calibration is not None
    image = sample.image if angle_deg == 0 else turned(sample.image, angle_deg)
    try:
        lead = digitize_lead(
            image,
            method=method,
            network=network,
            mm_per_s=sample.calibration.mm_per_s,
            mm_per_mv=sample.calibration.mm_per_mv,
        )
    except InputError:
        return score_lead(sample.signal_mv, None, sample.fs_hz, alignment="aligned")
    return score_lead(
        sample.signal_mv, lead.signal_mv, sample.fs_hz, alignment="aligned", est_fs_hz=lead.fs_hz
    )


def main() -> None:
    """Print a row for each angle and method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=Path, help="folder of WFDB records; else simulated ones")
    parser.add_argument("--n", type=int, default=60)
    parser.add_argument("--preset", default="clean")
    parser.add_argument("--methods", nargs="+", default=["classical", "unet+stroke"])
    parser.add_argument("--angles", type=float, nargs="+", default=ANGLES_DEG)
    options = parser.parse_args()
    kind = "wfdb" if options.records else "simulate"
    values = {"signals": {"root": str(options.records)}} if options.records else None
    generator = load(options.preset, values=values, signals=kind)
    network = load_model() if any("unet" in m for m in options.methods) else None
    for method in options.methods:
        told = network if "unet" in method else None
        for angle in options.angles:
            scores = [
                read(generator.sample(i, seed=5, split="test"), angle, method, told)
                for i in range(options.n)
            ]
            snr = np.array([s.snr_db for s in scores])
            row = f"{method:12} {angle:4.1f}°  median {np.median(snr):5.1f}  mean {snr.mean():5.1f}"
            failed = np.mean([s.failed for s in scores])
            print(f"{row} dB  failed {failed:.1%}  n {len(snr)}", flush=True)


if __name__ == "__main__":
    main()
