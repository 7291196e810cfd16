"""A short run for the tests of interruptions: `python killed.py NETWORK FOLDER STEPS [WHERE TIMES]`.

With WHERE, the process sends SIGKILL to itself when it gets to that place for the TIMES-th time.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ganache.config.config import Config
from ganache.config.sections import DataConfig, RecordConfig, ScheduleConfig
from ganache.core import checkpoint_file, storage
from ganache.methods import NoisyGan
from ganache.networks import AnimeArticle, Style
from ganache.runs import folder, log, run

CONFIG = Config(
    data=DataConfig(source="faces", count=40, size="24"),
    method=NoisyGan(),
    schedule=ScheduleConfig(batch=3),
    record=RecordConfig(log_every=1, sample_every=3, samples=4, checkpoint_every=1, keep=2),
)


NETWORKS = {
    "anime-article": AnimeArticle(z_dim=4, width=32),
    "style": Style(z_dim=4, w_dim=4, width=4, max_width=8, mixing=0.9),
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(where: str, times: int) -> None:
    """Make one of the functions that write files kill the process."""
    left = [times]

    def due() -> bool:
        left[0] -= 1
        return left[0] == 0

    replace_synced = storage.replace_synced

    @contextmanager
    def half_a_file(path: Path) -> Iterator[Any]:
        with storage.atomic_file(path) as file:
            yield file
            if due():
                file.truncate(file.tell() // 2)
                die()

    def before_the_rename(temporary: Path, path: Path) -> None:
        if due():
            die()
        replace_synced(temporary, path)

    def after_the_rename(temporary: Path, path: Path) -> None:
        replace_synced(temporary, path)
        if due():
            die()

    def half_a_line(line: Any) -> str:
        text = json.dumps(line)
        if due():
            with (Path(sys.argv[2]) / "log.jsonl").open("a") as file:
                file.write(text[: len(text) // 2])
            die()
        return text

    traps: dict[str, tuple[Any, str, Any]] = {
        "half a checkpoint": (checkpoint_file, "atomic_file", half_a_file),
        "before the rename": (storage, "replace_synced", before_the_rename),
        "after the rename": (storage, "replace_synced", after_the_rename),
        "half a line": (log, "json", type("Json", (), {"dumps": staticmethod(half_a_line)})),
    }
    setattr(*traps[where])


def main() -> None:
    torch.set_num_threads(1)
    network, path, steps = NETWORKS[sys.argv[1]], Path(sys.argv[2]), int(sys.argv[3])
    if len(sys.argv) > 4:
        arm(sys.argv[4], int(sys.argv[5]))
    config = replace(CONFIG, network=network, schedule=replace(CONFIG.schedule, steps=steps))
    going = run.Run.open(path, config)
    print("ready", flush=True)
    for _ in going.training():
        pass
    going.finish()
    assert folder.checkpoints(path)


if __name__ == "__main__":
    main()
