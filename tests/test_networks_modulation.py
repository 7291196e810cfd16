"""Self-modulation: every layer of the generator depends on the latent."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganache.fastconv import BatchNorm2d
from ganache.networks import Dcgan
from ganache.networks.modulation import UNITS, Modulation

SHAPE = (3, 16, 16)


def test_gain_and_shift_equal_the_formula() -> None:
    """x (1 + gain(w)) + shift(w), sample by sample and channel by channel."""
    layer = Modulation(5, 3).double()
    x, w = torch.randn(2, 3, 4, 4, dtype=torch.float64), torch.randn(2, 5, dtype=torch.float64)
    hidden = (w @ layer.hidden.weight.T + layer.hidden.bias).clamp(min=0)
    gain_shift = hidden @ layer.numbers.weight.T + layer.numbers.bias
    assert hidden.shape == (2, UNITS)
    for sample in range(2):
        for channel in range(3):
            expected = x[sample, channel] * (1 + gain_shift[sample, channel]) + gain_shift[sample, 3 + channel]
            torch.testing.assert_close(layer(x, w)[sample, channel], expected)


def test_a_modulation_follows_each_norm_and_starts_near_the_identity() -> None:
    torch.manual_seed(0)
    plain = Dcgan(width=8).generator(SHAPE)
    torch.manual_seed(0)
    G = Dcgan(width=8, self_modulation=True).generator(SHAPE)
    kinds = [type(layer) for layer in G.body]
    norms = [index for index, kind in enumerate(kinds) if kind is BatchNorm2d]
    assert norms
    assert [index for index, kind in enumerate(kinds) if kind is Modulation] == [index + 1 for index in norms]
    shared = [name for name in G.state_dict() if "hidden" not in name and "numbers" not in name]
    G.load_state_dict(dict(zip(shared, plain.state_dict().values(), strict=True)), strict=False)
    z = torch.randn(4, 100)
    torch.testing.assert_close(G(z), plain(z), atol=0.05, rtol=0)


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_every_layer_depends_on_the_latent(norm: str) -> None:
    """Images differ by their latents even if the first layer gives the same output for both."""
    G = Dcgan(width=8, generator_norm=norm, self_modulation=True).generator(SHAPE)  # type: ignore[arg-type]
    nn.init.constant_(G.project.weight, 0.01)  # type: ignore[arg-type]
    for layer in G.modules():
        if isinstance(layer, Modulation):
            nn.init.normal_(layer.numbers.weight)
    z = torch.randn(2, 100)
    z[1] = z[1] - z[1].mean() + z[0].mean()  # the first layer only sees the sum
    a, b = G(z)
    assert (a - b).abs().max() > 0.01
