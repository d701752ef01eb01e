"""Windows of drawn pictures, crops and whole pages, with the masks of ink, grid and marks.

Drawing a picture is what costs, so several windows are cut of each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from torch.utils.data import default_collate

from data_gen.dials import as_number
from data_gen.errors import InputError
from data_gen.generate import LeadGenerator
from data_gen.presets import load_part
from data_gen.sample import DrawnTrace, LeadSample, Page
from data_gen.signals import SignalSource
from ecg_overlap import inputs
from ecg_overlap.augment import Augmentation
from ecg_overlap.data import AUGMENT_STREAM, Example, Examples, StreamDataModule, check_seeds
from ecg_overlap.ink_net import FOLD

Mask = NDArray[np.uint8]
# Of a picture that asks for a severity which its record cannot give, another one is drawn; they
# lie far behind any stream that is trained on.
_ELSEWHERE, _TRIES = 2**28, 8
LEVEL_MM = 25.0  # to both sides, in which a trace is mostly at its level: a second at 25 mm/s
OWNERS, OWNED = 2, 64  # traces that may own a pixel, and the coverage 0–255 above which one does
# What a window is to show, and how often; of so many places, that with the most of it is taken.
_SOUGHT, _HOW_OFTEN, _PLACES = (0, 2, None), (0.5, 0.35, 0.15), 4


@dataclass(frozen=True)
class Layers:
    """A picture with all that is printed on it.

    Args:
        image: uint8 (H, W, 3), RGB.
        masks: Coverages uint8 (H, W): ink of any trace, grid, marks.
        px_per_mm: Its scale.
        traces: Each trace by itself.
    """

    image: NDArray[np.uint8]
    masks: tuple[Mask, Mask, Mask]
    px_per_mm: float
    traces: tuple[DrawnTrace, ...] = ()

    @cached_property
    def levels_px(self) -> list[NDArray[np.float64]]:
        """The row that each trace returns to, in every column of the picture, float64 (W,)."""
        columns = np.arange(self.image.shape[1])
        reach = round(LEVEL_MM * self.px_per_mm)
        return [_level_of(trace.polyline_px, columns, reach) for trace in self.traces]


@dataclass(frozen=True)
class Kind:
    """One kind of picture: files of the groups of conf/.

    Args:
        page: How it looks.
        overlap: How its rows overlap.
        crop: What of it is seen.
        whole: Whole pages instead of a lead's crop.
        values: Per group, arguments that are merged into the file's own.
    """

    page: str
    overlap: str = "default"
    crop: str = "box"
    whole: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)

    def generator(self, signals: SignalSource) -> LeadGenerator:
        """What draws it.

        Raises:
            InputError: A file or an argument that is not known.
        """
        files = {"page": self.page, "overlap": self.overlap, "crop": self.crop}
        parts = {g: load_part(g, name, self.values.get(g)) for g, name in files.items()}
        return LeadGenerator(signals, **parts)


class LayeredPictures:
    """Pictures by index, of several kinds in turn.

    Args:
        signals: Where the records come from.
        kinds: Of pictures; one that is named twice is drawn twice as often.
        traces: Whether to keep each trace by itself, which takes memory.
    """

    def __init__(
        self, signals: SignalSource, kinds: Sequence[Kind], *, traces: bool = False
    ) -> None:
        self.kinds, self.traces = tuple(kinds), traces
        self.generators = [kind.generator(signals) for kind in kinds]

    def picture(self, index: int, *, seed: int, split: str) -> Layers:
        """Picture `index` of a seed.

        Raises:
            InputError: None of several pictures can be drawn as its kind asks.
        """
        layers = self._drawn(index, seed=seed, split=split)
        return layers if self.traces else replace(layers, traces=())

    def _drawn(self, index: int, *, seed: int, split: str) -> Layers:
        nth = index % len(self.kinds)
        kind, generator = self.kinds[nth], self.generators[nth]
        if kind.whole:
            return _layers_of_page(generator.page(index, seed=seed, split=split, layers=True))
        for again in range(_TRIES):
            at = index + again * _ELSEWHERE
            try:
                sample = generator.sample(at, seed=seed, split=split, layers=True)
            except InputError:
                if again == _TRIES - 1:
                    raise
            else:
                return _layers_of_lead(sample)
        raise AssertionError  # the last try returns or raises


def _layers_of_lead(sample: LeadSample) -> Layers:
    target, other, grid, marks, scale = (
        sample.target_mask,
        sample.other_mask,
        sample.grid_mask,
        sample.marks_mask,
        sample.calibration,
    )
    assert target is not None and other is not None and scale is not None  # of the generator
    assert grid is not None and marks is not None  # asked for
    masks = np.maximum(target, other), grid, marks
    return Layers(sample.image, masks, scale.px_per_mm_x, sample.traces)


def _layers_of_page(page: Page) -> Layers:
    ink = np.zeros(page.image.shape[:2], np.uint8)
    for trace in page.traces:
        if trace.mask is not None:
            np.maximum(ink, trace.mask, out=ink)
    assert page.grid_mask is not None and page.marks_mask is not None  # asked for
    traces = tuple(DrawnTrace(t.mask, t.polyline_px) for t in page.traces if t.mask is not None)
    return Layers(page.image, (ink, page.grid_mask, page.marks_mask), page.dpi / 25.4, traces)


def _level_of(
    polyline_px: NDArray[np.floating], columns: NDArray[np.int64], reach_px: int
) -> NDArray[np.float64]:
    """The running median of a trace's rows, float64 (W,); beyond its ends as at them."""
    known = polyline_px[np.isfinite(polyline_px).all(axis=1)]
    if not len(known):
        return np.full(len(columns), np.nan)
    order = np.argsort(known[:, 0], kind="stable")
    x, y = known[order].T.astype(np.float64)
    # Some thousand samples of 10 s would be sorted at every one: sixteen places within reach do.
    step = max(reach_px / 8, 1.0)
    places = np.arange(x[0], x[-1] + step, step)
    median = median_filter(np.interp(places, x, y), size=17, mode="nearest")
    level: NDArray[np.float64] = np.interp(columns, places, median)
    return level


