"""Points in the plane: real and generated ones on axes that the real points fix, so that a collapse looks like one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ganache.core.images import Pictures, Pixels, evenly_spaced
from ganache.figures.text import INK, PAPER, font, render_text, stack

Colour = tuple[int, int, int]

REAL, GENERATED, CHOSEN = (70, 84, 104), (201, 79, 36), (20, 20, 20)
"""Colours of real points, of generated ones, and of the one that a picture is about."""
LIKED, DISLIKED = (250, 220, 160), (214, 226, 240)
"""Colours of the places where the critic's score is highest and lowest."""
RULE = (224, 220, 214)
MAX_REAL = 1_000
"""Real points that are drawn."""
FINE = 2
"""Points are drawn on a grid so many times finer than the picture, and averaged."""


@dataclass(frozen=True)
class Plane:
    """A square of the plane, and the real points in it."""

    real: NDArray[Any]
    """[N, 2]; empty if the real points are not known."""
    centre: NDArray[Any]
    """[2]"""
    half: float
    """Half of its side."""

    @classmethod
    def of(cls, real: NDArray[Any] | None, generated: NDArray[Any]) -> Plane:
        """Return the square around the real points [N, 2]; around the generated ones if the former are not known."""
        known = real is not None and len(real)
        points = real if real is not None and known else generated[np.isfinite(generated).all(axis=1)]
        if not len(points):
            points = np.zeros((1, 2), np.float32)
        low, high = points.min(axis=0), points.max(axis=0)
        half = max(0.62 * float((high - low).max()), 1e-3)
        shown = points[evenly_spaced(len(points), MAX_REAL)] if known else points[:0]
        return cls(shown, (low + high) / 2, half)

    @property
    def window(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """((left, right), (bottom, top))"""
        (x, y), half = self.centre.tolist(), self.half
        return (x - half, x + half), (y - half, y + half)

    def inside(self, points: NDArray[Any]) -> NDArray[Any]:
        """Return the points [N, 2], those outside moved to the nearest place on the border."""
        edge = 0.985 * self.half
        inside: NDArray[Any] = np.clip(points, self.centre - edge, self.centre + edge)
        return inside

    def grid(self, cells: int) -> NDArray[np.float32]:
        """Return the centres of cells x cells squares, [cells * cells, 2]: from the top, row by row."""
        ticks = ((np.arange(cells) + 0.5) / cells * 2 - 1) * self.half
        x, y = np.meshgrid(self.centre[0] + ticks, self.centre[1] - ticks)
        return np.stack([x, y], axis=-1).reshape(-1, 2).astype(np.float32)

    def at(self, points: NDArray[Any], side: int) -> NDArray[np.float64]:
        """Return the places [M, 2] of those points [N, 2] that are finite, in a picture of this side in pixels."""
        usable = self.inside(points[np.isfinite(points).all(axis=1)].astype(np.float64))
        places: NDArray[np.float64] = ((usable - self.centre) * (1, -1) / self.half + 1) / 2 * side
        return places


def draw_plane(
    plane: Plane, points: NDArray[Any], side: int = 480, field: NDArray[Any] | None = None, below: str = ""
) -> Image.Image:
    """Draw real and generated points [N, 2] with their legend.

    `field`: scores of the critic [cells * cells] at `plane.grid(cells)`; `below`: a sentence under the legend.
    """
    square = background(plane, side, field)
    square = spread(square, plane.at(plane.real, side), REAL, radius=1.7, opacity=0.4)
    square = spread(square, plane.at(points, side), GENERATED, radius=2.0, opacity=0.6)
    paper = labelled(plane, Image.fromarray(square))
    names = {"real points": REAL} if len(plane.real) else {}
    legend = draw_legend({**names, "generated points": GENERATED}, side, field is not None)
    outside = int((plane.inside(points) != points).any(axis=1).sum())
    words = [below] if below else []
    words += [f"{outside:,} of {len(points):,} generated points lie outside: they are drawn at the border."] * (
        outside > 0
    )
    return stack(paper, legend, *(render_text(each, side, 13) for each in words), gap=4)


def one_by_one(cloud: Pixels, plane: Plane, points: Pictures) -> Pixels:
    """Return a picture of each point [N, 2] on the picture `cloud`, uint8 [H, W, 3] of `draw_cloud`: [N, H, W, 3]."""
    side = len(cloud)
    made = np.repeat(cloud[None], len(points), axis=0)
    for picture, point in zip(made, points, strict=True):
        for place in plane.at(point[None], side):
            put_disc(picture, place, PAPER, max(5.5, side / 32))
            put_disc(picture, place, CHOSEN, max(3.5, side / 48))
    return made


def draw_cloud(plane: Plane, points: Pictures, side: int) -> Pixels:
    """Return a picture of the real points and of generated ones [N, 2], without text: uint8 [side, side, 3]."""
    square = background(plane, side, None)
    square = spread(square, plane.at(plane.real, side), REAL, radius=max(1.0, side / 200), opacity=0.35)
    return spread(square, plane.at(points, side), GENERATED, radius=max(1.0, side / 200), opacity=0.45)


def segments(plane: Plane, ends: NDArray[Any], side: int) -> Pixels:
    """Return lines from ends[:, 0] to ends[:, 1], [N, 2, 2], on black: uint8 [side, side, 3]."""
    paper = Image.new("RGB", (side, side))
    pen = ImageDraw.Draw(paper)
    for pair in ends:
        places = plane.at(pair, side)
        if len(places) == 2:
            pen.line([tuple(place) for place in places.tolist()], fill=(255, 150, 60), width=2)
    return np.asarray(paper)


def put_disc(picture: Pixels, place: NDArray[np.float64], colour: Colour, radius: float) -> None:
    """Draw one disc on uint8 [H, W, 3], in place."""
    (left, top), reach = np.floor(place - radius - 1).astype(int).clip(0).tolist(), int(2 * radius + 4)
    patch = picture[top : top + reach, left : left + reach]
    y, x = np.ogrid[: patch.shape[0], : patch.shape[1]]
    distance = np.hypot(x + left + 0.5 - place[0], y + top + 0.5 - place[1])
    cover = np.clip(radius + 0.5 - distance, 0, 1)[..., None]
    patch[:] = (patch + cover * (np.array(colour) - patch)).round()


def background(plane: Plane, side: int, field: NDArray[Any] | None) -> Pixels:
    """Return the empty square with rules at round numbers, or the critic's field, uint8 [side, side, 3]."""
    paper = Image.new("RGB", (side, side), PAPER)
    if field is not None and np.isfinite(field).all():
        cells = round(len(field) ** 0.5)
        low, high = np.quantile(field, (0.02, 0.98))
        share = np.clip((field.reshape(cells, cells, 1) - low) / max(high - low, 1e-12), 0, 1)
        tones = np.array(DISLIKED) + share * (np.array(LIKED) - np.array(DISLIKED))
        paper = Image.fromarray(tones.round().astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(paper)
    for axis, value in rules(plane):
        x, y = np.round(plane.at(np.array([[value, value]]), side)[0]).astype(int).tolist()
        pen.line((x, 0, x, side) if axis == 0 else (0, y, side, y), fill=RULE)
    pen.rectangle((0, 0, side - 1, side - 1), outline=RULE)
    return np.asarray(paper)


def spread(square: Pixels, places: NDArray[np.float64], colour: Colour, radius: float, opacity: float) -> Pixels:
    """Draw discs on uint8 [side, side, 3]; where several overlap, the colour is stronger."""
    side = len(square) * FINE
    reach = round(radius * FINE)
    u, v = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    steps = np.stack([u, v], axis=-1)[np.hypot(u, v) <= radius * FINE]
    x, y = np.clip((places * FINE).round().astype(int)[:, None] + steps, 0, side - 1).reshape(-1, 2).T
    hits = np.bincount(y * side + x, minlength=side * side).reshape(len(square), FINE, len(square), FINE)
    cover = (1 - (1 - opacity) ** np.arange(hits.max() + 1, dtype=np.float32))[hits].mean(axis=(1, 3))[..., None]
    drawn: Pixels = (square + cover * (np.array(colour, np.float32) - square)).round().astype(np.uint8)
    return drawn


def rules(plane: Plane) -> list[tuple[int, float]]:
    """Return (axis, value) for the round numbers at which a rule is drawn, about four per axis."""
    rough = plane.half / 2
    ten = 10.0 ** np.floor(np.log10(rough))
    step = next(each * ten for each in (1, 2, 5, 10) if each * ten >= rough)
    found = []
    for axis, (low, high) in enumerate(plane.window):
        first, last = int(np.ceil(low / step)), int(np.floor(high / step))
        found += [(axis, k * step) for k in range(first, last + 1)]
    return found


def labelled(plane: Plane, square: Image.Image) -> Image.Image:
    """Return the square with the numbers of its rules at its left and lower border."""
    pen, face = ImageDraw.Draw(square), font(11)
    for axis, value in rules(plane):
        x, y = plane.at(np.array([[value, value]]), square.width)[0]
        words = f"{value:.4g}"
        if axis == 0 and 16 < x < square.width - 16:
            pen.text((x - face.getlength(words) / 2, square.height - 15), words, fill=(120, 112, 104), font=face)
        elif axis == 1 and 16 < y < square.height - 24:
            pen.text((4, y - 7), words, fill=(120, 112, 104), font=face)
    return square


def draw_legend(names: dict[str, Colour], width: int, field: bool) -> Image.Image:
    """Return the names of the points beside a dot of their colour, and what the colours of the field mean."""
    height = 40 if field else 20
    paper = Image.new("RGB", (width, height), PAPER)
    pen, face, left = ImageDraw.Draw(paper), font(13), 0
    for name, colour in names.items():
        pen.ellipse((left, 6, left + 8, 14), fill=colour)
        pen.text((left + 14, 2), name, fill=INK, font=face)
        left += 34 + int(face.getlength(name))
    if field:
        pen.rectangle((0, 25, 12, 35), fill=LIKED, outline=RULE)
        pen.text((18, 22), "the critic finds it real", fill=INK, font=face)
        left = 38 + int(face.getlength("the critic finds it real"))
        pen.rectangle((left, 25, left + 12, 35), fill=DISLIKED, outline=RULE)
        pen.text((left + 18, 22), "generated", fill=INK, font=face)
    return paper
