"""Writes a page in ecg-image-kit's schema, with annotations that are true to the picture."""

import tempfile
from pathlib import Path

import numpy as np

from data_gen.errors import InputError
from data_gen.formats.ecg_image_kit import HALF_PX
from data_gen.formats.files import json_bytes, png_bytes, write_whole
from data_gen.sample import LEADS, Page, PageTrace

UNITS_PER_MV = 1000.0


def write_page(page: Page, root: Path, name: str) -> dict[str, str]:
    """Writes a page in the kit's schema, its annotations true to the picture.

    Args:
        page: The page; its traces share one sampling frequency.
        root: Folder of the set.
        name: Of the WFDB record; the page is `name-0`.

    Returns:
        {path below root: SHA-256} of every file written.

    Raises:
        InputError: The page has no trace, traces of several sampling frequencies or gains, a lead
            upside down, or an amplitude beyond WFDB's 16 bits.
    """
    if any(trace.lead_name.startswith("-") for trace in page.traces):
        raise InputError(
            name, "has a lead upside down, which the kit's format cannot say", "draw format=pages"
        )
    rates = {trace.fs_hz for trace in page.traces}
    if len(rates) != 1:
        raise InputError(name, f"its traces have {len(rates)} sampling rates", "draw them with one")
    if len({trace.calibration.mm_per_mv for trace in page.traces}) > 1:
        raise InputError(
            name, "has two gains, which the kit's format cannot say", "draw format=pages"
        )
    fs_hz = rates.pop()
    content = _wfdb_files(page, name, fs_hz)
    scale = page.traces[0].calibration
    notes = {
        "sampling_frequency": fs_hz,
        "width": page.image.shape[1],
        "height": page.image.shape[0],
        "x_grid": round(scale.px_per_mm_x * 5, 3),
        "y_grid": round(scale.px_per_mm_y * 5, 3),
        "resolution": page.dpi,
        "pad_inches": 0,
        "mm_per_s": scale.mm_per_s,
        "mm_per_mv": scale.mm_per_mv,
        "leads": [_lead_notes(trace) for trace in page.traces],
    }
    content[f"{name}-0.json"] = json_bytes(notes)
    content[f"{name}-0.png"] = png_bytes(page.image)
    return {path: write_whole(root / path, data) for path, data in sorted(content.items())}


def _lead_notes(trace: PageTrace) -> dict[str, object]:
    points = np.asarray(trace.polyline_px, np.float64) + HALF_PX
    (x0, y0), (x1, y1) = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    corners = ((y0, x0), (y0, x1), (y1, x1), (y1, x0))
    start = round(trace.start_s * trace.fs_hz)
    return {
        "lead_name": trace.lead_name,
        "start_sample": start,
        "end_sample": start + len(points),
        "plotted_pixels": [[round(float(y), 3), round(float(x), 3)] for x, y in points],
        "lead_bounding_box": {
            str(k): [round(float(y), 2), round(float(x), 2)] for k, (y, x) in enumerate(corners)
        },
    }


def _wfdb_files(page: Page, name: str, fs_hz: float) -> dict[str, bytes]:
    """The record of what the page shows; NaN where it does not show a lead."""
    import wfdb  # 1 s to import: only where it is used

    starts = [round(trace.start_s * fs_hz) for trace in page.traces]
    ends = [s + len(trace.signal_mv) for s, trace in zip(starts, page.traces, strict=True)]
    leads = [lead for lead in LEADS if any(trace.lead_name == lead for trace in page.traces)]
    signal = np.full((max(ends), len(leads)), np.nan)
    for start, end, trace in zip(starts, ends, page.traces, strict=True):
        signal[start:end, leads.index(trace.lead_name)] = trace.signal_mv
    if np.nanmax(np.abs(signal), initial=0.0) > 32.0:
        raise InputError(name, "an amplitude is beyond 32 mV", "16 bits hold ±32 mV at 1 µV")
    with tempfile.TemporaryDirectory() as folder:
        wfdb.wrsamp(
            name,
            fs=fs_hz,
            units=["mV"] * len(leads),
            sig_name=leads,
            p_signal=signal,
            fmt=["16"] * len(leads),
            adc_gain=[UNITS_PER_MV] * len(leads),
            baseline=[0] * len(leads),
            write_dir=folder,
        )
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