def cut_window(
    picture: Layers,
    size_px: tuple[int, int],
    *,
    px_per_mm: float,
    scale_jitter: float,
    rng: np.random.Generator,
    offsets: bool = False,
) -> Example:
    """A window of a picture at the network's scale, padded with blank paper.

    Args:
        picture: With its masks.
        size_px: (height, width) of the window.
        px_per_mm: The network's scale …
        scale_jitter: … which is drawn from 1 ± this, as pages are printed at other scales too.
        rng: Decides everything that is drawn here.
        offsets: Whether to say whose the ink is.

    Returns:
        `image` float32 (6, height, width), `mask` float32 (3, height, width), 0–1, and, asked for,
        `offsets_mm` float32 (OWNERS, height / FOLD, width / FOLD): how far below the levels of
        the traces that own them pixels lie; NaN where there is no such trace.
    """
    factor = px_per_mm / picture.px_per_mm * (1 + scale_jitter * rng.uniform(-1, 1))
    shape = picture.image.shape[:2]
    height, width = (min(round(s / factor), n) for s, n in zip(size_px, shape, strict=True))
    sought = _SOUGHT[int(rng.choice(len(_SOUGHT), p=_HOW_OFTEN))]
    places = rng.integers(0, (shape[0] - height + 1, shape[1] - width + 1), (_PLACES, 2))
    most = 0
    if sought is not None:
        mask = picture.masks[sought]
        most = int(np.argmax([mask[y : y + height, x : x + width].sum() for y, x in places]))
    y, x = places[most].tolist()
    size = (
        min(size_px[0], max(1, round(height * factor))),
        min(size_px[1], max(1, round(width * factor))),
    )
    image, *masks = (
        inputs.resize(np.ascontiguousarray(p[y : y + height, x : x + width]), size)
        for p in (picture.image, *picture.masks)
    )
    covered = np.zeros((len(masks), *size_px), np.float32)
    covered[:, : size[0], : size[1]] = np.stack(masks) / np.float32(255)
    example = {
        "image": torch.from_numpy(inputs.stack(image, *size_px)),
        "mask": torch.from_numpy(covered),
    }
    if offsets:
        found = _offsets_mm(picture, (y, x), (height, width), size, size_px)
        example["offsets_mm"] = torch.from_numpy(found / np.float32(px_per_mm))
    return example


