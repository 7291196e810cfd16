"""The playground: runs in a browser, on this machine alone unless told otherwise.

    library = Library(["runs/faces"])
    serve(library, "127.0.0.1", 0, browser=True, live=False, say=print)

Whatever the page shows is a request (`ganache.lab.requests`) put to a generator, so a command makes it again.
Only `cli` may import it.
"""

from ganache.playground.app import application, serve
from ganache.playground.library import Library
from ganache.playground.safety import Door

__all__ = ["Door", "Library", "application", "serve"]
