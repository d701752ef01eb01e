"""The networks: smp architectures that know what scale of picture they want."""

import inspect
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
    """Any smp architecture and encoder, from a picture's planes to amodal masks and rows.

    Args:
        architecture: Name in smp, e.g. "Unet", "UnetPlusPlus", "FPN".
        encoder: Name of an smp encoder; "tu-…" for any of timm's.
        encoder_weights: None starts from scratch; "imagenet" downloads weights.
        px_per_mm: Scale of the pictures it is trained on; None with `size_px`.
        fold: Each fold × fold block of pixels enters as channels of one, and leaves as such
            (space to depth): the picture keeps its resolution at 1 / fold² of the cost.
        size_px: (height, width) that pictures are squashed to instead.
        planes: How many of the input planes it sees: 3 are the colours alone.
        masks: 2: the primary's and the intruders' mask; 1: the primary's alone.
        fine_channels: Channels of a shallow branch at half the picture's resolution, beside the
            folded network: the one knows where ink runs, the other whose it is. 0: none.
        columns_per_px: Output columns per input column of a head that tells the primary's row
            in each of them; 0: no such head.
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
        as_number("model.fold", fold, lowest=1, highest=16)
        as_number("model.planes", planes, lowest=1, highest=inputs.CHANNELS)
        as_number("model.masks", masks, lowest=1, highest=2)
        as_number("model.fine_channels", fine_channels, lowest=0, highest=1024)
        as_number("model.columns_per_px", columns_per_px, lowest=0, highest=8)
        if fine_channels and fold % 2:
            raise InputError("model.fine_channels", f"fold {fold} is odd", "give fold 2 or 4, or 0")
        size = None if size_px is None else (int(size_px[0]), int(size_px[1]))
        # Plain values: a checkpoint carries them, and `build` makes the model anew from them.
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
        self.fold, self.planes, self.masks, self.per_px = fold, planes, masks, columns_per_px
        self.input_spec = inputs.InputSpec(
            px_per_mm=px_per_mm,
            size_px=size,
            multiple=STRIDE * fold,
            columns_per_px=columns_per_px,
        )
        answers = masks + 2 * columns_per_px  # of each pixel
        context = fine_channels * (fold // 2) ** 2 if fine_channels else answers * fold**2
        self.net = _smp_model(
            architecture, encoder, encoder_weights, options or {}, planes * fold**2, context
        )
        self.fine = FineBranch(planes, fine_channels, fold // 2, answers) if fine_channels else None
        # Convolutions on a CPU, and those in half precision on a GPU, are faster this way.
        self.to(memory_format=torch.channels_last)

    @property
    def name(self) -> str:
        """Which of the networks in `docs/architecture.md` it is."""
        if self.per_px:
            return "unet_coord"
        return "unet" if self.input_spec.size_px is None else "unet_paper"

    @property
    def answers(self) -> dict[str, str]:
        """What it answers, in order, with the shapes; W and H are the picture's."""
        shapes = {"mask": f"(B, {self.masks}, H, W)"}
        if self.per_px:
            shapes |= {"rows": f"(B, H, {self.per_px}·W)", "presence": f"(B, {self.per_px}·W)"}
        return shapes

    def forward(self, planes: Tensor) -> dict[str, Tensor]:
        """Answers to planes (B, 6, H, W); H and W multiples of 32 × fold.

        Returns:
            `mask`: logits (B, masks, H, W). With a coordinate head, C = W × columns_per_px:
            `rows`: logits (B, H, C), of which a softmax over H is where the trace runs in a
            column; `presence`: logits (B, C) of whether it is there.
        """
        seen = planes[:, : self.planes]
        folded = nn.functional.pixel_unshuffle(seen, self.fold)
        context = self.net(folded.contiguous(memory_format=torch.channels_last))
        if self.fine is None:
            answers = nn.functional.pixel_shuffle(context, self.fold)
        else:
            answers = self.fine(seen, context)
        found = {"mask": answers[:, : self.masks]}
        if self.per_px:
            found |= self._columns(answers[:, self.masks :], planes[:, inputs.INSIDE])
        return found

    def _columns(self, answers: Tensor, inside: Tensor) -> dict[str, Tensor]:
        """Rows and presence per output column; presence is read where the trace would be."""
        halves: tuple[Tensor, ...] = torch.chunk(answers, 2, dim=1)
        rows, presence = (part.permute(0, 2, 3, 1).flatten(2) for part in halves)
        in_crop = inside.amax(dim=2) > 0  # (B, H): no trace runs in the padding
        rows = rows.masked_fill(~in_crop[..., None], NOWHERE)
        where = rows.detach().float().softmax(dim=1)
        return {"rows": rows, "presence": (where * presence).sum(dim=1)}


class FineBranch(nn.Module):
    """Two convolutions at half the picture's resolution, told by the folded network what is what.

    Args:
        planes: Input planes.
        channels: Of each branch.
        up: Factor from the folded network's resolution to this one's.
        answers: Channels of the result, at the picture's resolution.
    """

    def __init__(self, planes: int, channels: int, up: int, answers: int) -> None:
        super().__init__()
        self.up = up
        self.look = nn.Sequential(
            nn.Conv2d(4 * planes, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )
        self.join = nn.Sequential(
            nn.Conv2d(2 * channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, 4 * answers, 3, padding=1),
        )

    def forward(self, planes: Tensor, context: Tensor) -> Tensor:
        """Answers (B, answers, H, W) of planes (B, planes, H, W) and the folded network's."""
        near = nn.functional.pixel_unshuffle(planes, 2)
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
