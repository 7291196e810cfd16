"""What goes together: refusals with their reason, warnings of what hurts, silence for what is fine."""

from __future__ import annotations

from typing import Any

import pytest

from ganache.config.config import from_dict
from ganache.config.recipes import names, read
from ganache.config.rules import refuse_contradictions, warnings
from ganache.errors import ConfigError


def warned(*sections: dict[str, Any]) -> list[str]:
    return list(warnings(from_dict({name: value for section in sections for name, value in section.items()})))


@pytest.mark.parametrize("method", ["wgan-gp", "dragan", "r3gan"])
def test_batch_norm_under_a_penalty_a_sample_is_refused_and_other_norms_are_not(method: str) -> None:
    with pytest.raises(ConfigError, match="a sample's score depends on the others"):
        refuse_contradictions(from_dict({"method": {"name": method}}))
    for norm in ("layer", "instance", "group", "none"):
        refuse_contradictions(from_dict({"method": {"name": method}, "network": {"critic_norm": norm}}))
    refuse_contradictions(from_dict({"method": {"name": method}, "network": {"name": "mlp"}}))


def test_an_overview_of_groups_under_such_a_penalty_is_refused_too_and_both_at_once() -> None:
    gp, overview = {"method": {"name": "wgan-gp"}}, {"critic_overview": 4}
    with pytest.raises(ConfigError, match=r"with batch norm and an overview in the critic .* layer --network.critic"):
        refuse_contradictions(from_dict(gp | {"network": overview}))
    with pytest.raises(ConfigError, match=r"with an overview in the critic .* add --network.critic-overview None"):
        refuse_contradictions(from_dict(gp | {"network": overview | {"critic_norm": "layer"}}))
    refuse_contradictions(from_dict({"method": {"name": "lsgan"}, "network": overview}))


@pytest.mark.parametrize("penalty", [{"r1": 1.0}, {"r2": 1.0}, {"weight": 10.0}])
def test_a_penalty_that_is_added_is_refused_likewise(penalty: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="The section penalty punishes the gradient at each sample"):
        refuse_contradictions(from_dict({"penalty": penalty}))
    refuse_contradictions(from_dict({"penalty": penalty, "network": {"critic_norm": "none"}}))


@pytest.mark.parametrize("method", ["wgan", "wgan-gp", "r3gan"])
def test_scores_that_only_compare_cannot_say_how_sure_the_critic_is(method: str) -> None:
    view = {"view": {"augment": ["colour"], "adaptive": True}, "network": {"critic_norm": "none"}}
    with pytest.raises(ConfigError, match="only against each other"):
        refuse_contradictions(from_dict(view | {"method": {"name": method}}))
    for other in ("gan", "lsgan", "hinge", "dragan"):
        refuse_contradictions(from_dict(view | {"method": {"name": other}}))


def test_clipping_with_momentum_is_warned_of_and_the_papers_choice_is_not() -> None:
    wgan = {"method": {"name": "wgan"}}
    assert "momentum" in warned(wgan)[0]
    assert warned(wgan, {"critic_optimiser": {"name": "rmsprop", "beta1": 0.5}}) == []
    assert warned(wgan, {"critic_optimiser": {"name": "adam", "beta1": 0.0}}) == []


def test_a_wasserstein_critic_whose_slope_nothing_bounds_is_warned_of() -> None:
    loose = {"method": {"name": "wgan", "clip": None}}
    assert "Nothing bounds the critic's slope" in warned(loose)[0]
    assert warned(loose, {"penalty": {"weight": 10.0}}) == []
    assert warned(loose, {"network": {"critic_norm": "none", "critic_spectral": True}}) == []


def test_other_choices_that_hurt() -> None:
    assert "--method.generator non-saturating" in warned({"method": {"name": "gan", "generator": "minimax"}})[0]
    assert "spectral norm and batch norm" in warned({"network": {"critic_spectral": True}})[0]


@pytest.mark.parametrize("name", names())
def test_no_recipe_is_refused_or_warned_of(name: str) -> None:
    config = from_dict(read(name).settings)
    refuse_contradictions(config)
    assert list(warnings(config)) == []
