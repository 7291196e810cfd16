"""All settings of a run, checked when they are built, and their plain form in TOML, JSON and on the command line.

Recipes (TOML), a run's `config.json` and the command line use the same names: `section.field`. The sections `network`
and `method` hold one of the dataclasses in `networks.NETWORKS` and `methods.METHODS`, selected by `name`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, Literal, TypeVar

from ganache.config.recipes import read
from ganache.config.sections import (
    STRICT,
    DataConfig,
    OptimiserConfig,
    PenaltyConfig,
    PolicyConfig,
    PrecisionConfig,
    PriorConfig,
    ProbeConfig,
    ProjectedConfig,
    RecordConfig,
    ScheduleConfig,
    StartConfig,
    ViewConfig,
    require,
    require_utf8,
)
from ganache.core.seeds import require_seed
from ganache.core.strict import build
from ganache.core.table import Table
from ganache.errors import ConfigError, choices
from ganache.methods import METHODS, Gan
from ganache.networks import NETWORKS, Dcgan, Network
from ganache.types import Method


@dataclass(frozen=True)
class Config:
    """All settings of a run."""

    recipe: str = ""
    """The recipe that the other settings started from: a name (see `ganache recipes`) or the path of a TOML file."""
    seed: int = 0
    """Seed of initial weights, data order and noise. The same seed gives the same run on the same machine."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Device to train on; auto takes CUDA if available, then MPS, then the CPU."""
    data: DataConfig = field(default_factory=DataConfig)
    start: StartConfig = field(default_factory=StartConfig)
    network: Network = field(default_factory=Dcgan)
    method: Method = field(default_factory=Gan)
    penalty: PenaltyConfig = field(default_factory=PenaltyConfig)
    projected: ProjectedConfig = field(default_factory=ProjectedConfig)
    prior: PriorConfig = field(default_factory=PriorConfig)
    view: ViewConfig = field(default_factory=ViewConfig)
    critic_optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    generator_optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    precision: PrecisionConfig = field(default_factory=PrecisionConfig)
    record: RecordConfig = field(default_factory=RecordConfig)
    probe: ProbeConfig = field(default_factory=ProbeConfig)
    policy: PolicyConfig = field(default_factory=PolicyConfig)

    def __post_init__(self) -> None:
        require_seed(self.seed)
        require_utf8(self.recipe, "The path of the recipe")

    def categories(self) -> int:
        """Return the size of the latent's one-hot part: the method's categorical code, or the classes of the data."""
        codes = self.method.latent_codes
        return self.data.classes if codes is None else codes[0]

    def continuous(self) -> int:
        """Return the number of continuous codes at the end of a latent."""
        codes = self.method.latent_codes
        return 0 if codes is None else codes[1]


SPECS: dict[str, Table[Any]] = {"network": NETWORKS, "method": METHODS}
"""Sections that hold one of several dataclasses, and the table that each name is looked up in."""

T = TypeVar("T")


def name_of(section: str, spec: object) -> str:
    """Return the name of a network or method in its table; for an unregistered one the name of its class."""
    for name, registered in SPECS[section].items():
        if type(spec) is registered:
            return name
    return type(spec).__name__


def to_dict(config: Config) -> dict[str, Any]:
    """Return the settings as plain data that JSON can hold; `from_dict` is the inverse."""
    plain = asdict(config)  # type: ignore[call-overload]
    for section in SPECS:
        plain[section] = {"name": name_of(section, getattr(config, section))} | plain[section]
    return json.loads(json.dumps(plain))  # type: ignore[no-any-return]


