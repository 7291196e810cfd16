"""Weights stored as float16, which halves the file; they are float32 again as soon as it is opened."""

from __future__ import annotations

from typing import Any

import numpy as np

LARGE = 256
"""Tensors with fewer elements stay float32: they take little space."""


def halve(proto: Any) -> Any:
    """Store the large float32 weights of an `onnx.ModelProto` as float16, each followed by a Cast to float32.

    ONNX Runtime folds the casts when it opens the file, so inference is as fast. Weights beyond float16's range stay
    float32. The model is changed in place and returned.
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
