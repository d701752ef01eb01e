"""Weights of a graph kept in half precision: the package holds 16 MB at the most."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LEAST = 64  # numbers: fewer are not worth a node


def in_half(model: onnx.ModelProto) -> bytes:
    """The model, its weights kept in float16 and cast to float32 where they are used."""
    graph, casts = model.graph, []
    for weight in list(graph.initializer):
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < LEAST:
            continue
        kept = f"{weight.name}_half"
        half = numpy_helper.to_array(weight).astype(np.float16)
        casts.append(helper.make_node("Cast", [kept], [weight.name], to=TensorProto.FLOAT))
        graph.initializer.remove(weight)
        graph.initializer.append(numpy_helper.from_array(half, kept))
    for cast in reversed(casts):
        graph.node.insert(0, cast)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))
