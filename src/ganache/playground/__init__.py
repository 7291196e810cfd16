"""The playground: a page that shows runs in a browser, and its server.

    library = Library(["runs/faces"])
    serve(library, "127.0.0.1", 0, browser=True, live=False, say=print)

Everything that the page shows is a request (`ganache.lab`), so a command can make it again.
"""

from ganache.playground.app import application, serve
from ganache.playground.library import Library
from ganache.playground.safety import AccessPolicy

__all__ = ["AccessPolicy", "Library", "application", "serve"]
