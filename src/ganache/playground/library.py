"""The runs of a page: their checkpoints' generators, names, directions and data, each loaded when first needed."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from ganache.config.config import Config
from ganache.core.rendering import Model
from ganache.core.storage import read_header
from ganache.errors import ConfigError, DataError, GanacheError
from ganache.lab.explore.steering import found
from ganache.lab.requests import Directions, Kept, Request, refuse_unknown, resolve_names
from ganache.lab.requests.points import OWN
from ganache.playground.limits import MOST_MODELS
from ganache.playground.wire import Which
from ganache.runs.folder import at_step, best_checkpoint, checkpoints, find_checkpoint, read_names, write_names
from ganache.runs.models import load_model, real_pictures

T = TypeVar("T")

HELD = 8
"""Generators that stay in memory; the one that was not used for longest goes first."""
OWN_DIRECTIONS = 10
"""Of sefa's and of pca's."""
MOST_NAMES = 500
"""That a page may have kept in a run."""


@dataclass(frozen=True)
class Loaded:
    """A checkpoint's generator, and what is known of it."""

    model: Model
    config: Config
    step: int


class Library:
    """The runs RUN or RUN@STEP that a page shows, the first one first. Its methods may be called from any thread."""

    def __init__(self, runs: Sequence[str], average: bool = True, data: str = "", live: bool = False) -> None:
        self.runs, self.average, self.data = list(runs), average, data
        self.folders = [at_step(run)[0] for run in runs]
        self.first = [at_step(run)[1] for run in runs]
        """Of each run, the checkpoint that the page begins with: last, best or a step."""
        self.lock = threading.RLock()
        self.kept: OrderedDict[Any, Any] = OrderedDict()
        if not live:
            for folder, which in zip(self.folders, self.first, strict=True):
                refuse_points(find_checkpoint(folder, which), folder)

    # ---- generators ----------------------------------------------------------------------------------------------

    def path(self, which: Which) -> Path:
        """The checkpoint's file. Raises ConfigError for a run that is not on the page."""
        if not 0 <= which.run < len(self.runs):
            raise ConfigError(f"There is no run {which.run} on this page: it has {len(self.runs)}.")
        chosen = self.first[which.run] if which.step is None else str(which.step)
        return find_checkpoint(self.folders[which.run], chosen)

    def loaded(self, which: Which) -> Loaded:
        """The generator of a checkpoint. Raises a GanacheError where there is none, or it makes no pictures."""
        path = self.path(which)

        def load() -> Loaded:
            refuse_points(path, self.folders[which.run])
            model, config = load_model(path, self.name(which.run), self.average)
            return Loaded(model, config, int(path.stem))

        return self.once(("model", path, path.stat().st_mtime_ns), load, HELD)

    def models(self, several: Sequence[Which]) -> list[Model]:
        """The generators of several checkpoints. Raises ConfigError for none, or too many."""
        if not 1 <= len(several) <= MOST_MODELS:
            raise ConfigError(f"{len(several)} models are asked for: choose 1 to {MOST_MODELS}.")
        return [self.loaded(which).model for which in several]

    def name(self, run: int) -> str:
        """How captions call a run: its folder's name, or the whole where two have the same."""
        names = [folder.resolve().name for folder in self.folders]
        same = {folder.resolve() for folder in self.folders if folder.resolve().name == names[run]}
        return names[run] if len(same) == 1 else str(self.folders[run])

    def on_command_line(self, several: Sequence[Which]) -> list[str]:
        """RUN or RUN@STEP for each, as the commands read it."""
        words = []
        for which in several:
            self.path(which)
            step = self.first[which.run] if which.step is None else str(which.step)
            words.append(str(self.folders[which.run]) + ("" if step == "last" else f"@{step}"))
        return words

    # ---- names and directions ------------------------------------------------------------------------------------

    def names(self, run: int) -> dict[str, Kept]:
        """The latents kept in a run."""
        return read_names(self.folders[run])

    def keep(self, run: int, kept: Kept) -> None:
        """Keep a latent in a run, under its name. Raises ConfigError where there are too many."""
        self.path(Which(run))
        with self.lock:
            names = {**self.names(run), kept.name: kept}
            if len(names) > MOST_NAMES:
                raise ConfigError(f"{MOST_NAMES} names are kept in this run: forget some first.")
            write_names(self.folders[run], names)

    def forget(self, run: int, name: str) -> None:
        """Let go of a name. Raises ConfigError for one that is unknown."""
        self.path(Which(run))
        with self.lock:
            names = self.names(run)
            if name not in names:
                refuse_unknown(name, names)
            write_names(self.folders[run], {each: kept for each, kept in names.items() if each != name})

    def own(self, which: Which, how: str) -> tuple[list[tuple[float, ...]], list[str]]:
        """The directions that a generator has by itself, z_dim numbers each, and how captions call them."""
        loaded = self.loaded(which)

        def find() -> tuple[list[tuple[float, ...]], list[str]]:
            apart = replace(loaded.model, generator=copy.deepcopy(loaded.model.generator))  # others use that one now
            rows, words = found(Directions(how=how, top=OWN_DIRECTIONS), apart)  # type: ignore[arg-type]
            rest = (0.0,) * (loaded.model.prior.z_dim - loaded.model.prior.noise)
            return [(*row, *rest) for row in rows.tolist()], words

        return self.once(("own", how, self.path(which)), find, 4 * HELD)

    def resolved(self, request: Request, which: Which) -> Request:
        """The request with names replaced by what they stand for in a run, and own directions by their numbers."""
        names: Mapping[str, Kept] = self.names(which.run)
        wanted = {
            part
            for value in vars(request).values()
            if isinstance(value, tuple)
            for point in value
            for part in getattr(point, "parts", ())
            if isinstance(part, str) and part not in names and OWN.fullmatch(part)
        }
        for name in sorted(wanted):
            how, number = OWN.fullmatch(name).groups()  # type: ignore[union-attr]
            rows, _ = self.own(which, how)
            if int(number) > len(rows):
                raise ConfigError(f"There are {len(rows)} directions by {how} here, and {name} is none of them.")
            names = {**names, name: Kept(name, vector=rows[int(number) - 1])}
        return resolve_names(request, names)

    # ---- data ----------------------------------------------------------------------------------------------------

    def real(self, which: Which) -> Any:
        """The pictures of the data, uint8 [N, H, W, C]. Raises ConfigError where they are not there."""
        loaded = self.loaded(which)
        try:
            return self.once(
                ("real", which.run), lambda: real_pictures(loaded.config, loaded.model, self.data), 4 * HELD
            )
        except DataError as error:
            raise ConfigError(f"The real pictures cannot be had: {error}") from None

    # ---- what the page is told first -----------------------------------------------------------------------------

    def hello(self) -> dict[str, Any]:
        """What there is to choose from: plain data. A run without a checkpoint has none to tell of."""
        return {"runs": [self.described(run) for run in range(len(self.runs))], "most_models": MOST_MODELS}

    def described(self, run: int) -> dict[str, Any]:
        """One run."""
        folder = self.folders[run]
        about: dict[str, Any] = {"name": self.name(run), "path": str(folder)}
        steps = [int(path.stem) for path in checkpoints(folder)]
        if not steps:
            return {**about, "steps": [], "names": []}
        try:
            loaded, best = self.loaded(Which(run)), best_checkpoint(folder)
        except GanacheError as error:
            return {**about, "steps": steps, "step": steps[-1], "names": [], "error": str(error)}
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
            "names": self.told_names(run),
            "data": self.data or loaded.config.data.source,
        }

    def told_names(self, run: int) -> list[dict[str, Any]]:
        """The kept names; those made of seeds are latents, the others may be directions too."""
        try:
            names = self.names(run)
        except GanacheError:
            return []
        return [{"name": name, "seeds": len(kept.seeds)} for name, kept in names.items()]

    def once(self, key: Any, make: Callable[[], T], most: int) -> T:
        """What `make` gives, kept under a key; of this kind of key the `most` last used are held."""
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
                return self.kept[key]  # type: ignore[no-any-return]
        made = make()
        with self.lock:
            self.kept[key] = made
            alike = [each for each in self.kept if each[0] == key[0]]
            for old in alike[:-most]:
                del self.kept[old]
        return made


def refuse_points(checkpoint: Path, folder: Path) -> None:
    """Raise ConfigError for a generator of points in the plane."""
    if len(read_header(checkpoint).get("image_shape", "xyz")) != 3:
        raise ConfigError(f"{folder} makes points, and this page shows pictures: use  ganache sample {folder}")
