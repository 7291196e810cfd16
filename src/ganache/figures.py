"""Arrays -> picture files. Nothing here has seen a network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganache.images import tile


def picture(images: np.ndarray, columns: int | None = None) -> Image.Image:
    """A sheet of pictures, uint8 [N, H, W, C], or of points, float32 [N, 2]. Small pictures are enlarged whole."""
    if images.ndim == 2:
        return points(images)
    columns = columns or math.ceil(math.sqrt(len(images)))
    sheet = tile(images, columns)
    enlarge = max(1, 64 // min(images.shape[1:3]))
    sheet = sheet.repeat(enlarge, axis=0).repeat(enlarge, axis=1)
    return Image.fromarray(sheet[..., 0] if sheet.shape[-1] == 1 else sheet)


def points(xy: np.ndarray, limit: float = 1.5, pixels: int = 480) -> Image.Image:
    """A scatter plot of points [N, 2] on the square [-limit, limit]^2."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(pixels / 100, pixels / 100), dpi=100, layout="constrained")
    axes = figure.add_subplot(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    axes.scatter(xy[:, 0], xy[:, 1], s=6, alpha=0.5, linewidths=0)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def animation(frames: Sequence[Path], path: Path, seconds: float = 8.0, most: int = 120) -> None:
    """An animated WebP of picture files, evenly thinned to `most`; the last frame stays for two seconds."""
    chosen = [frames[i] for i in np.unique(np.linspace(0, len(frames) - 1, min(most, len(frames))).round().astype(int))]
    pictures = [Image.open(frame).convert("RGB") for frame in chosen]
    each = int(np.clip(1000 * seconds / len(pictures), 60, 500))
    durations = [each] * (len(pictures) - 1) + [2000]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, loop=0, quality=80)
