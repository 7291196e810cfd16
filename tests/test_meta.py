"""Networks without memory: the same shapes, no random numbers, and never PyTorch's compiler."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from ganache.core.meta import on_meta
from ganache.networks import NETWORKS

LOADED = 'import sys; print(not {"torch._dynamo", "sympy"}.isdisjoint(sys.modules))'


def test_shapes_are_those_of_real_networks_and_the_random_state_stays() -> None:
    for kind in NETWORKS.values():
        shape, family = (3, 32, 32), kind()
        before = torch.get_rng_state()
        with on_meta():
            sketches = family.generator(shape), family.critic(shape)
        assert torch.equal(torch.get_rng_state(), before)
        for sketch, real in zip(sketches, (family.generator(shape), family.critic(shape)), strict=True):
            assert all(weight.is_meta for weight in sketch.parameters())
            assert {name: (weight.shape, weight.dtype) for name, weight in sketch.state_dict().items()} == {
                name: (weight.shape, weight.dtype) for name, weight in real.state_dict().items()
            }


def test_values_are_left_out_on_the_meta_device_alone() -> None:
    with on_meta():
        real = torch.zeros(3, device="cpu")
        torch.nn.init.ones_(real)
        real.mul_(2)
    assert real.tolist() == [2, 2, 2]


def test_no_recipes_networks_load_the_compiler() -> None:
    script = f"""
from ganache.config.config import recipe
from ganache.config.recipes import names
from ganache.core.meta import on_meta
from ganache.training import build
for name in names():
    config = recipe(name)
    with on_meta():
        build.networks(config, (2,) if name in ("gan-mlp", "points") else (3, 64, 64))
{LOADED}
"""
    assert ended(script) == "False"


COMMANDS = {
    "sample": 'from ganache.cli import main; main(["sample", "example", "-n", "4", "-o", "out.png"])',
    "explore": """
from ganache.playground import AccessPolicy, Library, application
library = Library(["example"])
application(library, AccessPolicy("127.0.0.1", 0))
library.hello()
""",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_makes_pictures_does_not_load_the_compiler(command: str, tmp_path: Path) -> None:
    assert ended(f"{COMMANDS[command]}\n{LOADED}", cwd=tmp_path) == "False"


def ended(script: str, **options: Any) -> str:
    """Run a script in a process that has loaded nothing, and return the last word that it printed."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, **options)
    return done.stdout.split()[-1]
