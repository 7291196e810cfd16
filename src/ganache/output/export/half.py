"""Weights stored in fewer bits, which makes the file small; they are float32 again as soon as it is opened.

Most are float16. A layer with a million weights and more has 8 bits a weight and one scale a row: such layers are
nearly the whole file, and with so many terms in their sums the rounding changes a pixel by about 1 of 255 levels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

LARGE = 256
"""Tensors with fewer elements stay float32: they take little space."""
HUGE = 2**20
"""Matrices with as many elements have 8 bits a weight."""


def halve(proto: Any, huge: int = HUGE) -> Any:
    """Store the large float32 weights of an `onnx.ModelProto` in fewer bits, each followed by nodes that restore it.

    ONNX Runtime folds these nodes when it opens the file, so inference is as fast. Weights beyond float16's range stay
    float32. The model is changed in place and returned.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts, kept = [], []
    for weight in proto.graph.initializer:
        numbers = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or numbers.size < LARGE or np.abs(numbers).max() > np.finfo("f2").max:
            kept.append(weight)
            continue
        if numbers.ndim == 2 and numbers.size >= huge:
            small, scale = f"{weight.name}.bytes", f"{weight.name}.scale"
            rows = np.abs(numbers).max(axis=1, keepdims=True).clip(1e-12) / 127
            kept.append(numpy_helper.from_array((numbers / rows).round().astype(np.int8), small))
            kept.append(numpy_helper.from_array(rows.astype(np.float32), scale))
            casts.append(helper.make_node("Cast", [small], [f"{small}.float"], to=TensorProto.FLOAT))
            casts.append(helper.make_node("Mul", [f"{small}.float", scale], [weight.name]))
            continue
        half = f"{weight.name}.half"
        kept.append(numpy_helper.from_array(numbers.astype(np.float16), half))
        casts.append(helper.make_node("Cast", [half], [weight.name], to=TensorProto.FLOAT))
    nodes = list(proto.graph.node)
    del proto.graph.initializer[:], proto.graph.node[:]
    proto.graph.initializer.extend(kept)
    proto.graph.node.extend([*casts, *nodes])
    return proto
