"""The lead-crop layout of the paper's data set: read with all its traps, and written.

    <root>/[subfolder/]image/{record}_{layout}_lead_{k}.png|.bmp|.jpg   RGB crop
    <root>/[subfolder/]mask-png/….png, mask-bmp/….bmp                    the primary trace
    <root>/[subfolder/]signal-json/….json                                mV at 100 Hz
    <root>/[subfolder/]truth-json/….json                                 ours alone, see below

Subfolders (train, val, test; with-overlap, without-overlap) are found at any depth, above
`image` or below it. The layout itself holds no calibration: a reader infers it from the crop's
width (`implied_calibration`), which is right only for a crop of the lead's own extent.
What we write therefore has `truth-json` beside it, which readers of the original overlook.

Source of the layout: arXiv 2506.06315.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError
from data_gen.formats.facts import facts, from_facts
from data_gen.formats.files import json_bytes, png_bytes, read_json, read_picture, write_whole
from data_gen.formats.lead_crop_scale import (
    FS_HZ,
    PAD_PX,
    clean_mask,
    fit_baseline,
    implied_calibration,
)
from data_gen.sample import LEADS, SPLITS, LeadSample

IMAGE_SUFFIXES = (".png", ".bmp", ".jpg", ".jpeg")  # of one name the first is taken: lossless
_NAME = re.compile(r"(?P<record>.+)_(?P<layout>[^_]+)_lead_(?P<index>\d+)")


@dataclass(frozen=True)
class CropFiles:
    """Where one crop's files lie.

    Args:
        root: The folder that holds `image`, `mask-png` and so on.
        image: The picture.
        inner: Path below `image` (and below its siblings), without suffix.
    """

    root: Path
    image: Path
    inner: str

    def beside(self, kind: str, suffix: str) -> Path | None:
        """The crop's file of another kind, if it is there."""
        path = self.root / kind / (self.inner + suffix)
        return path if path.is_file() else None


class LeadCrops:
    """A folder of lead crops, each read when asked for.

    Missing masks and signals are None, and so is what follows from them (calibration, polyline).
    Severity is None: a set that has only the primary's mask allows an estimate at best.
    `meta` holds "layout", "split", "subset", "baseline_from" ("mask", or "extent" where a mask
    is missing: the crop begins 15 px above the highest sample) and "baseline_residual_px".

    Args:
        root: The folder.
        fs_hz: Sampling frequency of the signals.

    Raises:
        InputError: There is no such folder, or no crop in it.

    Example:
        crops = LeadCrops("with-overlap")
        crops.names[0], crops[0].image.shape      # ('7_3by4_lead_0', (256, 1003, 3))
    """

    def __init__(self, root: str | Path, *, fs_hz: float = FS_HZ) -> None:
        self.root, self.fs_hz = Path(root), fs_hz
        self._files = _find_crops(self.root)
        self.names = tuple(self._files)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[LeadSample]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: int) -> LeadSample:
        """One crop.

        Raises:
            IndexError: There are fewer crops.
            InputError: A file of the crop is damaged, or its mask has another size.
        """
        name = self.names[index]
        files = self._files[name]
        image = read_picture(files.image)
        mask = _read_mask(files, image.shape[:2])
        signal = _read_signal(files)
        sample = _named(LeadSample(image, target_mask=mask), name, files.inner)
        if truth := files.beside("truth-json", ".json"):
            return _with_truth(sample, signal, truth)
        if signal is None:
            return sample
        sample = replace(sample, lead_name=self._checked_lead(name, sample.lead_name, signal))
        return _with_signal(sample, signal, self.fs_hz)

    def _checked_lead(
        self, name: str, lead: str | None, signal_mv: NDArray[np.float32]
    ) -> str | None:
        """Tells aVR from aVL by the limb-lead identities, where I and II are in the set too.

        The list of names in the publishers' code has the two in the other order than their
        records, so the index alone is not to be trusted.
        """
        if lead not in ("aVR", "aVL"):
            return lead
        stem = name.rpartition("_lead_")[0]
        limbs = [self._files.get(f"{stem}_lead_{k}") for k in (0, 1)]
        i, ii = (None if files is None else _read_signal(files) for files in limbs)
        if i is None or ii is None or not len(i) == len(ii) == len(signal_mv):
            return lead
        expected = {"aVR": -(i + ii) / 2, "aVL": i - ii / 2}
        error = {k: float(np.nanmean(np.abs(v - signal_mv))) for k, v in expected.items()}
        return min(error, key=lambda k: (error[k], k != lead))


