"""A trial of networks and methods that are not ganache's own: one forward pass and the terms, before a run begins.

A network or method of a plugin that returns something else than its interface says is refused in one sentence. The
trial uses copies of the networks and draws from a random state of its own, so it changes nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace

import torch
from torch import Tensor, nn

from ganache.config.config import SPECS, Config, name_of
from ganache.core.table import described
from ganache.errors import ConfigError
from ganache.training.resolved import Resolved
from ganache.training.state import State
from ganache.types import Critic, Generator, ImageShape, Method


def entry(config: Config, section: str) -> str:
    """Return what errors call the network or method of a run: its word and name, and the table if that has it."""
    name, table = name_of(section, getattr(config, section)), SPECS[section]
    return f"The {section} '{name}'" + (f" ({table.entry.table}[{name!r}])" if name in table else "")


def pair(config: Config, shape: ImageShape) -> tuple[Generator, Critic]:
    """Return a new generator and critic. Raises ConfigError if they lack what every generator and critic has."""
    G, D = config.network.generator(shape), config.network.critic(shape)
    where = entry(config, "network")
    for network, kind, name in ((G, Generator, "generator"), (D, Critic, "critic")):
        if not isinstance(network, kind):
            raise ConfigError(f"{where} returned {described(network)} as {name}: return a ganache.{kind.__name__}.")
        if tuple(getattr(network, "image_shape", ())) != tuple(shape):
            found = getattr(network, "image_shape", "not set")
            raise ConfigError(f"{where} made a {name} whose image_shape is {found}: set self.image_shape to {shape}.")
    if getattr(G, "z_dim", None) != config.network.z_dim:
        found = getattr(G, "z_dim", "not set")
        raise ConfigError(f"{where} made a generator whose z_dim is {found}: set self.z_dim to {config.network.z_dim}.")
    if not isinstance(getattr(D, "head", None), nn.Linear):
        raise ConfigError(f"{where} made a critic without the layer 'head': set self.head to a torch.nn.Linear(F, 1).")
    return G, D


def check_plugins(resolved: Resolved, state: State, view: Callable[[State, Tensor | None], Critic]) -> None:
    """Compute one batch of images, scores and terms, unless network and method are ganache's own.

    Raises ConfigError if the network or the method returns something else than its interface says.
    """
    config, batch = resolved.config, resolved.config.schedule.batch
    if all(SPECS[section].is_built_in(type(getattr(config, section))) for section in SPECS):
        return
    device = next((weight.device for weight in state.generator.parameters()), resolved.device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        G, D = copy.deepcopy(state.generator).train(), copy.deepcopy(state.critic).train()
        y = torch.zeros(batch, dtype=torch.long, device=device) if config.data.classes else None
        z = resolved.prior.sample(batch, category=y, device=device)
        real = torch.rand(batch, *G.image_shape, device=device) * 2 - 1
        check_network(entry(config, "network"), G, D, z, real)
        precision = nullcontext() if device.type == "meta" else resolved.precision()  # it has no autocast
        with precision:
            check_method(entry(config, "method"), config.method, G, view(replace(state, critic=D), y), z, real)


def check_network(where: str, G: Generator, D: Critic, z: Tensor, real: Tensor) -> None:
    """Check the shapes and dtypes of images x, features h and scores of one batch."""
    with torch.no_grad():
        check_tensor(f"{where} made a generator that", G(z), real.shape)
        h = D.features(real)
        check_tensor(f"{where} made a critic whose function 'features'", h, (len(real), D.head.in_features))
        check_tensor(f"{where} made a critic that", D(real), (len(real),))


def check_method(where: str, method: Method, G: Generator, D: Critic, z: Tensor, real: Tensor) -> None:
    """Check the terms of critic and generator, and the estimates, of one batch."""
    d = method.d_terms(G.requires_grad_(False), D, real, z)
    check_terms(f"{where}: d_terms", d, "D")
    G.requires_grad_(True), D.requires_grad_(False)
    check_terms(f"{where}: g_terms", method.g_terms(G, D, real, z), "G")
    check_terms(f"{where}: estimates", method.estimates(G.eval(), D.eval(), real, z, d), None)


def check_tensor(what: str, found: object, shape: Sequence[int]) -> None:
    """Raise ConfigError unless `found` is a float32 tensor of this shape."""
    if isinstance(found, Tensor) and found.shape == tuple(shape) and found.dtype is torch.float32:
        return
    raise ConfigError(f"{what} returned {shown(found)}: return a float32 tensor of shape {list(shape)}.")


def check_terms(what: str, terms: object, network: str | None) -> None:
    """Raise ConfigError unless `terms` are scalar tensors by name, and their sum depends on `network` ("G" or "D")."""
    if not isinstance(terms, dict) or not (terms or network is None):
        raise ConfigError(f"{what} returned {shown(terms)}: return a dict of scalar tensors by name.")
    for name, term in terms.items():
        if not isinstance(name, str) or not isinstance(term, Tensor) or term.ndim or not term.is_floating_point():
            raise ConfigError(f"{what} returned {shown(term)} as {name!r}: return a dict of scalar tensors by name.")
    if network is not None and not any(term.requires_grad for term in terms.values()):
        raise ConfigError(f"{what} returned terms that do not depend on {network}: compute them from {network}.")


def shown(value: object) -> str:
    """Return what a function returned, for an error: dtype and shape of a tensor, else its type."""
    if isinstance(value, Tensor):
        return f"a {str(value.dtype).removeprefix('torch.')} tensor of shape {list(value.shape)}"
    return "an empty dict" if value == {} else described(value)
