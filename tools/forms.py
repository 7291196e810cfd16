"""Show or check the forms of `ganache.fastconv` for the networks of a recipe.

    python tools/forms.py explain faces             # which form computes each layer, and why
    python tools/forms.py gradients dcgan           # the norm of each parameter's gradient, in one pass
    python tools/forms.py check dcgan               # compare each layer with PyTorch's operation

`check` exits with 1 if the output or a gradient of a layer differs from PyTorch's by more than rounding. Set
GANACHE_FASTCONV=pytorch to switch all forms off.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganache import fastconv
from ganache.config.config import recipe
from ganache.errors import GanacheError


def networks(name: str, batch: int) -> Iterator[tuple[str, nn.Module, Tensor]]:
    """Yield generator and critic of a recipe, at its image size, each with an input batch."""
    torch.manual_seed(0)
    config = recipe(name)
    height, width = config.data.height_width() or (64, 64)
    shape = (config.data.channels or 3, height, width)
    batch = batch or config.schedule.batch
    generator, critic = config.network.generator(shape), config.network.critic(shape)
    yield "generator", generator, torch.randn(batch, generator.z_dim)
    yield "critic", critic, torch.rand(batch, *shape, requires_grad=True)


@dataclass(frozen=True)
class Gradients:
    """The norm of each parameter's gradient; str() prints one line per parameter, with three digits."""

    norms: dict[str, float]

    def __str__(self) -> str:
        return "\n".join(f"{name:24} {norm:.3g}" for name, norm in self.norms.items())


def gradients(network: nn.Module, x: Tensor) -> Gradients:
    """Return the norms of the gradients of a fixed loss: the product of the output with fixed random numbers."""
    y = network(x)
    direction = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    (y.float() * direction).sum().backward()
    return Gradients({name: p.grad.norm().item() for name, p in network.named_parameters() if p.grad is not None})


ACTIONS: dict[str, Callable[[nn.Module, Tensor], object]] = {
    "explain": fastconv.explain,
    "gradients": gradients,
    "check": fastconv.check,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("recipe")
    parser.add_argument("--batch", type=int, default=0, help="images in a batch; the recipe's number by default")
    parser.add_argument("--bfloat16", action="store_true", help="compute under autocast to bfloat16")
    given = parser.parse_args()
    try:
        return run(given)
    except GanacheError as error:
        print(f"forms.py: {error}", file=sys.stderr)
        return 2


def run(given: argparse.Namespace) -> int:
    """Print what was asked for both networks; return 1 if a layer computes something else than PyTorch's, else 0."""
    failed = False
    for name, network, x in networks(given.recipe, given.batch):
        with torch.autocast("cpu", torch.bfloat16, enabled=given.bfloat16):
            found = ACTIONS[given.action](network, x)
        failed = failed or bool(getattr(found, "wrong", ()))
        print(f"{name} of {given.recipe}, batch {len(x)}, {'bfloat16' if given.bfloat16 else 'float32'}\n\n{found}\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
