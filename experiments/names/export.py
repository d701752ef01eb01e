"""Write both networks as ONNX files with their digests.

python -m experiments.names.export WHERE.pt WHICH.pt FOLDER
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from data_gen.formats.files import sha256
from experiments.half import in_half
from experiments.names.networks import Where, Which, folded

OPSET = 13  # what OpenCV 4.10 reads


def as_onnx(network: nn.Module, name: str, shape: list, answer: list) -> onnx.ModelProto:
    """A chain of convolutions, pools and one linear layer, written by hand: few, stable nodes."""
    nodes, weights, at = [], [], "seen"
    layers = list(folded(network))
    for k, layer in enumerate(layers):
        out = "answer" if k == len(layers) - 1 else f"t{k}"
        inputs, attributes = [at], {}
        if isinstance(layer, nn.Conv2d | nn.Linear):
            for part in ("weight", "bias"):
                value = getattr(layer, part).detach().numpy().astype(np.float32)
                weights.append(numpy_helper.from_array(value, f"{part}{k}"))
                inputs.append(f"{part}{k}")
        match layer:
            case nn.Conv2d():
                kind = "Conv"
                attributes = {
                    "kernel_shape": list(layer.kernel_size), "strides": list(layer.stride),
                    "pads": [*layer.padding, *layer.padding], "dilations": list(layer.dilation),
                }  # fmt: skip
            case nn.Linear():
                kind, attributes = "Gemm", {"transB": 1}
            case nn.ReLU():
                kind = "Relu"
            case nn.MaxPool2d():
                kind, attributes = "MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}
            case nn.Flatten():
                kind, attributes = "Flatten", {"axis": 1}
            case _:
                raise TypeError(f"no node for {layer}")
        nodes.append(helper.make_node(kind, inputs, [out], **attributes))
        at = out
    values = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, s)
        for n, s in (("seen", shape), ("answer", answer))
    ]
    graph = helper.make_graph(nodes, name, values[:1], values[1:], weights)
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, producer_name="ecg-overlap", opset_imports=opset)
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("where", type=Path)
    parser.add_argument("which", type=Path)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    for network, state, name, shapes in (
        (Where(), args.where, "names_where", ([1, 2, "h", "w"], [1, 5, "h4", "w4"])),
        (Which(), args.which, "names_which", (["n", 2, 32, 80], ["n", 13])),
    ):
        network.load_state_dict(torch.load(state, weights_only=True))
        file = args.folder / f"{name}.onnx"
        file.write_bytes(in_half(as_onnx(network, name, *shapes)))
        digest = file.with_name(file.name + ".sha256")
        digest.write_text(f"{sha256(file)}  {file.name}\n", encoding="utf-8")
        print(file, file.stat().st_size)


if __name__ == "__main__":
    main()
