"""Augmentations: the paper's overlay of pasted strips, and ours, which adds a trace as ink.

The only module that knows albumentations, which is no longer maintained.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any

import albumentations as A
import cv2
import numpy as np
from albumentations.core.type_definitions import Targets
from numpy.typing import NDArray

from data_gen.calibration import Calibration
from data_gen.dials import as_number, as_probability, as_range
from data_gen.distort.blend import Colour, lay
from data_gen.render import draw_stroke
from data_gen.sample import LeadSample
from data_gen.severity import INK, expected_severities, ink_spans, pen_spans

Picture = NDArray[np.uint8]
Points = NDArray[np.float64]
Donor = Callable[[], LeadSample]
OFFSETS = 48  # places above, and as many below, at which an intruder is tried
TWIN_PENS = (1.0, 4.0)  # how far a twin stands from the primary, in pen widths
EQUALLY_GOOD = 0.01  # contacts (fractions) this near to the best one are as good
SOLID = 230  # coverage from which a pixel shows the ink's colour, and little of the paper's


class Augmentation:
    """A chain of transforms on a picture, its two masks and its points, seeded per sample.

    Args:
        transforms: albumentations transforms, or ours below.

    Example:
        >>> import albumentations as A
        >>> flip = Augmentation([A.VerticalFlip(p=1)])
        >>> image = np.zeros((2, 3, 3), np.uint8); image[0] = 9
        >>> mask = image[..., 0]
        >>> (out, _, _), points = flip([image, mask, mask], np.array([[1.0, 0.0]]), px_per_mm=8,
        ...                            donor=None, rng=np.random.default_rng(0))
        >>> int(out[1, 0, 0]), points.tolist()
        (9, [[1.0, 1.0]])
    """

    def __init__(self, transforms: Sequence[A.BasicTransform]) -> None:
        self.chain = None
        if transforms:
            self.chain = A.Compose(
                list(transforms),
                additional_targets={"other": "mask"},
                keypoint_params=A.KeypointParams(format="xy", remove_invisible=False),
            )

    def __call__(
        self,
        pictures: Sequence[Picture],
        points_px: Points,
        *,
        px_per_mm: float,
        donor: Donor | None,
        rng: np.random.Generator,
        index: int = 0,
    ) -> tuple[list[Picture], Points]:
        """Augment one sample.

        Args:
            pictures: The picture uint8 (H, W, 3), the primary's coverage uint8 (H, W), and the
                intruders'.
            points_px: float64 (…, 2), (x, y) of what has a place in them.
            px_per_mm: Scale of the three.
            donor: Draws another sample, for the transforms that lay one over this; called
                only when one of them comes up.
            rng: Decides everything that happens here.
            index: The sample's place in the training stream, for transforms that grow with it.

        Returns:
            The three pictures, of the same size unless a transform changes it, and the points.
        """
        if self.chain is None:
            return list(pictures), points_px
        # albumentations repeats its draws across workers and epochs unless it is seeded anew. Its
        # set_random_seed gives every transform the same draws: all come up, or none.
        seed = int(rng.integers(2**31))
        self.chain.set_random_state(np.random.default_rng(seed), random.Random(seed))
        image, target, other = pictures
        out = self.chain(
            image=image,
            mask=target,
            other=other,
            keypoints=points_px.reshape(-1, 2),
            px_per_mm=px_per_mm,
            donor=donor,
            index=index,
        )
        changed = [np.ascontiguousarray(out[name]) for name in ("image", "mask", "other")]
        return changed, np.asarray(out["keypoints"], np.float64).reshape(points_px.shape)


class _Overlay(A.DualTransform):
    """Changes the picture and the intruders' mask, and leaves the primary where it is."""

    _targets = (Targets.IMAGE, Targets.MASK, Targets.KEYPOINTS)

    def add_targets(self, additional_targets: dict[str, str]) -> None:
        super().add_targets(additional_targets)
        self._key2func["other"] = self.apply_to_other

    def apply_to_mask(self, mask: Picture, *args: Any, **params: Any) -> Picture:
        return mask

    def apply_to_keypoints(self, keypoints: Points, *args: Any, **params: Any) -> Points:
        return keypoints

    def apply_to_other(self, other: Picture, **params: Any) -> Picture:
        return other


