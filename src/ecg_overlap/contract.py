"""What a model is to training, to loading and to export, and how a file of weights names it."""

import importlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Protocol, Self

import torch
from torch import Tensor, nn

from data_gen.errors import InputError
from ecg_overlap import inputs
from ecg_overlap.models import SegmentationModel

FETCHED = "encoder_weights"  # what training may fetch to start from, and loading never does
CLASS = "_target_"  # the key of a stored spec that names the class; without it: SegmentationModel


class Model(Protocol):
    """An `nn.Module` that says what pictures it wants, and how it is made anew.

    Attributes:
        input_spec: Scale or size of the pictures, the multiple that their sides are padded to,
            and how many output columns per pixel a coordinate head has (0: there is none).
        spec: Keyword arguments of its class that make it anew, without weights. Plain values,
            as they are stored beside the weights.
    """

    input_spec: inputs.InputSpec
    spec: dict[str, Any]

    def __call__(self, channels: Tensor) -> dict[str, Tensor]:
        """The outputs for float32 channels (B, 6, H, W), as `inputs.stack` makes them.

        Returns:
            `mask`: logits (B, M, H, W), of the primary's amodal mask and, with M = 2, of the
            intruders'. With a coordinate head of C columns per pixel, also `rows`: logits
            (B, H, C·W), of which a softmax over H is where the trace runs in a column; and
            `presence`: logits (B, C·W) of whether it is there.
        """

    # Of every nn.Module:
    def parameters(self) -> Iterator[nn.Parameter]: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> Any: ...
    def to(self, device: torch.device) -> Self: ...
    def eval(self) -> Self: ...


def as_model(made: object, *, where: object) -> Model:
    """The object, if it is a model.

    Args:
        made: Any object.
        where: What made it, for the message.

    Raises:
        InputError: It is none; says what it lacks.
    """
    kinds = {"input_spec": inputs.InputSpec, "spec": dict}
    lacks = [name for name, kind in kinds.items() if not isinstance(getattr(made, name, 0), kind)]
    if lacks or not isinstance(made, nn.Module):
        said = f"lacks {' and '.join(lacks)}" if lacks else "is no torch.nn.Module"
        raise InputError(
            where, f"{type(made).__name__} {said}", "see `Add a model` in CONTRIBUTING.md"
        )
    model: Model = made  # type: ignore[assignment]  # checked above
    return model


def class_path(kind: type) -> str:
    """Import path of a class."""
    return f"{kind.__module__}.{kind.__qualname__}"


def stored_spec(model: Model) -> dict[str, Any]:
    """What makes a model anew: its `spec` and, unless it is a `SegmentationModel`, its class.

    The exception keeps files valid that were written before they named a class, and lets the
    same weights give the same bytes.
    """
    if type(model) is SegmentationModel:
        return dict(model.spec)
    return {CLASS: class_path(type(model)), **model.spec}


def build(
    spec: Mapping[str, Any],
    state: Mapping[str, Tensor],
    *,
    where: object,
    network: type | None = None,
) -> Model:
    """The model of a file of weights.

    A file may come from a stranger, so nothing is imported because a file names it, except
    from this package, and nothing is fetched: the weights are the file's.

    Args:
        spec: As `stored_spec` gives it.
        state: The weights by name.
        where: The file, for messages.
        network: A class from elsewhere that the spec may name.

    Raises:
        InputError: A class that may not be made, or a spec or weights that do not fit it.
    """
    if not isinstance(spec, Mapping) or not isinstance(state, Mapping):
        raise InputError(where, "is not a network's spec and weights", "train or export one")
    arguments = {name: value for name, value in spec.items() if name != FETCHED}
    kind = _class_of(str(arguments.pop(CLASS, class_path(SegmentationModel))), where, network)
    try:
        model = as_model(kind(**arguments), where=where)
    except InputError:
        raise
    except Exception as error:  # whatever the values in a stranger's file provoke
        why = " ".join(f"{error}".split())[:200]
        raise InputError(
            where, f"its network cannot be made ({why})", "use the version that wrote it"
        ) from error
    try:
        missing, unexpected = model.load_state_dict(state, strict=False)
    except Exception as error:  # another shape, or no tensor
        why = " ".join(str(error).split())[:200]
        raise InputError(
            where, f"its weights do not fit ({why})", "train or export anew"
        ) from error
    if missing or unexpected:
        raise InputError(
            where,
            f"the weights lack {missing[:3]} and bring {unexpected[:3]} beyond the model",
            "give a checkpoint of this model, or train anew",
        )
    return model


def _class_of(path: str, where: object, network: type | None) -> type[nn.Module]:
    """The class of an import path: `network`, or one that a module of this package defines."""
    if network is not None and class_path(network) == path:
        return network
    module, _, name = path.rpartition(".")
    found: Any = None
    if module.startswith("ecg_overlap."):
        with suppress(ImportError):
            found = getattr(importlib.import_module(module), name, None)
    if (
        isinstance(found, type)
        and issubclass(found, nn.Module)
        and found.__module__ == module  # not what the module has imported
    ):
        return found
    raise InputError(
        where,
        f"names the network {path}, which is none of ecg_overlap's",
        "if you trust it, import the class and give load_model(path, network=…)",
    )


@torch.inference_mode()
def output_shapes(model: Model) -> dict[str, str]:
    """The names of a model's outputs, in their order, with their shapes in words.

    B, H and W are the batch, height and width of the input.
    """
    spec = model.input_spec
    height, width = (inputs.round_up(side, spec.multiple) for side in spec.size_px or (1, 1))
    device = next(model.parameters()).device
    outputs = model(torch.zeros(1, inputs.CHANNELS, height, width, device=device))
    columns = f"{spec.columns_per_px}·W"
    shapes = {
        "mask": f"(B, {outputs['mask'].shape[1]}, H, W)",
        "rows": f"(B, H, {columns})",
        "presence": f"(B, {columns})",
    }
    return {name: shapes.get(name, "(its own)") for name in outputs}
