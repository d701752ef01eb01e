"""Pages as ecg-image-kit writes them: a PNG, a JSON of annotations and a WFDB record.

    00504_hr-0.png  00504_hr-0.json  00504_hr.hea  00504_hr.dat

Traps of the format, met here:
- points are [y, x], and count from the picture's outer edge: the centre of pixel 0 is 0.5;
- a value may stand as itself or as {"val": value, "unit": …}, by the kit's version;
- annotations ignore the padding that a picture was given (found from its size, and added)
  and the cropping (not to be found again: such a page is refused, since its annotations do
  not lie on its ink).

Source: what ecg-image-kit (alphanumericslab, BSD-3) writes with --store_config 2, as of 2024.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_gen.calibration import Calibration
from data_gen.errors import InputError
from data_gen.formats.files import read_json, read_picture
from data_gen.sample import LEADS, LeadSample, Page, PageTrace

HALF_PX = 0.5
_CROPPED = "draw it with the kit's option -c 0 (its annotations ignore the crop)"
_MIN_CONTRAST = 12.0  # gray levels between a trace and the paper above and below it
_NAMES = {lead.upper(): lead for lead in LEADS}


class EcgImageKit:
    """A folder of the kit's pages, read when asked for; one sample for every lead of every page.

    Masks, and with them severity, are None: the kit does not draw them.

    Args:
        root: The folder; pages are found at any depth.
        pad_mm: Paper around the kit's own box of a lead, which touches its ink.
        check_ink: Refuse a page whose annotations do not lie on its ink.

    Raises:
        InputError: There is no such folder, or no page in it.

    Example:
        kit = EcgImageKit("kit_output")
        kit.page(0).traces[0].lead_name, kit[0].polyline_px.shape    # ('III', (1250, 2))
    """

    def __init__(self, root: str | Path, *, pad_mm: float = 2.0, check_ink: bool = True) -> None:
        self.root, self.pad_mm, self.check_ink = Path(root), pad_mm, check_ink
        if not self.root.is_dir():
            raise InputError(root, "is no folder", "give the kit's output folder")
        self.pages = sorted(p for p in self.root.rglob("*.json") if p.with_suffix(".png").is_file())
        if not self.pages:
            raise InputError(
                root, "holds no page: no PNG with a JSON", "run the kit with --store_config 2"
            )

    def page(self, index: int) -> Page:
        """One page, without masks.

        Raises:
            InputError: A file is missing or damaged, or annotations and picture disagree.
        """
        return read_page(self.pages[index], check_ink=self.check_ink)

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        return np.cumsum([len(_leads(path, read_json(path))) for path in self.pages])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __iter__(self) -> Iterator[LeadSample]:
        for index in range(len(self.pages)):
            yield from lead_samples(self.page(index), pad_mm=self.pad_mm)

    def __getitem__(self, index: int) -> LeadSample:
        if not 0 <= index < len(self):
            raise IndexError(index)
        page = int(np.searchsorted(self._ends, index, side="right"))
        first = int(self._ends[page - 1]) if page else 0
        return lead_samples(self.page(page), pad_mm=self.pad_mm)[index - first]


def read_page(path: Path, *, check_ink: bool = True) -> Page:
    """A page from its JSON, with the PNG and the WFDB record beside it.

    `meta` holds "lead_boxes", one [x0, y0, x1, y1] in px for every trace, and the kit's own
    settings.

    Raises:
        InputError: A file is missing or damaged, or annotations and picture disagree.
    """
    notes = read_json(path)
    image = read_picture(path.with_suffix(".png"))
    leads = _leads(path, notes)
    record = _record(path)
    names = [_NAMES.get(name.upper(), name) for name in record.sig_name]
    traces, boxes = [], []
    try:
        pad_px = _padding(path, notes, image)
        for lead in leads:
            name = _NAMES.get(lead["lead_name"].upper(), lead["lead_name"])
            start, end = int(lead["start_sample"]), int(lead["end_sample"])
            signal = record.p_signal[start:end, names.index(name)].astype(np.float32)
            traces.append(_trace(path, notes, lead, signal, name=name, pad_px=pad_px))
            boxes.append(_box(lead, traces[-1].polyline_px, pad_px))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            path, f"its annotations are damaged ({error!r})", "draw it again"
        ) from None
    page = Page(
        image,
        tuple(_with_rows(traces)),
        record_id=record.record_name,
        layout=f"kit-{_value(notes.get('number_of_columns_in_image', 'unknown'))}-columns",
        dpi=float(_value(notes["resolution"])),
        meta={
            "lead_boxes": boxes,
            "kit": {k: _value(v) for k, v in notes.items() if k != "leads"},
        },
    )
    if check_ink:
        _check_ink(path, page)
    return page


def _value(stored: Any) -> Any:
    return stored["val"] if isinstance(stored, dict) and "val" in stored else stored


def _leads(path: Path, notes: Any) -> list[dict[str, Any]]:
    leads = notes.get("leads") if isinstance(notes, dict) else None
    if not leads or any("plotted_pixels" not in lead for lead in leads):
        raise InputError(
            path, "holds no leads with plotted_pixels", "run the kit with --store_config 2"
        )
    return list(leads)


def _record(path: Path) -> Any:
    """The wfdb.Record beside a page: `00504_hr` for `00504_hr-0.json` and its like."""
    import wfdb  # 1 s to import: only where it is used

    name = path.stem
    while not path.with_name(name + ".hea").is_file():
        if "-" not in name:
            raise InputError(path, "has no WFDB record beside it", "keep the kit's .hea and .dat")
        name = name.rpartition("-")[0]
    try:
        return wfdb.rdrecord(str(path.with_name(name)))
    except (OSError, ValueError, IndexError) as error:
        raise InputError(
            path.with_name(name + ".hea"), f"cannot be read ({error})", "replace the record"
        ) from None


def _padding(path: Path, notes: dict[str, Any], image: NDArray[np.uint8]) -> int:
    """Pixels of padding on each side, which the annotations do not know of."""
    height, width = int(_value(notes["height"])), int(_value(notes["width"]))
    extra = image.shape[0] - height, image.shape[1] - width
    if extra[0] != extra[1] or extra[0] < 0 or extra[0] % 2:
        raise InputError(
            path,
            f"annotates {width}×{height} px, its picture has {image.shape[1]}×{image.shape[0]}",
            _CROPPED,
        )
    return int(extra[0]) // 2


def _trace(
    path: Path,
    notes: dict[str, Any],
    lead: dict[str, Any],
    signal_mv: NDArray[np.float32],
    *,
    name: str,
    pad_px: float,
) -> PageTrace:
    points = np.array(lead["plotted_pixels"], np.float64)[:, ::-1] + (pad_px - HALF_PX)
    if len(points) != len(signal_mv):
        raise InputError(
            path,
            f"lead {name} has {len(points)} points for {len(signal_mv)} samples",
            "keep the record that the kit wrote with the page",
        )
    fs_hz = float(_value(notes["sampling_frequency"]))
    scale = Calibration(
        float(_value(notes["x_grid"])) / 5,
        float(_value(notes["y_grid"])) / 5,
        # The kit draws nothing else and says nothing of it; what we write does.
        mm_per_s=float(notes.get("mm_per_s", 25.0)),
        mm_per_mv=float(notes.get("mm_per_mv", 10.0)),
    )
    # The page states no baseline, but every point is one sample's amplitude above it.
    baseline_px = float(np.nanmedian(points[:, 1] + signal_mv * scale.px_per_mv))
    start_s = int(lead["start_sample"]) / fs_hz
    return PageTrace(
        lead_name=name,
        row=0,
        start_s=start_s,
        signal_mv=signal_mv,
        fs_hz=fs_hz,
        polyline_px=points.astype(np.float32),
        mask=None,
        calibration=scale.moved(float(points[0, 0]), baseline_px),
    )


def _with_rows(traces: list[PageTrace]) -> Iterator[PageTrace]:
    """Rows from the top: traces whose baselines lie within 2 mm stand in one row."""
    heights = [t.calibration.baseline_px / t.calibration.px_per_mm_y for t in traces]
    order = np.argsort(heights, kind="stable")
    steps = np.diff(np.array(heights)[order], prepend=heights[order[0]]) > 2.0
    rows = dict(zip(order.tolist(), np.cumsum(steps).tolist(), strict=True))
    for index, trace in enumerate(traces):
        yield replace(trace, row=rows[index])


def _box(lead: dict[str, Any], polyline_px: NDArray[np.float32], pad_px: float) -> list[float]:
    """[x0, y0, x1, y1] of the kit's box of a lead, or of its points where it has none."""
    if "lead_bounding_box" in lead:
        corners = np.array(list(lead["lead_bounding_box"].values()), np.float64)[:, ::-1]
        corners += pad_px - HALF_PX
    else:
        corners = polyline_px.astype(np.float64)
    return [*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist()]


