"""Export of a trained generator.

    to_onnx(model)          an ONNX file, for any program that runs ONNX
    to_html(model)          one HTML file with the generator inside, which opens offline by double click

Both compare the exported pictures with PyTorch's before they return.
"""

from ganache.output.export.graph import to_onnx
from ganache.output.export.page import to_html

__all__ = ["to_html", "to_onnx"]
