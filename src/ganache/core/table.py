"""Tables of named entries that plugins extend by assignment. Whatever is assigned is checked.

    METHODS["mine"] = Mine

A mistake is found here, when the plugin is loaded, and not in the middle of a run.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Iterator, Mapping, MutableMapping
from dataclasses import KW_ONLY, dataclass
from importlib import import_module
from types import FunctionType
from typing import Any, Generic, TypeVar, cast

from ganache.errors import ConfigError, choices

T = TypeVar("T")
NAME = re.compile(r"\w[\w.+-]*")


class Lazy(str):
    """A built-in class or a base class as "module:class", imported at its first use."""

    def load(self) -> Any:
        module, _, name = self.partition(":")
        return getattr(import_module(module), name)


@dataclass(frozen=True)
class Entry(Generic[T]):
    """What the entries of a table have to be."""

    table: str
    """The table's name, such as "METHODS"."""
    word: str
    """What an entry is called, such as "method"."""
    base: type | tuple[type, ...] | Lazy
    """The class that an entry is a subclass or an instance of."""
    _: KW_ONLY
    instance: bool = False
    """Whether entries are instances of `base`, not subclasses."""
    settings: bool = False
    """Whether entries are frozen dataclasses."""
    needs: tuple[str, ...] = ()
    """Fields or attributes that an entry must have."""
    reserved: Collection[str] = ()
    """Names that files of the first version use for built-in entries."""

    def mistake(self, value: object) -> str | None:
        """Return what is wrong with `value` as an entry, with what is expected; None if nothing is."""
        base: Any = self.base.load() if isinstance(self.base, Lazy) else self.base
        bases = base if isinstance(base, tuple) else (base,)
        names = " or ".join(each.__name__ for each in bases)
        if self.instance:
            if not isinstance(value, bases):
                return f"it is {described(value)}: assign an instance of {names}"
        elif not isinstance(value, type) or not issubclass(value, bases):
            return f"it is {described(value)}: assign a subclass of {names}"
        cls = value if isinstance(value, type) else type(value)
        if self.settings and not is_frozen_dataclass(cls):
            return f"{cls.__name__} is not a frozen dataclass: write @dataclass(frozen=True) above the class"
        missing = [name for name in self.needs if name not in getattr(cls, "__dataclass_fields__", ())]
        missing = [name for name in missing if not hasattr(value, name)]
        if missing:
            return f"{cls.__name__} has no '{missing[0]}': define it in the class"
        return next((found for each in bases if (found := wrong_function(cls, each))), None)


class Table(MutableMapping[str, T]):
    """Entries by name, in the order of their registration. A built-in entry cannot be replaced.

    Assigning raises ConfigError if the entry is not what `entry` describes, or if its name is taken.
    """

    def __init__(self, entry: Entry[T], built_in: Mapping[str, T | Lazy]) -> None:
        self.entry = entry
        self._entries: dict[str, T | Lazy] = dict(built_in)
        self._built_in = frozenset(built_in)

    def __getitem__(self, name: str) -> T:
        value = self._entries[name]
        if isinstance(value, Lazy):
            value = self._entries[name] = cast(T, value.load())
        return value

    def __setitem__(self, name: str, value: T) -> None:
        where = f"{self.entry.table}[{name!r}]"
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ConfigError(
                f"{where} was assigned: the name of a {self.entry.word}, which may name a file, is of letters, digits "
                "and any of . _ + -"
            )
        if name in self.entry.reserved or (name in self and self._is_of_another(name, value)):
            raise ConfigError(f"{where} was assigned, and there is a {self.entry.word} '{name}': choose another name.")
        mistake = self.entry.mistake(value)
        if mistake is not None:
            raise ConfigError(f"{where} cannot be used as a {self.entry.word}, because {mistake}.")
        self._entries[name] = value

    def _is_of_another(self, name: str, value: T) -> bool:
        """Whether the entry belongs to ganache or to another file than `value`: a file may run twice in a notebook."""
        if self[name] is value:
            return False
        return name in self._built_in or origin(self[name]) != origin(value)

    def __delitem__(self, name: str) -> None:
        del self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries  # without importing the entry

    def __repr__(self) -> str:
        return f"{self.entry.table}: {', '.join(self)}"

    def is_built_in(self, value: object) -> bool:
        """Whether `value` is an entry of ganache itself."""
        return any(self._entries.get(name) is value for name in self._built_in)

    def named(self, name: object) -> T:
        """Return the entry of this name. Raises ConfigError if there is none; a plugin may be missing."""
        if not isinstance(name, str) or name not in self:
            raise ConfigError(f"There is no {self.entry.word} '{name}': {choices_or_plugin(str(name), self)}")
        return self[name]


def choices_or_plugin(given: str, known: Collection[str]) -> str:
    """Return the end of an error about an unknown name of a table: known names, or the plugin that may be missing."""
    return f"{choices(given, known)} If a plugin defines it, name the plugin in GANACHE_PLUGINS."


def described(value: object) -> str:
    """Return what a value is, for an error.

    >>> described(3), described(int), described(None)
    ('an instance of int', 'the class int', 'None')
    """
    if value is None:
        return "None"
    return f"the class {value.__name__}" if isinstance(value, type) else f"an instance of {type(value).__name__}"


def origin(value: object) -> str:
    """Return the module that defines a class, or the class of an instance."""
    return (value if isinstance(value, type) else type(value)).__module__


def is_frozen_dataclass(cls: type) -> bool:
    """Whether the class, or the dataclass that it extends without fields of its own, is a frozen dataclass."""
    fields, parameters = getattr(cls, "__dataclass_fields__", None), getattr(cls, "__dataclass_params__", None)
    if fields is None or parameters is None or not parameters.frozen:
        return False
    return all(name in fields or name == "_" for name in inspect.get_annotations(cls))


def wrong_function(cls: type, base: type) -> str | None:
    """Return which method of the interface `base` the class lacks, or defines with other parameters."""
    for name, expected in vars(base).items():
        if name.startswith("_") or not isinstance(expected, FunctionType):
            continue
        found = inspect.getattr_static(cls, name, None)
        if getattr(found, "__isabstractmethod__", False):
            return f"{cls.__name__} does not define {name}{shown_signature(expected)}"
        if found is expected or not isinstance(found, FunctionType):
            continue
        positional = [each for each in inspect.signature(expected).parameters.values() if each.default is each.empty]
        try:
            inspect.signature(found).bind(*positional)
        except TypeError:
            return f"{cls.__name__} defines {name}{shown_signature(found)}: use {name}{shown_signature(expected)}"
    return None


def shown_signature(function: FunctionType) -> str:
    """Return the parameters of a function as text, without their types."""
    return f"({', '.join(inspect.signature(function).parameters)})"
