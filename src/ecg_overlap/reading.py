"""How a network is asked of a whole picture, whatever runs it. No torch here."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from data_gen.errors import InputError
from ecg_overlap import inputs
from ecg_overlap.digitize.ink.tiles import INK, read_seen
from ecg_overlap.digitize.network import ColumnReading, Image, NetworkInfo, Seen
from ecg_overlap.digitize.plans import Needs, default_method, method_for
from ecg_overlap.inputs import TARGET, InputSpec

# A wider picture is read in tiles of this width, at the network's scale. Neighbours overlap, and
# meet in the middle of their overlap: each pixel is read with 256 px of context or more.
TILE_PX = 4096
OVERLAP_PX = 512

Outputs = dict[str, NDArray[np.float32]]


class Reader:
    """A network as the callable that `digitize_lead` takes: picture → probability map.

    A subclass says how it is run, in `outputs`.

    Args:
        spec: What pictures it takes.
        checkpoint: Where the weights come from, for the record.
        sha256: Of the file that they were read from, for the record.
        params: How many there are, where that is known.
        method: What it is best read by; None: what `plans.default_method` says of its kind.

    Attributes:
        info: What is known of it beside its outputs.

    Raises:
        InputError: A method that this network cannot serve.
    """

    def __init__(
        self,
        spec: InputSpec,
        *,
        checkpoint: str | None = None,
        sha256: str | None = None,
        params: int | None = None,
        method: str | None = None,
    ) -> None:
        self._spec = spec
        kind = kind_of(spec)
        info = NetworkInfo(
            name=kind,
            method=default_method(kind, has_columns=spec.columns_per_px > 0),
            checkpoint=checkpoint,
            sha256=sha256,
            params=params,
            size_of=spec.size_of,
            has_columns=spec.columns_per_px > 0,
            has_ink=kind == Needs.INK,
            has_masks=kind != Needs.INK,
        )
        self.info = info if method is None else replace(info, method=method_for(method, info))

    def outputs(self, channels: NDArray[np.float32], *names: str) -> Outputs:
        """Some of the network's outputs, each float32 with a batch of one.

        Args:
            channels: float32 (1, 6, H, W), as `inputs.stack` makes them.
            names: Of the outputs, as `contract.Model` has them.
        """
        raise NotImplementedError

    def __call__(
        self, image: Image, *, px_per_mm: float, row_px: float | None = None
    ) -> NDArray[np.float32]:
        """Probability float32 (H, W) of the primary trace; of a network that sees ink, of any.

        Args:
            image: uint8 (H, W, 3).
            px_per_mm: Its scale.
            row_px: Row of the primary's baseline, where it is known.
        """
        if self.info.has_ink:
            return self.ink(image, px_per_mm=px_per_mm)
        return _native(self._read(image, px_per_mm, row_px, "mask"), image)

    def columns(
        self, image: Image, *, px_per_mm: float, row_px: float | None = None
    ) -> ColumnReading:
        """Mask and rows' distribution of the primary trace; arguments as above."""
        found = self._read(image, px_per_mm, row_px, "mask", "rows", "presence")
        rows, columns = found["rows"].shape
        height, width = image.shape[:2]
        return ColumnReading(
            mask=_native(found, image),
            rows=softmax(found["rows"], axis=0),
            presence=expit(found["presence"]),
            x_px=(np.arange(columns) + 0.5) * (width / columns) - 0.5,
            y_px=(np.arange(rows) + 0.5) * (height / rows) - 0.5,
        )

    def ink(self, image: Image, *, px_per_mm: float) -> NDArray[np.float32]:
        """Probability float32 (H, W) of any trace's ink; arguments and errors as of `seen`."""
        return self._seen(image, px_per_mm, whose=False).ink

    def seen(self, image: Image, *, px_per_mm: float) -> Seen:
        """Any trace's ink in a crop or on a page, and perhaps whose it is; arguments as above.

        Raises:
            InputError: The network is none that tells ink from what is none.
        """
        return self._seen(image, px_per_mm, whose=self._spec.offsets)

    def _seen(self, image: Image, px_per_mm: float, *, whose: bool) -> Seen:
        spec = self._spec
        if not self.info.has_ink or spec.px_per_mm is None:
            raise InputError(self.info.name, "the network does not see ink", "train model=ink")
        return read_seen(
            image,
            px_per_mm=px_per_mm,
            run=partial(self._seen_in_tile, whose=whose),
            network_px_per_mm=spec.px_per_mm,
            multiple=spec.multiple,
        )

    def _seen_in_tile(self, colours: NDArray[np.float32], *, whose: bool) -> Seen:
        channels = np.zeros((1, inputs.CHANNELS, *colours.shape[1:]), np.float32)
        channels[0, : len(colours)] = colours
        names = ("mask", "offsets") if whose else ("mask",)
        found = self.outputs(channels, *names)
        ink = np.asarray(expit(found["mask"][0, INK]), np.float32)
        if not whose:
            return Seen(ink)
        return Seen(ink, np.asarray(softmax(found["offsets"][0], axis=0), np.float32))

    def _read(self, image: Image, px_per_mm: float, row_px: float | None, *names: str) -> Outputs:
        """The outputs for the whole picture, at the network's own scale and without padding."""
        size = self._spec.size_of(image.shape[0], image.shape[1], px_per_mm)
        small = inputs.resize(image, size)
        row = None if row_px is None else (row_px + 0.5) * size[0] / image.shape[0] - 0.5
        parts = []
        for left, right, first, last in tiles(size[1]):
            tile = self._one(small[:, left:right], row, names)
            for name, output in tile.items():
                per_px = output.shape[-1] // (right - left)
                tile[name] = output[..., (first - left) * per_px : (last - left) * per_px]
            parts.append(tile)
        return {name: np.concatenate([p[name] for p in parts], axis=-1) for name in names}

    def _one(self, picture: Image, row_px: float | None, names: Sequence[str]) -> Outputs:
        """The outputs for one tile (h, w): mask (M, h, w), rows (h, C), presence (C,)."""
        rows, columns = picture.shape[:2]
        height, width = (inputs.round_up(side, self._spec.multiple) for side in (rows, columns))
        channels = inputs.stack(picture, height, width, row_px=row_px)[None]
        n = columns * self._spec.columns_per_px
        kept = {
            "mask": np.s_[0, :, :rows, :columns],
            "rows": np.s_[0, :rows, :n],
            "presence": np.s_[0, :n],
        }
        return {name: output[kept[name]] for name, output in self.outputs(channels, *names).items()}


