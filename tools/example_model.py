"""Make the example of the package from a run: its averaged generator in float16, without paths of this machine.

ganache train faces --minutes 60 --out runs/example
python tools/example_model.py runs/example
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch

from ganache.core import checkpoint_file
from ganache.output.hub.model_file import write_shared
from ganache.runs.example import MODEL
from ganache.runs.folder import at_step, find_checkpoint
from ganache.runs.named import EXAMPLE

TARGET = Path(__file__).parents[1] / "src" / "ganache" / EXAMPLE / MODEL
MADE = ("format", "sha256")
"""What `save` writes into the header itself."""


def main(run: str) -> None:
    """Write the model of RUN or RUN@STEP into the package."""
    with tempfile.TemporaryDirectory() as folder:
        shared = Path(folder) / MODEL
        write_shared(find_checkpoint(*at_step(run)), shared, critic=False)
        tensors, header = checkpoint_file.load(shared)
    halves = {name: tensor.half() if tensor.dtype == torch.float32 else tensor for name, tensor in tensors.items()}
    about = {name: value for name, value in header.items() if name not in MADE}
    TARGET.parent.mkdir(exist_ok=True)
    checkpoint_file.save(TARGET, halves, about)
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes, step {header['step']:,}")


if __name__ == "__main__":
    main(*sys.argv[1:])
