"""Combinations of settings: contradictions are refused with a reason, and harmful choices give a warning."""

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
def test_batch_norm_with_a_penalty_per_image_is_refused_and_other_norms_are_not(method: str) -> None:
    with pytest.raises(ConfigError, match="a score depends on the other images of its batch"):
        refuse_contradictions(from_dict({"method": {"name": method}}))
    for norm in ("layer", "instance", "group", "none"):
        refuse_contradictions(from_dict({"method": {"name": method}, "network": {"critic_norm": norm}}))
    refuse_contradictions(from_dict({"method": {"name": method}, "network": {"name": "mlp"}}))


def test_an_overview_with_such_a_penalty_is_refused_too_and_both_in_one_sentence() -> None:
    gp, overview = {"method": {"name": "wgan-gp"}}, {"critic_overview": 4}
    with pytest.raises(ConfigError, match=r"with batch norm and an overview in the critic .* layer --network.critic"):
        refuse_contradictions(from_dict(gp | {"network": overview}))
    with pytest.raises(ConfigError, match=r"with an overview in the critic .* add --network.critic-overview None"):
        refuse_contradictions(from_dict(gp | {"network": overview | {"critic_norm": "layer"}}))
    refuse_contradictions(from_dict({"method": {"name": "lsgan"}, "network": overview}))


def test_a_family_whose_critic_always_has_batch_norm_is_refused_too() -> None:
    with pytest.raises(ConfigError, match=r"batch norm in the critic .* add --network.name dcgan"):
        refuse_contradictions(from_dict({"method": {"name": "wgan-gp"}, "network": {"name": "wgan-article"}}))


@pytest.mark.parametrize("penalty", [{"r1": 1.0}, {"r2": 1.0}, {"weight": 10.0}])
def test_an_added_penalty_is_refused_likewise(penalty: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="The section penalty penalises the critic's gradient at each image"):
        refuse_contradictions(from_dict({"penalty": penalty}))
    refuse_contradictions(from_dict({"penalty": penalty, "network": {"critic_norm": "none"}}))


@pytest.mark.parametrize("method", ["wgan", "wgan-gp", "r3gan"])
def test_adaptive_augmentation_needs_scores_with_a_decision_threshold(method: str) -> None:
    view = {"view": {"augment": ["colour"], "adaptive": True}, "network": {"critic_norm": "none"}}
    with pytest.raises(ConfigError, match="can only be compared with each other"):
        refuse_contradictions(from_dict(view | {"method": {"name": method}}))
    for other in ("gan", "lsgan", "hinge", "dragan"):
        refuse_contradictions(from_dict(view | {"method": {"name": other}}))


def test_clipping_with_momentum_gives_a_warning_and_the_papers_choice_does_not() -> None:
    wgan = {"method": {"name": "wgan"}}
    assert "momentum" in warned(wgan)[0]
    assert warned(wgan, {"critic_optimiser": {"name": "rmsprop", "beta1": 0.5}}) == []
    assert warned(wgan, {"critic_optimiser": {"name": "adam", "beta1": 0.0}}) == []


def test_an_unbounded_wasserstein_critic_gives_a_warning() -> None:
    loose = {"method": {"name": "wgan", "clip": None}}
    assert "Nothing bounds the critic's slope" in warned(loose)[0]
    assert warned(loose, {"penalty": {"weight": 10.0}}) == []
    assert warned(loose, {"network": {"critic_norm": "none", "critic_spectral": True}}) == []


def test_other_harmful_choices_give_a_warning() -> None:
    assert "--method.generator non-saturating" in warned({"method": {"name": "gan", "generator": "minimax"}})[0]
    assert "spectral norm and batch norm" in warned({"network": {"critic_spectral": True}})[0]


@pytest.mark.parametrize("name", names())
def test_no_recipe_is_refused_or_gives_a_warning(name: str) -> None:
    config = from_dict(read(name).settings)
    refuse_contradictions(config)
    assert list(warnings(config)) == []
