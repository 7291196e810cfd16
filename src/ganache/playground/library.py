"""The runs that a page shows: generators, names, directions and data, each loaded when it is first needed."""

from __future__ import annotations

import copy
import shlex
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from ganache.config.config import Config
from ganache.core.rendering import Model
from ganache.data import Dataset
from ganache.errors import ConfigError, DataError, GanacheError
from ganache.lab import directions
from ganache.lab.experiment import Experiment
from ganache.lab.experiments import EXPERIMENTS
from ganache.lab.points import GENERATOR_DIRECTION, Kept
from ganache.lab.serialisation import points_of, resolve_names
from ganache.lab.styles import in_styles_if_any
from ganache.playground.limits import MAX_MODELS
from ganache.playground.wire import Which
from ganache.runs.folder import (
    at_step,
    best_checkpoint,
    change_names,
    checkpoints,
    find_checkpoint,
    forget_name,
    generators,
    read_names,
    require_run,
)
from ganache.runs.models import load_model, real_data
from ganache.runs.named import is_named

T = TypeVar("T")

MAX_LOADED = 8
"""Generators in memory; the least recently used one is dropped first."""
MAX_DIRECTIONS = 10
"""Directions by SeFa, and by PCA."""
MAX_NAMES = 500
"""Names that a page may keep in a run."""


@dataclass(frozen=True)
class Loaded:
    """The generator of a checkpoint, with the settings of its run."""

    model: Model
    config: Config
    step: int


