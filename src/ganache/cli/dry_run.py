"""`ganache train --dry-run`: what a run would do and cost. Nothing is trained, and no run folder is written."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from ganache.cli.expected import cost_or_reason, expected_lines
from ganache.config.config import Config, name_of
from ganache.config.origins import Origin, origins
from ganache.data import TOYS, Dataset
from ganache.data.pack import cache_folder
from ganache.runs.folder import read_config
from ganache.training import build
from ganache.training.cost import NetworkCost, StepCost, critic_multiply_adds, network_costs
from ganache.training.forecast import planned_steps
from ganache.training.resolved import Resolved
from ganache.types import ImageShape


def print_dry_run(folders: Sequence[Path], config: Config, recipe: Config) -> None:
    """Print the resolved settings, the networks and the cost of runs that differ in their seed alone.

    Raises what training would raise for settings or data that cannot work.
    """
    resolved = build.resolve(config)
    image_shape, data = find_image_shape(resolved)
    G, D = network_costs(resolved, image_shape)
    step = cost_or_reason(resolved, image_shape)
    for folder in folders:
        known = "resumes the run in it" if read_config(folder) is not None else "starts a new run"
        print(f"Dry run of {folder}: without --dry-run this command {known}.")
    print()
    print("\n".join(settings_lines(origins(config, recipe))), end="\n\n")
    print("\n".join(resolved_lines(resolved, image_shape, data)), end="\n\n")
    for title, section in ((f"Generator {name_of('network', config.network)}", G), ("Critic", D)):
        print("\n".join(network_lines(title, section)), end="\n\n")
    print("\n".join(cost_lines(resolved, image_shape, step)), end="\n\n")
    print("On this machine")
    print("\n".join(table(None, list(expected_lines(resolved, image_shape, data, step)))), end="\n\n")
    print(closing(data) + "\n")


def find_image_shape(resolved: Resolved) -> tuple[ImageShape, Dataset | None]:
    """Return (the shape of the images, the data if they had to be read to learn it)."""
    data = resolved.config.data
    size = data.height_width()
    if size is not None and data.channels is not None and data.source not in TOYS and not data.source.endswith(".npy"):
        return (data.channels, *size), None
    loaded = build.load_dataset(resolved, progress=True)
    return loaded.image_shape, loaded


# ---- sections of the text ---------------------------------------------------------------------------------------


def settings_lines(found: Sequence[Origin]) -> Iterator[str]:
    yield "Settings that differ from the defaults"
    rows = [(each.name, shown(each.value), shown(each.default), each.source) for each in found]
    yield from table(("setting", "value", "default", "from"), rows)


def resolved_lines(resolved: Resolved, image_shape: ImageShape, data: Dataset | None) -> Iterator[str]:
    config, prior = resolved.config, resolved.prior
    deviation = "standard deviation" if prior.kind == "normal" else "half width"
    latents = f"{prior.noise} numbers, {prior.kind} with {deviation} {prior.std:g}"
    latents += f"; a one-hot category of {prior.categories}" * (prior.categories > 0)
    latents += f"; {prior.continuous} continuous codes" * (prior.continuous > 0)
    rows = [
        ("device", f"{resolved.device} (device {config.device})"),
        ("dtype", f"{dtype_name(resolved)} for convolutions and matrix products, float32 for everything else"),
        ("CUDA graphs", "yes" if resolved.cuda_graphs else "no"),
        ("method", f"{name_of('method', config.method)}{', with added penalties' * config.penalty.any()}"),
        ("latents", latents),
        shape_row(image_shape),
        ("data", data_text(config, data)),
        ("batch", batch_text(config, data)),
        ("critic steps", critic_steps_text(config)),
        ("budget", budget_text(resolved, data)),
    ]
    yield "What the run does"
    yield from table(None, rows)


def shape_row(image_shape: ImageShape) -> tuple[str, str]:
    """Return the row about the shape of an image, or of a point."""
    if len(image_shape) == 1:
        return "images", f"{image_shape[0]} numbers each: the coordinates of a point"
    return "images", f"{size(image_shape)} (channels x height x width)"


def network_lines(title: str, network: NetworkCost) -> Iterator[str]:
    yield f"{title}: {network.weights:,} weights, {amount(network.multiply_adds)} multiply-adds per image"
    rows = [
        (
            layer.name,
            layer.kind,
            size(layer.output_shape),
            f"{layer.weights:,}" if layer.weights else "",
            amount(layer.multiply_adds) if layer.multiply_adds else "",
        )
        for layer in network.layers
    ]
    yield from table(("layer", "type", "output", "weights", "multiply-adds"), rows, right=(3, 4))


def cost_lines(resolved: Resolved, image_shape: ImageShape, step: StepCost | str) -> Iterator[str]:
    if isinstance(step, str):
        yield f"Memory and arithmetic of a step are unknown, because it cannot be traced without data ({step})."
        return
    schedule, budget = resolved.config.schedule, planned_steps(resolved)
    yield f"Memory: about {amount(step.memory)}B, besides PyTorch itself and the data"
    memory = [
        ("weights", step.weights, "generator, critic" + ", averaged generator" * (schedule.ema_half_life is not None)),
        ("gradients", step.gradients, ""),
        ("optimiser state", step.optimiser_state, ""),
        ("activations", step.activations, f"estimate for a batch of {schedule.batch}"),
    ]
    yield from table(None, [(name, f"{amount(size_)}B", note) for name, size_, note in memory], right=(1,))
    yield ""
    yield "Arithmetic: multiply-adds of convolutions and matrix products, as the networks are written"
    critic = critic_multiply_adds(resolved, image_shape)
    generator = step.both_multiply_adds - critic
    arithmetic = [
        ("critic step", amount(critic), f"{schedule.critic_steps} per generator step"),
        ("generator step", amount(generator), ""),
    ]
    if budget is not None:
        whole = budget.critic_steps * critic + budget.steps * generator
        arithmetic.append(("whole budget", amount(whole), ""))
    yield from table(None, arithmetic, right=(1,))


# ---- words ------------------------------------------------------------------------------------------------------


def closing(data: Dataset | None) -> str:
    """Return what the dry run left on the disk."""
    text = "Nothing was trained, and no run folder was written."
    if data is None or len(data.image_shape) != 3:
        return text
    return (
        f"{text} The data were read; decoded images are kept in the cache, {cache_folder()}, where the run finds them."
    )


def data_text(config: Config, data: Dataset | None) -> str:
    if data is None:
        return f"{config.data.source}, not read, as data.size and data.channels are set"
    held_out = f", {len(data.held_out):,} more are held out for evaluation" if len(data.held_out) else ""
    return f"{data.name}: {data.shown_text} for training{held_out}"


def batch_text(config: Config, data: Dataset | None) -> str:
    batch = config.schedule.batch
    if data is None:
        return f"{batch} images"
    batches = len(data.shown) / batch
    return f"{batch} images; an epoch is {batches:,.1f} batches"


def critic_steps_text(config: Config) -> str:
    schedule = config.schedule
    text = f"{schedule.critic_steps} per generator step"
    if schedule.boost_first:
        text += f"; {schedule.boosted_critic_steps} in the first {schedule.boost_first}"
    if schedule.boost_every:
        text += f"; {schedule.boosted_critic_steps} at every {schedule.boost_every}th"
    return text


def budget_text(resolved: Resolved, data: Dataset | None) -> str:
    """Return the budget in generator steps, real images, and epochs."""
    schedule = resolved.config.schedule
    if schedule.minutes is not None:
        return f"{schedule.minutes:g} minutes of training"
    budget = planned_steps(resolved)
    if budget is None:
        return "none: the run continues until you stop it"
    images = budget.critic_steps * schedule.batch
    epochs = f" = {images / len(data.shown):,.1f} epochs" if data is not None else ""
    return f"{budget.steps:,} generator steps = {images:,} real images{epochs}"


def dtype_name(resolved: Resolved) -> str:
    return str(resolved.compute_dtype).removeprefix("torch.")


def shown(value: object) -> str:
    """Format a setting.

    >>> shown(1e-4), shown(("colour", "cutout")), shown(None)
    ('0.0001', 'colour cutout', 'None')
    """
    if isinstance(value, tuple | list):
        return " ".join(map(str, value)) or "(none)"
    return f"{value:g}" if isinstance(value, float) else str(value)


def size(shape: Sequence[int]) -> str:
    """Format a shape.

    >>> size((3, 64, 64))
    '3 x 64 x 64'
    """
    return " x ".join(map(str, shape))


def amount(number: float) -> str:
    """Format a large number with three digits and a unit prefix.

    >>> amount(1_234_567), amount(72_787_951_616), amount(950)
    ('1.23 M', '72.8 G', '950 ')
    """
    power = min(5, int(math.log10(number) // 3)) if number >= 1 else 0
    scaled = number / 1000**power
    digits = 0 if power == 0 else max(0, 2 - int(math.log10(scaled)))
    return f"{scaled:.{digits}f} {['', 'k', 'M', 'G', 'T', 'P'][power]}"


def table(head: Sequence[str] | None, rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> Iterator[str]:
    """Yield the lines of a table with aligned columns; those in `right` are aligned to the right."""
    lines = [*([head] if head else []), *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))] if lines else []
    for line in lines:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield ("  " + "  ".join(cells)).rstrip()
