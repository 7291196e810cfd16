"""The table of forms, the switch, `explain`, and what becomes of a layer when its form is deleted."""

from __future__ import annotations

import copy
import os
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ganache import fastconv
from ganache.fastconv import FusedSequential, check, choose, cpu, explain, layers, upsample, use
from ganache.fastconv.form import Call
from ganache.networks import Dcgan

KERNELS = cpu.Processor(amx_bfloat16=False, kernels=True, bfloat16_kernels=True)


def networks() -> tuple[nn.Module, Tensor]:
    """A doubling and a critic with batch norm, whose layers take several forms, and images."""
    torch.manual_seed(0)
    doubling = fastconv.UpsampleConv2d(3, 3, 3, (16, 16))  # takes a form on every machine
    return nn.Sequential(doubling, Dcgan(width=32).critic((3, 32, 32))), torch.randn(32, 3, 16, 16)


def test_the_names_of_forms_are_unique() -> None:
    names = [form.name for form in choose.FORMS]
    assert len(set(names)) == len(names)


def test_the_same_call_takes_the_same_form_from_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "processor", lambda: KERNELS)
    layer, x = fastconv.Conv2d(64, 64, 4, stride=2, padding=1), torch.empty(64, 64, 16, 16)
    first = choose.choose(layer, x)
    assert first.form is not None
    assert choose.choose(layer, torch.empty(64, 64, 16, 16)) is first
    assert choose.choose(layer, x[:1]) is not first


def test_use_pytorch_turns_every_form_off() -> None:
    critic, x = networks()
    assert {row.form for row in explain(critic, x)} != {"pytorch"}
    with use("pytorch"):
        rows = explain(critic, x)
        assert {row.form for row in rows} == {"pytorch"}
        assert not any("fused" in row.reason for row in rows)
        with use("fast"):
            assert {row.form for row in explain(critic, x)} != {"pytorch"}
    assert {row.form for row in explain(critic, x)} != {"pytorch"}


def test_use_pytorch_computes_pytorchs_numbers() -> None:
    """Bit by bit what torch.nn computes with the same weights."""
    ours = FusedSequential(
        fastconv.Conv2d(3, 32, 4, stride=2, padding=1, bias=False),
        nn.LeakyReLU(0.2),
        fastconv.ConvTranspose2d(32, 16, 4, stride=2, padding=1),
        fastconv.BatchNorm2d(16),
        nn.ReLU(),
    )
    theirs = nn.Sequential(
        nn.Conv2d(3, 32, 4, stride=2, padding=1, bias=False),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
    )
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(4, 3, 32, 32)
    for dtype in (torch.float32, torch.bfloat16):
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype is torch.bfloat16), use("pytorch"):
            found, expected = ours(x), theirs(x)
        gradients = [
            torch.autograd.grad(y.float().square().sum(), list(net.parameters()))
            for y, net in ((found, ours), (expected, theirs))
        ]
        assert found.equal(expected)
        assert all(one.equal(other) for one, other in zip(*gradients, strict=True))


def test_an_unknown_mode_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"fastconv\.use is 'slow', and must be 'fast' or 'pytorch'"):
        use("slow").__enter__()


@pytest.mark.parametrize(("value", "printed"), [("pytorch", "None"), ("slow", "GANACHE_FASTCONV is 'slow'")])
def test_the_environment_variable(value: str, printed: str) -> None:
    code = (
        "import torch; from ganache.fastconv import BatchNorm2d; from ganache.fastconv.choose import choose;"
        "print(choose(BatchNorm2d(16), torch.ones(2, 16, 4, 4)).form)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"GANACHE_FASTCONV": value}, capture_output=True, text=True
    )
    assert printed in done.stdout + done.stderr


def test_tables_without_rows_say_so() -> None:
    model, x = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), torch.ones(2, 4)
    assert str(fastconv.check(model, x)) == "No layer uses a form."
    assert str(explain(model, x)) == "No layer is a convolution or batch norm."


def test_the_tool_refuses_an_unknown_recipe_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = runpy.run_path(str(Path(__file__).parents[1] / "tools" / "forms.py"))
    monkeypatch.setattr(sys, "argv", ["forms.py", "check", "nosuch"])
    assert tool["main"]() == 2
    assert capsys.readouterr().err.startswith("forms.py: There is no recipe 'nosuch': ")