class Library:
    """The runs RUN or RUN@STEP of a page, in order. Its methods are thread-safe."""

    def __init__(self, runs: Sequence[str], average: bool = True, data: str = "", live: bool = False) -> None:
        """`average`: use averaged generators; `data`: source of the real images; `live`: the runs may lack checkpoints.

        Raises a GanacheError if a run has no checkpoint.
        """
        self.runs, self.average, self.data, self.live = list(runs), average, data, live
        self.folders = [at_step(run)[0] for run in runs]
        self.first = [at_step(run)[1] for run in runs]
        """Per run, the checkpoint that the page shows first: last, best or a step."""
        self.words = [run if is_named(run) else str(folder) for run, folder in zip(runs, self.folders, strict=True)]
        """The runs on the command line; a model with a name by that, which has one checkpoint."""
        self.lock = threading.RLock()
        self.cache: OrderedDict[Any, Any] = OrderedDict()
        if not live:
            for folder, which in zip(self.folders, self.first, strict=True):
                find_checkpoint(folder, which)
                require_run(folder)

    # ---- generators ----------------------------------------------------------------------------------------------

    def folder(self, run: int) -> Path:
        """Return the folder of a run. Raises ConfigError for a run that is not on the page."""
        if not 0 <= run < len(self.runs):
            raise ConfigError(f"There is no run {run} on this page: use a number below {len(self.runs)}.")
        return self.folders[run]

    def path(self, which: Which) -> Path:
        """Return the file of a checkpoint. Raises ConfigError for a run that is not on the page."""
        folder = self.folder(which.run)
        return find_checkpoint(folder, self.first[which.run] if which.step is None else str(which.step))

    def loaded(self, which: Which) -> Loaded:
        """Return the generator of a checkpoint. Raises a GanacheError if there is none."""
        path = self.path(which)

        def load() -> Loaded:
            model, config = load_model(path, self.name(which.run), self.average)
            return Loaded(model, config, int(path.stem))

        return self.cached(("model", path, path.stat().st_mtime_ns), load, MAX_LOADED)

    def models(self, selected: Sequence[Which]) -> list[Model]:
        """Return the generators of several checkpoints. Raises ConfigError for none, or too many."""
        if not 1 <= len(selected) <= MAX_MODELS:
            raise ConfigError(f"{len(selected)} models are asked for: choose 1 to {MAX_MODELS}.")
        return [self.loaded(which).model for which in selected]

    def name(self, run: int) -> str:
        """Return the name of a run in captions: its folder's name, or the whole path if two folders share the name."""
        names = [folder.resolve().name for folder in self.folders]
        same = {folder.resolve() for folder in self.folders if folder.resolve().name == names[run]}
        return names[run] if len(same) == 1 else str(self.folders[run])

    def on_command_line(self, selected: Sequence[Which]) -> list[str]:
        """Return RUN or RUN@STEP for each checkpoint."""
        words = []
        for which in selected:
            self.path(which)
            step = self.first[which.run] if which.step is None else str(which.step)
            word = self.words[which.run]
            words.append(word if step == "last" or is_named(word) else f"{word}@{step}")
        return words

    # ---- names and directions ------------------------------------------------------------------------------------

    def names(self, run: int) -> dict[str, Kept]:
        """Return the latents that a run keeps, by name."""
        return read_names(self.folders[run])

    def keep(self, run: int, kept: Kept) -> None:
        """Keep a latent in a run under its name. Raises ConfigError if the run has MAX_NAMES already."""
        self.path(Which(run))

        def with_it(names: dict[str, Kept]) -> dict[str, Kept]:
            if len(names) >= MAX_NAMES and kept.name not in names:
                raise ConfigError(f"This run keeps {MAX_NAMES} names, the most that a page may: forget some first.")
            return {**names, kept.name: kept}

        change_names(self.folders[run], with_it)

    def forget(self, run: int, name: str) -> None:
        """Remove a name from a run. Raises ConfigError if the run does not have it."""
        self.path(Which(run))
        forget_name(self.folders[run], name)

    def generator_directions(self, which: Which, how: str) -> tuple[list[tuple[float, ...]], list[str]]:
        """Return (directions by "sefa" or "pca", z_dim numbers each, or those of W; their captions)."""
        model = in_styles_if_any(self.loaded(which).model)

        def find() -> tuple[list[tuple[float, ...]], list[str]]:
            # A copy: finding directions hooks the generator's layers, and other threads may be using it.
            private = replace(model, generator=copy.deepcopy(model.generator))
            kind = cast(directions.Unsupervised, how)
            rows, captions = directions.generator_directions(private, kind, MAX_DIRECTIONS)
            rest = (0.0,) * (model.prior.z_dim - model.prior.noise)
            return [(*row, *rest) for row in rows.tolist()], captions

        return self.cached(("directions", how, self.path(which)), find, 4 * MAX_LOADED)

    def resolved(self, request: Experiment, which: Which) -> Experiment:
        """Return the request with names of latents, and names such as sefa1, replaced by their values.

        Raises ConfigError for an unknown name.
        """
        names: Mapping[str, Kept] = self.names(which.run)
        parts = {part for point in points_of(request) for part in point.parts if isinstance(part, str)}
        for name in sorted(part for part in parts if part not in names and GENERATOR_DIRECTION.fullmatch(part)):
            how, number = GENERATOR_DIRECTION.fullmatch(name).groups()  # type: ignore[union-attr]
            rows, _ = self.generator_directions(which, how)
            if int(number) > len(rows):
                raise ConfigError(f"There are {len(rows)} directions by {how} here: {name} is not one of them.")
            names = {**names, name: Kept(name, vector=rows[int(number) - 1])}
        return resolve_names(request, names)

    # ---- data ----------------------------------------------------------------------------------------------------

    def real_data(self, which: Which) -> Dataset:
        """Return the run's data. Raises ConfigError if they cannot be read."""
        path = self.path(which)
        try:
            return self.cached(("real", which.run), lambda: real_data(path, self.data), 4 * MAX_LOADED)
        except DataError as error:
            raise ConfigError(f"The real pictures cannot be read: {error}") from None

    # ---- what a page receives first ------------------------------------------------------------------------------

    def hello(self) -> dict[str, Any]:
        """Return the runs and the experiments that the page offers, as plain data."""
        return {
            "runs": [self.described(run) for run in range(len(self.runs))],
            "most_models": MAX_MODELS,
            "experiments": described_experiments(),
            "command": self.command(),
        }

    def command(self) -> str:
        """Return the command that starts a server of the same runs again, without its address and language."""
        options = ([] if self.average else ["--no-average"]) + (["--data", self.data] if self.data else [])
        return shlex.join(["ganache", "watch" if self.live else "explore", *self.runs, *options])

    def described(self, run: int) -> dict[str, Any]:
        """Return a run as plain data; a run without a checkpoint has only names and paths."""
        folder = self.folders[run]
        about: dict[str, Any] = {"name": self.name(run), "path": self.words[run]}
        steps: list[int] = []
        try:
            if not checkpoints(folder):
                return {**about, "steps": [], "names": []}
            steps = [int(path.stem) for path in (generators(folder) if self.average else checkpoints(folder))]
            loaded, best = self.loaded(Which(run)), best_checkpoint(folder)
        except (GanacheError, OSError) as error:
            return {**about, "steps": steps, "step": max(steps, default=None), "names": [], "error": str(error)}
        prior, shape = loaded.model.prior, loaded.model.generator.image_shape
        return {
            **about,
            "steps": steps,
            "step": loaded.step,
            "best": best and int(best.stem),
            "shape": list(shape),
            "noise": prior.noise,
            "categories": prior.categories,
            "continuous": prior.continuous,
            "spread": prior.std,
            "centre": prior.mean,
            "prior": prior.kind,
            "styles": loaded.model.generator.style_layers,
            "names": self.kept_names(run),
            "data": self.data or loaded.config.data.source,
        }

    def kept_names(self, run: int) -> list[dict[str, Any]]:
        """Return the kept names as plain data, and whether each is a latent or a direction."""
        try:
            names, prior = self.names(run), in_styles_if_any(self.loaded(Which(run)).model).prior
        except GanacheError:
            return []
        return [{"name": name, "latent": not directions.is_direction(kept, prior)} for name, kept in names.items()]

    def cached(self, key: Any, make: Callable[[], T], most: int) -> T:
        """Return `make()`, cached under `key`; of keys with the same first item, the `most` last used are kept."""
        with self.lock:
            if key in self.cache:
                self.cache.move_to_end(key)
                return self.cache[key]  # type: ignore[no-any-return]
        value = make()
        with self.lock:
            self.cache[key] = value
            alike = [each for each in self.cache if each[0] == key[0]]
            for old in alike[:-most]:
                del self.cache[old]
        return value


def described_experiments() -> list[dict[str, Any]]:
    """Return the experiments that the page lists, as plain data."""
    return [
        {
            "kind": name,
            "name": kind.page.name,
            "hint": kind.page.hint,
            "request": {"kind": name, **kind.page.request},
            "follows": list(kind.page.follows),
            "one_model": kind.page.one_model,
            "styled": kind.page.styled,
            "spaces": any(each.name == "space" for each in fields(kind)),  # type: ignore[arg-type]
            "reads_data": kind.needs == "real images",
            "formats": [suffix.removeprefix(".") for suffix in kind.suffixes],
        }
        for name, kind in EXPERIMENTS.items()
        if kind.page is not None
    ]