def _find_crops(root: Path) -> dict[str, CropFiles]:
    if not root.is_dir():
        raise InputError(root, "is no folder", "give the folder that holds image/ and mask-png/")
    found: dict[str, CropFiles] = {}
    folders = [p for p in (root, *root.rglob("image")) if p.name == "image" and p.is_dir()]
    for folder in folders:
        pictures = [p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES]
        for path in sorted(pictures, key=lambda p: IMAGE_SUFFIXES.index(p.suffix.lower())):
            inner = path.relative_to(folder).with_suffix("").as_posix()
            above = folder.parent.relative_to(root) if folder != root else Path()
            found.setdefault((above / inner).as_posix(), CropFiles(folder.parent, path, inner))
    if not found:
        raise InputError(
            root,
            "holds no crop: no picture in a folder named image",
            "give the folder that holds image/ and mask-png/",
        )
    return dict(sorted(found.items(), key=lambda item: _natural(item[0])))


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts lead_2 before lead_10."""
    return [(int(s), "") if s.isdigit() else (-1, s) for s in re.split(r"(\d+)", name) if s]


def _named(sample: LeadSample, name: str, inner: str) -> LeadSample:
    """The sample with what its crop's name says.

    The index counts leads in the usual order, aVR before aVL (`LeadCrops` checks these two).
    """
    *folders, stem = name.split("/")
    meta = {
        "split": next((f for f in folders if f in SPLITS), None),
        "subset": next((f for f in folders if f in ("with-overlap", "without-overlap")), None),
    }
    parts = _NAME.fullmatch(stem)
    if parts is None:
        return replace(sample, record_id=Path(inner).name, meta=meta)
    index = int(parts["index"])
    lead = LEADS[index] if index < len(LEADS) else None
    meta["layout"] = parts["layout"]
    return replace(sample, record_id=parts["record"], lead_name=lead, meta=meta)


def _read_mask(files: CropFiles, size: tuple[int, ...]) -> NDArray[np.uint8] | None:
    path = files.beside("mask-png", ".png") or files.beside("mask-bmp", ".bmp")
    if path is None:
        return None
    mask = clean_mask(read_picture(path, gray=True))
    if mask.shape != size:
        raise InputError(
            path, f"is {mask.shape}, its crop {size} pixels", "replace the mask of this crop"
        )
    return mask


def _read_signal(files: CropFiles) -> NDArray[np.float32] | None:
    path = files.beside("signal-json", ".json")
    if path is None:
        return None
    stored = read_json(path)
    try:
        signal = np.array([np.nan if v is None else v for v in stored], np.float32)
    except (TypeError, ValueError):
        raise InputError(path, "is no list of numbers", "replace the signal file") from None
    if signal.ndim != 1 or len(signal) < 2:
        raise InputError(path, "is no list of two samples or more", "replace the signal file")
    return signal


def _with_signal(sample: LeadSample, signal_mv: NDArray[np.float32], fs_hz: float) -> LeadSample:
    """The sample with its signal, and with what follows from it."""
    calibration = implied_calibration(sample.image.shape[1], len(signal_mv), fs_hz=fs_hz)
    baseline_px, residual_px = float("nan"), float("nan")
    origin = "mask"
    if sample.target_mask is not None:
        baseline_px, residual_px = fit_baseline(
            sample.target_mask, signal_mv, calibration, fs_hz=fs_hz
        )
    if not np.isfinite(baseline_px) and np.isfinite(signal_mv).any():
        origin = "extent"
        baseline_px = PAD_PX + float(np.nanmax(signal_mv)) * calibration.px_per_mv
    sample = replace(sample, signal_mv=signal_mv, fs_hz=fs_hz)
    if not np.isfinite(baseline_px):
        return sample
    calibration = calibration.moved(0.0, baseline_px)
    x_px = calibration.x_px(np.arange(len(signal_mv)) / fs_hz)
    polyline = np.column_stack([x_px, calibration.y_px(signal_mv)])
    residual = residual_px if np.isfinite(residual_px) else None
    return replace(
        sample,
        calibration=calibration,
        polyline_px=polyline.astype(np.float32),
        meta=sample.meta | {"baseline_from": origin, "baseline_residual_px": residual},
    )


def _with_truth(
    sample: LeadSample, signal_mv: NDArray[np.float32] | None, path: Path
) -> LeadSample:
    """The sample with the truth that we wrote beside it."""
    stored = read_json(path)
    known = from_facts(stored, path)
    points = stored.get("polyline_px")
    known["polyline_px"] = None if points is None else np.array(points, np.float32)
    known["fs_hz"] = FS_HZ if signal_mv is not None else None
    return replace(sample, signal_mv=signal_mv, **known)


def write_lead_crop(sample: LeadSample, root: Path, name: str) -> dict[str, str]:
    """Writes one sample in this layout.

    The signal and the polyline are taken at 100 Hz on the drawn curve itself (no filter: it
    would round off the peaks that the picture shows).

    Args:
        sample: The sample.
        root: Folder of the set.
        name: As `crop_name` makes it.

    Returns:
        {path below root: SHA-256} of every file written.
    """
    content = {f"image/{name}.png": png_bytes(sample.image)}
    if sample.target_mask is not None:
        # Three channels, as the published masks have.
        content[f"mask-png/{name}.png"] = png_bytes(np.repeat(sample.target_mask[..., None], 3, 2))
    truth = facts(sample)
    if sample.signal_mv is not None and sample.fs_hz is not None:
        signal = _at_100_hz(sample.signal_mv[:, None], sample.fs_hz)[:, 0]
        content[f"signal-json/{name}.json"] = json_bytes([round(float(v), 6) for v in signal])
        truth["fs_hz"] = FS_HZ
        if sample.polyline_px is not None:
            points = _at_100_hz(sample.polyline_px, sample.fs_hz)
            truth["polyline_px"] = [[round(float(v), 4) for v in point] for point in points]
    content[f"truth-json/{name}.json"] = json_bytes(truth)
    return {path: write_whole(root / path, data) for path, data in content.items()}


def crop_name(sample: LeadSample, index: int) -> str:
    """The crop's file name: the sample's index stands for the record, as in the original.

    Raises:
        InputError: The sample does not know its lead.
    """
    if sample.lead_name not in LEADS:
        raise InputError(
            f"sample {index}", f"its lead is {sample.lead_name}", f"name one of {', '.join(LEADS)}"
        )
    layout = str(sample.meta.get("layout", "1x1")).replace("x", "by").replace("_", "-")
    return f"{index}_{layout}_lead_{LEADS.index(sample.lead_name)}"


def _at_100_hz(values: NDArray[np.float32], fs_hz: float) -> NDArray[np.float64]:
    """Columns of (n, m) values at fs_hz, on the straight lines between them, every 10 ms."""
    time_s = np.arange(len(values)) / fs_hz
    # The tolerance keeps a last sample that rounding has put a hair before its 10 ms.
    wanted_s = np.arange(int(np.floor(time_s[-1] * FS_HZ + 1e-6)) + 1) / FS_HZ
    return np.column_stack([np.interp(wanted_s, time_s, column) for column in values.T])