class OverlaySignal(_Overlay):
    """Lay a strip of another ECG over the picture; the truth stays (arXiv 2506.10617).

    A pasted patch with its own background, kept as the paper describes it for comparison.

    Args:
        strip_px: Height of the strip.
        p: Probability.
    """

    def __init__(self, *, strip_px: int, p: float) -> None:
        super().__init__(p=p)
        self.strip_px = strip_px

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        height, width = data["image"].shape[:2]
        donor: LeadSample = data["donor"]()
        scaled = cv2.resize(donor.image, (width, height), interpolation=cv2.INTER_AREA)
        rows = min(self.strip_px, height)
        source = self.py_random.randint(0, height - rows)
        return {
            "strip": scaled[source : source + rows],
            "top": self.py_random.randint(0, height - rows),
        }

    def apply(self, img: Picture, strip: Picture, top: int, **params: Any) -> Picture:
        out = img.copy()
        out[top : top + len(strip)] = strip
        return out


class AddVerticalLines(_Overlay):
    """Draw black vertical lines over the picture; the truth stays (arXiv 2506.10617).

    Args:
        n_lines: How many.
        width_px: How wide.
        p: Probability.
    """

    def __init__(self, *, n_lines: int, width_px: int, p: float) -> None:
        super().__init__(p=p)
        self.n_lines, self.width_px = n_lines, width_px

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        last = max(0, data["image"].shape[1] - self.width_px)
        return {"columns": [self.py_random.randint(0, last) for _ in range(self.n_lines)]}

    def apply(self, img: Picture, columns: list[int], **params: Any) -> Picture:
        out = img.copy()
        for left in columns:
            out[:, left : left + self.width_px] = 0
        return out


