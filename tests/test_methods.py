"""Each method against its equations: the Dirac-GAN and theorems about the losses."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from ganache.functional.losses import clipped_cross_entropy, gan_fake, gan_real, wasserstein_fake, wasserstein_real
from ganache.methods import METHODS, Dragan, Gan, Hinge, InfoGan, Lsgan, NoisyGan, R3gan, Wgan, WganGp
from ganache.methods.penalised import Penalised
from ganache.networks import Dcgan, Infogan, Mlp
from ganache.types import Critic, Generator, Method, Prior


class Point(Generator):
    """One fake point at theta (Mescheder et al. 2018, "Which training methods for GANs do actually converge?")."""

    z_dim, image_shape = 1, (1,)

    def __init__(self, theta: float) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(theta, dtype=torch.float64))

    def synthesis(self, w: Tensor) -> Tensor:
        return self.theta.expand(len(w), 1)


class Slope(Critic):
    """D(x) = psi x."""

    image_shape = (1,)

    def __init__(self, psi: float) -> None:
        super().__init__()
        self.psi = nn.Parameter(torch.tensor(psi, dtype=torch.float64))
        self.codes = nn.Identity()

    def features(self, x: Tensor) -> Tensor:
        return x

    def score(self, h: Tensor) -> Tensor:
        return (self.psi * h).flatten()


def s(t: float) -> float:
    return 1 / (1 + math.exp(-t))


def sign(t: float) -> float:
    return math.copysign(1.0, t)


ORACLES = {
    # method: (-dL_D/dpsi, -dL_G/dtheta) at (psi, theta), the real data one point at 0
    "non-saturating": (Gan(), lambda p, t: -t * s(p * t), lambda p, t: p * s(-p * t)),
    "minimax": (Gan("minimax"), lambda p, t: -t * s(p * t), lambda p, t: p * s(p * t)),
    "infogan without codes": (InfoGan(0, 0), lambda p, t: -t * s(p * t), lambda p, t: p * s(-p * t)),
    "wasserstein": (Wgan(), lambda p, t: -t, lambda p, t: p),
    "least squares": (Lsgan(), lambda p, t: -p * t * t, lambda p, t: -p * (p * t - 1)),
    "least squares, a = -1": (Lsgan(-1, 1, 0), lambda p, t: -t * (p * t + 1), lambda p, t: -p * p * t),
    "hinge": (Hinge(), lambda p, t: -t if p * t > -1 else 0.0, lambda p, t: p),
    "relativistic, r1 and r2": (R3gan(0.7), lambda p, t: -t * s(p * t) - 2 * 0.7 * p, lambda p, t: p * s(-p * t)),
    "one-centred": (WganGp(3), lambda p, t: -t - 6 * (abs(p) - 1) * sign(p), lambda p, t: p),
    "one-sided": (WganGp(3, True), lambda p, t: -t - 6 * max(abs(p) - 1, 0) * sign(p), lambda p, t: p),
    "around": (Dragan(3), lambda p, t: -t * s(p * t) - 6 * (abs(p) - 1) * sign(p), lambda p, t: p * s(-p * t)),
    # The article's critic loss is the mean over both halves of its batch, so half of each term; labels without noise.
    "noisy": (NoisyGan(0.0), lambda p, t: -t * s(p * t) / 2, lambda p, t: p * s(-p * t)),
}


@pytest.mark.parametrize("name", ORACLES)
def test_dirac_gan(name: str) -> None:
    method, d_oracle, g_oracle = ORACLES[name]
    points = 4 * torch.randn(200, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    points = points.clamp(-3.5, 3.5)  # within the range where the article's probability is not clipped
    real, z = torch.zeros(2, 1, dtype=torch.float64), torch.zeros(2, 1, dtype=torch.float64)
    for psi, theta in points.tolist():
        G, D = Point(theta), Slope(psi)
        (d_gradient,) = torch.autograd.grad(sum(method.d_terms(G, D, real, z).values()), D.psi)
        (g_gradient,) = torch.autograd.grad(sum(method.g_terms(G, D, real, z).values()), G.theta)
        assert -d_gradient.item() == pytest.approx(d_oracle(psi, theta), rel=1e-5, abs=1e-12)
        assert -g_gradient.item() == pytest.approx(g_oracle(psi, theta), rel=1e-5, abs=1e-12)


@pytest.mark.parametrize(
    ("method", "loss"),
    [
        (Gan(), 2 * math.log(2)),
        (NoisyGan(), math.log(2)),  # half of each of its two halves
        (Hinge(), 2.0),
        (R3gan(), math.log(2)),
        (Lsgan(), 0.5),
        (Wgan(), 0.0),
    ],
)
def test_the_critics_loss_when_all_scores_are_zero(method: Method, loss: float) -> None:
    G, D = Point(0.7), Slope(0.0)
    x = torch.ones(4, 1, dtype=torch.float64)
    assert sum(method.d_terms(G, D, x, x).values()).item() == pytest.approx(loss, rel=1e-12)


def test_every_method_is_tested_against_the_dirac_gan() -> None:
    assert {type(method) for method, _, _ in ORACLES.values()} == set(METHODS.values())


def test_the_best_critic_of_slope_one_gives_the_wasserstein_distance() -> None:
    """Two points in the plane at distance 5, linear critics of norm 1 in 3,600 directions."""
    gap = torch.tensor([3.0, -4.0], dtype=torch.float64)
    angles = torch.linspace(0, 2 * torch.pi, 3601, dtype=torch.float64)
    slopes = torch.stack([angles.cos(), angles.sin()], dim=1)
    values = [
        -(wasserstein_real(slope @ gap.unsqueeze(1)) + wasserstein_fake(slope @ torch.zeros(2, 1).double())).item()
        for slope in slopes
    ]
    assert max(values) == pytest.approx(5.0, rel=1e-5)


ESTIMATES: dict[type[Method], set[str]] = {
    Dragan: {"jensen_shannon", "gradient_norm"},
    Gan: {"jensen_shannon"},
    Hinge: set(),
    InfoGan: {"jensen_shannon"},
    Lsgan: set(),
    NoisyGan: {"jensen_shannon"},
    R3gan: {"gradient_norm_real", "gradient_norm_fake"},
    Wgan: {"wasserstein", "at_clip"},
    WganGp: {"wasserstein", "gradient_norm"},
}
"""The names that each method logs."""


@pytest.mark.parametrize("name", ORACLES)
def test_estimates_equal_their_closed_forms(name: str) -> None:
    """On the Dirac-GAN the gradient norm is |psi|, and the Wasserstein estimate is psi (0 - theta)."""
    method = ORACLES[name][0]
    psi, theta = -1.3, 0.7
    G, D = Point(theta), Slope(psi)
    real, z = torch.zeros(5, 1, dtype=torch.float64), torch.zeros(5, 1, dtype=torch.float64)
    d = method.d_terms(G, D, real, z)
    known = {
        "wasserstein": -psi * theta,
        "jensen_shannon": math.log(2) - (math.log(2) + math.log(1 + math.exp(psi * theta))) / 2,
        "gradient_norm": abs(psi),
        "gradient_norm_real": abs(psi),
        "gradient_norm_fake": abs(psi),
        "at_clip": 1.0,
    }
    estimates = method.estimates(G, D, real, z, d)
    assert estimates.keys() == ESTIMATES[type(method)]
    for estimate, value in estimates.items():
        assert value.item() == pytest.approx(known[estimate], rel=1e-6)


def test_the_optimal_gan_critic_gives_the_jensen_shannon_divergence() -> None:
    p = torch.tensor([0.1, 0.2, 0.7], dtype=torch.float64)
    q = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    scores = (p / q).log()  # the optimal critic, Goodfellow et al. 2014, proposition 1
    # Expectations as weighted sums of the loss on one score at a time.
    loss = sum(p[i] * gan_real(scores[i]) + q[i] * gan_fake(scores[i]) for i in range(3))
    m = (p + q) / 2
    jensen_shannon = ((p * (p / m).log()).sum() + (q * (q / m).log()).sum()) / 2
    assert (math.log(2) - loss / 2).item() == pytest.approx(jensen_shannon.item(), rel=1e-12)


def test_clipping_bounds_every_weight_and_leaves_those_inside_unchanged() -> None:
    D = Slope(0.0)
    D.more = nn.Parameter(torch.linspace(-0.05, 0.05, 11))
    before = D.more.detach().clone()
    Wgan(clip=0.01).after_d_step(D)
    assert D.more.abs().max().item() == pytest.approx(0.01, rel=1e-6)
    inside = before.abs() <= 0.01
    assert torch.equal(D.more[inside], before[inside])
    Wgan(clip=None).after_d_step(D)
    assert torch.equal(D.more[inside], before[inside])


def test_the_clipped_cross_entropy_is_that_of_a_clipped_probability() -> None:
    scores = torch.linspace(-30, 30, 241, dtype=torch.float64)
    for label in (0.0, 0.03, 1.0, 1.05):
        p = torch.sigmoid(-scores).clamp(1e-7, 1 - 1e-7)
        plain = -(label * p.log() + (1 - label) * (1 - p).log())
        ours = torch.stack([clipped_cross_entropy(score, torch.tensor(label, dtype=torch.float64)) for score in scores])
        torch.testing.assert_close(ours, plain, rtol=1e-9, atol=1e-9)


def test_label_noise_is_uniform_up_to_its_size_and_on_both_labels() -> None:
    G, D = Point(1.0), Slope(0.5)
    x = torch.zeros(20_000, 1, dtype=torch.float64)  # real scores are 0, where the loss is log 2 for any label
    torch.manual_seed(0)
    terms = NoisyGan(label_noise=0.4).d_terms(G, D, x, x)
    assert terms["real"].item() == pytest.approx(math.log(2) / 2, rel=1e-9)
    # A fake's loss is softplus(-0.5) + noise * 0.5 with logit -0.5: its mean tells the noise's mean, 0.2.
    mean_noise = (2 * terms["fake"].item() - math.log(1 + math.exp(0.5))) / 0.5 + 0.0
    assert mean_noise == pytest.approx(0.2, abs=0.01)


def test_infogans_information_term_is_the_loss_of_q() -> None:
    """It is 0 if Q is right and certain; for a constant Q it is log 10 plus half the variance of the codes."""
    prior = Prior(16, categories=10, continuous=2)
    z = prior.sample(4000, generator=torch.Generator().manual_seed(0)).double()
    G, D, method = Point(0.3), Slope(0.2), InfoGan()
    for scale, loss in ((50.0, 0.0), (0.0, math.log(10) + 2 * (1 / 3) / 2)):
        prediction = z[:, 4:] * torch.tensor([scale] * 10 + [scale / 50] * 2)
        D.codes = Constant(prediction)
        terms = method.g_terms(G, D, z[:, :1], z)
        assert terms["information"].item() == pytest.approx(loss, rel=0.02, abs=1e-12)
        assert method.d_terms(G, D, z[:, :1], z)["information"].item() == terms["information"].item()


class Constant(nn.Module):
    """A head that returns the same prediction for every input."""

    def __init__(self, prediction: Tensor) -> None:
        super().__init__()
        self.prediction = prediction

    def forward(self, h: Tensor) -> Tensor:
        return self.prediction


def test_every_method_is_in_the_table_and_frozen() -> None:
    for kind in METHODS.values():
        assert issubclass(kind, Method)
        method = kind()
        with pytest.raises(AttributeError):
            method.anything = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("network", "passes"),
    [
        (Dcgan(width=8, critic_norm="none"), 1),
        (Dcgan(width=8, critic_norm="layer"), 1),
        (Dcgan(width=8, critic_norm="batch"), 1),
        (Dcgan(width=8, critic_norm="none", critic_overview=4), 1),
        (Mlp(hidden=8), 1),
        (Infogan(hidden=8, width=4), 2),  # PyTorch's BatchNorm1d would mix the batches
    ],
)
def test_one_pass_scores_real_and_fake_where_layers_keep_the_batches_apart(
    network: Dcgan | Mlp | Infogan, passes: int
) -> None:
    D, seen = network.critic((3, 32, 32)).double(), []
    D.register_forward_hook(lambda *_: seen.append(1))
    real, fake = torch.rand(8, 3, 32, 32, dtype=torch.float64), torch.rand(8, 3, 32, 32, dtype=torch.float64)
    real_scores, fake_scores = D.both(real, fake)
    assert len(seen) == passes
    torch.testing.assert_close(real_scores, D(real))
    torch.testing.assert_close(fake_scores, D(fake))


class BatchCentred(nn.Module):
    """A newcomer's layer that looks at its batch; ganache cannot know that it does."""

    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(dim=0)