def _native(found: Outputs, image: Image) -> NDArray[np.float32]:
    """The primary's probability in the picture's own pixels."""
    probability = expit(found["mask"][TARGET])
    size = (image.shape[1], image.shape[0])
    return np.asarray(cv2.resize(probability, size, interpolation=cv2.INTER_LINEAR), np.float32)


def tiles(width: int) -> list[tuple[int, int, int, int]]:
    """Stretches that cover a width: (left, right) read, and (first, last) kept of each.

    Example:
        >>> tiles(1000)
        [(0, 1000, 0, 1000)]
        >>> [t[2:] for t in tiles(5000)]
        [(0, 3840), (3840, 5000)]
    """
    if width <= TILE_PX:
        return [(0, width, 0, width)]
    lefts = list(range(0, width - OVERLAP_PX, TILE_PX - OVERLAP_PX))
    half = OVERLAP_PX // 2
    found = []
    for k, left in enumerate(lefts):
        right = min(left + TILE_PX, width)
        last_one = k == len(lefts) - 1
        found.append((left, right, left + half * (k > 0), width if last_one else right - half))
    return found


def kind_of(spec: InputSpec) -> str:
    """Which of the networks in `docs/architecture.md` a model is, by its input and its outputs."""
    if spec.masks[0] == Needs.INK:
        return Needs.INK.value
    if spec.columns_per_px:
        return "unet_coord"
    return "unet" if spec.size_px is None else "unet_paper"
