"""From a picture of one lead to its signal: four stages in one visible function."""

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from data_gen.calibration import Calibration
from data_gen.errors import InputError
from data_gen.render import draw_stroke
from ecg_overlap.digitize.baselines.paper import wander_mv
from ecg_overlap.digitize.box_size import scale_by_beats
from ecg_overlap.digitize.calibrate import INK_ERROR, to_signal
from ecg_overlap.digitize.checks import check_px_per_mm, check_row, checked_image
from ecg_overlap.digitize.coarser import coarser
from ecg_overlap.digitize.decoders import Decoded
from ecg_overlap.digitize.errors import DigitizeError
from ecg_overlap.digitize.gain import without_pulse
from ecg_overlap.digitize.grid import Illumination
from ecg_overlap.digitize.ink.coverage import as_coverage
from ecg_overlap.digitize.ink.found import Ink
from ecg_overlap.digitize.lead_signal import LeadSignal
from ecg_overlap.digitize.names.letters import letter_boxes
from ecg_overlap.digitize.names.seen import names_on
from ecg_overlap.digitize.network import Image, Network, checked_map, info_of
from ecg_overlap.digitize.paths.path import Path
from ecg_overlap.digitize.plans import Needs, Plan, plan_for
from ecg_overlap.digitize.quality import LOW_QUALITY, Evidence, evidence_of, quality, second_path
from ecg_overlap.digitize.scale import PaperMap, ScaleSource
from ecg_overlap.digitize.stages import (
    LOW_CONFIDENCE,
    Scale,
    ScaledPicture,
    calibrated,
    in_black,
    scale_beside_colour,
    scale_of_grid,
    scale_told,
)
from ecg_overlap.digitize.straight import StraightPicture, straight_if_need_be
from ecg_overlap.digitize.turned import read_upright
from ecg_overlap.digitize.usual import Usual, as_usual

# A path that spans less of the picture's width was lost: of 98 leads of fold 9 none does, of cut
# real crops two.
SHORT_SHARE = 0.75
# Of 250 drawn leads of fold 9 that are read well (r ≥ 0.9), at most 3 % go beyond each.
MOST_INVENTED = 0.01  # share of the path
MOST_CONTESTED = 0.2  # share of the columns
LEAST_CHANCE = 0.75  # of the trace that was chosen: else one lead in four is another than was meant
SURE = 0.95  # quality of a reading beside which no other is tried: one in twenty is wrong at most
MOST_WHOLE = 1  # traces of which all is in the picture


