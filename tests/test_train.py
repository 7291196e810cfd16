"""The training loop: what is updated, with which gradients; a step is a function of (seed, step) alone."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from dataclasses import replace
from itertools import islice

import pytest
import torch
from torch import Tensor

from ganache.functional import schedules
from ganache.methods import Gan, R3gan, Wgan, WganGp
from ganache.methods.penalised import Penalised
from ganache.networks import Dcgan, Mlp
from ganache.training.loop import step_seed, train
from ganache.training.state import Plan, State
from ganache.training.steps import descend
from ganache.types import Critic, Generator, Method, Prior, Terms

PLAN = Plan(
    seed=5,
    batch=8,
    critic_steps=lambda step: 2,
    precision=nullcontext,
    d_lr=lambda step: 1e-3,
    g_lr=lambda step: 1e-3,
    ema_half_life=100.0,
)
PRIOR = Prior(3)


class Ring:
    """Batches that are a function of their index."""

    def __getitem__(self, index: int) -> Tensor:
        angle = torch.rand(8, generator=torch.Generator().manual_seed(index)) * 6.28
        return torch.stack([angle.cos(), angle.sin()], dim=1)

    def labels(self, index: int) -> None:
        return None


def fresh() -> State:
    torch.manual_seed(1)
    pair = Mlp(z_dim=3, hidden=16, layers=2)
    G, D = pair.generator((2,)), pair.critic((2,))
    average = copy.deepcopy(G).requires_grad_(False)
    adam = torch.optim.Adam
    return State(G, D, average, adam(G.parameters(), betas=(0.5, 0.9)), adam(D.parameters(), betas=(0.5, 0.9)))


def weights(state: State) -> list[Tensor]:
    networks = (state.generator, state.critic, state.average)
    return [tensor.clone() for network in networks for tensor in network.state_dict().values()]


def run(state: State, steps: int, method: Method | None = None, plan: Plan = PLAN) -> State:
    for _ in islice(train(state, method or Gan(), Ring(), PRIOR, plan), steps):
        torch.rand(7)  # the caller may draw random numbers, and training must not depend on it
    return state


def test_equal_seeds_give_equal_bits_and_other_seeds_do_not() -> None:
    one, two = weights(run(fresh(), 6)), weights(run(fresh(), 6))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    other = weights(run(fresh(), 6, plan=replace(PLAN, seed=6)))
    assert not all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_stopping_and_resuming_changes_nothing() -> None:
    whole = weights(run(fresh(), 6))
    parts = run(run(fresh(), 4), 2)
    assert parts.step == 6
    assert parts.batch_index == 12
    assert all(torch.equal(a, b) for a, b in zip(whole, weights(parts), strict=True))


class GradientRecorder(Method):
    """Records which weights require gradients in the steps of critic and generator."""

    def __init__(self) -> None:
        self.recorded: list[tuple[str, bool, bool]] = []

    def _terms(self, step: str, G: Generator, D: Critic, z: Tensor) -> Terms:
        self.recorded.append((step, G(z).requires_grad, next(D.parameters()).requires_grad))
        return {"term": D(G(z)).mean()}

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        return self._terms("d", G, D, z)

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        return self._terms("g", G, D, z)


def test_only_gradients_that_are_used_are_computed() -> None:
    method = GradientRecorder()
    run(fresh(), 1, method)
    assert method.recorded == [("d", False, True), ("d", False, True), ("g", True, False)]


def test_the_generator_reuses_the_critics_last_latents_without_fresh_latents() -> None:
    """The same weights as by hand: one batch of fakes, seen by the critic before and after its step."""
    state = fresh()
    by_hand = copy.deepcopy(state)
    plan = replace(PLAN, fresh_latents=False)
    method = GradientRecorder()
    run(fresh(), 1, method, plan)
    assert method.recorded == [("d", False, True), ("d", False, True), ("g", True, False)]
    run(state, 1, Gan(), plan)

    torch.manual_seed(step_seed(plan.seed, 0))
    G, D = by_hand.generator, by_hand.critic
    by_hand.d_optimiser.param_groups[0]["lr"] = by_hand.g_optimiser.param_groups[0]["lr"] = 1e-3
    for number in range(2):
        z = PRIOR.sample(8)
        descend(Gan().d_terms(G, D, Ring()[number], z), by_hand.d_optimiser, None)
    descend(Gan().g_terms(G, D, Ring()[1], z), by_hand.g_optimiser, None)
    for actual, expected in ((state.generator, G), (state.critic, D)):
        for name, weight in actual.state_dict().items():
            torch.testing.assert_close(weight, expected.state_dict()[name], rtol=1e-6, atol=1e-8)


def test_separate_critic_terms_are_two_steps_of_gradient_descent() -> None:
    """The second step starts from the weights after the first one."""
    state = fresh()
    state.d_optimiser = torch.optim.SGD(state.critic.parameters(), 1e-3)
    by_hand = copy.deepcopy(state)
    plan = replace(PLAN, separate_critic_terms=True, critic_steps=lambda step: 1)
    run(state, 1, Wgan(clip=None), plan)

    torch.manual_seed(step_seed(plan.seed, 0))
    z, real = PRIOR.sample(8), Ring()[0]
    optimiser = torch.optim.SGD(by_hand.critic.parameters(), 1e-3)
    for name in ("real", "fake"):
        terms = Wgan(clip=None).d_terms(by_hand.generator, by_hand.critic, real, z)
        optimiser.zero_grad()
        terms[name].backward()
        optimiser.step()
    for actual, expected in zip(state.critic.parameters(), by_hand.critic.parameters(), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("method", "passes"), [(Wgan(), 2), (Gan(), 4)])  # passes of one batch
def test_separate_terms_pass_each_batch_through_wgans_critic_once(method: Method, passes: int) -> None:
    """Other methods compute all of their terms for each of them."""
    state, batches = fresh(), []
    state.critic.register_forward_hook(lambda critic, given, scores: batches.append(len(scores)))
    run(state, 1, method, replace(PLAN, separate_critic_terms=True, critic_steps=lambda step: 1))
    assert sum(batches) == (passes + 1) * PLAN.batch  # one more for the generator


@pytest.mark.parametrize(
    "method", [Gan(), Wgan(), R3gan(), Penalised(Gan(), r1=2.0)], ids=lambda each: type(each).__name__
)
@pytest.mark.parametrize("fresh_latents", [True, False])
@pytest.mark.parametrize("size", [1, 3, 8])
def test_parts_of_a_batch_give_the_gradients_of_the_whole(method: Method, size: int, fresh_latents: bool) -> None:
    """Weights, norms and terms after one step of SGD, for parts that divide the batch and for a rest."""
    states = []
    for micro_batch in (None, size):
        state = fresh()
        for name in ("g_optimiser", "d_optimiser"):
            network = state.generator if name == "g_optimiser" else state.critic
            setattr(state, name, torch.optim.SGD(network.parameters(), 1.0))
        plan = replace(PLAN, micro_batch=micro_batch, fresh_latents=fresh_latents, wants_estimates=lambda step: True)
        states.append((state, next(train(state, method, Ring(), PRIOR, plan))))
    (whole, report), (parted, again) = states
    for actual, expected in zip(weights(parted), weights(whole), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(again.d, report.d)
    torch.testing.assert_close(again.g, report.g)
    torch.testing.assert_close(again.d_gradient_norm, report.d_gradient_norm)


def test_the_gradient_norm_is_that_before_clipping() -> None:
    x = torch.nn.Parameter(torch.zeros(2))
    optimiser = torch.optim.SGD([x], lr=1.0)
    norm = descend({"steep": 3 * x[0], "flat": -0.4 * x[1]}, optimiser, clip_value=1.0)
    assert norm.item() == pytest.approx((9 + 0.16) ** 0.5, rel=1e-6)
    assert x.tolist() == pytest.approx([-1.0, 0.4], rel=1e-6)


def test_the_share_of_old_weights_halves_in_the_half_life() -> None:
    state = fresh()
    state.batch_index = 10**6  # long after the ramp-up
    plan = replace(PLAN, ema_half_life=64.0)
    with torch.no_grad():
        for average, current in zip(state.average.parameters(), state.generator.parameters(), strict=True):
            average.fill_(1.0), current.fill_(0.0)
    from ganache.training.averaging import update_average

    for _ in range(8):  # 8 steps of 8 images: one half-life
        update_average(state, plan)
    assert all(p.mean().item() == pytest.approx(0.5, rel=1e-5) for p in state.average.parameters())


def test_a_learning_rate_follows_its_schedule() -> None:
    state = fresh()
    run(state, 3, plan=replace(PLAN, d_lr=lambda step: 0.5 * schedules.inverse_time(step, 1.0)))
    assert state.d_optimiser.param_groups[0]["lr"] == pytest.approx(0.5 / 3)


def test_step_seeds_do_not_repeat() -> None:
    seeds = {step_seed(seed, step) for seed in range(20) for step in range(2000)}
    assert len(seeds) == 20 * 2000


def test_estimates_do_not_affect_training() -> None:
    """WGAN-GP's estimates draw random numbers and run both networks, whose running statistics must not change."""

    def weights_after(plan: Plan) -> list[Tensor]:
        torch.manual_seed(1)
        pair = Dcgan(z_dim=3, width=2, critic_norm="layer")
        G, D = pair.generator((1, 8, 8)), pair.critic((1, 8, 8))
        adam = torch.optim.Adam
        state = State(G, D, copy.deepcopy(G), adam(G.parameters(), 1e-3), adam(D.parameters(), 1e-3))
        list(islice(train(state, WganGp(), Images(), PRIOR, plan), 4))
        return weights(state)

    one, two = weights_after(PLAN), weights_after(replace(PLAN, wants_estimates=lambda step: step % 2 == 0))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


class Images(Ring):
    def __getitem__(self, index: int) -> Tensor:
        return torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(index))