def from_dict(plain: Mapping[str, Any], base: Config | None = None) -> Config:
    """Return the settings of `base` (by default the defaults), overridden by those in `plain`.

    Raises ConfigError if a name is unknown (it suggests the closest known names), or a value has the wrong type or is
    out of range.
    """
    base = base or Config()
    known = {f.name: getattr(base, f.name) for f in fields(Config)}
    settings = dict(known)
    for name, value in plain.items():
        require(name in known, f"There is no setting '{name}': {choices(name, known)}")
        if is_dataclass(known[name]):
            require(
                isinstance(value, Mapping),
                f"'{name}' is {value!r}: it is a section, so give a table of settings.",
            )
            settings[name] = read_section(name, value, known[name])
        else:
            settings[name] = value
    scalars = {name: value for name, value in settings.items() if not is_dataclass(value)}
    _read(_Scalars, scalars, "")
    return Config(**settings)


def require_sections(plain: Mapping[str, Any]) -> None:
    """Raise ConfigError if a section of a run's settings is no table; its values are not checked."""
    for each in fields(Config):
        is_section = each.name not in ("recipe", "seed", "device")
        require(
            not is_section or isinstance(plain.get(each.name, {}), Mapping),
            f"'{each.name}' is {str(plain.get(each.name))[:40]!r}: it is a section, so give a table of settings.",
        )


BEFORE_IT_EXISTED: dict[str, dict[str, Any]] = {
    "data": {"held_out": 0.0, "labels": "folders"},
    "policy": {"score": "patches"},
}
"""The value that was in effect before a setting existed, if it differs from the default of today."""


def from_record(plain: Mapping[str, Any]) -> Config:
    """Return the settings that a run recorded; a setting that did not exist then gets the value in effect then."""
    sections = {name: value for name, value in plain.items() if isinstance(value, Mapping)}
    names = sections.keys() | (BEFORE_IT_EXISTED.keys() - plain.keys())
    completed = {name: {**BEFORE_IT_EXISTED.get(name, {}), **sections.get(name, {})} for name in names}
    return from_dict({**plain, **completed})


def recipe(name: str, data: str | None = None, *, seed: int = 0, **schedule: Any) -> Config:
    """Return the settings of a recipe, on other `data`; keywords such as `steps` or `batch` change its schedule.

    Raises ConfigError for an unknown recipe or setting.

    >>> recipe("gan-mlp", data="ring8", steps=100).schedule.steps
    100
    """
    base = from_recipe(name)
    if {"steps", "minutes", "images"} & schedule.keys():
        schedule = {"steps": None, "minutes": None, "images": None} | schedule
    return from_dict({"seed": seed, "data": {} if data is None else {"source": data}, "schedule": schedule}, base)


def from_recipe(name: str) -> Config:
    """Return the settings of a recipe. Raises ConfigError, which names the recipe, if a setting is wrong."""
    found = read(name)
    try:
        return from_dict(found.settings)
    except ConfigError as error:
        raise ConfigError(f"The recipe {found.where} cannot be used. {error}") from None


def read_section(section: str, plain: Mapping[str, Any], base: Any) -> Any:
    """Return one section from plain data, based on `base`; another `name` starts from the defaults of that class."""
    plain = dict(plain)
    cls = type(base)
    if section in SPECS and "name" in plain:
        cls = SPECS[section].named(plain.pop("name"))
    kept = {f.name: getattr(base, f.name) for f in fields(base)} if cls is type(base) else {}
    return _read(cls, kept | plain, section)


@dataclass(frozen=True)
class _Scalars:
    """The settings outside all sections, to check their types."""

    __pydantic_config__ = STRICT
    recipe: str
    seed: int
    device: Literal["auto", "cpu", "cuda", "mps"]


def _read(cls: type[T], plain: Mapping[str, Any], section: str) -> T:
    """Build a section from plain data. Raises ConfigError, which names the setting as the command line does."""
    prefix = f"{section}." if section else ""
    return build(cls, plain, prefix, unknown="There is no setting '{what}{name}'", invalid="{what}{where}")


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield (name, old value, new value) for every setting that differs, sorted by name."""
    for name in sorted({*old, *new}):
        a, b = old.get(name), new.get(name)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            yield from differences(a, b, f"{prefix}{name}.")
        elif a != b:
            yield f"{prefix}{name}", a, b
