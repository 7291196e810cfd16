"""A trained generator for other programs.

    to_onnx(model)          an ONNX file, for whatever runs ONNX
    to_html(model)          one HTML file with the generator inside, which opens by double click, offline

Each is compared with PyTorch's pictures before it is handed out.
"""

from ganache.output.export.graph import to_onnx
from ganache.output.export.page import to_html

__all__ = ["to_html", "to_onnx"]
