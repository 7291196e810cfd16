"""What a run costs, computed without data: layer shapes, numbers of weights, memory and arithmetic of a step.

Networks are built on PyTorch's meta device, on which tensors have a shape and no values, so nothing is computed or
allocated. Arithmetic is that of the layers as they are written; on a CPU, `fastconv` needs fewer multiplications.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from ganache.config.sections import OptimiserConfig
from ganache.core.evaluating import evaluating
from ganache.core.meta import META, on_meta
from ganache.training import build
from ganache.training.resolved import Resolved
from ganache.training.state import State
from ganache.training.steps import critic_and_generator_step, critic_only_step
from ganache.training.trial import check_plugins
from ganache.types import Critic, Generator, ImageShape

TRACED_IMAGES = 4
"""Batch size for the tables of layers: more than one, because some layers compare images."""


@dataclass(frozen=True)
class Layer:
    """One row of a network's table."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    """Without the batch dimension."""
    weights: int
    multiply_adds: int
    """Per image, in convolutions and matrix products."""


@dataclass(frozen=True)
class NetworkCost:
    """Layers in the order of the forward pass, and totals. Layers that are used twice have two rows."""

    layers: tuple[Layer, ...]
    weights: int
    multiply_adds: int
    """Per image and forward pass."""


@dataclass(frozen=True)
class StepCost:
    """The cost of training. Sizes are in bytes."""

    weights: int
    """Generator, critic and averaged generator."""
    gradients: int
    optimiser_state: int
    activations: int
    """Tensors that are kept for the backward pass, at their maximum; an estimate."""
    both_multiply_adds: int
    """Multiply-adds of one critic step on a batch followed by one generator step, in forward and backward passes."""

    @property
    def memory(self) -> int:
        """Sum of all sizes."""
        return self.weights + self.gradients + self.optimiser_state + self.activations


# ---- networks ---------------------------------------------------------------------------------------------------


def network_costs(resolved: Resolved, image_shape: ImageShape) -> tuple[NetworkCost, NetworkCost]:
    """Return the tables of generator and critic. Raises ConfigError if they do not support images of this shape."""
    G, D = meta_networks(resolved, image_shape)
    z = torch.empty(TRACED_IMAGES, G.z_dim, device=META)
    x = torch.empty(TRACED_IMAGES, *image_shape, device=META)
    return trace(G, z), trace(D, x, heads=(D.codes, D.classes))


def meta_networks(resolved: Resolved, image_shape: ImageShape) -> tuple[Generator, Critic]:
    """Return the networks without values. The random state of PyTorch does not change."""
    with on_meta():
        G, D = build.networks(resolved.config, image_shape)
    return G.to(META), D.to(META)  # constants are computed, and pretrained weights come from a file


