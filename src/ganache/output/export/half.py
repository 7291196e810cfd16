"""Weights of half the size: float16 in the file, float32 as soon as it is opened."""

from __future__ import annotations

from typing import Any

import numpy as np

LARGE = 256
"""Tensors of fewer numbers stay as they are: they weigh nothing."""


def halve(proto: Any) -> Any:
    """The `onnx.ModelProto` with its large float32 weights kept as float16, each behind a Cast to float32.

    Who opens the file does the casts once, so pictures take no longer. Weights beyond float16's range stay float32.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts, kept = [], []
    for weight in proto.graph.initializer:
        numbers = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or numbers.size < LARGE or np.abs(numbers).max() > np.finfo("f2").max:
            kept.append(weight)
            continue
        half = f"{weight.name}.half"
        kept.append(numpy_helper.from_array(numbers.astype(np.float16), half))
        casts.append(helper.make_node("Cast", [half], [weight.name], to=TensorProto.FLOAT))
    nodes = list(proto.graph.node)
    del proto.graph.initializer[:], proto.graph.node[:]
    proto.graph.initializer.extend(kept)
    proto.graph.node.extend([*casts, *nodes])
    return proto
