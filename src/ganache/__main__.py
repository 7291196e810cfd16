"""`python -m ganache` is the same as `ganache`."""

from ganache.cli import main

if __name__ == "__main__":
    main()
