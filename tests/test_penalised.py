"""Penalties added to a method equal those of the methods that contain them, and their closed forms."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ganache.config.config import Config
from ganache.config.sections import PenaltyConfig
from ganache.methods import METHODS, Gan, R3gan, Wgan, WganGp
from ganache.methods.penalised import Penalised
from ganache.networks import Dcgan
from ganache.training import build
from ganache.types import Critic, Generator, Method, Terms

SHAPE = (3, 16, 16)


def pair() -> tuple[Generator, Critic]:
    torch.manual_seed(0)
    spec = Dcgan(z_dim=4, width=4, generator_norm="none", critic_norm="none")
    return spec.generator(SHAPE).double(), spec.critic(SHAPE).double()


def d_terms(method: Method) -> tuple[Terms, list[Tensor]]:
    """Return the critic's terms and the gradient of their sum."""
    G, D = pair()
    real, z = torch.rand(6, *SHAPE, dtype=torch.float64), torch.randn(6, 4, dtype=torch.float64)
    torch.manual_seed(1)
    terms = method.d_terms(G, D, real, z)
    sum(terms.values()).backward()  # type: ignore[union-attr]
    return terms, [weight.grad for weight in D.parameters() if weight.grad is not None]


@pytest.mark.parametrize("one_sided", [False, True])
def test_wgan_with_a_penalty_between_equals_wgan_gp(one_sided: bool) -> None:
    added = Penalised(Wgan(clip=None), weight=10.0, where="between", what="one-sided" if one_sided else "one")
    expected, actual = d_terms(WganGp(10.0, one_sided)), d_terms(added)
    torch.testing.assert_close(list(actual[0].values()), list(expected[0].values()), rtol=1e-12, atol=0)
    torch.testing.assert_close(actual[1], expected[1], rtol=1e-9, atol=1e-15)


def test_r1_and_r2_equal_those_of_r3gan() -> None:
    expected, actual = d_terms(R3gan(gamma=3.0))[0], d_terms(Penalised(Gan(), r1=3.0, r2=3.0))[0]
    assert actual["added_r1"].item() == pytest.approx(expected["r1"].item(), rel=1e-12)
    assert actual["added_r2"].item() == pytest.approx(expected["r2"].item(), rel=1e-12)


class Dirac(Critic):
    """D(x) = psi x (Mescheder et al. 2018)."""

    def __init__(self, psi: float) -> None:
        super().__init__()
        self.psi = nn.Parameter(torch.tensor(psi, dtype=torch.float64))

    def features(self, x: Tensor) -> Tensor:
        return x

    def score(self, h: Tensor) -> Tensor:
        return (self.psi * h).flatten()


class Point(Generator):
    """G(z) = theta."""

    z_dim, image_shape = 1, (1,)

    def __init__(self, theta: float) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(theta, dtype=torch.float64))

    def synthesis(self, w: Tensor) -> Tensor:
        return self.theta.expand(len(w), 1)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(
    ("added", "slope"),
    [
        ({"r1": 0.7}, lambda psi: -0.7 * psi),
        ({"r2": 0.7}, lambda psi: -0.7 * psi),
        ({"weight": 2.0, "what": "one"}, lambda psi: -2 * 2.0 * (abs(psi) - 1) * (1 if psi > 0 else -1)),
        ({"weight": 2.0, "what": "zero", "where": "around"}, lambda psi: -2 * 2.0 * psi),
    ],
)
def test_on_the_dirac_gan_a_penalty_adds_its_gradient_to_any_method(name: str, added, slope) -> None:  # type: ignore[no-untyped-def]
    if name in ("infogan", "noisy-gan"):
        pytest.skip("needs codes, or draws random labels, which would differ between the two")
    for psi, theta in ((0.4, 0.3), (-1.7, 0.9), (2.2, -0.5)):
        gradients = []
        for method in (METHODS[name](), Penalised(METHODS[name](), **added)):
            D, G = Dirac(psi), Point(theta)
            torch.manual_seed(0)
            terms = method.d_terms(G, D, torch.zeros(4, 1, dtype=torch.float64), torch.zeros(4, 1))
            sum(terms.values()).backward()  # type: ignore[union-attr]
            gradients.append(-D.psi.grad.item())  # type: ignore[union-attr]
        assert gradients[1] - gradients[0] == pytest.approx(slope(psi), rel=1e-9)


def test_the_rest_of_the_method_is_unchanged() -> None:
    inner = Wgan(clip=0.01)
    method = Penalised(inner, r1=1.0)
    G, D = pair()
    real, z = torch.rand(6, *SHAPE, dtype=torch.float64), torch.randn(6, 4, dtype=torch.float64)
    assert torch.equal(method.g_terms(G, D, real, z)["fake"], inner.g_terms(G, D, real, z)["fake"])
    assert method.decision_threshold is None
    estimates = method.estimates(G, D, real, z, method.d_terms(G, D, real, z))
    assert {"wasserstein", "at_clip", "gradient_norm_real"} == estimates.keys()
    method.after_d_step(D)
    assert max(weight.abs().max().item() for weight in D.parameters()) <= 0.01


def test_settings_add_penalties_and_without_them_the_method_stays_unwrapped() -> None:
    assert build.method(Config(method=Wgan())) == Wgan()
    config = Config(method=Wgan(), penalty=PenaltyConfig(r1=2.0, weight=5.0, where="around", what="zero"))
    assert build.method(config) == Penalised(Wgan(), 2.0, 0.0, 5.0, "around", "zero")
