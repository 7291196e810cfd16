"""The words for what a run makes: sentences are written for images, and say "points" where those are made."""

from __future__ import annotations

import re

POINTS = {"images": "points", "pictures": "points", "image": "point", "picture": "point"}
PHRASES = {
    "istance of patches of": "istance of",
    "istance of patches, from texture to shape,": "istance of samples,",
    "plain pictures of the data's mean colour": "points at the data's mean",
    "per row; from left to right only its": "per line, along which only its",
    "From left to right a latent": "A latent",
    ", to the value above": "",
    ", by the number above": "",
    "points, with their distances": "points",
}
"""What is measured of images and not of points, and places on a sheet: points lie in the plane, joined by lines."""
WORD = re.compile(rf"\b({'|'.join(POINTS)})\b", re.IGNORECASE)
TEXT = re.compile(r"(?s)<(script|style|code)\b.*?</\1>|<[^>]*>|([^<]+)")
"""An element whose text is no sentence, a tag, or the text between two tags."""


def of_points(text: str) -> str:
    """Return a sentence on images as one on points.

    >>> of_points("Pictures of 2 runs; an image is a picture's copy."), of_points("imagesize")
    ("Points of 2 runs; a point is a point's copy.", 'imagesize')
    >>> of_points("The distance of patches of 9 pictures.")
    'The distance of 9 points.'
    >>> of_points("One latent per row; from left to right only its class changes, to the value above.")
    'One latent per line, along which only its class changes.'
    """
    for of_images, phrase in PHRASES.items():
        text = text.replace(of_images, phrase)
    text = re.sub(r"\b(a)n (?=image)", r"\1 ", text, flags=re.IGNORECASE)
    return WORD.sub(lambda found: cased(POINTS[found[0].lower()], found[0]), text)


def cased(word: str, like: str) -> str:
    """Return a word with a capital where the other has one."""
    return word.capitalize() if like[0].isupper() else word


def page_of_points(html: str) -> str:
    """Return a page with its text on points; scripts, styles, commands and attributes stay.

    >>> page_of_points('<p class="picture">A picture, <code>ganache picture</code></p>')
    '<p class="picture">A point, <code>ganache picture</code></p>'
    """
    return TEXT.sub(lambda found: of_points(found[2]) if found[2] else found[0], html)