class OverlapTraces(_Overlay):
    """Draw another lead's whole trajectory as ink on the same paper, above, below or across.

    The intruder darkens the paper under the same optics as the primary, and joins the
    intruders' mask; the primary's mask stays, as it is amodal.

    Args:
        contact: Range of the severity asked for: the fraction of the primary's columns that the
            intruder touches (`docs/metrics.md`). Of the places that `offset_mm` allows, the one
            that comes nearest is taken.
        ramp: Samples of the training stream over which the range's upper end grows from its
            lower one; 0: all of it from the start.
        offset_mm: Range of the distance between the two baselines; both signs are tried.
        gain: Range of the factor on the intruder's amplitude.
        twin: Probability that the intruder is a near-identical neighbour: the primary's own
            course, moved by up to a few pen widths, tangent to it at the same slope.
        pen_mm: Range of the intruder's pen width.
        p: Probability.

    Raises:
        InputError: A dial that is no number or no range, or beyond what makes sense.
    """

    def __init__(
        self,
        *,
        contact: tuple[float, float],
        ramp: int,
        offset_mm: tuple[float, float],
        gain: tuple[float, float],
        twin: float,
        pen_mm: tuple[float, float],
        p: float,
    ) -> None:
        super().__init__(p=p)
        self.contact = as_range("OverlapTraces.contact", contact, lowest=0, highest=1)
        self.ramp = as_number("OverlapTraces.ramp", ramp, lowest=0, highest=1e12)
        self.offset_mm = as_range("OverlapTraces.offset_mm", offset_mm, lowest=0, highest=200)
        self.gain = as_range("OverlapTraces.gain", gain, lowest=0, highest=20)
        self.pen_mm = as_range("OverlapTraces.pen_mm", pen_mm, lowest=0.05, highest=5)
        self.twin = as_probability("OverlapTraces.twin", twin)

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        draw, px_per_mm, mask = self.py_random, data["px_per_mm"], data["mask"]
        course = column_centres(mask)
        pen_px = draw.uniform(*self.pen_mm) * px_per_mm
        if np.isnan(course).all():
            points = np.empty((0, 2))
        elif draw.random() < self.twin:
            offset_px = draw.choice((-1, 1)) * draw.uniform(*TWIN_PENS) * pen_px
            points = np.column_stack([np.arange(len(course)), course + offset_px])
        else:
            row = float(np.nanmedian(course))
            points = _donor_points(
                data["donor"](), row, px_per_mm, draw.uniform(*self.gain), draw.random(), course
            )
            points[:, 1] += self._offset_px(points, mask, pen_px, px_per_mm, data["index"])
        coverage = np.zeros_like(mask)
        draw_stroke(coverage, points, width_px=pen_px)
        return {"coverage": coverage, "ink": _ink_of(data["image"], mask)}

    def _offset_px(
        self, points: Points, mask: Picture, pen_px: float, px_per_mm: float, index: int
    ) -> float:
        """How far the intruder is moved to come nearest to a contact drawn from the range."""
        least, most = self.contact
        if self.ramp:
            most = least + (most - least) * min(1.0, (index + 1) / self.ramp)
        asked = self.py_random.uniform(least, most)
        near, far = self.offset_mm
        above = np.linspace(near, far, OFFSETS) * px_per_mm
        offsets = np.concatenate([-above, above])
        spans = pen_spans(points, mask.shape[1], pen_px)[None]
        expected = expected_severities(ink_spans(mask), spans, offsets[:, None], len(mask))
        short = np.abs(expected[:, 0] - asked)
        # Of several, as many places touch nothing at all.
        best = np.flatnonzero(short <= short.min() + EQUALLY_GOOD)
        return float(offsets[self.py_random.choice(best.tolist())])

    def apply(self, img: Picture, coverage: Picture, ink: Colour, **params: Any) -> Picture:
        inked = img.copy()
        lay(inked, coverage, ink)
        return np.minimum(img, inked)  # ink only darkens

    def apply_to_other(self, other: Picture, **params: Any) -> Picture:
        coverage: Picture = params["coverage"]
        return np.maximum(other, coverage)


def column_centres(mask: Picture) -> NDArray[np.float64]:
    """Row (px) of the ink's centre in each column of coverage (H, W); NaN where there is none."""
    weight = np.where(mask >= INK, mask, 0).astype(np.float64)
    with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN that is wanted
        return np.asarray(np.arange(len(mask)) @ weight / weight.sum(axis=0))


def _donor_points(
    donor: LeadSample,
    row_px: float,
    px_per_mm: float,
    gain: float,
    phase: float,
    course: NDArray[np.float64],
) -> NDArray[np.float64]:
    """(x, y) px of the donor's signal, run over all columns with its baseline at `row_px`."""
    assert donor.signal_mv is not None and donor.fs_hz is not None and donor.calibration is not None
    mm_per_s, mm_per_mv = donor.calibration.mm_per_s, donor.calibration.mm_per_mv * gain
    scale = Calibration(px_per_mm, px_per_mm, mm_per_s, mm_per_mv, baseline_px=row_px)
    width = len(course)
    n_needed = int(np.ceil(width / scale.px_per_s * donor.fs_hz)) + 1
    signal = donor.signal_mv - np.nanmedian(donor.signal_mv)
    shifted = np.roll(signal, int(phase * len(signal)))
    signal = np.resize(shifted, n_needed)  # repeats a lead that is shorter than the picture
    return np.column_stack([scale.x_px(np.arange(n_needed) / donor.fs_hz), scale.y_px(signal)])


def _ink_of(image: Picture, mask: Picture) -> Colour:
    """Colour of the ink: the median over the primary's solid pixels; black without any."""
    solid = image[mask >= SOLID]
    red, green, blue = np.median(solid, axis=0).tolist() if len(solid) else (0.0, 0.0, 0.0)
    return red, green, blue
