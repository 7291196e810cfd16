"""Whether the lab's tools do what they say, on a generator of drawn faces, whose factors are known.

    ganache train faces --recipe dcgan --minutes 120 --out RUN
    python bench/lab_checks.py RUN [DATA] [--quick] [--only-real]

The checks, each with the number that it is judged by:

1. A direction from 20 samples with and 20 without a feature of the hair's colour moves that colour at least 3 times as
   much as the other factors in the mean; 5 times in W, in all layers or in the middle ones. A colour has three numbers,
   whose changes are joined by the root of the sum of their squares; what one of them alone is moved is printed, too.
   Factors are read off pictures by a regressor that was trained on drawn faces; the samples are chosen by another one,
   from other faces and another start, so that none grades its own choice. Changes are in standard deviations of the
   drawn faces' factors, and count where the regressor reads a factor at all (it explains half of its variance in
   held-out drawn faces, or more).
2. Of a generator with styles: a linear map reads the factors off w better than off z, and the perceptual path length is
   shorter in w than in z.
3. `dimensions` ranks as held-out latents do: Spearman's correlation above 0.8.
4. Inversion brings samples of the generator's own back: PSNR above 30 dB for 9 of 10.
5. The error of inversion on held-out pictures of the run's data, in z, w and w+, which is stated and not judged.

`--quick` shows that everything runs, in a tenth of the time; its numbers decide nothing. `--only-real` leaves out all
but the fifth: for runs on other pictures than drawn faces. DATA: where they are now.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor, nn
from tqdm import trange

import ganache
from ganache.core.images import as_x, to_float
from ganache.core.rendering import generate, render
from ganache.data.drawn.faces import FACTORS, Factors, draw_factors, sample_factors
from ganache.evaluation.features.distance import PerceptualDistance
from ganache.evaluation.features.perceptual import PerceptualFeatures
from ganache.evaluation.path_length import path_length_scores
from ganache.functional.latents import from_seeds
from ganache.lab.directions import one_step
from ganache.lab.experiments import Dimensions, Directions, Invert
from ganache.lab.inversion import psnr
from ganache.lab.points import Point
from ganache.lab.styles import in_styles, styles
from ganache.runs import folder
from ganache.runs.data import run_data

ASKED, BATCH = 2_000, 64
READ = 0.5
"""The share of a factor's variance that the regressor must explain for the factor to count."""
HAIR = ("hair_lightness", "hair_chroma", "hair_hue")
CLICKED, POOL, BASES, FAR = 20, 400, 200, 3.0
PROBED, RIDGE, PATHS = 4_000, 1e-2, 1_000
"""Latents whose factors the linear maps read, three quarters of them to learn; their ridge, per latent; paths."""


@dataclass(frozen=True)
class Extent:
    """How much is done."""

    taught: int = 20_000
    steps: int = 1_500
    held_out: int = 128
    inverted: int = 10
    real: int = 10
    descents: Invert = Invert()  # noqa: RUF009  (frozen)


QUICK = Extent(4_000, 150, 8, 2, 2, Invert(iterations=30, starts=2))


# ---- the regressor ---------------------------------------------------------------------------------------------------


def targets(factors: Factors) -> Tensor:
    """[N, F]: each factor at mean 0 and deviation 1; a hue as cosine and sine, which are so already but for sqrt 2."""
    columns = []
    for name, (unit, low, high, _) in FACTORS.items():
        values = np.asarray(getattr(factors, name), dtype=np.float64)
        if unit.startswith("degrees, OKLCH"):
            columns += [np.sqrt(2) * np.cos(np.radians(values)), np.sqrt(2) * np.sin(np.radians(values))]
        else:
            drawn = (values - low) / (high - low)
            columns.append((drawn - drawn.mean()) / drawn.std())
    return torch.from_numpy(np.stack(columns, axis=1)).float()


def places() -> dict[str, slice]:
    """Where each factor stands in the targets."""
    found, start = {}, 0
    for name, factor in FACTORS.items():
        wide = 2 if factor.unit.startswith("degrees, OKLCH") else 1
        found[name] = slice(start, start + wide)
        start += wide
    return found


