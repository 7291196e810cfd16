"""What was generated -> bytes for the page: many pictures in one JPEG, exhibits as plain data with such sheets."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganache.core import images
from ganache.core.images import Pictures
from ganache.figures import save_figure
from ganache.figures.cloud import draw_cloud
from ganache.lab.figure import Animation, Figure, ImageGrid, ScatterPlot

ACROSS = 16
"""Pictures in a row of a sheet."""
QUALITY = 92
"""Of JPEG: at this, and without halving the colours, nobody sees that it is one."""

Told = dict[str, Any]


def sheet_of(pictures: Pictures) -> tuple[Told, bytes]:
    """Pictures uint8 [N, H, W, C] -> (where each lies, the JPEG of all of them without gaps)."""
    count, height, width = pictures.shape[:3]
    across = min(count, ACROSS)
    whole = images.tile(np.ascontiguousarray(pictures), across, pad=0)
    return {"count": count, "across": across, "width": width, "height": height}, encoded(whole, "JPEG")


def encoded(pixels: Pictures, kind: str) -> bytes:
    """uint8 [H, W, C] as the bytes of a picture file."""
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    file = io.BytesIO()
    picture.save(file, kind, **({"quality": QUALITY, "subsampling": 0} if kind == "JPEG" else {}))
    return file.getvalue()


def told(shown: Figure | Animation) -> tuple[Told, list[bytes]]:
    """An exhibit or film as plain data; each part's picture is a number, its place among the bytes."""
    blobs: list[bytes] = []
    if isinstance(shown, Animation):
        reels = [
            with_sheet({"heading": name}, reel, blobs) for name, reel in zip(shown.names, shown.reels, strict=True)
        ]
        about = {"stops": list(shown.stops), "frames": shown.frames, "fps": shown.fps}
        return {"title": shown.title, "film": about, "groups": [reels]}, blobs
    groups = [[part_told(part, blobs) for part in group] for group in shown.groups]
    return {"title": shown.title, "groups": groups}, blobs


def part_told(part: ImageGrid | ScatterPlot, blobs: list[bytes]) -> Told:
    """A sheet with its captions; a cloud as one drawn picture."""
    if isinstance(part, ScatterPlot):
        file = io.BytesIO()
        drawn = draw_cloud(part)
        drawn.save(file, "PNG")
        blobs.append(file.getvalue())
        return {"heading": part.heading, "cloud": True, "blob": len(blobs) - 1, "size": list(drawn.size)}
    about = {
        "heading": part.heading,
        "columns": part.columns,
        "over": list(part.over),
        "beside": list(part.beside),
        "below": list(part.below),
    }
    return with_sheet(about, part.pictures, blobs)


def with_sheet(about: Told, pictures: Pictures, blobs: list[bytes]) -> Told:
    """`about` a part, with where its pictures lie; their bytes join the blobs."""
    where, blob = sheet_of(pictures)
    blobs.append(blob)
    return {**about, **where, "blob": len(blobs) - 1}


def as_file(shown: Figure | Animation, kind: str) -> bytes:
    """The bytes that a command would write."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"picture.{kind}")
        save_figure(shown, file)
        return file.read_bytes()
