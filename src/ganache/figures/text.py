"""Text rendered as images, at a fixed size, so that captions can be read without zooming."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

INK, PAPER = (30, 30, 30), (255, 255, 255)


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return DejaVu Sans, which is part of matplotlib, without importing matplotlib."""
    spec = find_spec("matplotlib")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        file = Path(folder, "mpl-data", "fonts", "ttf", "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")
        if file.exists():
            return ImageFont.truetype(file, size)
    return ImageFont.load_default(size)


def wrap(text: str, width: int, size: int, bold: bool = False) -> list[str]:
    """Break the text into lines of at most `width` pixels; longer words are cut."""
    face = font(size, bold)
    lines: list[str] = []
    for word in text.split():
        if lines and face.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
            continue
        while face.getlength(word) > width and len(word) > 1:
            most = max(k for k in range(1, len(word)) if k == 1 or face.getlength(word[:k]) <= width)
            lines.append(word[:most])
            word = word[most:]
        lines.append(word)
    return lines


def render_text(text: str, width: int, size: int = 13, bold: bool = False, align: str = "left") -> Image.Image:
    """Render the text as an image `width` pixels wide and as high as needed; `align` is left, center or right."""
    lines, height = wrap(text, width, size, bold), round(size * 1.35)
    paper = Image.new("RGB", (width, max(1, height * len(lines))), PAPER)
    pen = ImageDraw.Draw(paper)
    for number, line in enumerate(lines):
        spare = width - font(size, bold).getlength(line)
        left = {"left": 0.0, "center": spare / 2, "right": spare}[align]
        pen.text((round(left), number * height), line, fill=INK, font=font(size, bold))
    return paper


def text_width(text: str, size: int = 12) -> int:
    """Return the width of the text in one line, in pixels."""
    return int(font(size).getlength(text)) + 1


def stack(*pictures: Image.Image, gap: int = 8) -> Image.Image:
    """Stack images vertically, aligned at the left."""
    height = sum(each.height for each in pictures) + gap * (len(pictures) - 1)
    paper = Image.new("RGB", (max(each.width for each in pictures), height), PAPER)
    top = 0
    for each in pictures:
        paper.paste(each, (0, top))
        top += each.height + gap
    return paper


def side_by_side(*pictures: Image.Image, gap: int = 24) -> Image.Image:
    """Place images side by side, aligned at the top."""
    width = sum(each.width for each in pictures) + gap * (len(pictures) - 1)
    paper = Image.new("RGB", (width, max(each.height for each in pictures)), PAPER)
    left = 0
    for each in pictures:
        paper.paste(each, (left, 0))
        left += each.width + gap
    return paper