def network(size: tuple[int, int], outputs: int) -> nn.Module:
    """Four strided convolutions and two linear layers: x [B, 3, H, W] -> [B, outputs]."""
    layers: list[nn.Module] = []
    for c_in, c_out in ((3, 32), (32, 64), (64, 96), (96, 128)):
        layers += [nn.Conv2d(c_in, c_out, 3, stride=2, padding=1), nn.BatchNorm2d(c_out), nn.ReLU()]
    places = -(-size[0] // 16) * -(-size[1] // 16)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * places, 256), nn.ReLU(), nn.Linear(256, outputs))


def regressor(
    size: tuple[int, int], seed: int, extent: Extent
) -> tuple[Callable[[Tensor], Tensor], NDArray[np.float64]]:
    """(x -> its factors as `targets` has them, the share of each factor's variance explained in held-out faces)."""
    factors = sample_factors(0, extent.taught + ASKED, seed)
    x, y = torch.from_numpy(draw_factors(factors, size)), targets(factors)
    torch.manual_seed(seed)
    net = network(size, y.shape[1])
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    for step in trange(extent.steps, desc=f"regressor {seed}"):
        optimiser.param_groups[0]["lr"] = 1e-3 * (1 - step / extent.steps)
        chosen = torch.randint(extent.taught, (BATCH,))
        seen = to_float(x[chosen])
        loss = (net(seen + 0.05 * torch.randn_like(seen)) - y[chosen]).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    net.eval()

    @torch.no_grad()
    def read(x: Tensor) -> Tensor:
        return torch.cat([net(part) for part in x.split(256)])

    off = (read(to_float(x[extent.taught :])) - y[extent.taught :]).square()
    explained = 1 - off.mean(dim=0) / y[extent.taught :].var(dim=0)
    return read, np.array([float(explained[place].mean()) for place in places().values()])


# ---- the checks ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """What was found, and whether it is what was asked for; None where nothing was asked."""

    holds: bool | None
    words: str


@dataclass(frozen=True)
class Readers:
    """Regressors of the factors, from other faces and other starts: one chooses samples, the other judges."""

    choose: Callable[[Tensor], Tensor]
    judge: Callable[[Tensor], Tensor]
    counted: tuple[str, ...]
    """The factors that the judge reads."""

    @classmethod
    def taught(cls, model: ganache.Model, extent: Extent) -> Readers:
        height, width = model.generator.image_shape[1:]
        (choose, _), (judge, explained) = (regressor((height, width), seed, extent) for seed in (1001, 2002))
        counted = tuple(name for name, share in zip(FACTORS, explained, strict=True) if share >= READ)
        unread = ", ".join(sorted(set(FACTORS) - set(counted))) or "none"
        print(f"Factors that the judge reads: {len(counted)} of {len(FACTORS)} (not: {unread}).", flush=True)
        return cls(choose, judge, counted)


def check_directions(
    model: ganache.Model, readers: Readers, space: str, asked: float, layers: tuple[int, ...] = ()
) -> list[Check]:
    """One for each number of the hair's colour; in w, of the layers from the first to the last of `layers`."""
    model, where = in_styles(model) if space == "w" else model, places()
    name = f"{space}, layers {layers[0]} to {layers[1]}" if layers else space
    seen = readers.choose(generate(model.generator, from_seeds(model.prior, range(POOL))))
    bases = from_seeds(model.prior, range(10_000, 10_000 + BASES))
    checks = []
    for feature in HAIR:
        estimate = seen[:, where[feature].start]  # of a hue its cosine: reddish or not
        order = estimate.argsort().tolist()
        having, lacking = (tuple(Point((seed,)) for seed in part) for part in (order[-CLICKED:], order[:CLICKED]))
        request = Directions(how="examples", having=having, lacking=lacking, space=space, layers=layers)  # type: ignore[arg-type]
        step = torch.zeros(model.prior.z_dim)
        step[: model.prior.noise] = FAR * one_step(model, request.directions(model)[0].float())[0]
        low, high = (readers.judge(generate(model.generator, bases + sign * step)) for sign in (-1, 1))
        moved = {name: float((high - low).mean(dim=0)[place].norm()) for name, place in where.items()}
        others = {name: moved[name] for name in readers.counted if name not in HAIR}
        colour = float(np.linalg.norm([moved[name] for name in HAIR]))
        mean_of_others = np.mean(list(others.values()))
        alone = moved[feature] / np.mean([moved[name] for name in readers.counted if name != feature])
        most = max(others, key=lambda name: others[name])
        readable = "" if feature in readers.counted else " (the judge hardly reads it)"
        checks.append(
            Check(
                bool(colour >= asked * mean_of_others),
                f"direction for {feature}{readable} in {name}: moves the hair's colour by {colour:.2f} deviations, the "
                f"others by {mean_of_others:.2f} in the mean ({most} most, {others[most]:.2f}): "
                f"{colour / mean_of_others:.1f} times; {asked:g} are asked for; {feature} alone by "
                f"{moved[feature]:.2f}, {alone:.1f} times the others",
            )
        )
    return checks


def check_linear(model: ganache.Model, readers: Readers) -> Check:
    """How often a linear map of latents tells whether a factor is above its median, in latents that it did not see."""
    z = from_seeds(model.prior, range(20_000, 20_000 + PROBED))
    factors = readers.judge(generate(model.generator, z))
    columns = torch.cat([torch.arange(len(factors[0]))[places()[name]] for name in readers.counted])
    above = (factors > factors.median(dim=0).values)[:, columns].double() * 2 - 1
    learnt = PROBED * 3 // 4
    found = {}
    for space, h in (("z", z), ("w", styles(model.generator, z)[:, 0])):
        x = (h - h[:learnt].mean(dim=0)).double() / h[:learnt].std(dim=0)
        x = torch.cat([x, torch.ones(len(x), 1)], dim=1)
        ridge = RIDGE * learnt * torch.eye(x.shape[1], dtype=x.dtype)
        weight = torch.linalg.solve(x[:learnt].T @ x[:learnt] + ridge, x[:learnt].T @ above[:learnt])
        found[space] = float(((x[learnt:] @ weight > 0) == (above[learnt:] > 0)).double().mean())
    words = f"a linear map tells above from below the median in {found['z']:.1%} from z, in {found['w']:.1%} from w"
    return Check(found["w"] > found["z"], f"{words} (mean over {len(columns)} readings)")


def check_path_length(model: ganache.Model) -> Check:
    z, w = path_length_scores(model.generator, model.prior, PATHS, seed=0)
    words = f"perceptual path length: {z.value:.3g} ± {z.error:.2g} in z, {w.value:.3g} ± {w.error:.2g} in w"
    return Check(w.value < z.value, words)


def check_ranking(model: ganache.Model, extent: Extent) -> Check:
    """Spearman's correlation between the command's ranking and the changes in other latents."""
    ours, held_out = (
        {each.sweep.name: each.pixels for each in request.effects(model, progress=True)}
        for request in (Dimensions(), Dimensions(n=extent.held_out, seed=100_000))
    )
    correlation = float(spearmanr([ours[name] for name in held_out], list(held_out.values())).statistic)
    return Check(correlation > 0.8, f"ranking of {len(ours)} dimensions: Spearman {correlation:.3f}; 0.8 are asked for")


def check_inversion(model: ganache.Model, extent: Extent) -> Check:
    """On samples whose seeds are no starts."""
    pictures = render(model.generator, from_seeds(model.prior, range(5_000, 5_000 + extent.inverted)))
    z = extent.descents.latents(model, pictures, progress=True)
    errors = psnr(pictures, render(model.generator, z))
    above = sum(error > 30 for error in errors)
    listed = ", ".join(f"{error:.1f}" for error in sorted(errors))
    return Check(
        above >= 0.9 * len(errors),
        f"inversion of own samples: {above} of {len(errors)} above 30 dB, 9 of 10 are asked for ({listed})",
    )


def tell_real(model: ganache.Model, checkpoint: Path, source: str | None, extent: Extent) -> list[Check]:
    """Of held-out pictures, in each space that the generator has."""
    data = run_data(checkpoint, source)
    chosen = data.held_out[: extent.real]
    if not len(chosen):
        return [Check(None, f"inversion of held-out pictures: {data.name} has none")]
    pictures = np.asarray(data.images[chosen])
    checks = []
    for space in ("z", "w", "w+") if model.generator.style_layers else ("z",):
        request = replace(extent.descents, space=space)  # type: ignore[arg-type]
        made = render(request.made_by(model).generator, request.latents(model, pictures, progress=True))
        errors = psnr(pictures, made)
        low, median, high = np.percentile(errors, [10, 50, 90])
        checks.append(
            Check(
                None,
                f"inversion of {len(chosen)} held-out pictures of {data.name} in {space}: median {median:.1f} dB "
                f"(10 %: {low:.1f}, 90 %: {high:.1f}), perceptual distance {perceptual_distance(pictures, made):.3f}",
            )
        )
    return checks


def perceptual_distance(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Return the mean distance of pictures [N, H, W, C] by EfficientNet-Lite0."""
    first, second = as_x(a), as_x(b)
    return float(PerceptualDistance(PerceptualFeatures(tuple(first.shape[1:])))(first, second).mean())


def main(run: str, *options: str) -> None:
    source = next((each for each in options if not each.startswith("--")), None)
    extent = QUICK if "--quick" in options else Extent()
    path, which = folder.at_step(run)
    checkpoint = ganache.find_checkpoint(path, which)
    generator, config, header = ganache.load_generator(checkpoint)
    if generator.image_shape[0] != 3:
        raise SystemExit("The regressor reads faces in colour, and this run is grey.")
    model = ganache.Model(generator, ganache.prior(config), run)
    print(f"{run}, step {header['step']:,}", flush=True)
    of_data = lambda: tell_real(model, checkpoint, source, extent)  # noqa: E731
    makers = [of_data]
    if "--only-real" not in options:
        readers = Readers.taught(model, extent)
        makers = [
            lambda: check_directions(model, readers, "z", 3),
            lambda: [check_ranking(model, extent)],
            lambda: [check_inversion(model, extent)],
            of_data,
        ]
        if generator.style_layers:
            middle = (1, generator.style_layers - 4)  # without the first layer and the finest level
            makers[1:1] = [
                lambda: check_directions(model, readers, "w", 5),
                lambda: check_directions(model, readers, "w", 5, middle),
                lambda: [check_linear(model, readers)],
                lambda: [check_path_length(model)],
            ]
    for make in makers:
        begun = time.perf_counter()
        for check in make():
            verdict = {True: "holds", False: "FAILS", None: "stated"}[check.holds]
            print(f"{verdict}: {check.words}.", flush=True)
        print(f"  ({time.perf_counter() - begun:.0f} s)", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
