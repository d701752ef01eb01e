"""The networks of this project: smp architectures that know what scale of picture they want."""

import inspect
import re
from typing import Any

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from data_gen.dials import as_number
from data_gen.errors import InputError
from ecg_overlap import inputs
from ecg_overlap.pretrained import fetching

STRIDE = 32  # of every smp encoder at its full depth
NOWHERE = -1e4  # logit of a row outside the crop; half precision holds it


class SegmentationModel(nn.Module):
    """Any smp architecture and encoder, from a picture's channels to amodal masks and rows.

    Args:
        architecture: Name in smp, e.g. "Unet", "UnetPlusPlus", "FPN".
        encoder: Name of an smp encoder; "tu-…" for any of timm's.
        encoder_weights: None starts from scratch; "imagenet" downloads weights.
        px_per_mm: Scale of the pictures it is trained on; None with `size_px`.
        fold: Each fold × fold block of pixels enters the encoder as the channels of one pixel
            and is unfolded at the end (space to depth, depth to space): the masks keep the
            picture's resolution at 1 / fold² of the cost.
        size_px: (height, width) that pictures are squashed to instead.
        planes: How many of the 6 input channels it sees, from the first on; 3 are the colours
            alone.
        masks: 2: the primary's and the intruders' mask; 1: the primary's alone.
        fine_channels: Channels of a shallow branch at half the picture's resolution, beside the
            folded network: the branch sees exactly where ink runs, the folded network which
            trace it belongs to. 0: no branch.
        columns_per_px: Output columns per input column of the coordinate head, which gives the
            primary's row in each of them; 0: no such head.
        options: Further arguments of the architecture, e.g. `decoder_channels`.

    Raises:
        InputError: An unknown architecture or encoder (the message lists the choices), or a
            number that makes no sense.

    Example:
        >>> model = SegmentationModel(encoder="resnet18", fold=2, columns_per_px=2).eval()
        >>> {name: tuple(t.shape) for name, t in model(torch.zeros(1, 6, 64, 128)).items()}
        {'mask': (1, 2, 64, 128), 'rows': (1, 64, 256), 'presence': (1, 256)}
    """

    def __init__(
        self,
        *,
        architecture: str = "Unet",
        encoder: str = "resnet18",
        encoder_weights: str | None = None,
        px_per_mm: float | None = 8.0,
        size_px: tuple[int, int] | None = None,
        fold: int = 1,
        planes: int = inputs.CHANNELS,
        masks: int = 2,
        fine_channels: int = 0,
        columns_per_px: int = 0,
        options: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if not re.fullmatch(r"[\w.-]+", str(encoder)):
            # timm takes "hf-hub:…" and "local-dir:…" for places to look for the network itself.
            raise InputError(
                f"model.encoder={encoder}", "names a place", "give the name of an encoder alone"
            )
        as_number("model.fold", fold, lowest=1, highest=16)
        as_number("model.planes", planes, lowest=1, highest=inputs.CHANNELS)
        as_number("model.masks", masks, lowest=1, highest=2)
        as_number("model.fine_channels", fine_channels, lowest=0, highest=1024)
        as_number("model.columns_per_px", columns_per_px, lowest=0, highest=8)
        if fine_channels and fold % 2:
            raise InputError("model.fine_channels", f"fold {fold} is odd", "give fold 2 or 4, or 0")
        size = None if size_px is None else (int(size_px[0]), int(size_px[1]))
        # Stored beside the weights: other names would make the files that there are unreadable.
        self.spec: dict[str, Any] = {
            "architecture": architecture,
            "encoder": encoder,
            "px_per_mm": px_per_mm,
            "size_px": size,
            "fold": fold,
            "planes": planes,
            "masks": masks,
            "fine_channels": fine_channels,
            "columns_per_px": columns_per_px,
            "options": dict(options or {}),
        }
        self.fold, self.planes, self.masks, self.columns_per_px = (
            fold,
            planes,
            masks,
            columns_per_px,
        )
        self.input_spec = inputs.InputSpec(
            px_per_mm=px_per_mm,
            size_px=size,
            multiple=STRIDE * fold,
            columns_per_px=columns_per_px,
        )
        outputs = masks + 2 * columns_per_px  # channels, of each pixel
        context = fine_channels * (fold // 2) ** 2 if fine_channels else outputs * fold**2
        self.net = _smp_model(
            architecture, encoder, encoder_weights, options or {}, planes * fold**2, context
        )
        self.fine = FineBranch(planes, fine_channels, fold // 2, outputs) if fine_channels else None
        # Convolutions on a CPU, and those in half precision on a GPU, are faster this way.
        self.to(memory_format=torch.channels_last)

    def forward(self, channels: Tensor) -> dict[str, Tensor]:
        """Outputs for channels (B, 6, H, W), as `contract.Model` names them.

        H and W are multiples of 32 × fold. Rows outside the crop have a probability of 0.
        """
        seen = channels[:, : self.planes]
        folded = nn.functional.pixel_unshuffle(seen, self.fold)
        context = self.net(folded.contiguous(memory_format=torch.channels_last))
        if self.fine is None:
            outputs = nn.functional.pixel_shuffle(context, self.fold)
        else:
            outputs = self.fine(seen, context)
        found = {"mask": outputs[:, : self.masks]}
        if self.columns_per_px:
            found |= self._columns(outputs[:, self.masks :], channels[:, inputs.INSIDE])
        return found

    def _columns(self, outputs: Tensor, inside: Tensor) -> dict[str, Tensor]:
        """Rows (B, H, C·W) and presence (B, C·W) of the coordinate head's channels (B, 2C, H, W).

        The presence in a column is its mean over the rows, weighted by where the trace is.
        """
        halves: tuple[Tensor, ...] = torch.chunk(outputs, 2, dim=1)
        rows, presence = (part.permute(0, 2, 3, 1).flatten(2) for part in halves)
        in_crop = inside.amax(dim=2) > 0  # (B, H): no trace runs in the padding
        rows = rows.masked_fill(~in_crop[..., None], NOWHERE)
        where = rows.detach().float().softmax(dim=1)
        return {"rows": rows, "presence": (where * presence).sum(dim=1)}


class FineBranch(nn.Module):
    """Two convolutions at half the picture's resolution, the second beside the folded network.

    Args:
        channels_in: Of the input.
        channels: Of the branch, and of what the folded network gives it.
        up: Factor from the folded network's resolution to this one's.
        channels_out: Of the result, at the picture's resolution.
    """

    def __init__(self, channels_in: int, channels: int, up: int, channels_out: int) -> None:
        super().__init__()
        self.up = up
        self.look = nn.Sequential(
            nn.Conv2d(4 * channels_in, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )
        self.join = nn.Sequential(
            nn.Conv2d(2 * channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, 4 * channels_out, 3, padding=1),
        )

    def forward(self, seen: Tensor, context: Tensor) -> Tensor:
        """Outputs (B, channels_out, H, W).

        Args:
            seen: (B, channels_in, H, W).
            context: Of the folded network, (B, channels · up², H / 2up, W / 2up).
        """
        near = nn.functional.pixel_unshuffle(seen, 2)
        near = self.look(near.contiguous(memory_format=torch.channels_last))
        far = nn.functional.pixel_shuffle(context, self.up)
        return nn.functional.pixel_shuffle(self.join(torch.cat([near, far], dim=1)), 2)


def _smp_model(
    architecture: str,
    encoder: str,
    encoder_weights: str | None,
    options: dict[str, Any],
    channels_in: int,
    channels_out: int,
) -> nn.Module:
    known = smp.MODEL_ARCHITECTURES_MAPPING
    if architecture.lower() not in known:
        raise InputError(
            "model.architecture", f"smp has no {architecture}", f"choose one of {sorted(known)}"
        )
    # smp passes what it does not know on to the encoder, where a misspelt option is lost.
    accepted = set(inspect.signature(known[architecture.lower()]).parameters)
    if misspelt := set(options) - accepted:
        raise InputError(
            "model.options",
            f"{architecture} has no {sorted(misspelt)}",
            f"it has {sorted(accepted)}",
        )
    try:
        with fetching(encoder, encoder_weights):
            model: nn.Module = smp.create_model(
                architecture,
                encoder_name=encoder,
                encoder_weights=encoder_weights,
                in_channels=channels_in,
                classes=channels_out,
                **options,
            )
    except InputError:
        raise
    except (KeyError, RuntimeError, ValueError, TypeError) as error:
        names = ", ".join(sorted(smp.encoders.get_encoder_names()))
        raise InputError(
            f"model.encoder={encoder}",
            " ".join(str(error).split())[:300],
            f"choose one of {names}, or tu-<a timm name>",
        ) from error
    return model