@torch.no_grad()
def trace(network: nn.Module, given: Tensor, heads: Sequence[nn.Module | None] = ()) -> NetworkCost:
    """Run the network once in `eval` mode, and the critic's `heads` for codes and classes, and record the layers.

    A layer is a module without submodules, or one with weights or matrix products of its own, such as attention.
    """
    layers: list[Layer] = []
    running: list[Running] = []
    handles = []
    with Arithmetic() as counter:
        for name, module in network.named_modules():
            if "parametrizations" in name:
                continue

            def begin(module: nn.Module, args: object) -> None:
                running.append(Running(counter.multiply_adds))

            def end(module: nn.Module, args: object, output: object, name: str = name) -> None:
                operations = counter.multiply_adds - running[-1].started
                own = operations - running.pop().in_submodules
                if running:
                    running[-1].in_submodules += operations
                weights = own_weights(module)
                if is_layer(module) or own or weights:
                    shape = tuple(output.shape[1:]) if isinstance(output, Tensor) else ()
                    kind = type(module).__name__.removeprefix("Parametrized")
                    layers.append(Layer(name or "(itself)", kind, shape, weights, own // len(given)))

            handles += [module.register_forward_pre_hook(begin), module.register_forward_hook(end)]
        with evaluating(network):
            network(given)
            for head in filter(None, heads):
                head(head_input(head, network, len(given)))
    for handle in handles:
        handle.remove()
    return NetworkCost(tuple(layers), count(network), counter.multiply_adds // len(given))


def head_input(head: nn.Module, critic: nn.Module, batch: int) -> Tensor:
    """Return the input of a critic's head: labels [B] for an embedding of classes, else features [B, F]."""
    if isinstance(head, nn.Embedding):
        return torch.zeros(batch, dtype=torch.long, device=META)
    return torch.empty(batch, critic.head.in_features, device=META)  # type: ignore[union-attr,arg-type]


@dataclass
class Running:
    """A module in the middle of its forward pass."""

    started: int
    """Multiply-adds counted before it."""
    in_submodules: int = 0
    """Multiply-adds of its submodules."""


def is_layer(module: nn.Module) -> bool:
    """Whether the module has no submodules; a parametrisation, such as spectral norm, does not count as one."""
    return all(name == "parametrizations" for name, _ in module.named_children())


def own_weights(module: nn.Module) -> int:
    """Return the number of trained weights that belong to the module and to none of its submodules."""
    inner = sum(count(child) for name, child in module.named_children() if name != "parametrizations")
    return count(module) - inner


def count(module: nn.Module) -> int:
    """Return the number of trained weights."""
    return sum(weight.numel() for weight in module.parameters() if weight.requires_grad)


# ---- a training step --------------------------------------------------------------------------------------------


def step_cost(resolved: Resolved, image_shape: ImageShape) -> StepCost:
    """Return memory and arithmetic of a training step, from a trace of the step itself on the meta device.

    A critic step alone keeps no tensor that it does not keep here, so it needs no trace of its own for the memory.
    """
    resolved = resolved.alone()
    G, D = meta_networks(resolved, image_shape)
    traced = trace_step(resolved, G, D, generator_too=True)
    config, weights = resolved.config, count(G) + count(D)
    average = 0 if config.schedule.ema_half_life is None else count(G)
    slots = {G: config.generator_optimiser, D: config.critic_optimiser}
    return StepCost(
        weights=4 * (weights + average),
        gradients=4 * weights,
        optimiser_state=sum(4 * slots_per_weight(optimiser) * count(network) for network, optimiser in slots.items()),
        activations=traced.activations * resolved.compute_dtype.itemsize // 4,
        both_multiply_adds=traced.multiply_adds,
    )


def critic_multiply_adds(resolved: Resolved, image_shape: ImageShape) -> int:
    """Return the multiply-adds of one critic step alone on a batch, in forward and backward passes."""
    resolved = resolved.alone()
    return trace_step(resolved, *meta_networks(resolved, image_shape), generator_too=False).multiply_adds


def slots_per_weight(optimiser: OptimiserConfig) -> int:
    """Return how many numbers the optimiser keeps per weight."""
    return {"adam": 2, "rmsprop": 1, "sgd": int(optimiser.beta1 > 0)}[optimiser.name]


@dataclass(frozen=True)
class Traced:
    activations: int
    """Bytes in float32."""
    multiply_adds: int


def trace_step(resolved: Resolved, G: Generator, D: Critic, generator_too: bool) -> Traced:
    """Run a critic step, and with `generator_too` a generator step, and count. Of a batch in parts, trace one part."""
    # Adaptive augmentation reads a value, and tensors on the meta device have none; it costs little. Nor is there
    # autocast, so activations are counted in float32.
    plan = replace(build.plan(resolved), augment_p_step=None, precision=nullcontext)
    batch = plan.batch
    plan = replace(plan, batch=min(batch, plan.micro_batch or batch))
    g_optimiser, d_optimiser = (torch.optim.SGD(network.parameters(), 0.0) for network in (G, D))
    state = State(G.train(), D.train(), G, g_optimiser, d_optimiser)
    check_plugins(resolved, state, plan.view)
    real = torch.empty(plan.batch, *G.image_shape, device=META)
    y = torch.zeros(plan.batch, dtype=torch.long, device=META) if plan.conditional else None
    step = critic_and_generator_step if generator_too else critic_only_step
    with Arithmetic() as counter, saved_bytes([G, D]) as saved:
        step(state, resolved.method, resolved.prior, plan, real, y)
    return Traced(saved.maximum, counter.multiply_adds * batch // plan.batch)


class Arithmetic(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts multiply-adds of convolutions and matrix products, by PyTorch's table of formulas.

    PyTorch's own `FlopCounterMode` does not support `torch.autograd.grad`, which gradient penalties use.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.multiply_adds = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.multiply_adds += formula(*args, **(kwargs or {}), out_val=result) // 2
        return result


class SavedBytes:
    """Counts the memory of tensors that autograd keeps for backward passes."""

    def __init__(self, networks: list[nn.Module]) -> None:
        self.current = self.maximum = 0
        self._owners: Counter[int] = Counter()
        self._weights = {storage_key(tensor) for network in networks for tensor in network.parameters()}

    def add(self, tensor: Tensor) -> None:
        key = storage_key(tensor)
        if key not in self._weights:
            self._owners[key] += 1
            if self._owners[key] == 1:
                self.current += tensor.untyped_storage().nbytes()
                self.maximum = max(self.maximum, self.current)

    def remove(self, tensor: Tensor) -> None:
        key = storage_key(tensor)
        if key not in self._weights:
            self._owners[key] -= 1
            if self._owners[key] == 0:
                self.current -= tensor.untyped_storage().nbytes()


class Saved:
    """A tensor that a graph keeps; its memory counts until the graph is freed."""

    def __init__(self, tensor: Tensor, counter: SavedBytes) -> None:
        self.tensor, self.counter = tensor, counter
        counter.add(tensor)

    def __del__(self) -> None:
        self.counter.remove(self.tensor)


def storage_key(tensor: Tensor) -> int:
    """Return a number that identifies the memory of a tensor while it exists."""
    key: int = tensor.untyped_storage()._cdata
    return key


@contextmanager
def saved_bytes(networks: list[nn.Module]) -> Iterator[SavedBytes]:
    """Count the tensors that are saved for backward passes inside the context."""
    counter = SavedBytes(networks)
    with saved_tensors_hooks(lambda tensor: Saved(tensor, counter), lambda saved: saved.tensor):
        yield counter
