"""What a network is to the digitizer: a callable, and facts about it. No torch here."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from data_gen.errors import InputError

Image = NDArray[np.uint8]
FloatArray = NDArray[np.float64]


class Network(Protocol):
    """A segmentation network: a picture in, a probability map out.

    It may carry its facts as `info` (`NetworkInfo`); a plain function does as well.
    """

    def __call__(
        self, image: Image, *, px_per_mm: float, row_px: float | None = None
    ) -> NDArray[np.float32]:
        """Probability of the primary trace, float32 (H, W).

        Args:
            image: RGB uint8 (H, W, 3).
            px_per_mm: Its scale.
            row_px: Prompt: the row of the primary's baseline, where it is known.
        """


@dataclass(frozen=True)
class ColumnReading:
    """What a network with a coordinate head says of a picture.

    Args:
        mask: float32 (H, W), probability of the primary trace, in the picture's pixels.
        rows: float32 (R, C), where the trace runs in each column; a column's sum is 1.
        presence: float32 (C,), probability that it runs there at all.
        x_px: float64 (C,), the columns' centres in the picture.
        y_px: float64 (R,), the rows' centres in the picture.
    """

    mask: NDArray[np.float32]
    rows: NDArray[np.float32]
    presence: NDArray[np.float32]
    x_px: FloatArray
    y_px: FloatArray


class ColumnNetwork(Network, Protocol):
    """A network with a coordinate head, which `unet_coord` reads."""

    def columns(
        self, image: Image, *, px_per_mm: float, row_px: float | None = None
    ) -> ColumnReading:
        """The primary trace's mask, and its row in each column; arguments as of a call."""


class InkNetwork(Protocol):
    """A network that tells traces' ink from what is no trace, in a crop or on a whole page."""

    def ink(self, image: Image, *, px_per_mm: float) -> NDArray[np.float32]:
        """Probability of any trace's ink, float32 (H, W); arguments as of a call."""


@dataclass(frozen=True)
class Seen:
    """What a network sees of a tile or of a picture.

    Args:
        ink: float32 (H, W), probability of any trace's ink.
        offsets: float32 (n, h, w), each pixel's probability of each of `offsets.OFFSETS_MM`, in
            cells of `cell_px`; None of a network that does not say whose the ink is.
        cell_px: Their side, in pixels of `ink`.
    """

    ink: NDArray[np.float32]
    offsets: NDArray[np.float32] | None = None
    cell_px: float | None = None


class WhoseNetwork(InkNetwork, Protocol):
    """One that says whose the ink is as well, without being told of any trace."""

    def seen(self, image: Image, *, px_per_mm: float) -> Seen:
        """The ink, and each pixel's offset from its own trace's level; arguments as of a call."""


@dataclass(frozen=True)
class NetworkInfo:
    """Facts about a network: which method reads it best, and where its weights come from.

    Args:
        name: Its kind: "unet", "unet_paper", "unet_coord", or a name of your own.
        method: The method that it is best read by.
        checkpoint: Where the weights were read from.
        sha256: Of that file.
        params: Number of its parameters.
        size_of: (height, width, px_per_mm) of a picture → (height, width) that it is resized to.
        has_columns: Whether it has a coordinate head, i.e. `columns`.
        has_ink: Whether it tells ink from what is none, i.e. has `ink`.
        has_masks: Whether its call gives the primary's mask.
    """

    name: str = "unet"
    method: str = "unet+stroke"
    checkpoint: str | None = None
    sha256: str | None = None
    params: int | None = None
    size_of: Callable[[int, int, float], tuple[int, int]] | None = None
    has_columns: bool = False
    has_ink: bool = False
    has_masks: bool = True


def info_of(network: Network) -> NetworkInfo:
    """The network's facts; of a plain function, that it answers with a mask as `unet` does."""
    return cast(NetworkInfo, getattr(network, "info", NetworkInfo()))


@dataclass(frozen=True)
class Both:
    """A network that tells traces apart and one that sees ink, given as one.

    Args:
        of_traces: Says whose the ink is.
        of_ink: Says what is ink.
    """

    of_traces: Network
    of_ink: InkNetwork

    @property
    def info(self) -> NetworkInfo:
        """Of the first, with both files' names and digests."""
        first, second = info_of(self.of_traces), info_of(cast(Network, self.of_ink))
        return replace(
            first,
            name="ink+unet",
            method="surest",
            checkpoint=f"{first.checkpoint}; {second.checkpoint}",
            sha256=f"{first.sha256}+{second.sha256}",
            has_ink=True,
        )

    @property
    def opened_from(self) -> object:
        """What another process opens them anew from; None where one of them it cannot."""
        files = [getattr(part, "opened_from", None) for part in (self.of_traces, self.of_ink)]
        return None if None in files else files

    def __call__(
        self, image: Image, *, px_per_mm: float, row_px: float | None = None
    ) -> NDArray[np.float32]:
        """Probability of the primary trace, float32 (H, W)."""
        return self.of_traces(image, px_per_mm=px_per_mm, row_px=row_px)

    def ink(self, image: Image, *, px_per_mm: float) -> NDArray[np.float32]:
        """Probability of any trace's ink, float32 (H, W)."""
        return self.of_ink.ink(image, px_per_mm=px_per_mm)


def with_columns(network: Network, *, where: str) -> ColumnNetwork:
    """The network, if it has a coordinate head.

    Raises:
        InputError: It has none.
    """
    has_none = hasattr(network, "info") and not info_of(network).has_columns
    if has_none or not hasattr(network, "columns"):
        raise InputError(where, "the network has no coordinate head", "train model=unet_coord")
    return cast(ColumnNetwork, network)


def with_ink(network: object, *, where: str) -> InkNetwork:
    """The network, if it tells ink from what is none.

    Raises:
        InputError: It does not.
    """
    if not hasattr(network, "ink"):
        raise InputError(where, "the network does not see ink", "train model=ink")
    return cast(InkNetwork, network)


def seen_by(network: InkNetwork, image: Image, *, px_per_mm: float) -> Seen:
    """What a network sees of a picture, and whose that is if it tells; arguments as of a call."""
    if hasattr(network, "seen"):
        return cast(WhoseNetwork, network).seen(image, px_per_mm=px_per_mm)
    return Seen(network.ink(image, px_per_mm=px_per_mm))


def checked_map(values: Any, image: Image) -> NDArray[Any]:
    """A mask or probability map of the picture, (H, W).

    Raises:
        InputError: It is of another size.
    """
    found = np.asarray(values)
    if found.shape != image.shape[:2]:
        raise InputError(
            "mask", f"{found.shape} on a picture of {image.shape[:2]}", "give one value per pixel"
        )
    return found


def no_network() -> None:
    """Loads nothing: for methods that use no network."""
