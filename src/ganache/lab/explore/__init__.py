"""(generator, request) -> what a picture shows.

    render(generator, z)            latents -> pictures, and nothing else
    show(request, [model, ...])     a request -> pictures in their places, with captions

Rendering and showing depend on their arguments alone, so any picture can be made again from a request.
"""

from ganache.lab.explore.showing import show
from ganache.lab.requests import Sample

__all__ = ["Sample", "show"]
