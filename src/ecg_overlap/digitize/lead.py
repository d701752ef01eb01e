"""The whole way from a picture of one lead to its signal, in one visible function."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from data_gen.calibration import Calibration
from data_gen.errors import InputError
from data_gen.render import draw_stroke
from ecg_overlap.digitize.baselines.fortune import threshold_with_hedge
from ecg_overlap.digitize.baselines.fortune_grid import find_grid_fortune
from ecg_overlap.digitize.baselines.paper import find_grid_paper
from ecg_overlap.digitize.calibrate import INK_ERROR, to_signal
from ecg_overlap.digitize.decoders import decode
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.grid.find import find_grid
from ecg_overlap.digitize.grid.model import Grid
from ecg_overlap.digitize.ink.binarize import binarize
from ecg_overlap.digitize.ink.coverage import Coverage, as_coverage
from ecg_overlap.digitize.ink.evidence import ink_of_primary
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.paths.coordinate import ColumnReading, coordinate
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.plans import Plan, plan_for
from ecg_overlap.digitize.primary import which_trace
from ecg_overlap.digitize.pulse import find_pulse
from ecg_overlap.digitize.traces.runs import SHORT

Image = NDArray[np.uint8]
MIN_SIDE_PX = 16
LOW_CONFIDENCE = 0.5
GRIDS: dict[str, Callable[[Image], Grid]] = {
    "lines": find_grid,
    "fortune": find_grid_fortune,
    "paper": find_grid_paper,
}
UPRIGHT_DEG = 0.02  # a smaller angle moves no end of a 4,000 px trace by more than 0.7 px


class Network(Protocol):
    """What a segmentation network is to the digitizer: a picture in, a probability map out."""

    def __call__(
        self, image: Image, *, px_per_mm: float, row_px: float | None = None
    ) -> NDArray[np.float32]:
        """Probability of the primary trace, float32 (H, W), for RGB uint8 (H, W, 3)."""


class ColumnNetwork(Network, Protocol):
    """A network with a coordinate head, which `unet_coord` reads."""

    def columns(
        self, image: Image, *, px_per_mm: float, row_px: float | None = None
    ) -> ColumnReading:
        """The primary trace's mask, and its row in each column."""


