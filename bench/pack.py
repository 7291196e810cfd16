"""Time and memory of the doctor and of packing, with an empty cache and with a full one.

    python bench/pack.py [DATA]

DATA is anything `load` takes; default: ../shared/data/anime-faces-8k.zip. Each start is a new process, and the
first has an empty cache, so the figures are what a user sees after the import of the libraries.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DEFAULT = Path(__file__).parents[2] / "shared" / "data" / "anime-faces-8k.zip"

START = """
import json, resource, sys, time
from pathlib import Path
from ganache.data import load

begin = time.perf_counter()
dataset = load(sys.argv[1], cache=Path(sys.argv[2]))
seconds = time.perf_counter() - begin
mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"images": len(dataset), "seconds": seconds, "mebibytes": mebibytes}))
"""


def start(data: str, cache: str) -> dict[str, float]:
    """Start once with this cache; return the number of images, seconds to load, peak resident MiB (with torch)."""
    done = subprocess.run([sys.executable, "-c", START, data, cache], check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def seconds_until_training(data: str, cache: str) -> float:
    """Return the seconds from the command to the first step of `dcgan`, with an existing pack and all imports."""
    command = [sys.executable, "-c", "from ganache.cli import main; main()", "train", data, "--steps", "1"]
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"GANACHE_CACHE": cache, "PYTHONUNBUFFERED": "1"}
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder, env=environment)
        assert process.stdout is not None
        process.stdout.readline()  # "... begins: ..." is printed when everything stands
        seconds = time.perf_counter() - begin
        process.communicate()
    return seconds


def main() -> int:
    data = sys.argv[1] if len(sys.argv) > 1 else str(DEFAULT)
    if len(sys.argv) < 2 and not DEFAULT.exists():
        print(f"missing: {DEFAULT}; give another source, such as a folder of pictures")
        return 2
    with tempfile.TemporaryDirectory() as cache:
        first, second = start(data, cache), start(data, cache)
        # `dcgan` trains at 64x64, which for other data is another pack: made once, then timed.
        place = str(Path(data).resolve()) if Path(data).exists() else data
        waits = [seconds_until_training(place, cache) for _ in range(4)][1:]
    print(f"{data}: {first['images']:,} pictures")
    print(f"doctor and pack  {first['seconds']:6.2f} s   peak {first['mebibytes']:4.0f} MiB resident")
    print(f"second start     {second['seconds']:6.2f} s   peak {second['mebibytes']:4.0f} MiB resident")
    print(f"from the command to training, pack in place: {statistics.median(waits):.2f} s (median of 3)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
