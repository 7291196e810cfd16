"""`ganache convert`: networks of other tools as a run."""

from __future__ import annotations

from pathlib import Path

from tyro.conf import Positional

from ganache.cli.text import command


def convert(networks: Positional[str], out: str | None = None) -> None:
    """Turn StyleGAN2 networks (a .pkl of NVlabs' stylegan2-ada-pytorch or stylegan3) into a run.

    All commands accept the run: it can be explored, evaluated, exported, and trained further on other pictures
    (ganache train DATA --from RUN). No code of the file is run.

    Args:
        networks: The file, such as network-snapshot-025000.pkl.
        out: The run's folder; by default runs/ and the name of the file.
    """
    from ganache.runs.nvlabs import convert

    path = Path(networks)
    folder = Path(out) if out else Path("runs") / path.stem
    print(convert(path, folder))
    print(f"Explore it:\n  {command('explore', folder)}")