def digitize_lead(
    image: Image,
    *,
    px_per_mm: float | None = None,
    mm_per_s: float | None = None,
    mm_per_mv: float | None = None,
    row_px: float | None = None,
    method: str = "default",
    fs_hz: float = 500.0,
    network: Network | None = None,
    mask: NDArray[Any] | None = None,
    calibration: Calibration | None = None,
    angle_deg: float = 0.0,
    stages: bool = False,
) -> LeadSignal:
    """Digitize the primary trace of a single-lead picture.

    Args:
        image: uint8 (H, W, 3), RGB.
        px_per_mm: The scale, where known; otherwise the grid is measured.
        mm_per_s: Paper speed, where known; otherwise as a calibration pulse tells, or 25.
        mm_per_mv: Gain, where known; otherwise as a calibration pulse tells, or 10.
        row_px: Row of the primary's baseline (0 mV), where known: chooses the trace.
        method: A name of `ecg_overlap.digitize.plans`; "default": what the network is made
            for (its `info.method`), or `classical` without one.
        fs_hz: Of the result.
        network: For the methods that use one; `surest` needs both (`onnx_network.load_both`).
        mask: (H, W), the primary's coverage or probability, instead of the method's own.
        calibration: Scale and origin, instead of the method's own.
        angle_deg: Tilt of the axes that `calibration` is along, positive clockwise on the screen.
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
    check_px_per_mm(image, px_per_mm)
    check_row(image, row_px)
    plan = plan_for(method, default=_default_method(network, mask))
    _require_inputs(plan, mask, calibration, row_px, network)
    asked = _Asked(
        plan,
        px_per_mm,
        mm_per_s,
        mm_per_mv,
        row_px,
        fs_hz,
        plan.network_of(network),
        mask,
        calibration,
        angle_deg,
        stages,
    )
    if plan.find_scale is not scale_of_grid:  # the baselines are as they were published
        return _read_as_turned(image, asked)
    fewer, how = coarser(image) if mask is None else (image, None)
    if how is None:
        return _read_upright(image, asked)
    row_px, px_per_mm = how.row(row_px), how.px_per_mm(px_per_mm)
    return how.back(_read_upright(fewer, replace(asked, row_px=row_px, px_per_mm=px_per_mm)))


@dataclass(frozen=True, eq=False)
class _Asked:
    """What `digitize_lead` was asked for, beside the picture."""

    plan: Plan
    px_per_mm: float | None
    mm_per_s: float | None
    mm_per_mv: float | None
    row_px: float | None
    fs_hz: float
    network: Network | None
    mask: NDArray[Any] | None
    calibration: Calibration | None
    angle_deg: float
    stages: bool

    @property
    def place_known(self) -> bool:
        """Whether it tells where in the picture something is."""
        return any(known is not None for known in (self.mask, self.calibration, self.row_px))


def _read_upright(image: Image, asked: _Asked) -> LeadSignal:
    if asked.place_known:  # who knows where something is knows which way up it is
        return _read_as_turned(image, asked)
    return read_upright(partial(_read_as_turned, asked=asked), image)


def _read_as_turned(image: Image, asked: _Asked) -> LeadSignal:
    """`digitize_lead` of a picture as it is turned."""
    usual = as_usual(Illumination(image))  # each part is computed once, when it is asked for
    # 1. The scale: from the picture to straight paper, and its pixels to s and mV.
    scale = _scale(usual.light, asked)
    lead = _read(image, usual, scale, asked)
    # 5. Where the grid leaves open which boxes its lines are, the beats tell.
    by_beats = scale if asked.px_per_mm is not None else scale_by_beats(lead, scale)
    return lead if by_beats is scale else _read(image, usual, by_beats, asked)


def _scale(light: Illumination, asked: _Asked) -> Scale:
    if asked.calibration is not None:
        given = asked.calibration
        paper = PaperMap(given.px_per_mm_x, given.px_per_mm_y, asked.angle_deg)
        return Scale(paper, given, origin_known=True)
    told = asked.mm_per_s, asked.mm_per_mv
    find_scale, px_per_mm = asked.plan.find_scale, asked.px_per_mm
    if px_per_mm is None:
        assert find_scale is not None  # _require_inputs
        return scale_beside_colour(lambda seen: find_scale(seen, *told), light)
    if find_scale is scale_of_grid and asked.mask is None:
        return scale_told(light, px_per_mm, *told)
    paper = PaperMap(px_per_mm, px_per_mm)
    return Scale(paper, calibrated(paper, *told))


def _read(given: Image, usual: Usual, scale: Scale, asked: _Asked) -> LeadSignal:
    """Stages 2 to 4, at a scale; of a method of several, the surest reading."""
    if not asked.plan.of or asked.mask is not None:
        return _read_by_one(given, usual, scale, asked)
    best: LeadSignal | None = None
    refused: DigitizeError | None = None
    for plan in asked.plan.readings():
        network = plan.network_of(asked.network)
        try:
            lead = _read_by_one(given, usual, scale, replace(asked, plan=plan, network=network))
        except DigitizeError as error:
            refused = error.kept()
            continue
        if best is None or lead.quality > best.quality:
            best = lead
        if best.quality >= SURE:
            break
    if best is None:
        assert refused is not None  # there is no method of none
        raise refused
    return best


def _read_by_one(given: Image, usual: Usual, scale: Scale, asked: _Asked) -> LeadSignal:
    """Stages 2 to 4, by one method."""
    light = usual.light
    plan, image, mask = asked.plan, light.image, asked.mask
    row_px, network, fs_hz = asked.row_px, asked.network, asked.fs_hz
    # From here on, the picture is straight paper.
    straight = straight_if_need_be(image.shape, scale.paper)
    picture = ScaledPicture(light, scale, row_px, network)
    if straight is not None:
        picture = straight_scaled(picture, straight)
    # 2. The ink.
    if mask is not None:
        ink = Ink(_given(checked_map(mask, image), straight), px_per_mm=picture.px_per_mm)
    else:
        assert plan.find_ink is not None  # _require_inputs
        ink = plan.find_ink(in_black(picture))
        ink = ink if straight is None else ink.within(straight.inside)
    flags: tuple[str, ...] = ()
    of_all_traces = plan.of_all_traces and mask is None
    if of_all_traces and asked.calibration is None:
        told = asked.mm_per_s, asked.mm_per_mv
        gained = without_pulse(ink, picture, scale.calibration, straight, told)
        ink, flags = gained.ink, gained.flags
        scale = replace(scale, calibration=gained.calibration)
    if of_all_traces:
        ink = with_letters(ink, picture)
    # 3. The traces: which of the ink is whose. 4. The primary's path.
    chosen = plan.decoder.choose_trace(ink, picture.row_px)
    read = plan.decoder.decode(chosen)
    path = read.path
    if not np.isfinite(path.y_px).any():
        where = "the picture" if row_px is None else f"the picture at row {row_px:g}"
        remedy = "check the crop's box" + ("" if row_px is None else ", and row_px")
        raise DigitizeError("trace", f"no trace was found in {where}", remedy)
    # The path in s and mV.
    axes = scale.paper.levelled()
    drawn = path if straight is None else straight.on_paper(path)
    lead = to_signal(
        drawn,
        _with_row(scale.calibration, axes, row_px, image.shape[1]),
        fs_hz=fs_hz,
        t0_known=scale.origin_known,
        baseline_known=scale.origin_known or row_px is not None,
        error_factor=INK_ERROR if ink.binarized else 1.0,
    )
    if plan.remove_wander:
        lead = replace(lead, signal_mv=lead.signal_mv - wander_mv(lead.signal_mv, fs_hz))
    by_network = network is not None and plan.network is not None and mask is None
    drawn = on_picture(drawn, axes)
    flags += _flags(drawn, image.shape, usual.width_px, scale.paper)
    evidence = _evidence(read, ink, picture, scale, flags) if of_all_traces else None
    return replace(
        lead,
        flags=(
            *(("inverted",) if usual.inverted else ()),
            *lead.flags,
            *flags,
            *_flags_of_ink(read),
            *_flags_of_quality(evidence),
        ),
        quality=np.nan if evidence is None else quality(evidence),
        evidence={} if evidence is None else asdict(evidence),
        contested=read.contested,
        unexplained=np.nan if read.leftover is None else read.leftover.unexplained_share,
        invented=np.nan if read.leftover is None else read.leftover.invented_share,
        path_px=axes.unstraighten(lead.path_px),
        angle_deg=scale.paper.angle_deg,
        grid_confidence=scale.paper.confidence,
        method=plan.name,
        weights_sha256=info_of(network).sha256 if network is not None and by_network else None,
        stage_images={
            "image": given,
            "mask": _redrawn(drawn, image.shape) if of_all_traces else _taken(ink, straight),
            **_left(read, straight),
        }
        if asked.stages
        else {},
    )


def with_letters(ink: Ink, picture: ScaledPicture) -> Ink:
    """The ink, and where lead names are printed in it."""
    dark = as_coverage(ink.mask if ink.dark is None else ink.dark)
    seen = names_on(
        picture.image,
        np.rint(255 * dark).astype(np.uint8),
        px_per_mm=picture.px_per_mm,
        inside=ink.inside,
    )
    return replace(ink, letters=letter_boxes(seen))


def straight_scaled(picture: ScaledPicture, straight: StraightPicture) -> ScaledPicture:
    """The picture on straight paper, with its grid and prompt there; its origin is not carried."""
    image, scale, row_px = picture.image, picture.scale, picture.row_px
    pitch = straight.px_per_mm
    calibration = replace(scale.calibration, px_per_mm_x=pitch, px_per_mm_y=pitch)
    if row_px is not None:
        middle = np.array([[image.shape[1] / 2, row_px]])
        row_px = float(straight.from_picture(middle)[0, 1])
    return ScaledPicture(
        Illumination(straight.image(image)),
        Scale(
            PaperMap(pitch, pitch),
            calibration,
            grid=None if scale.grid is None else straight.grid(scale.grid),
            pulse=scale.pulse,
        ),
        row_px,
        picture.network,
    )


def _given(mask: NDArray[Any], straight: StraightPicture | None) -> NDArray[Any]:
    """A mask that was given, as it is on straight paper."""
    if straight is None:
        return mask
    return straight.mask(mask if mask.dtype == np.uint8 else as_coverage(mask))


def _default_method(network: Network | None, mask: object) -> str:
    return "classical" if network is None or mask is not None else info_of(network).method


def _require_inputs(
    plan: Plan, mask: object, calibration: object, row_px: object, network: object
) -> None:
    missing = [
        name
        for name, needed, given in (
            ("mask", plan.needs_mask, mask),
            ("calibration", plan.find_scale is None, calibration),
            ("row_px", plan.row, row_px),
            ("network", plan.network is not None and mask is None, network),
        )
        if needed and given is None
    ]
    if missing:
        raise InputError(
            f"method {plan.name!r}", f"needs {' and '.join(missing)}", "give it, or choose another"
        )
    if plan.of and mask is None and not Needs.BOTH.fits(info_of(cast(Network, network))):
        raise InputError(
            f"method {plan.name!r}", "needs both networks", "give onnx_network.load_both()"
        )


def _with_row(
    calibration: Calibration, axes: PaperMap, row_px: float | None, width_px: int
) -> Calibration:
    """The calibration with the baseline's row, which is known at the picture's middle."""
    if row_px is None:
        return calibration
    middle = np.array([[width_px / 2, float(row_px)]])
    return replace(calibration, baseline_px=float(axes.straighten(middle)[0, 1]))


def on_picture(path: Path, axes: PaperMap) -> Path:
    """A path of straight paper as it runs on the picture; its order stays."""
    if axes.is_straight:
        return path
    points = axes.unstraighten(np.stack([path.x_px, path.y_px], axis=1))
    return replace(path, x_px=points[:, 0], y_px=points[:, 1])


def _flags(path: Path, shape: tuple[int, ...], width_px: int, paper: PaperMap) -> tuple[str, ...]:
    """Of the path on the picture of this shape, of which `width_px` columns are paper."""
    height = shape[0]
    y = path.y_px[np.isfinite(path.y_px)]
    flags = ["scale_from_pulse"] if paper.scale_from is ScaleSource.PULSE else []
    if paper.confidence < LOW_CONFIDENCE:
        flags.append("grid_low_confidence")
    if (y < path.width_px / 2).any() or (y > height - 1 - path.width_px / 2).any():
        flags.append("trace_leaves_crop")
    if path.peak_doubtful:
        flags.append("peak_doubtful")
    if path.end_px - path.start_px < SHORT_SHARE * width_px:
        flags.append("trace_short")
    return tuple(flags)


def _flags_of_ink(read: Decoded) -> tuple[str, ...]:
    flags = []
    if read.leftover is not None and read.leftover.invented_share > MOST_INVENTED:
        flags.append("path_invented")
    if read.chance < LEAST_CHANCE or read.n_whole > MOST_WHOLE:
        flags.append("several_traces")
    if read.contested > MOST_CONTESTED:
        flags.append("ink_shared")
    return tuple(flags)


def _evidence(
    read: Decoded, ink: Ink, picture: ScaledPicture, scale: Scale, flags: tuple[str, ...]
) -> Evidence:
    """What the reading of a picture on straight paper shows of how good it is."""
    return evidence_of(
        read,
        second_path(ink, picture.row_px),
        px_per_s=picture.px_per_mm * scale.calibration.mm_per_s,
        grid_confidence=scale.paper.confidence,
        at_edge="trace_leaves_crop" in flags,
    )


def _flags_of_quality(evidence: Evidence | None) -> tuple[str, ...]:
    low = evidence is not None and quality(evidence) < LOW_QUALITY
    return ("low_quality",) if low else ()


def _left(read: Decoded, straight: StraightPicture | None) -> dict[str, NDArray[np.uint8]]:
    """Pictures of what all paths leave over, uint8 (H, W), 0 or 255."""
    left = read.leftover
    if left is None:
        return {}
    pictures = {"unexplained": left.unexplained, "invented": left.invented}
    masks = {name: np.where(mask, 255, 0).astype(np.uint8) for name, mask in pictures.items()}
    if straight is None:
        return masks
    return {name: straight.mask_of_picture(mask) for name, mask in masks.items()}


def _redrawn(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The mask of a path among several, drawn with its own pen: their ink is not the primary's."""
    mask = np.zeros(shape[:2], np.uint8)
    draw_stroke(mask, np.stack([path.x_px, path.y_px], axis=1), width_px=path.width_px)
    return mask


def _taken(ink: Ink, straight: StraightPicture | None) -> NDArray[np.uint8]:
    """The mask that was taken for the primary's."""
    mask = ink.mask
    if mask.dtype != np.uint8:
        mask = np.rint(np.asarray(mask, np.float64) * 255).astype(np.uint8)
    return mask if straight is None else straight.mask_of_picture(mask)
