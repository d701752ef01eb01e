"""The networks: smp architectures that know what scale of picture they want."""

import inspect
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import segmentation_models_pytorch as smp
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from data_gen.errors import InputError
from ecg_overlap import inputs
from ecg_overlap.inputs import TARGET

STRIDE = 32  # of every smp encoder at its full depth


class SegmentationModel(nn.Module):
    """Any smp architecture and encoder, from a picture's five input planes to two amodal masks.

    Args:
        architecture: Name in smp, e.g. "Unet", "UnetPlusPlus", "FPN".
        encoder: Name of an smp encoder; "tu-…" for any of timm's.
        encoder_weights: None starts from scratch; "imagenet" downloads weights.
        px_per_mm: Scale of the pictures it is trained on; None with `size_px`.
        fold: Each fold × fold block of pixels enters as channels of one, and leaves as such
            (space to depth): the picture keeps its resolution at 1 / fold² of the cost.
        size_px: (height, width) that pictures are squashed to instead.
        options: Further arguments of the architecture, e.g. `decoder_channels`.

    Raises:
        InputError: An unknown architecture or encoder; the message lists the choices.

    Example:
        >>> model = SegmentationModel(encoder="resnet18").eval()
        >>> model(torch.zeros(1, 5, 64, 96)).shape
        torch.Size([1, 2, 64, 96])
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
        options: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        size = None if size_px is None else (int(size_px[0]), int(size_px[1]))
        # Plain values: a checkpoint carries them, and `build` makes the model anew from them.
        self.spec: dict[str, Any] = {
            "architecture": architecture,
            "encoder": encoder,
            "px_per_mm": px_per_mm,
            "size_px": size,
            "fold": fold,
            "options": dict(options or {}),
        }
        self.fold = fold
        self.input_spec = inputs.InputSpec(
            px_per_mm=px_per_mm, size_px=size, multiple=STRIDE * fold
        )
        net = _smp_model(architecture, encoder, encoder_weights, self.spec["options"], fold)
        # Convolutions on a CPU, and those in half precision on a GPU, are faster this way.
        self.net = net.to(memory_format=torch.channels_last)

    def forward(self, planes: Tensor) -> Tensor:
        """Logits (B, 2, H, W) of planes (B, 5, H, W); H and W multiples of 32 × fold."""
        folded = nn.functional.pixel_unshuffle(planes, self.fold)
        logits = self.net(folded.contiguous(memory_format=torch.channels_last))
        return nn.functional.pixel_shuffle(logits, self.fold)


def _smp_model(
    architecture: str,
    encoder: str,
    encoder_weights: str | None,
    options: dict[str, Any],
    fold: int,
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
        model: nn.Module = smp.create_model(
            architecture,
            encoder_name=encoder,
            encoder_weights=encoder_weights,
            in_channels=inputs.CHANNELS * fold**2,
            classes=2 * fold**2,
            **options,
        )
    except (KeyError, RuntimeError, ValueError, TypeError) as error:
        names = ", ".join(sorted(smp.encoders.get_encoder_names()))
        raise InputError(
            f"model.encoder={encoder}",
            " ".join(str(error).split())[:300],
            f"choose one of {names}, or tu-<a timm name>",
        ) from error
    return model


class ModelNetwork:
    """A trained model as the callable that `digitize_lead` takes: picture → probability map.

    Args:
        model: Put into evaluation mode.
        device: Where it runs.
        checkpoint: Where the weights came from, for the record.
    """

    def __init__(
        self,
        model: SegmentationModel,
        device: str | torch.device = "cpu",
        *,
        checkpoint: str | None = None,
    ) -> None:
        self.device = torch.device(device)
        self.model = model.to(self.device).eval()
        self.checkpoint = checkpoint
        self.params = sum(p.numel() for p in model.parameters())
        self.size_of = model.input_spec.size_of

    @torch.inference_mode()
    def __call__(
        self, image: NDArray[np.uint8], *, px_per_mm: float, row_px: float | None = None
    ) -> NDArray[np.float32]:
        """Probability float32 (H, W) of the primary trace in `image` uint8 (H, W, 3)."""
        spec = self.model.input_spec
        small = inputs.resize(image, spec.size_of(image.shape[0], image.shape[1], px_per_mm))
        rows, columns = small.shape[:2]
        planes = inputs.stack(
            small, inputs.round_up(rows, spec.multiple), inputs.round_up(columns, spec.multiple)
        )
        logits = self.model(torch.from_numpy(planes)[None].to(self.device))
        probability = logits[0, TARGET, :rows, :columns].float().sigmoid().cpu().numpy()
        size = (image.shape[1], image.shape[0])
        return np.asarray(cv2.resize(probability, size, interpolation=cv2.INTER_LINEAR), np.float32)


def build(spec: dict[str, Any], weights: dict[str, Tensor], *, where: object) -> SegmentationModel:
    """The model of a checkpoint.

    Raises:
        InputError: The weights do not fit the model that the checkpoint names.
    """
    model = SegmentationModel(**spec)
    missing, unexpected = model.load_state_dict(weights, strict=False)
    if missing or unexpected:
        raise InputError(
            where,
            f"the weights lack {missing[:3]} and bring {unexpected[:3]} beyond the model",
            "give a checkpoint of this model, or train anew",
        )
    return model


def shown(file: Path) -> str:
    """The path as a record of it may be passed on: below the working folder, else the name."""
    here = Path.cwd()
    return (
        str(file.resolve().relative_to(here)) if file.resolve().is_relative_to(here) else file.name
    )


def load_model(path: str | Path | None = None, *, device: str = "cpu") -> ModelNetwork:
    """Load a checkpoint that `train.py` wrote.

    Args:
        path: The checkpoint.
        device: Where the network runs.

    Raises:
        InputError: No such file, not a checkpoint of this project, or weights that do not fit.
    """
    if path is None:
        raise InputError("load_model", "no weights come with the package yet", "give a checkpoint")
    file = Path(path)
    if not file.is_file():
        raise InputError(file, "no such checkpoint", "give the path of a .ckpt that train.py wrote")
    try:
        checkpoint = torch.load(file, map_location="cpu", weights_only=True)
        spec, state = checkpoint["network"], checkpoint["state_dict"]
    except Exception as error:  # torch.load raises a dozen types on a foreign file
        raise InputError(
            file, f"not a checkpoint of ecg-overlap ({type(error).__name__})", "train one"
        ) from error
    weights = {k.removeprefix("model."): v for k, v in state.items() if k.startswith("model.")}
    return ModelNetwork(build(spec, weights, where=file), device, checkpoint=shown(file))
