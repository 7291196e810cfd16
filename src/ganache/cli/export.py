"""`ganache export`: write a trained generator as a web page or an ONNX file."""

from __future__ import annotations

from pathlib import Path

from tyro.conf import Positional

from ganache.cli.outputs import check_output
from ganache.cli.render import load_models
from ganache.core.text import file_size
from ganache.errors import ConfigError


def export(run: Positional[str], html: str = "", onnx: str = "", title: str = "", average: bool = True) -> None:
    """Write a trained generator as one HTML page with sliders, which opens offline, or as an ONNX file.

    Args:
        run: The run's folder, or RUN@STEP.
        html: The page to write, such as model.html. It contains the generator and needs no other file.
        onnx: The ONNX file to write, such as model.onnx.
        title: The heading of the page; the run's name by default.
        average: Use the averaged generator (EMA), if the run has one.
    """
    if not html and not onnx:
        raise ConfigError("No file to write was named: add --html model.html, or --onnx model.onnx, or both.")
    for file, ending in ((html, ".html"), (onnx, ".onnx")):
        if file:
            check_output(file, (ending,))
    from ganache.core.storage import write_bytes
    from ganache.output.export import to_html, to_onnx
    from ganache.runs.folder import at_step, read_names

    names = read_names(at_step(run)[0])
    (model,), _ = load_models([run], average)
    if onnx:
        write_bytes(Path(onnx), to_onnx(model))
        print(f"{onnx}: {model.name}, {file_size(Path(onnx).stat().st_size)}; its pictures match PyTorch's.")
    if html:
        write_bytes(Path(html), to_html(model, title, names, progress=True).encode())
        size = file_size(Path(html).stat().st_size)
        print(f"{html}: {model.name}, {size}. Open it in a browser: it needs no server and no network.")
