"""Images and figures encoded for the page: many images in one JPEG, and figures as plain data that refers to them."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ganache.core import images
from ganache.core.images import Pictures
from ganache.core.rendering import Model
from ganache.figures import save_figure
from ganache.figures.scatter import draw_point_grid, draw_scatter_plot
from ganache.lab.figure import Animation, Figure, ImageGrid, ScatterPlot
from ganache.playground import painting

MAX_ACROSS = 16
"""Images in one row of a sheet."""
QUALITY = 92
"""JPEG quality. With it, and without chroma subsampling, no compression artefacts are visible."""

Header = dict[str, Any]


def encode_sheet(pictures: Pictures) -> tuple[Header, bytes]:
    """Encode images uint8 [N, H, W, C]: (where each lies in the sheet, one JPEG of all of them without gaps)."""
    count, height, width = pictures.shape[:3]
    across = min(count, MAX_ACROSS)
    sheet = images.tile(np.ascontiguousarray(pictures), across, pad=0)
    return {"count": count, "across": across, "width": width, "height": height}, encode(sheet, "JPEG")


def encode(pixels: Pictures, kind: str) -> bytes:
    """Encode one image, uint8 [H, W, C], as a file of this kind ("JPEG" or "PNG")."""
    picture = images.as_image(pixels) if kind == "PNG" else images.as_rgb_image(pixels)
    file = io.BytesIO()
    picture.save(file, kind, **({"quality": QUALITY, "subsampling": 0} if kind == "JPEG" else {}))
    return file.getvalue()


def encode_figure(
    shown: Figure | Animation, models: Sequence[Model], thumbnails: bool = False
) -> tuple[Header, list[bytes]]:
    """Return (a figure as plain data, image files); a part refers to its file by its index, "blob".

    A grid of points is one drawn image; with `thumbnails` it has a picture of each point instead.
    """
    blobs: list[bytes] = []
    if isinstance(shown, Animation):
        parts = [
            add_sheet({"heading": name}, painting.as_shown(model, sequence), blobs)
            for name, sequence, model in zip(shown.names, shown.sequences, models, strict=True)
        ]
        animation = {
            "waypoints": list(shown.waypoints),
            "frames_per_segment": shown.frames_per_segment,
            "fps": shown.fps,
        }
        return {"title": shown.title, "animation": animation, "groups": [parts]}, blobs
    if thumbnails:
        shown = replace(
            shown, groups=tuple(tuple(painted(part, models[0]) for part in group) for group in shown.groups)
        )
    groups = [[encode_part(part, blobs, shown.real) for part in group] for group in shown.groups]
    return {"title": shown.title, "groups": groups}, blobs


def painted(part: ImageGrid | ScatterPlot, model: Model) -> ImageGrid | ScatterPlot:
    """Return a grid with a picture of each of its points."""
    return replace(part, pictures=painting.as_shown(model, part.pictures)) if isinstance(part, ImageGrid) else part


def encode_part(part: ImageGrid | ScatterPlot, blobs: list[bytes], real: Pictures | None = None) -> Header:
    """Return a grid with its labels, or a scatter plot as one drawn image; append the image file to `blobs`.

    `real`: for points, those of the data.
    """
    if isinstance(part, ScatterPlot) or part.pictures.ndim == 2:
        file = io.BytesIO()
        drawn = draw_scatter_plot(part, real) if isinstance(part, ScatterPlot) else draw_point_grid(part, real)
        drawn.save(file, "PNG")
        blobs.append(file.getvalue())
        return {"heading": part.heading, "scatter": True, "blob": len(blobs) - 1, "size": list(drawn.size)}
    header = {
        "heading": part.heading,
        "columns": part.columns,
        "column_labels": list(part.column_labels),
        "row_labels": list(part.row_labels),
        "captions": list(part.captions),
    }
    return add_sheet(header, part.pictures, blobs)


def add_sheet(header: Header, pictures: Pictures, blobs: list[bytes]) -> Header:
    """Return `header` with the layout of a sheet of these images; append the sheet's file to `blobs`."""
    layout, blob = encode_sheet(pictures)
    blobs.append(blob)
    return {**header, **layout, "blob": len(blobs) - 1}


def encode_file(shown: Figure | Animation, kind: str) -> bytes:
    """Return the bytes of the file that a command would write; `kind` is its ending without the dot."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"picture.{kind}")
        save_figure(shown, file)
        return file.read_bytes()
