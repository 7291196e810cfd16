"""Settings turned into objects: optimisers equal those of PyTorch, and the compiler is never loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from ganache.config.config import recipe
from ganache.config.sections import OptimiserConfig
from ganache.training import build, optimisers

REFERENCES = {
    "adam": lambda weights: torch.optim.Adam(weights, 0.01, (0.5, 0.9), 1e-7),
    "rmsprop": lambda weights: torch.optim.RMSprop(weights, 0.01, alpha=0.9, eps=1e-7),
    "sgd": lambda weights: torch.optim.SGD(weights, 0.01, momentum=0.5),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_an_optimiser_steps_as_pytorchs_does(name: str) -> None:
    networks = []
    for ours in (True, False):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
        settings = OptimiserConfig(name=name, lr=0.01, beta1=0.5, beta2=0.9, epsilon=1e-7)  # type: ignore[arg-type]
        plain = REFERENCES[name](network.parameters())
        optimiser = optimisers.optimiser(settings, network, torch.device("cpu")) if ours else plain
        for _ in range(5):
            optimiser.zero_grad()
            network(torch.ones(2, 3)).square().sum().backward()
            optimiser.step()
        networks.append(network)
    for ours_, theirs in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        torch.testing.assert_close(ours_, theirs, rtol=1e-5, atol=1e-7)


def test_rmsprop_has_the_state_of_pytorchs() -> None:
    """So a checkpoint of one can be resumed with the other."""
    states = []
    for cls in (optimisers.Rmsprop, torch.optim.RMSprop):
        weight = nn.Parameter(torch.linspace(-1, 1, 40).view(2, 4, 5))
        optimiser = cls([weight, nn.Parameter(torch.ones(1))], lr=0.01, alpha=0.9, eps=1e-7)
        for step in range(3):
            weight.grad = torch.sin(weight.detach() * step + 1)  # the other weight has no gradient
            optimiser.step()
        states.append(optimiser.state_dict())
    ours, theirs = states
    assert ours["state"].keys() == theirs["state"].keys() == {0}
    torch.testing.assert_close(ours["state"][0], theirs["state"][0])
    assert ours["state"][0]["step"] == 3


def test_rmsprop_equals_keras_with_the_recipes_settings() -> None:
    """Keras 2: a = rho a + (1 - rho) g^2; w -= lr g / (sqrt(a) + epsilon), with lr / (1 + decay t)."""
    config = recipe("anime-article")
    settings, w = config.critic_optimiser, nn.Linear(1, 1, bias=False)
    nn.init.constant_(w.weight, 0.3)
    optimiser, rate = optimisers.optimiser(settings, w, torch.device("cpu")), build.plan(build.resolve(config)).d_lr
    by_hand, mean_square = 0.3, 0.0
    for step, gradient in enumerate((0.5, -0.2, 0.1)):
        w.weight.grad = torch.tensor([[gradient]])
        optimiser.param_groups[0]["lr"] = rate(step)
        optimiser.step()
        mean_square = 0.9 * mean_square + 0.1 * gradient**2
        by_hand -= 8e-4 / (1 + 1e-8 * step) * gradient / (mean_square**0.5 + 1e-7)
    assert w.weight.item() == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.slow
def test_training_never_uses_pytorchs_compiler() -> None:
    """It takes a second to load, and has been silently wrong on double backward (pytorch/pytorch#91469)."""
    script = """
import sys
from itertools import islice
import torch
from ganache.config.config import from_dict
from ganache.training import build
from ganache.training.loop import train

def refuse(*args, **options):
    raise AssertionError("torch.compile was called")

torch.compile = refuse
SMALL = {"width": 4, "z_dim": 8}
RUNS = [
    ({"name": "mlp"}, "gan", (2,)),
    ({"name": "dcgan", "critic_norm": "layer", **SMALL}, "wgan-gp", (3, 16, 16)),
    ({"name": "dcgan", "critic_norm": "none", "critic_spectral": True, "attention": 8, **SMALL}, "hinge", (3, 16, 16)),
    ({"name": "residual", "critic_norm": "layer", **SMALL}, "dragan", (3, 16, 16)),
    ({"name": "anime-article", **SMALL}, "noisy-gan", (3, 24, 24)),
]

class Noise:
    def __init__(self, shape): self.shape = shape
    def __getitem__(self, index): return torch.rand(4, *self.shape)
    def labels(self, index): return None

for network, method, shape in RUNS:
    resolved = build.resolve(from_dict({"network": network, "method": {"name": method}, "schedule": {"batch": 4}}))
    state = build.state(resolved, shape)
    list(islice(train(state, resolved.method, Noise(shape), resolved.prior, build.plan(resolved)), 2))
print("torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
