"""`ganache evaluate`: how good a trained generator's pictures are, in numbers with their errors."""

from __future__ import annotations

from typing import Annotated, Literal

from tyro.conf import Positional, arg


def evaluate(
    run: Positional[str],
    data: str | None = None,
    checkpoint: str = "last",
    n: Annotated[int, arg(aliases=["-n"])] = 10_000,
    features: Literal["random", "pixels", "classifier", "inception"] | None = None,
    weights: str | None = None,
    json: bool = False,
) -> None:
    """Measure how near a generator's pictures are to real ones, how varied, and whether it repeats its training data.

    Args:
        run: The run's folder.
        data: Real pictures to compare with, as `ganache train` takes them; by default those it was trained on.
        checkpoint: A step, or last, or best (the one whose pictures were nearest to real ones).
        n: How many pictures to make, and to compare with at most.
        features: What sees the pictures: a random network (the default), pixels (for points), a classifier that is
            trained first, where the data have labels, or the Inception network of papers.
        weights: With --features inception, the file of its weights: pt_inception-2015-12-05-6726825d.pth of
            pytorch-fid's releases.
        json: Print JSON.
    """
    from pathlib import Path

    from ganache.evaluation.measure import evaluate as measured
    from ganache.runs.checkpoint import load_critic, load_generator
    from ganache.runs.folder import find_checkpoint, write_evaluation
    from ganache.training import build
    from ganache.training.device import choose_device

    path = find_checkpoint(run, checkpoint)
    device = choose_device("auto")
    generator, config, header = load_generator(path)
    critic = load_critic(path).to(device) if config.method.code_head(1) is not None else None
    evaluation = measured(
        generator.to(device),
        build.prior(config),
        build.reload_dataset(config, data, progress=not json),
        features=features,
        n=n,
        weights=None if weights is None else Path(weights),
        critic=critic,
        header=header,
        progress=not json,
    )
    print(evaluation.to_json() if json else f"{run}\n\n{evaluation.describe()}")
    kept = write_evaluation(Path(run), evaluation)
    if not json:
        print(f"Kept in {kept}; `ganache report` shows it.")
