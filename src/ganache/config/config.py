"""Every setting of a run, checked when built, and its plain form: what TOML, JSON and the command line say.

A recipe's TOML, a run's `config.json` and the command line use the same names: `section.field`. The two
sections `network` and `method` hold one of the specs of `networks.NETWORKS` and `methods.METHODS`, chosen by `name`.
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
    RecordConfig,
    ScheduleConfig,
    ViewConfig,
    require,
)
from ganache.core.strict import build
from ganache.errors import choices
from ganache.methods import METHODS, Gan
from ganache.networks import NETWORKS, Dcgan, Network
from ganache.types import Method


@dataclass(frozen=True)
class Config:
    """All of a run's settings."""

    recipe: str = ""
    """The recipe it began from: a name (see `ganache recipes`) or the path of a TOML file."""
    seed: int = 0
    """Of weights, data order and noise: the same seed gives the same run on the same machine."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to train."""
    data: DataConfig = field(default_factory=DataConfig)
    network: Network = field(default_factory=Dcgan)
    method: Method = field(default_factory=Gan)
    penalty: PenaltyConfig = field(default_factory=PenaltyConfig)
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
        require(self.seed >= 0, f"The seed is {self.seed}: use a whole number from 0.")

    def categories(self) -> int:
        """Return the size of the latent's one-hot part: the method's categorical code, or the classes of the data."""
        codes = self.method.latent_codes
        return self.data.classes if codes is None else codes[0]

    def continuous(self) -> int:
        """Return the number of continuous codes at the end of a latent."""
        codes = self.method.latent_codes
        return 0 if codes is None else codes[1]


SPECS: dict[str, Mapping[str, type]] = {"network": NETWORKS, "method": METHODS}
"""The sections that hold one of several specs, and the tables their names come from."""

T = TypeVar("T")


def name_of(section: str, spec: object) -> str:
    """The name under which a spec stands in its table; a spec from outside the tables goes by its class' name."""
    for name, known in SPECS[section].items():
        if type(spec) is known:
            return name
    return type(spec).__name__


def to_dict(config: Config) -> dict[str, Any]:
    """Plain data, JSON's kinds only; `from_dict` turns it back."""
    plain = asdict(config)  # type: ignore[call-overload]
    for section in SPECS:
        plain[section] = {"name": name_of(section, getattr(config, section))} | plain[section]
    return json.loads(json.dumps(plain))  # type: ignore[no-any-return]


def from_dict(plain: Mapping[str, Any], base: Config | None = None) -> Config:
    """The settings of `base` (else the defaults), with those of `plain` in their place.

    Raises ConfigError where a name is unknown or a value is of the wrong kind, with the closest known names.
    """
    base = base or Config()
    known = {each.name: getattr(base, each.name) for each in fields(Config)}
    settings = dict(known)
    for name, value in plain.items():
        require(name in known, f"There is no setting '{name}': {choices(name, known)}")
        if is_dataclass(known[name]):
            require(
                isinstance(value, Mapping),
                f"'{name}' is a section: expected a table of settings, got {value!r}.",
            )
            settings[name] = read_section(name, value, known[name])
        else:
            settings[name] = value
    scalars = {name: value for name, value in settings.items() if not is_dataclass(value)}
    _read(_Scalars, scalars, "")
    return Config(**settings)


BEFORE: dict[str, dict[str, Any]] = {"data": {"held_out": 0.0}}
"""What was in effect before a setting existed, where that is not today's default."""


def from_record(plain: Mapping[str, Any]) -> Config:
    """The settings that a run recorded. One from before a setting existed has what was in effect then."""
    before = {name: {**BEFORE.get(name, {}), **value} for name, value in plain.items() if isinstance(value, Mapping)}
    return from_dict({**plain, **before})


def recipe(name: str, data: str | None = None, *, seed: int = 0, **schedule: Any) -> Config:
    """The settings of a recipe, on other data; keywords such as `steps`, `minutes` or `batch` change its schedule.

    >>> recipe("gan-mlp", data="ring8", steps=100).schedule.steps
    100
    """
    plain = read(name).settings | {"seed": seed}
    if data is not None:
        plain = plain | {"data": plain.get("data", {}) | {"source": data}}
    if {"steps", "minutes", "images"} & schedule.keys():
        schedule = {"steps": None, "minutes": None, "images": None} | schedule
    return from_dict(plain | {"schedule": plain.get("schedule", {}) | schedule})


def read_section(section: str, plain: Mapping[str, Any], base: Any) -> Any:
    """One section from plain data. A spec of another `name` starts from that spec's own defaults."""
    plain = dict(plain)
    kind = type(base)
    if section in SPECS and "name" in plain:
        table, name = SPECS[section], plain.pop("name")
        require(name in table, f"There is no {section} '{name}': {choices(str(name), table)}")
        kind = table[name]
    kept = {each.name: getattr(base, each.name) for each in fields(base)} if kind is type(base) else {}
    return _read(kind, kept | plain, section)


@dataclass(frozen=True)
class _Scalars:
    """The settings that stand outside any section, for the check of their kinds."""

    __pydantic_config__ = STRICT
    recipe: str
    seed: int
    device: Literal["auto", "cpu", "cuda", "mps"]


def _read(kind: type[T], plain: Mapping[str, Any], section: str) -> T:
    """Build a section from plain data. Raises ConfigError, which names the setting as the command line does."""
    prefix = f"{section}." if section else ""
    return build(kind, plain, prefix, unknown="There is no setting '{what}{name}'", invalid="{what}{where}")


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The settings that differ, as (name, old value, new value)."""
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from differences(before, after, f"{prefix}{name}.")
        elif before != after:
            yield f"{prefix}{name}", before, after
