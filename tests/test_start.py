"""Going on from a trained model: which layers are taken, frozen and kept, and what cannot fit."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganache.cli import main
from ganache.cli.train import parse_train
from ganache.config.config import Config, to_dict
from ganache.config.sections import DataConfig, PolicyConfig, RecordConfig, ScheduleConfig, StartConfig
from ganache.errors import CheckpointError, ConfigError, TrainingError
from ganache.networks import Dcgan, Style
from ganache.runs import policy
from ganache.runs.checkpoint import load_generator
from ganache.runs.folder import find_checkpoint
from ganache.runs.log import read
from ganache.runs.run import Run
from ganache.runs.start import Origin, settings_from, take

SMALL = Style(z_dim=8, w_dim=8, width=4, max_width=8)


def config(size: str = "16", seed: int = 0, network: object = SMALL, steps: int = 2, **sections: object) -> Config:
    return Config(
        seed=seed,
        data=DataConfig("faces", size, count=300),
        network=network,  # type: ignore[arg-type]
        schedule=ScheduleConfig(batch=8, steps=steps),
        record=RecordConfig(checkpoint_every=2, samples=4),
        **sections,  # type: ignore[arg-type]
    )


def trained(folder: Path, settings: Config) -> Run:
    run = Run.open(folder, settings)
    for _ in run.training():
        pass
    run.finish()
    return run


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "run"
    trained(folder, config())
    return folder


def started(folder: Path, source: Path, settings: Config, **start: object) -> Run:
    return Run.open(folder, replace(settings, start=StartConfig(str(source), **start)))  # type: ignore[arg-type]


def test_all_layers_are_taken_and_the_run_records_its_origin(source: Path, tmp_path: Path) -> None:
    run = started(tmp_path / "run", source, config(seed=5))
    average, _, header = load_generator(find_checkpoint(source))
    generator, _, _ = load_generator(find_checkpoint(source), average=False)
    for ours, theirs in ((run.state.generator, generator), (run.state.average, average)):
        for name, tensor in ours.state_dict().items():
            torch.testing.assert_close(tensor, theirs.state_dict()[name], rtol=0, atol=0)
    assert (run.state.step, header["step"]) == (0, 2)
    sentence = run.notices[-1]
    assert (
        "trained for 2 steps: 14 of 14 layers of the generator and 10 of 10 layers of the critic are taken" in sentence
    )
    assert read(tmp_path / "run" / "log.jsonl")[0]["notice"] == sentence
    assert run.config.start.source == str(source)
    for _ in run.training():
        pass
    run.finish()
    again = started(tmp_path / "run", source, config(seed=5, steps=3))
    assert again.state.step == 2, "resumed, not started again"
    again.close()


def test_a_larger_size_adds_layers_and_takes_the_others(source: Path, tmp_path: Path) -> None:
    """The generator gets layers after the last, the critic before the first ones. Half the width keeps the channels."""
    larger = replace(SMALL, width=2)
    run = started(tmp_path / "run", source, config("32", network=larger))
    theirs, _, _ = load_generator(find_checkpoint(source), average=False)
    G = run.state.generator
    torch.testing.assert_close(G.constant, theirs.constant, rtol=0, atol=0)
    for index, layer in enumerate(theirs.layers):
        torch.testing.assert_close(G.layers[index].convolution.weight, layer.convolution.weight, rtol=0, atol=0)
    origin = Origin.load(str(source)).tensors
    torch.testing.assert_close(
        run.state.critic.blocks[2].same.convolution.weight, origin["critic.blocks.1.same.convolution.weight"]
    )
    torch.testing.assert_close(run.state.critic.hidden.weight, origin["critic.hidden.weight"])
    assert "14 of 18 layers of the generator" in run.notices[-1]
    run.close()


def test_other_classes_and_latents_take_the_rest(source: Path, tmp_path: Path) -> None:
    run = started(tmp_path / "run", source, config(network=replace(SMALL, z_dim=9)))
    assert "13 of 14 layers of the generator and 10 of 10 layers of the critic" in run.notices[-1]
    run.close()


def test_optimisers_can_be_kept(source: Path, tmp_path: Path) -> None:
    run = started(tmp_path / "run", source, config(), optimisers="kept")
    state = run.state.g_optimiser.state_dict()["state"]
    torch.testing.assert_close(state[0]["exp_avg"], Origin.load(str(source)).tensors["g_optimiser.0.exp_avg"])
    run.close()
    fresh = started(tmp_path / "fresh", source, config())
    assert not fresh.state.g_optimiser.state_dict()["state"]
    fresh.close()
    with pytest.raises(ConfigError, match="not all layers fit"):
        started(tmp_path / "other", source, config(network=replace(SMALL, z_dim=9)), optimisers="kept")


def test_frozen_layers_stay_as_they_are(source: Path, tmp_path: Path) -> None:
    parts = ("critic:first-3", "generator:mapping")
    run = started(tmp_path / "run", source, config(), freeze=parts)
    before = {name: weight.clone() for name, weight in run.state.critic.named_parameters()}
    before |= {f"G.{name}": weight.clone() for name, weight in run.state.generator.named_parameters()}
    for _ in run.training():
        pass
    after = dict(run.state.critic.named_parameters())
    after |= {f"G.{name}": weight for name, weight in run.state.generator.named_parameters()}
    same = {name for name, weight in before.items() if torch.equal(weight, after[name])}
    frozen = ("first.", "blocks.0.same.", "G.mapping_network.")
    assert {name for name in before if name.startswith(frozen)} <= same
    assert not any(name.startswith(("blocks.1.", "G.layers.0.convolution")) for name in same)
    run.close()
    with pytest.raises(ConfigError, match=r"the critic has no such layers: use first-N, last-N, first, blocks"):
        started(tmp_path / "none", source, config(), freeze=("critic:nose",))
    with pytest.raises(ConfigError, match="begin with critic or generator"):
        started(tmp_path / "none", source, config(), freeze=("nose",))
    for whole in (("critic",), ("critic:last-99",), ("generator:",), ("critic:first-3", "critic:last-9")):
        with pytest.raises(ConfigError, match=r"leaves nothing of the (critic|generator) to train: freeze fewer"):
            started(tmp_path / "none", source, config(), freeze=whole)
    assert not (tmp_path / "none").exists(), "what is refused leaves no folder"
    with pytest.raises(ConfigError, match="new networks have nothing to keep: add --from RUN"):
        StartConfig(freeze=("critic:first-3",))


@pytest.mark.slow
def test_policies_keep_the_start(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a restart, and a return to a checkpoint, networks were new ones and trained whole."""
    monkeypatch.setattr(policy, "has_formed", lambda score, blank: False)
    settings = config(policy=PolicyConfig(restart_after=1))
    run = started(tmp_path / "run", source, settings, freeze=("generator:mapping",))
    mapping = [weight.clone() for weight in run.state.generator.mapping_network.parameters()]
    for _ in run.training():
        weights = run.state.generator.mapping_network.parameters()
        assert all(a.equal(b) and not b.requires_grad for a, b in zip(mapping, weights, strict=True))
    assert run.restarts == policy.MAX_RESTARTS
    run.finish()
    retry = config(steps=4, policy=PolicyConfig(retry_nan=True))
    run = started(tmp_path / "retry", source, retry, freeze=("generator:mapping",))
    for _, _ in zip(range(3), run.training(), strict=False):
        pass
    run._return_to_checkpoint(TrainingError("NaN"))
    assert run.state.step == 2
    for _ in run.training():
        pass
    weights = run.state.generator.mapping_network.parameters()
    assert all(a.equal(b) and not b.requires_grad for a, b in zip(mapping, weights, strict=True))
    run.close()