@dataclass(frozen=True)
class Scale:
    """The calibration of a picture, and how it was come by.

    Args:
        calibration: Along the grid's own axes.
        angle_deg: The grid's tilt, positive clockwise on the screen.
        confidence: 0–1; NaN where given.
        origin_known: Whether `calibration` holds the columns and rows of the origin too.
        grid: The grid it was read from, where one was.
        from_pulse: Whether it was measured on a calibration pulse.
    """

    calibration: Calibration
    angle_deg: float = 0.0
    confidence: float = np.nan
    origin_known: bool = False
    grid: Grid | None = None
    from_pulse: bool = False

    def straighten(self, points_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (n, 2) of the picture in the calibration's axes."""
        if self.grid is not None and self.grid.is_bent:
            return self.grid.straighten(points_px)
        return turned_points(points_px, self.angle_deg)

    def unstraighten(self, points_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """The points (n, 2) of the picture that `straighten` takes to these."""
        if self.grid is not None and self.grid.is_bent:
            return self.grid.unstraighten(points_px)
        return turned_points(points_px, -self.angle_deg)


def digitize_lead(
    image: Image,
    *,
    px_per_mm: float | None = None,
    mm_per_s: float = 25.0,
    mm_per_mv: float = 10.0,
    row_px: float | None = None,
    method: str = "default",
    fs_hz: float = 500.0,
    network: Network | None = None,
    mask: NDArray[Any] | None = None,
    calibration: Calibration | None = None,
    angle_deg: float = 0.0,
    decoder: str | None = None,
    remove_wander: bool | None = None,
    stages: bool = False,
) -> LeadSignal:
    """Digitize the primary trace of a single-lead picture.

    Args:
        image: uint8 (H, W, 3), RGB.
        px_per_mm: The scale, where known; otherwise the grid is measured.
        mm_per_s: Paper speed.
        mm_per_mv: Gain.
        row_px: Row of the primary's baseline (0 mV), where known: chooses the trace.
        method: A name of `ecg_overlap.digitize.plans`; "default": what the network is made
            for (its `method`), or `classical` without one.
        fs_hz: Of the result.
        network: For the methods that use one.
        mask: (H, W), the primary's coverage or probability, instead of the method's own.
        calibration: Scale and origin, instead of the method's own.
        angle_deg: Tilt of the axes that `calibration` is along, positive clockwise on the screen.
        decoder: Instead of the method's own.
        remove_wander: Subtract the baseline's drift; None: as the method does.
        stages: Return the stages' pictures.

    Raises:
        DigitizeError: The picture gives no signal; says which stage and what to do.
        InputError: An argument cannot be used.

    Example:
        >>> import data_gen, ecg_overlap
        >>> sample = data_gen.make_sample(0, config="clean")
        >>> lead = ecg_overlap.digitize_lead(sample.image)
        >>> round(len(lead.signal_mv) / lead.fs_hz), lead.fs_hz  # seconds and samples per second
        (10, 500.0)
    """
    image = checked_image(image)
    plan = plan_for(method, default=_default_method(network, mask))
    _require_inputs(plan, mask, calibration, row_px, network)
    # image → grid → calibration
    if calibration is not None:
        scale = Scale(calibration, angle_deg, origin_known=True)
    else:
        scale = _scale(image, plan, px_per_mm, mm_per_s, mm_per_mv)
    # image → mask
    reading, evidence = None, None
    if mask is not None:
        ink = _checked_mask(mask, image)
    elif plan.reads_columns:
        reading = _columns(image, plan, scale, row_px, network)
        ink = _checked_mask(reading.mask, image)
    elif plan.reads_ink:
        assert network is not None  # _require_inputs
        ink, evidence = _primary_ink(image, scale, row_px, network)
    else:
        ink = _checked_mask(_mask(image, plan, scale, row_px, network), image)
    # mask → path
    if reading is not None:
        path = coordinate(reading)
    else:
        path = decode(ink, decoder or plan.decoder, row_px=row_px, evidence=evidence)
    if not np.isfinite(path.y_px).any():
        raise DigitizeError("trace", "no trace was found in the picture", "check the crop's box")
    taken = _as_picture(ink) if evidence is None else redrawn(path, image.shape[:2])
    # path → mV
    lead = to_signal(
        straightened(path, scale),
        _with_row(scale, row_px, image.shape[1]),
        fs_hz=fs_hz,
        t0_known=scale.origin_known,
        baseline_known=scale.origin_known or row_px is not None,
        remove_wander=plan.remove_wander if remove_wander is None else remove_wander,
        error_factor=INK_ERROR
        if evidence is not None or (mask is None and plan.mask != "network")
        else 1.0,
    )
    return replace(
        lead,
        flags=lead.flags + _flags(path, ink.shape, scale),
        path_px=scale.unstraighten(lead.path_px),
        angle_deg=scale.angle_deg,
        grid_confidence=scale.confidence,
        method=plan.name,
        weights_sha256=getattr(network, "sha256", None)
        if plan.needs_network and mask is None
        else None,
        stage_images={"image": image, "mask": taken} if stages else {},
    )


def _default_method(network: Network | None, mask: object) -> str:
    if network is None or mask is not None:
        return "classical"
    return str(getattr(network, "method", "unet+stroke"))  # a plain function has none


def checked_image(image: Any) -> Image:
    """The picture, if it is one that can be digitized.

    Raises:
        InputError: Not uint8 (H, W, 3).
        DigitizeError: Too small to hold a trace.
    """
    picture = np.asarray(image)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise InputError(
            "image",
            f"{picture.dtype} {picture.shape} is not RGB uint8 (H, W, 3)",
            "read it with ecg_overlap.digitize.read_image",
        )
    if min(picture.shape[:2]) < MIN_SIDE_PX:
        raise DigitizeError(
            "image",
            f"{picture.shape[1]}×{picture.shape[0]} px hold no lead",
            f"give a crop of at least {MIN_SIDE_PX} px a side",
        )
    return picture


def _require_inputs(
    plan: Plan, mask: object, calibration: object, row_px: object, network: object
) -> None:
    missing = [
        name
        for name, needed, given in (
            ("mask", plan.mask == "given", mask),
            ("calibration", plan.grid == "given", calibration),
            ("row_px", plan.row, row_px),
            ("network", plan.needs_network and mask is None, network),
        )
        if needed and given is None
    ]
    if missing:
        raise InputError(
            f"method {plan.name!r}", f"needs {' and '.join(missing)}", "give it, or choose another"
        )


def _scale(
    image: Image,
    plan: Plan,
    px_per_mm: float | None,
    mm_per_s: float,
    mm_per_mv: float,
) -> Scale:
    if px_per_mm is not None:
        return Scale(Calibration(px_per_mm, px_per_mm, mm_per_s, mm_per_mv))
    try:
        grid = GRIDS[plan.grid](image)
    except DigitizeError as no_grid:
        if plan.grid != "lines":
            raise
        return _scale_of_pulse(image, mm_per_s, mm_per_mv, no_grid)
    found = Calibration(grid.px_per_mm_x, grid.px_per_mm_y, mm_per_s, mm_per_mv)
    return Scale(found, grid.angle_deg, grid.confidence, grid=grid)


def _scale_of_pulse(
    image: Image, mm_per_s: float, mm_per_mv: float, no_grid: DigitizeError
) -> Scale:
    """The scale of a calibration pulse, where there is one on paper without a grid."""
    try:
        pulse = find_pulse(binarize(image), mm_per_s=mm_per_s, mm_per_mv=mm_per_mv)
    except DigitizeError:
        raise no_grid from None
    found = Calibration(pulse.px_per_mm_x, pulse.px_per_mm_y, mm_per_s, mm_per_mv)
    return Scale(found, from_pulse=True)


def _mask(
    image: Image, plan: Plan, scale: Scale, row_px: float | None, network: Network | None
) -> NDArray[Any]:
    px_per_mm = scale.calibration.px_per_mm_y
    if plan.mask == "network":
        assert network is not None  # _require_inputs
        return network(image, px_per_mm=px_per_mm, row_px=row_px)
    if plan.mask == "fortune":
        return threshold_with_hedge(image)
    return binarize(image, px_per_mm=px_per_mm, grid=scale.grid)


def _columns(
    image: Image, plan: Plan, scale: Scale, row_px: float | None, network: Network | None
) -> ColumnReading:
    if not hasattr(network, "columns"):
        raise InputError(
            f"method {plan.name!r}", "the network has no coordinate head", "train model=unet_coord"
        )
    reader = cast(ColumnNetwork, network)
    return reader.columns(image, px_per_mm=scale.calibration.px_per_mm_y, row_px=row_px)


def _primary_ink(
    image: Image, scale: Scale, row_px: float | None, network: Network
) -> tuple[Coverage, Coverage]:
    """The primary's ink, and a network's probability of it."""
    px_per_mm = scale.calibration.px_per_mm_y

    def ask(row_px: float | None) -> Coverage:
        told = network(image, px_per_mm=px_per_mm, row_px=row_px)
        return as_coverage(_checked_mask(told, image))

    try:
        ink = binarize(image, px_per_mm=px_per_mm, grid=scale.grid)
    except DigitizeError:  # too faint for binarization, not for the network
        probability = ask(row_px)
        return probability, probability
    probability = which_trace(ask, ink, px_per_mm=px_per_mm) if row_px is None else ask(row_px)
    return ink_of_primary(ink, probability, px_per_mm=px_per_mm), probability


def _checked_mask(mask: Any, image: Image) -> NDArray[Any]:
    found = np.asarray(mask)
    if found.shape != image.shape[:2]:
        raise InputError(
            "mask", f"{found.shape} on a picture of {image.shape[:2]}", "give one value per pixel"
        )
    return found


def redrawn(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The path drawn with its own pen: the amodal mask uint8 (H, W) that it stands for."""
    mask = np.zeros(shape, np.uint8)
    draw_stroke(mask, np.stack([path.x_px, path.y_px], axis=1), width_px=path.width_px)
    return mask


def _with_row(scale: Scale, row_px: float | None, width_px: int) -> Calibration:
    """The calibration with the baseline's row, which is known at the picture's middle."""
    if row_px is None:
        return scale.calibration
    middle = np.array([[width_px / 2, float(row_px)]])
    return replace(scale.calibration, baseline_px=float(scale.straighten(middle)[0, 1]))


def straightened(path: Path, scale: Scale) -> Path:
    """The path in the calibration's axes: upright and even, whatever the grid's lines do."""
    if abs(scale.angle_deg) < UPRIGHT_DEG and not (scale.grid and scale.grid.is_bent):
        return path
    seen = np.isfinite(path.y_px)
    ends = np.array([path.start_px, path.end_px])
    # A gap's points get a row for the time being: without one they would have no column.
    rows = np.interp(path.x_px, path.x_px[seen], path.y_px[seen])
    points = scale.straighten(np.stack([path.x_px, rows], axis=1))
    points[~seen, 1] = np.nan
    order = np.argsort(points[:, 0])
    rows = np.interp(ends, path.x_px[seen], path.y_px[seen])
    ends = scale.straighten(np.stack([ends, rows], axis=1))[:, 0]
    return replace(
        path,
        x_px=points[order, 0],
        y_px=points[order, 1],
        sigma_px=path.sigma_px[order],
        confidence=path.confidence[order],
        start_px=float(ends[0]),
        end_px=float(ends[1]),
    )


def turned_points(points: NDArray[np.float64], angle_deg: float) -> NDArray[np.float64]:
    """float64 (n, 2) in axes tilted clockwise on the screen, about pixel (0, 0)."""
    if abs(angle_deg) < UPRIGHT_DEG:
        return points
    cos, sin = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    x, y = points.T
    return np.stack([cos * x + sin * y, -sin * x + cos * y], axis=1)


def _flags(path: Path, shape: tuple[int, ...], scale: Scale) -> tuple[str, ...]:
    height, width = shape[:2]
    y = path.y_px[np.isfinite(path.y_px)]
    flags = ["scale_from_pulse"] if scale.from_pulse else []
    if scale.confidence < LOW_CONFIDENCE:
        flags.append("grid_low_confidence")
    if (y < path.width_px / 2).any() or (y > height - 1 - path.width_px / 2).any():
        flags.append("trace_leaves_crop")
    if path.peak_doubtful:
        flags.append("peak_doubtful")
    if path.end_px - path.start_px < SHORT * width:
        flags.append("trace_short")
    return tuple(flags)


def _as_picture(mask: NDArray[Any]) -> NDArray[np.uint8]:
    if mask.dtype == np.uint8:
        return mask
    return np.rint(np.asarray(mask, np.float64) * 255).astype(np.uint8)
