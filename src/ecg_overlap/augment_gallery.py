"""A contact sheet of what each option of `aug=` does to the same leads, to be looked at.

python -m ecg_overlap.augment_gallery --out gallery/augmentations.png
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from data_gen import presets
from data_gen.conf_folder import conf_dir
from data_gen.gallery import contact_sheet
from data_gen.sample import LeadSample
from ecg_overlap import inputs
from ecg_overlap.augment import Augmentation
from ecg_overlap.digitize.write import write_png
from ecg_overlap.targets import trace_points

PX_PER_MM = 8.0
SIZE = (520, 220)  # of a tile, px
LEADS = 4
TINTS = ((0, 140, 60), (210, 50, 40))  # the primary, the intruders


def draw_sheet(*, seed: int = 0) -> NDArray[np.uint8]:
    """Each option of the group beside the others, on the same leads, masks tinted; uint8 RGB."""
    generator = presets.load("clean", crop="extent", values={"page": {"layout": "3x4"}})
    tiles = []
    for path in sorted((conf_dir() / "aug").glob("*.yaml")):
        augmentation = presets.load_part("aug", path.stem)
        for index in range(LEADS):
            sample = generator.sample(index, seed=seed)
            donor = generator.sample(index + LEADS, seed=seed)
            rng = np.random.default_rng([seed, index])
            tiles.append((f"aug={path.stem}", augmented(augmentation, sample, donor, rng)))
    return contact_sheet(tiles, columns=LEADS, size=SIZE)


def augmented(
    augmentation: Augmentation, sample: LeadSample, donor: LeadSample, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The sample's picture at the network's scale, augmented, with its masks in colour."""
    assert sample.target_mask is not None and sample.other_mask is not None
    assert sample.calibration is not None
    shape = sample.image.shape[:2]
    factor = PX_PER_MM / sample.calibration.px_per_mm_x
    size = (round(shape[0] * factor), round(shape[1] * factor))
    pictures = [
        inputs.resize(p, size) for p in (sample.image, sample.target_mask, sample.other_mask)
    ]
    points = inputs.resize_points(trace_points(sample), shape, size)
    (image, *masks), _ = augmentation(
        pictures, points, px_per_mm=PX_PER_MM, donor=lambda: donor, rng=rng
    )
    for mask, tint in zip(masks, TINTS, strict=True):
        colour = np.broadcast_to(np.array(tint, np.uint8), image.shape)
        alpha = mask[..., None].astype(np.float32) / 255 * 0.6
        image = np.rint(image * (1 - alpha) + colour * alpha).astype(np.uint8)
    return np.asarray(cv2.copyMakeBorder(image, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(180,) * 3))


def main() -> None:
    """Write the sheet as PNG."""
    parser = argparse.ArgumentParser(description="Draw a contact sheet of the augmentations.")
    parser.add_argument("--out", type=Path, default=Path("augmentations.png"), help="PNG file")
    arguments = parser.parse_args()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    print(write_png(draw_sheet(), arguments.out))


if __name__ == "__main__":
    main()