def test_the_command_goes_on_without_the_model(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(source, "model")
    words = ["train", "faces", "--from", "model", "--data.count", "300", "--batch", "8", "--probe.share", "0"]
    main([*words, "--steps", "2"])
    folder = Path("runs/faces-from-model")
    assert json.loads((folder / "config.json").read_text())["start"]["source"] == str(tmp_path / "model")
    with pytest.raises(SystemExit) as refused:
        main([*words, "--steps", "2", "--out", "model"])
    assert refused.value.code == 2
    shutil.rmtree("model")
    main([*words, "--steps", "3"])
    assert find_checkpoint(folder, "last").stem == "000000003"
    with pytest.raises(SystemExit):
        main([*words, "--steps", "3", "--out", "other"])
    with pytest.raises(SystemExit):
        main([*words, "--steps", "3", "--seed", "1"])
    assert not Path("other").exists()
    assert not Path("runs/faces-from-model-seed1").exists()


def test_a_run_of_another_seed_has_its_own_settings(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run goes on by its own settings, and another run from the same model does not begin with them."""
    monkeypatch.chdir(tmp_path)
    for folder in ("runs/faces-from-model", "runs/faces-from-model-seed1", "two/faces-from-model-seed4"):
        Path(folder).mkdir(parents=True)
        seed = int(folder[-1]) if "seed" in folder else 0
        record = to_dict(config(start=StartConfig(str(tmp_path / "model")), seed=seed))
        record["schedule"]["steps"] = 77 + record["seed"]
        Path(folder, "config.json").write_text(json.dumps(record))
    shutil.copytree(source, "model")
    of_two = ["--out", "two", "--seeds", "2"]
    for words, steps in (([], 77), (["--seed", "0"], 77), (["--seed=1"], 78), ([*of_two, "--seed", "4"], 81)):
        assert parse_train(["faces", "--from", "model", *words])[0].config.schedule.steps == steps, words
    for words in (["--seed", "2"], ["--out", "new"], of_two):
        assert parse_train(["faces", "--from", "model", *words])[0].config.schedule.steps < 77, words


def test_what_cannot_fit_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(
        CheckpointError, match=r"No layer of .* fits: it holds networks of the family style for 3x16x16"
    ):
        started(tmp_path / "run", source, config(network=Dcgan(z_dim=7, width=5)))
    with pytest.raises(ConfigError, match="add --from RUN"):
        StartConfig(optimisers="kept")


def test_settings_are_those_of_the_source(source: Path) -> None:
    found = settings_from(Origin.load(str(source)))
    assert (found.network, found.data.size) == (SMALL, "16")
    other = settings_from(Origin.load(str(source)), "dcgan")
    assert (other.network, other.recipe) == (SMALL, "dcgan")


@pytest.mark.parametrize("family", ["dcgan", "residual", "r3gan", "mlp"])
def test_equal_networks_of_any_family_are_taken_whole(family: str) -> None:
    from ganache.networks import NETWORKS

    shape = (2,) if family == "mlp" else (3, 32, 32)
    for make in (NETWORKS[family]().generator, NETWORKS[family]().critic):
        a, b = make(shape), make(shape)
        taken, total = take(a, b)
        assert taken == total > 1
        for name, tensor in a.state_dict().items():
            torch.testing.assert_close(tensor, b.state_dict()[name], rtol=0, atol=0)
