"""A trained network: read from its file, and used as the callable that `digitize_lead` takes."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data_gen.errors import InputError
from ecg_overlap import inputs, weights
from ecg_overlap.contract import Model, build
from ecg_overlap.digitize.ink.tiles import INK, read_ink
from ecg_overlap.digitize.network import ColumnReading, NetworkInfo
from ecg_overlap.digitize.plans import Needs, default_method, method_for
from ecg_overlap.inputs import TARGET, InputSpec
from ecg_overlap.narrow import outputs_of
from ecg_overlap.weights.files import read_weights

# A wider picture is read in tiles of this width, at the network's scale. Neighbours overlap, and
# meet in the middle of their overlap: each pixel is read with 256 px of context or more.
TILE_PX = 4096
OVERLAP_PX = 512


class ModelNetwork:
    """A trained model as the callable that `digitize_lead` takes: picture → probability map.

    Args:
        model: Put into evaluation mode.
        device: Where it runs.
        checkpoint: Where the weights come from, for the record.
        sha256: Of the file that they were read from, for the record.
        method: What it is best read by; None: what `plans.default_method` says of its kind.

    Attributes:
        info: What is known of it beside its outputs.

    Raises:
        InputError: A method that this network cannot serve.
    """

    def __init__(
        self,
        model: Model,
        device: str | torch.device = "cpu",
        *,
        checkpoint: str | None = None,
        sha256: str | None = None,
        method: str | None = None,
    ) -> None:
        self.device = torch.device(device)
        self.model = model.to(self.device).eval()
        spec = model.input_spec
        info = NetworkInfo(
            name=kind_of(spec),
            method=default_method(kind_of(spec), has_columns=spec.columns_per_px > 0),
            checkpoint=checkpoint,
            sha256=sha256,
            params=sum(p.numel() for p in model.parameters()),
            size_of=spec.size_of,
            has_columns=spec.columns_per_px > 0,
            has_ink=kind_of(spec) == Needs.INK,
            has_masks=kind_of(spec) != Needs.INK,
        )
        self.info = info if method is None else replace(info, method=method_for(method, info))

    def __call__(
        self, image: NDArray[np.uint8], *, px_per_mm: float, row_px: float | None = None
    ) -> NDArray[np.float32]:
        """Probability float32 (H, W) of the primary trace.

        Args:
            image: uint8 (H, W, 3).
            px_per_mm: Its scale.
            row_px: Row of the primary's baseline, where it is known.
        """
        return self._native(self._read(image, px_per_mm, row_px), image.shape)

    def columns(
        self, image: NDArray[np.uint8], *, px_per_mm: float, row_px: float | None = None
    ) -> ColumnReading:
        """Mask and rows' distribution of the primary trace; arguments as above."""
        found = self._read(image, px_per_mm, row_px)
        distribution = found["rows"].softmax(dim=0).cpu().numpy()
        rows, columns = distribution.shape
        height, width = image.shape[:2]
        return ColumnReading(
            mask=self._native(found, image.shape),
            rows=distribution,
            presence=found["presence"].sigmoid().cpu().numpy(),
            x_px=(np.arange(columns) + 0.5) * (width / columns) - 0.5,
            y_px=(np.arange(rows) + 0.5) * (height / rows) - 0.5,
        )

    def ink(self, image: NDArray[np.uint8], *, px_per_mm: float) -> NDArray[np.float32]:
        """Probability float32 (H, W) of any trace's ink, of a crop or a page; arguments as above.

        Raises:
            InputError: The network is none that tells ink from what is none.
        """
        spec = self.model.input_spec
        if not self.info.has_ink or spec.px_per_mm is None:
            raise InputError(self.info.name, "the network does not see ink", "train model=ink")
        return read_ink(
            image,
            px_per_mm=px_per_mm,
            run=self._ink_of_tile,
            network_px_per_mm=spec.px_per_mm,
            multiple=spec.multiple,
        )

    @torch.inference_mode()
    def _ink_of_tile(self, colours: NDArray[np.float32]) -> NDArray[np.float32]:
        channels = torch.zeros(1, inputs.CHANNELS, *colours.shape[1:], device=self.device)
        channels[0, : len(colours)] = torch.from_numpy(colours)
        found: NDArray[np.float32] = self.model(channels)["mask"][0, INK].sigmoid().cpu().numpy()
        return found

    @torch.inference_mode()
    def _read(
        self, image: NDArray[np.uint8], px_per_mm: float, row_px: float | None
    ) -> dict[str, Tensor]:
        """The model's outputs for the whole picture, at its own scale and without padding."""
        spec = self.model.input_spec
        size = spec.size_of(image.shape[0], image.shape[1], px_per_mm)
        small = inputs.resize(image, size)
        row = None if row_px is None else (row_px + 0.5) * size[0] / image.shape[0] - 0.5
        parts = []
        for left, right, first, last in tiles(size[1]):
            tile = self._one(small[:, left:right], row)
            for name, output in tile.items():
                per_px = output.shape[-1] // (right - left)
                tile[name] = output[..., (first - left) * per_px : (last - left) * per_px]
            parts.append(tile)
        return {name: torch.cat([p[name] for p in parts], dim=-1) for name in parts[0]}

    def _one(self, picture: NDArray[np.uint8], row_px: float | None) -> dict[str, Tensor]:
        """The outputs for one tile (h, w): mask (M, h, w), rows (h, C), presence (C,)."""
        rows, columns = picture.shape[:2]
        spec = self.model.input_spec
        height, width = (inputs.round_up(side, spec.multiple) for side in (rows, columns))
        channels = inputs.stack(picture, height, width, row_px=row_px)
        outputs = outputs_of(self.model, torch.from_numpy(channels)[None].to(self.device))
        cut = {"mask": outputs["mask"][0, :, :rows, :columns].float()}
        if spec.columns_per_px:
            n = columns * spec.columns_per_px
            cut["rows"] = outputs["rows"][0, :rows, :n].float()
            cut["presence"] = outputs["presence"][0, :n].float()
        return cut

    def _native(self, found: dict[str, Tensor], shape: tuple[int, ...]) -> NDArray[np.float32]:
        probability = found["mask"][TARGET].sigmoid().cpu().numpy()
        size = (shape[1], shape[0])
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


def shown(file: Path) -> str:
    """The path as a record of it may be passed on: below the working folder, else the name."""
    here = Path.cwd()
    return (
        str(file.resolve().relative_to(here)) if file.resolve().is_relative_to(here) else file.name
    )


def load_model(
    path: str | Path | None = None, *, device: str = "cpu", network: type | None = None
) -> ModelNetwork:
    """Load the network that comes with the package, or one that was trained or exported.

    Args:
        path: A .ckpt of `train.py` or a .safetensors of `ecg-overlap export`; None: the package's.
        device: Where the network runs.
        network: The class that the file names, if it is not one of this package's. A file
            alone makes nothing be imported from elsewhere: it may come from a stranger.

    Raises:
        InputError: No such file, not of this project, damaged, a network of a class from
            elsewhere that is not given, or weights that do not fit.
    """
    file = weights.packaged() if path is None else Path(path)
    if not file.is_file():
        raise InputError(file, "no such checkpoint", "give a .ckpt or a .safetensors")
    stored = read_weights(file)
    origin = f"package: {file.name} (sha256 {stored.sha256[:12]})" if path is None else shown(file)
    return ModelNetwork(
        build(stored.spec, stored.state, where=file, network=network),
        device,
        checkpoint=origin,
        sha256=stored.sha256,
        method=stored.method,
    )