class GroupCentred(nn.Module):
    """The same layer, which keeps the batches in its input apart."""

    batch_groups = 1

    def forward(self, x: Tensor) -> Tensor:
        groups = x.view(self.batch_groups, -1, *x.shape[1:])
        return (groups - groups.mean(dim=1, keepdim=True)).view(x.shape)


class Newcomer(Critic):
    """A critic from outside the package, with one of the layers above."""

    image_shape = (2,)

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer, self.head = layer, nn.Linear(2, 1)

    def features(self, x: Tensor) -> Tensor:
        return self.layer(x)


class OptedIn(Newcomer):
    joins_batches = True


@pytest.mark.parametrize(
    ("build", "passes"),
    [
        (lambda: Newcomer(BatchCentred()), 2),
        (lambda: OptedIn(GroupCentred()), 1),
        (lambda: OptedIn(nn.BatchNorm1d(2)), 2),
    ],
)
def test_a_newcomers_critic_is_not_given_real_and_fake_together_unless_it_opts_in(
    build: Callable[[], Newcomer], passes: int
) -> None:
    torch.manual_seed(0)
    critic = build()
    seen: list[int] = []
    critic.register_forward_hook(lambda *_: seen.append(1))
    real, fake = torch.randn(4, 2), 5 + torch.randn(4, 2)
    real_scores, fake_scores = critic.both(real, fake)
    assert len(seen) == passes
    torch.testing.assert_close(real_scores, critic(real))
    torch.testing.assert_close(fake_scores, critic(fake))
    # For comparison: one pass would have given other scores, as the batches have other means.
    critic.joins_batches = True
    if isinstance(critic.layer, BatchCentred):
        assert (critic.both(real, fake)[1] - fake_scores).abs().max() > 0.1


def test_what_methods_answer_about_themselves() -> None:
    """The rules, the prior and the claims ask the method, and know none by name."""
    penalised = {name for name, method in METHODS.items() if method.per_sample_gradients}
    assert penalised == {"dragan", "r3gan", "wgan-gp"}
    assert {name: METHODS[name]().latent_codes for name in METHODS if METHODS[name]().latent_codes} == {
        "infogan": (10, 2)
    }
    assert (Wgan().clips_weights(), Wgan().needs_bounded_slope()) == (True, False)
    assert (Wgan(None).clips_weights(), Wgan(None).needs_bounded_slope()) == (False, True)
    wrapped = Penalised(InfoGan(3, 1), r1=1.0)
    assert (wrapped.latent_codes, wrapped.per_sample_gradients) == ((3, 1), True)


def test_the_order_of_methods_is_the_one_that_recorded_claims_have() -> None:
    """Measurements of the claim `modes` list the methods in this order, and go on only if it stays the same."""
    assert [name for name, method in METHODS.items() if method.recipe] == [
        "gan", "noisy-gan", "lsgan", "hinge", "dragan", "infogan", "r3gan", "wgan", "wgan-gp"
    ]  # fmt: skip
