"""`ganache name`: keep a latent in a run under a name."""

from __future__ import annotations

from pathlib import Path

from tyro.conf import Positional

from ganache.cli.outputs import MAX_REQUEST
from ganache.core.strict import parse_json
from ganache.errors import ConfigError
from ganache.lab.points import Kept, check_name, parse_point


def name(
    run: Positional[str],
    name: Positional[str | None] = None,
    seeds: tuple[str, ...] = (),
    mean: float = 0.0,
    std: float = 1.0,
    vector: str | None = None,
    forget: bool = False,
) -> None:
    """Give a latent of a run a name, which all commands accept in place of a seed. Without NAME, list the names.

    Args:
        run: The run's folder.
        name: The name: a letter, then letters, digits, - and _.
        seeds: The seed of the latent; with several (3,17,40), the latent is the mean of theirs.
        mean: The mean of the seeds' latents.
        std: The scale of the seeds' latents.
        vector: A JSON file with the numbers of the latent as a list, instead of seeds.
        forget: Delete this name.
    """
    from ganache.runs.folder import at_step, find_checkpoint, forget_name, keep_names, read_names, require_run

    folder, which = at_step(run)
    checkpoint = find_checkpoint(folder, which)
    require_run(folder)
    if name is None:
        lines = [f"{kept.name}: {description(kept)}" for kept in read_names(folder).values()]
        print("\n".join(lines) or f"{run} has no named latents.")
        return
    if forget:
        forget_name(folder, name)
        print(f"{name} is deleted from {run}.")
        return
    check_name(name)
    kept = Kept(name, parse_seeds(seeds), mean, std, read_vector(vector) if vector else ())
    if kept.vector:
        from ganache.config.config import from_record
        from ganache.core.checkpoint_file import read_header

        z_dim = from_record(read_header(checkpoint).get("config", {})).network.z_dim
        if len(kept.vector) != z_dim:
            raise ConfigError(
                f"{vector} holds {len(kept.vector)} numbers, and the latents of {run} have {z_dim}: give {z_dim}."
            )
    keep_names(folder, kept)
    print(f"{name} is {description(kept)}, kept in {run}.")


def parse_seeds(words: tuple[str, ...]) -> tuple[int, ...]:
    """Parse seeds from the command line: 3,17,40 or 3 17 40. Raises ConfigError for other words."""
    seeds = [part for word in words for part in parse_point(word).parts]
    if not all(isinstance(seed, int) for seed in seeds):
        raise ConfigError(f"--seeds are {' '.join(words)}: expected whole numbers, such as 3,17,40.")
    return tuple(seed for seed in seeds if isinstance(seed, int))


def read_vector(file: str) -> tuple[float, ...]:
    """Read a list of numbers from a JSON file. Raises ConfigError if it holds something else."""
    from ganache.core.storage import read_text

    try:
        numbers = parse_json(read_text(Path(file), MAX_REQUEST, follow=True), file)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read ({error}): give a JSON file that holds a list of numbers.") from None
    if not isinstance(numbers, list) or not all(type(number) in (int, float) for number in numbers):
        raise ConfigError(f"{file} holds no list of numbers: write one such as [0.1, -0.2, ...].")
    return tuple(map(float, numbers))


def description(kept: Kept) -> str:
    """Describe the latent that a name stands for."""
    if kept.vector:
        return f"a vector of {len(kept.vector)} numbers"
    several = "the mean of seeds" if len(kept.seeds) > 1 else "seed"
    return f"{several} {', '.join(map(str, kept.seeds))} at mean {kept.mean:g}, std {kept.std:g}"
