"""Trained networks for other programs: safetensors or ONNX, each compared with the original.

To publish on the Hugging Face hub, smp's own way works on what `load_model` gives:
`load_model("best.ckpt").model.net.push_to_hub("you/name")` (its inputs are folded channels).
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from data_gen.errors import InputError
from data_gen.extras import needs_extra
from data_gen.formats.files import check_digest, digest_file, sha256
from data_gen.whole_file import whole_file, whole_files
from ecg_overlap import inputs
from ecg_overlap.average import average, load_parts
from ecg_overlap.contract import Model, output_shapes, stored_spec
from ecg_overlap.digitize.plans import method_for
from ecg_overlap.model_card import Described, model_card
from ecg_overlap.network import load_model
from ecg_overlap.onnx_graph import Graph
from ecg_overlap.weights.facts import INPUT, METHOD, SPEC, WEIGHTS
from ecg_overlap.weights.files import places, write_safetensors

TOLERANCE = 1e-4  # of the network's outputs, which are logits
Outputs = list[NDArray[np.float32]]
Run = Callable[[Tensor], Outputs]  # from channels (1, 6, H, W) to the outputs, in their order
Facts = dict[str, str]


@dataclass(frozen=True)
class Exported:
    """What was written, and how far its outputs are from the checkpoint's."""

    weights: Path
    card: Path
    largest_difference: float


def export(
    *checkpoints: str | Path,
    to: str,
    out: str | Path,
    shares: Sequence[float] = (),
    method: str | None = None,
    card: Path | None = None,
    results: Sequence[Path] = (),
    trained_by: str | None = None,
    network: type | None = None,
    weights: Path | None = None,
) -> Exported:
    """Write a checkpoint as safetensors or ONNX, with its SHA-256 and a model card.

    Args:
        checkpoints: What `train.py` wrote; of several the weights are averaged.
        to: "safetensors" or "onnx".
        out: The file.
        shares: Of each checkpoint in the average, relative to the others; none: alike.
        method: What the network is best read by; None: as the first checkpoint says.
        card: Where the model card is to be; None: beside the file.
        results: `results.json` of its evaluations; without, the run's own if it left one.
        trained_by: The command that trained it.
        network: See `load_model`.
        weights: A .safetensors of these weights, which is to lie beside the graph: `to="onnx"`
            refers to it then and holds none.

    Raises:
        InputError: An unknown format or method, checkpoints (see `load_parts`), a folder or
            results that cannot be used, missing packages, or outputs that differ by more than
            1e-4; nothing is left behind then.
    """
    if to not in FORMATS:
        raise InputError(f"--to {to}", "no such format", f"choose one of {', '.join(FORMATS)}")
    out = Path(out)
    if out.suffix != f".{to}":
        raise InputError(f"--out {out}", f"does not end in .{to}", "name it so")
    if weights is not None and to != "onnx":
        raise InputError(
            f"--weights {weights}", "is for a graph", "give --to onnx, or leave it out"
        )
    parts = load_parts(checkpoints, shares, network=network)
    whole = average(parts)
    model = whole.model
    method = whole.info.method if method is None else method_for(method, whole.info)
    write, read = FORMATS[to]
    card = out.with_name(f"{out.name}.md") if card is None else card
    with _folder_beside(out) as folder:
        made = folder / out.name
        facts = {SPEC: json.dumps(stored_spec(model)), METHOD: method}
        if weights is not None:
            facts[WEIGHTS] = check_digest(weights)
        write(model, made, facts, weights)
        difference = largest_difference(model, read(made, type(model), weights))
        if not difference <= TOLERANCE:
            raise InputError(
                out,
                f"its outputs would differ by {difference:.1e} from the checkpoint's",
                "export to safetensors, or report this with the versions of torch and onnx",
            )
        digest = sha256(made)
        digest_file(made).write_text(f"{digest}  {out.name}\n", encoding="utf-8")
        described = Described(out.name, digest, made.stat().st_size, method, difference)
        page = model_card(parts, whole, described, results, trained_by)
        with whole_file(card) as file:
            file.write_text(page, encoding="utf-8")
        # safetensors' own mode keeps everybody else out, whatever the umask says.
        shutil.copymode(digest_file(made), made)
    return Exported(out, card, difference)


@contextmanager
def _folder_beside(out: Path) -> Iterator[Path]:
    """A folder for `out` and its digest, which are moved beside each other once they are whole."""
    try:
        with whole_files(digest_file(out), out) as folder:
            yield folder
    except OSError as error:
        raise InputError(out, f"cannot be written ({error.strerror})", "choose another") from error