def _offsets_mm(
    picture: Layers,
    corner: tuple[int, int],
    before: tuple[int, int],
    after: tuple[int, int],
    size_px: tuple[int, int],
) -> NDArray[np.float32]:
    """Offsets of a window's pixels from the levels of up to OWNERS traces, in its pixels.

    Args:
        picture: With its traces.
        corner: (y, x) of the window in it.
        before: Its (height, width) there.
        after: The same at the network's scale.
        size_px: With its padding.
    """
    (y, x), (height, width) = corner, before
    cells = tuple(-(-side // FOLD) for side in after)
    rows = (np.arange(cells[0]) + 0.5) * FOLD - 0.5
    factor = after[0] / height
    columns = ((np.arange(cells[1]) + 0.5) * FOLD * width / after[1]).clip(0, width - 1).astype(int)
    best = np.full((OWNERS, *cells), OWNED, np.float32)
    offsets = np.full((OWNERS, *cells), np.nan, np.float32)
    whole = np.zeros((cells[0] * FOLD, cells[1] * FOLD), np.float32)
    for trace, level in zip(picture.traces, picture.levels_px, strict=True):
        part = trace.mask[y : y + height, x : x + width]
        if not part.any():
            continue
        whole[: after[0], : after[1]] = inputs.resize(np.ascontiguousarray(part), after)
        cover = whole.reshape(cells[0], FOLD, cells[1], FOLD).mean(axis=(1, 3))
        away = rows[:, None] - ((level[x : x + width][columns] - y + 0.5) * factor - 0.5)
        for nth in range(OWNERS):  # what another trace covers less takes the next place
            more = cover > best[nth]
            best[nth], cover = np.where(more, cover, best[nth]), np.where(more, best[nth], cover)
            offsets[nth], away = (
                np.where(more, away, offsets[nth]),
                np.where(more, offsets[nth], away),
            )
    found = np.full((OWNERS, size_px[0] // FOLD, size_px[1] // FOLD), np.nan, np.float32)
    found[:, : cells[0], : cells[1]] = offsets
    return found


class InkWindows(Examples):
    """Windows by index, each from its own random generator.

    One round is a picture of each kind and `per_picture` windows of each of them; windows that
    follow each other are of different pictures. A process keeps the pictures of its round, so each
    is drawn once where whole rounds fall to one process.

    Args:
        pictures: Where they are cut from.
        size_px: (height, width) of a window.
        px_per_mm: The network's scale.
        per_picture: Windows of each picture.
        scale_jitter: See `cut_window`.
        offsets: See `cut_window`.
        seed: See `Examples`.
        split: See `Examples`.
        length: See `Examples`.
    """

    def __init__(
        self,
        pictures: LayeredPictures,
        *,
        size_px: tuple[int, int],
        px_per_mm: float,
        per_picture: int,
        scale_jitter: float,
        seed: int,
        split: str,
        length: int,
        offsets: bool = False,
    ) -> None:
        self.offsets = offsets
        self.pictures, self.size_px, self.px_per_mm = pictures, size_px, px_per_mm
        self.per_picture, self.scale_jitter = per_picture, scale_jitter
        super().__init__(seed=seed, split=split, length=length)
        self._drawn: dict[int, Layers] = {}

    def __getitem__(self, index: int) -> Example:
        kinds = len(self.pictures.kinds)
        number = index // (kinds * self.per_picture) * kinds + index % kinds
        example = cut_window(
            self._picture(number),
            self.size_px,
            px_per_mm=self.px_per_mm,
            scale_jitter=self.scale_jitter,
            rng=np.random.default_rng([self.seed, index, AUGMENT_STREAM]),
            offsets=self.offsets,
        )
        example["index"] = torch.tensor(index)
        return example

    def _picture(self, number: int) -> Layers:
        if number not in self._drawn:
            kinds = len(self.pictures.kinds)
            round_of = number // kinds
            self._drawn = {n: p for n, p in self._drawn.items() if n // kinds == round_of}
            self._drawn[number] = self.pictures.picture(number, seed=self.seed, split=self.split)
        return self._drawn[number]


class InkDataModule(StreamDataModule):
    """Training and validation windows for a network that sees ink.

    Args:
        source: Gives the signals; how pictures look is for `kinds` to say.
        spec: What the network wants.
        augmentation: There must be none: what it lays over a picture has no masks of its own.
        seed: Seed of the training stream.
        kinds: Arguments of each `Kind` of picture of a round.
        val_seed: Seed of the validation set.
        batch_size: Per process.
        samples_per_epoch: Windows between two validations, per process.
        n_val: Windows of the validation set.
        num_workers: Processes that draw. With several, let a batch hold whole rounds, or each
            of them draws a round's pictures anew.
        size_px: (height, width) of a window.
        per_picture: Windows of each picture.
        scale_jitter: See `cut_window`; validation has none.
        n_distinct: Train on only this many windows, over and over, and validate on the same;
            None for an endless stream.

    Raises:
        InputError: An augmentation, equal seeds, or arguments of a kind that are not known.
    """

    def __init__(
        self,
        source: LeadGenerator,
        spec: inputs.InputSpec,
        augmentation: Augmentation | None = None,
        *,
        seed: int = 0,
        kinds: Sequence[Mapping[str, Any]],
        val_seed: int,
        batch_size: int,
        samples_per_epoch: int,
        n_val: int,
        num_workers: int,
        size_px: Sequence[int],
        per_picture: int,
        scale_jitter: float,
        n_distinct: int | None,
    ) -> None:
        check_seeds(seed, val_seed)
        as_number("data.scale_jitter", scale_jitter, lowest=0, highest=0.5)
        as_number("data.per_picture", per_picture, lowest=1, highest=1000)
        if spec.px_per_mm is None or spec.masks[0] != "ink":
            raise InputError("data=ink_windows", "this model sees no ink", "take model=ink")
        if augmentation is not None and augmentation.chain is not None:
            raise InputError("data=ink_windows", "its windows take no overlays", "give aug=none")
        try:
            of_kinds = [Kind(**kind) for kind in kinds]
            pictures = LayeredPictures(source.signals, of_kinds, traces=spec.offsets)
        except TypeError as error:
            raise InputError(
                "data.kinds", str(error), "see ecg_overlap.ink_windows.Kind"
            ) from error
        height, width = size_px
        cut = partial(
            InkWindows,
            pictures,
            size_px=(height, width),
            px_per_mm=spec.px_per_mm,
            per_picture=per_picture,
            offsets=spec.offsets,
        )
        val_set = cut(scale_jitter=0.0, seed=val_seed, split="val", length=n_val)
        if n_distinct is not None:  # validated on the very windows that are learnt by heart
            val_set = cut(scale_jitter=0.0, seed=seed, split="train", length=n_distinct)
        super().__init__(
            cut(scale_jitter=scale_jitter, seed=seed, split="train", length=samples_per_epoch),
            val_set,
            default_collate,
            batch_size=batch_size,
            num_workers=num_workers,
            n_distinct=n_distinct,
        )