def _check_ink(path: Path, page: Page) -> None:
    gray = page.image.mean(axis=2)
    for trace in page.traces:
        x, y = trace.polyline_px[np.isfinite(trace.polyline_px).all(axis=1)].T.round().astype(int)
        # Half-way between the fine lines on both sides of the trace, where paper is seen.
        away = round(1.5 * trace.calibration.px_per_mm_y)
        inside = (x >= 0) & (x < gray.shape[1]) & (y >= away) & (y < len(gray) - away)
        x, y = x[inside], y[inside]
        beside = (gray[y - away, x] + gray[y + away, x]) / 2
        contrast = float(np.median(beside - gray[y, x])) if len(x) else 0.0
        if contrast < _MIN_CONTRAST:
            raise InputError(
                path, f"the points of lead {trace.lead_name} do not lie on its ink", _CROPPED
            )


def lead_samples(page: Page, *, pad_mm: float = 2.0) -> list[LeadSample]:
    """One sample for every trace of a page, cut out by its box.

    Args:
        page: With "lead_boxes" in `meta`, else a trace's own points are its box.
        pad_mm: Paper around the box.
    """
    boxes = page.meta.get("lead_boxes") or [None] * len(page.traces)
    samples = []
    for number, (trace, box) in enumerate(zip(page.traces, boxes, strict=True)):
        pad = np.array([trace.calibration.px_per_mm_x, trace.calibration.px_per_mm_y]) * pad_mm
        corners = trace.polyline_px if box is None else np.reshape(box, (2, 2))
        size = np.array(page.image.shape[1::-1])
        x0, y0 = np.clip(np.floor(np.nanmin(corners, axis=0) - pad), 0, size - 1).astype(int)
        x1, y1 = np.clip(np.ceil(np.nanmax(corners, axis=0) + pad) + 1, 1, size).astype(int)
        samples.append(
            LeadSample(
                np.ascontiguousarray(page.image[y0:y1, x0:x1]),
                target_mask=None if trace.mask is None else trace.mask[y0:y1, x0:x1].copy(),
                polyline_px=trace.polyline_px - np.array([x0, y0], np.float32),
                signal_mv=trace.signal_mv,
                fs_hz=trace.fs_hz,
                calibration=trace.calibration.moved(-float(x0), -float(y0)),
                lead_name=trace.lead_name,
                record_id=page.record_id,
                meta={"layout": page.layout, "trace": number, "start_s": trace.start_s},
            )
        )
    return samples
