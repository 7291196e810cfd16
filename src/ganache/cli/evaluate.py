"""`ganache evaluate`: measure the quality of a trained generator's pictures, with standard errors."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from ganache.cli.text import command

AUTO = "auto"


def feature_choices() -> Any:
    """Return the type of --features: "auto", or any name in FEATURES. Called after plugins are loaded."""
    from ganache.evaluation.features import FEATURES

    return Literal[(AUTO, *sorted(FEATURES))]


FeatureName = Annotated[str, arg(constructor_factory=feature_choices, help_behavior_hint=f"(default: {AUTO})")]


def evaluate(
    run: Positional[str],
    data: str | None = None,
    checkpoint: str = "last",
    n: Annotated[int, arg(aliases=["-n"])] = 10_000,
    features: FeatureName = AUTO,
    weights: str | None = None,
    path_length: int = 0,
    json: bool = False,
) -> None:
    """Measure how close a generator's pictures are to real ones, how diverse, and whether they copy training data.

    Args:
        run: The run's folder, or RUN@STEP.
        data: Real pictures to compare with, as for `ganache train`; by default the run's own data.
        checkpoint: A step, or last, or best (the checkpoint whose pictures were closest to real ones).
        n: The number of pictures to generate; at most as many real pictures are compared with them.
        features: The features in which the scores compare pictures. perceptual: those of EfficientNet-Lite0, trained
            on ImageNet; perceptual-2: those of EfficientNet-Lite1, a second judge; random: those of a network with
            fixed random weights; pixels: the pixels of reduced pictures; classifier: those of a network trained on the
            labels of the data; inception: those of published FIDs. Plugins can add others. auto chooses perceptual for
            pictures and pixels for points.
        weights: The file with the weights for --features inception, pt_inception-2015-12-05-6726825d.pth from the
            releases of pytorch-fid.
        path_length: The number of paths between latents for the perceptual path length, such as 1000 (12 seconds for
            pictures of 64x64, on one core); 0 leaves it out.
        json: Print JSON.
    """
    from pathlib import Path

    from ganache.evaluation.measure import evaluate as measure
    from ganache.runs.checkpoint import load_critic, load_generator
    from ganache.runs.data import run_data
    from ganache.runs.folder import at_step, find_checkpoint, require_run, write_evaluation
    from ganache.training import build
    from ganache.training.device import choose_device, keep_freed_memory

    folder, which = at_step(run)
    path = find_checkpoint(folder, which if checkpoint == "last" else checkpoint)
    require_run(folder)
    device = choose_device("auto")
    keep_freed_memory(largest=64 * 2**20)  # activations, and not the features of all pictures
    generator, config, header = load_generator(path)
    critic = load_critic(path).to(device) if config.method.code_head(1) is not None else None
    evaluation = measure(
        generator.to(device),
        build.prior(config),
        run_data(path, data, progress=not json),
        features=None if features == AUTO else features,
        n=n,
        weights=None if weights is None else Path(weights),
        critic=critic,
        path_length=path_length,
        header=header,
        progress=not json,
    )
    print(evaluation.to_json() if json else f"{run}\n\n{evaluation.describe()}")
    file = write_evaluation(folder, evaluation)
    if not json:
        print(f"Written to {file}. To see it on a page:\n  {command('report', folder)}")