@pytest.mark.parametrize("deleted", [form.name for form in choose.FORMS])
def test_without_a_form_its_layers_still_compute(deleted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch, or another form, takes its place."""
    critic, x = networks()
    upsampling = fastconv.UpsampleConv2d(16, 16, 3, (32, 32))
    wide, narrow = fastconv.Conv2d(64, 64, 5, padding=2), fastconv.Conv2d(128, 3, 5, padding=2)
    big = torch.randn(1, 128, 128, 128)
    model = nn.ModuleList([critic, upsampling, wide, narrow])
    inputs = x, torch.randn(8, 16, 32, 32), big[:, :64], big
    with use("pytorch"), torch.no_grad():
        expected = [layer(x) for layer, x in zip(copy.deepcopy(model), inputs, strict=True)]
    monkeypatch.setattr(choose, "FORMS", tuple(form for form in choose.FORMS if form.name != deleted))
    choose.cached_pick.cache_clear()
    try:
        for layer, x, right in zip(model, inputs, expected, strict=True):
            assert deleted not in {row.form for row in explain(layer, x)}
            with torch.no_grad():
                torch.testing.assert_close(layer(x), right, rtol=1e-3, atol=1e-3)
    finally:
        choose.cached_pick.cache_clear()


def test_explain_changes_nothing_in_the_model() -> None:
    critic, x = networks()
    before, state = copy.deepcopy(critic.state_dict()), torch.get_rng_state()
    explain(critic, x)
    assert torch.get_rng_state().equal(state)
    assert all(value.equal(before[name]) for name, value in critic.state_dict().items())


def test_explain_names_every_layer_once_and_prints_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "processor", lambda: KERNELS)
    model = nn.Sequential(
        fastconv.ConvTranspose2d(64, 64, 4, stride=2, padding=1), nn.ReLU(), nn.Conv2d(64, 3, 3, groups=1)
    )
    found = explain(model.double(), torch.empty(64, 64, 8, 8, dtype=torch.double))
    assert [(row.name, row.form) for row in found] == [("0", "pytorch"), ("2", "pytorch")]
    assert found["0"].shape == "64x8x8 -> 64x16x16"
    assert "plain torch.nn.Conv2d" in found["2"].reason
    lines = str(found).splitlines()
    assert lines[0].split("  ")[0] == "layer"
    assert len(lines) == 3
    with pytest.raises(KeyError):
        found["1"]


def test_check_finds_a_wrong_gradient_and_names_its_layer_and_form(monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = networks()
    assert not check(model, x).wrong

    def wrong(call: Call, x: Tensor, weight: Tensor, bias: Tensor, down: Tensor, across: Tensor) -> Tensor:
        return upsample.mix_first(call, 0.9 * x + 0.1 * x.detach(), weight, bias, down, across)

    form = replace(upsample.MIX_FIRST, compute=wrong)
    monkeypatch.setattr(choose, "FORMS", tuple(form if each is upsample.MIX_FIRST else each for each in choose.FORMS))
    choose.cached_pick.cache_clear()
    try:
        (found,) = check(model, x).wrong
        assert (found.name, found.form) == ("0", "upsample-mix-first")
        assert "input gradient" in found.wrong
        assert "output" not in found.wrong
        assert "input gradient" in str(check(model, x))
        with use("pytorch"):
            assert not check(model, x).differences
    finally:
        choose.cached_pick.cache_clear()


def test_a_layer_of_another_shape_is_not_a_form_for_it() -> None:
    """Every form that supports a call computes its shape; padding by name and unbatched images are PyTorch's."""
    for layer, x in (
        (fastconv.Conv2d(64, 64, 5, padding="same"), torch.randn(1, 64, 128, 128)),
        (fastconv.Conv2d(64, 64, 4, stride=2, padding=1), torch.randn(64, 16, 16)),
        (fastconv.Conv2d(64, 64, 4, stride=2, padding=1, padding_mode="reflect"), torch.randn(8, 64, 16, 16)),
    ):
        assert choose.choose(layer, x).form is None
        assert layer(x).shape[-3] == 64


def test_a_call_describes_its_shapes() -> None:
    layer = layers.ConvTranspose2d(8, 3, 4, stride=2, padding=1)
    call = layer.describe(torch.empty(5, 8, 6, 7))
    assert isinstance(call, Call)
    assert call.output_sides == call.large_sides == (12, 14)
    assert call.small_sides == (6, 7)
    assert call.multiplications == 5 * 6 * 7 * 8 * 3 * 16


@pytest.mark.parametrize("channels", [64, 256])
def test_an_input_of_other_channels_is_refused_as_pytorch_refuses_it(channels: int) -> None:
    """A kernel that believed the layer would read and write memory that is not its own."""
    x = torch.randn(2, channels, 32, 32)
    for layer, words in (
        (fastconv.BatchNorm2d(128), "running_mean should contain"),
        (fastconv.Conv2d(128, 64, 4, 2, 1), "to have 128 channels"),
        (fastconv.ConvTranspose2d(128, 64, 4, 2, 1), "to have 128 channels"),
    ):
        with pytest.raises(RuntimeError, match=words):
            layer(x)
