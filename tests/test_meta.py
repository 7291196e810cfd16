"""Networks without memory: the same shapes, no random numbers, and never PyTorch's compiler, which takes a second."""

from __future__ import annotations

from pathlib import Path

import torch

from forked import run_python
from ganache.core.meta import on_meta
from ganache.networks import NETWORKS

LOADED = 'import sys; print("torch._dynamo" in sys.modules)'


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
    done = run_python(script)
    assert done.stdout.split() == ["False"], done.stderr


def test_a_command_that_makes_pictures_does_not_load_the_compiler(tmp_path: Path) -> None:
    script = f'from ganache.cli import main; main(["sample", "example", "-n", "4", "-o", "out.png"])\n{LOADED}'
    done = run_python(script, cwd=tmp_path)
    assert (tmp_path / "out.png").exists(), done.stderr
    assert done.stdout.split()[-1] == "False"