def pictures(model: Model, n: int = 4) -> Iterator[Tensor]:
    """Random pictures as the network sees them, float32 (1, 6, H, W), of several sizes."""
    rng = np.random.default_rng(0)
    spec = model.input_spec
    cut = spec.multiple // 5  # so that there is padding
    for i in range(1, n + 1):
        sides = spec.multiple * i - cut, spec.multiple * (n + 1 - i) - cut
        rows, columns = spec.size_px or sides
        image = rng.integers(0, 256, (rows, columns, 3), dtype=np.uint8)
        height, width = (inputs.round_up(side, spec.multiple) for side in (rows, columns))
        yield torch.from_numpy(inputs.stack(image, height, width))[None]


def run_torch(model: Model) -> Run:
    """The network as torch runs it."""

    def run(channels: Tensor) -> Outputs:
        with torch.inference_mode():
            return [np.asarray(output, np.float32) for output in model(channels).values()]

    return run


def largest_difference(model: Model, other: Run) -> float:
    """Largest absolute difference of any output on random pictures; NaN if any is NaN."""
    reference = run_torch(model.eval())
    found = [
        float(np.max(np.abs(ours - theirs)))
        for channels in pictures(model)
        for ours, theirs in zip(reference(channels), other(channels), strict=True)
    ]
    return float(np.max(found))


def to_safetensors(model: Model, file: Path, facts: Facts, _: None = None) -> None:
    """Weights and facts, as `load_model` reads them."""
    write_safetensors(file, facts, model.state_dict())


def from_safetensors(file: Path, network: type, _: None = None) -> Run:
    """The file as `load_model` reads it."""
    return run_torch(load_model(file, network=network).model)


def to_onnx(model: Model, file: Path, facts: Facts, weights: Path | None = None) -> None:
    """A graph of any batch, and of any height and width that the network takes.

    Raises:
        InputError: onnx or onnxscript is not installed, or weights that are not the graph's.
    """
    with needs_extra("export", "--to onnx"):
        import onnx
        import onnxscript  # noqa: F401  (torch's exporter imports it)
    spec = model.input_spec
    dim = torch.export.Dim
    sides = {} if spec.size_px else {i: spec.multiple * dim(n) for i, n in ((2, "h"), (3, "w"))}
    # Not the first example: its side of one multiple makes the deepest map one pixel wide, and
    # torch takes a size of 1 for a constant.
    example = list(pictures(model))[1]
    module = cast(nn.Module, model.eval())
    program = torch.onnx.export(
        module,
        (torch.cat([example, example]),),
        input_names=["channels"],
        output_names=list(output_shapes(model)),
        dynamic_shapes=({0: dim("batch")} | sides,),
        dynamo=True,
        external_data=False,
        verbose=False,
        optimize=weights is None,  # which folds weights into others; without, they keep their names
    )
    assert program is not None
    proto = program.model_proto
    _without_traces(proto)
    if weights is not None:
        _without_weights(proto, weights)
    onnx.helper.set_model_props(proto, {**facts, INPUT: json.dumps(asdict(spec))})
    onnx.save(proto, file)


def _without_weights(proto: Any, weights: Path) -> None:
    """Refer to the weights in a .safetensors, by name and by where they lie in it.

    Args:
        proto: onnx.ModelProto; changed in place.
        weights: The file.

    Raises:
        InputError: It lacks one of them.
    """
    # A third of what is left: what the runtime works out for itself, and nodes' names.
    del proto.graph.value_info[:]
    for node in proto.graph.node:
        node.ClearField("name")
    known = places(weights)
    for tensor in proto.graph.initializer:
        if tensor.name not in known:
            raise InputError(
                weights, f"holds no {tensor.name}", "give the checkpoint's own weights"
            )
        first, length = known[tensor.name]
        for values in ("raw_data", "float_data", "int64_data"):
            tensor.ClearField(values)
        tensor.data_location = tensor.EXTERNAL
        told = {"location": weights.name, "offset": first, "length": length}
        for key, value in told.items():
            entry = tensor.external_data.add()
            entry.key, entry.value = key, str(value)


def _without_traces(proto: Any) -> None:
    """Leave out from which line of which file each node comes: paths of the exporting machine.

    Args:
        proto: onnx.ModelProto; changed in place.
    """
    graph = proto.graph
    for each in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        each.ClearField("metadata_props")
        each.ClearField("doc_string")
    for function in proto.functions:
        for each in (function, *function.node, *function.value_info):
            each.ClearField("metadata_props")
            each.ClearField("doc_string")


def from_onnx(file: Path, network: type, weights: Path | None = None) -> Run:
    """The graph as ONNX Runtime runs it on the CPU; it needs no class."""
    graph = Graph(file, weights=weights)
    names = [output.name for output in graph.session.get_outputs()]

    def run(channels: Tensor) -> Outputs:
        return list(graph.run(channels.numpy(), *names).values())

    return run


Write = Callable[[Model, Path, Facts, Any], None]
Read = Callable[[Path, type, Any], Run]
FORMATS: dict[str, tuple[Write, Read]] = {
    "safetensors": (to_safetensors, from_safetensors),
    "onnx": (to_onnx, from_onnx),
}
