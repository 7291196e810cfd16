"""Measure one GPU in ten minutes; `bench/gpu.md` describes how to run this.

    python bench/gpu.py --data faces.zip --out results

Parts: ceilings (the most the GPU can do), graphs (whether recorded steps give the same bits, and the time they save),
repeat (whether a resumed run gives the same bits), speed (recipes compared with plain PyTorch), waits (whether a step
waits for the host), article (the anime article's full run), export (its weights and pictures), scores (the evaluation
of its checkpoints). A part that fails prints why, and the next one starts. The folder has all results so far at any
time.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "peers"))

from ceilings import convolution, matrix_product, memory_copy  # noqa: E402
from gpu_article import article, export, scores  # noqa: E402
from gpu_bench import Bench  # noqa: E402
from gpu_graphs import graphs  # noqa: E402
from gpu_steps import repeat, speed, waits  # noqa: E402


def ceilings(bench: Bench) -> None:
    """Measure the arithmetic of the matrix units, and a copy in memory."""
    n, megabytes = (256, 8) if bench.quick else (8192, 2048)
    found = {}
    for dtype in (torch.float32, torch.bfloat16):
        name = str(dtype).removeprefix("torch.")
        found[f"matrix product {name}"] = matrix_product(dtype, n, bench.device) / 1e12
        batch = 8 if bench.quick else 1024
        found[f"convolution {name}"] = convolution(dtype, batch, bench.device) / 1e12
        if not bench.quick:
            found[f"convolution {name}, batch 64"] = convolution(dtype, 64, bench.device) / 1e12
    copied = memory_copy(megabytes, bench.device) / 1e9
    bench.say(f"| what | at most |\n|---|---|\n| memory copy, read and written | {copied:.0f} GB/s |")
    for what, rate in found.items():
        bench.say(f"| {what} | {rate:.1f} TFLOP/s |")
    bench.keep("ceilings", found | {"memory copy GB/s": copied})


PARTS: dict[str, Callable[[Bench], None]] = {
    "ceilings": ceilings,
    "graphs": graphs,
    "repeat": repeat,
    "speed": speed,
    "waits": waits,
    "article": article,
    "export": export,
    "scores": scores,
}
"""By name, in the order in which they run."""


def attempt(bench: Bench, name: str, part: Callable[[Bench], None]) -> None:
    """Run one part. An error is printed, and does not stop the other parts."""
    bench.say(f"\n## {name} ({bench.left():.0f} s left)\n")
    begun = time.perf_counter()
    try:
        part(bench)
    except Exception:
        bench.say(f"```\n{traceback.format_exc()}```")
    finally:
        if bench.device == "cuda":
            torch.cuda.set_sync_debug_mode("default")
            torch.use_deterministic_algorithms(False)
            torch.backends.cudnn.benchmark = False
            torch.cuda.empty_cache()
    bench.say(f"\n{name}: {time.perf_counter() - begun:.1f} s")


def machine(device: str) -> str:
    """Return a description of the machine and versions that the numbers belong to."""
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    return (
        f"{name}, {torch.get_num_threads()} threads, torch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}"
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--data", default="faces", help="the article's pictures: a zip, a folder, or a built-in name")
    parser.add_argument("--out", type=Path, default=Path("gpu"), help="the folder of the results")
    parser.add_argument("--work", type=Path, help="the folder of the run; a new one in the system's temporary folder")
    parser.add_argument("--parts", nargs="+", help="only these")
    parser.add_argument("--skip", nargs="+", default=[], help="not these")
    parser.add_argument("--seconds", type=float, default=570, help="for everything together")
    parser.add_argument("--article-seconds", type=float, default=420, help="for the article's run")
    parser.add_argument("--article-steps", type=int, default=30_000)
    parser.add_argument("--graphs", choices=["on", "off"], default="on", help="precision.cuda_graphs, in every part")
    parser.add_argument("--fastest", action="store_true", help="the article's run with precision.deterministic off")
    parser.add_argument("--every", type=int, default=2_000, help="steps between the article's checkpoints")
    parser.add_argument("--n", type=int, default=2_000, help="pictures in a score")
    parser.add_argument("--weights", type=int, nargs="*", default=[20_000, 30_000], help="steps whose weights to write")
    parser.add_argument("--quick", action="store_true", help="tiny: shows that everything runs, measures nothing")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    chosen.out.mkdir(parents=True, exist_ok=True)
    work = chosen.work or Path(tempfile.mkdtemp(prefix="ganache-gpu-"))
    work.mkdir(parents=True, exist_ok=True)
    bench = Bench(chosen.device, chosen.out, work, chosen.quick, chosen)
    known = chosen.out / "results.json"
    bench.known = json.loads(known.read_text()) if known.exists() else {}
    bench.say(f"# {machine(chosen.device)}")
    for name, part in PARTS.items():
        if name not in chosen.skip and name in (chosen.parts or [name]):
            attempt(bench, name, part)


if __name__ == "__main__":
    main()
