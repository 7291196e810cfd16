"""Inception features: the file of weights is checked, no code in it is run, and the notes name other weights."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from ganache.core.images import as_x
from ganache.data import load
from ganache.errors import ConfigError, MissingExtra
from ganache.evaluation.features import inception
from ganache.evaluation.features.inception import InceptionFeatures, load_library
from ganache.evaluation.measure import evaluate
from ganache.evaluation.metrics.diversity import torchmetrics_ms_ssim
from ganache.types import Generator, Prior

STAND_IN = """
import torch

class FeatureExtractorInceptionV3(torch.nn.Module):
    def __init__(self, name, features_list, feature_extractor_weights_path=None):
        super().__init__()
        assert features_list == ["2048"]
        self.first, self.fc = torch.nn.Linear(3, 2048), torch.nn.Linear(2048, 1008)
        self.load_state_dict(torch.load(feature_extractor_weights_path, weights_only=False))

    def forward(self, x):
        assert x.dtype is torch.uint8 and x.shape[1] == 3
        return (self.first(x.float().mean(dim=(2, 3)) / 255),)
"""


MODULES = ("torch_fidelity", "torch_fidelity.feature_extractor_inceptionv3")


@pytest.fixture
def alone() -> Iterator[None]:
    """Restore torch-fidelity in `sys.modules` after the test."""
    torchmetrics_ms_ssim()  # which would look for it
    kept = {name: sys.modules.pop(name) for name in MODULES if name in sys.modules}
    yield
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.modules.update(kept)


@pytest.fixture
def stand_in(alone: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a fake torch-fidelity whose network has two layers."""
    package = tmp_path / "site" / "torch_fidelity"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "feature_extractor_inceptionv3.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(str(package.parent))


def weights(path: Path) -> Path:
    torch.manual_seed(0)
    first, fc = torch.nn.Linear(3, 2048), torch.nn.Linear(2048, 1008)
    both = {"first": first, "fc": fc}
    torch.save({f"{k}.{name}": each for k, layer in both.items() for name, each in layer.state_dict().items()}, path)
    return path


class Fixed(Generator):
    """A generator that returns one given image after another."""

    def __init__(self, x: torch.Tensor) -> None:
        super().__init__()
        self.x = torch.nn.Parameter(x, requires_grad=False)
        self.z_dim, self.image_shape = 2, tuple(x.shape[1:])

    def synthesis(self, w: torch.Tensor) -> torch.Tensor:
        return self.x[torch.arange(len(w)) % len(self.x)]


def test_images_and_weights_reach_the_network_unchanged(stand_in: None, tmp_path: Path) -> None:
    file = weights(tmp_path / "some.pth")
    features = InceptionFeatures((1, 8, 8), file)
    grey = torch.linspace(-1, 1, 64).reshape(1, 1, 8, 8)
    stored = torch.load(file, weights_only=True)
    seen = ((grey + 1) * 127.5).round().mean() / 255
    expected = stored["first.weight"].sum(dim=1) * seen + stored["first.bias"]
    assert torch.allclose(features(grey)[0], expected, atol=1e-4)
    assert torch.allclose(features.logits(expected[None]), expected[None] @ stored["fc.weight"].T, atol=1e-5)
    assert "not those of" in features.notes[0]
    other = dict(stored, **{"first.bias": stored["first.bias"] + 1})
    torch.save(other, tmp_path / "other.pth")
    assert InceptionFeatures((1, 8, 8), tmp_path / "other.pth").hash != features.hash


def test_the_notes_of_an_evaluation_name_other_weights(
    stand_in: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Frechet distances of 2,048 features take minutes, and are tested where there are fewer.
    monkeypatch.setattr("ganache.evaluation.scores.frechet_scores", lambda sides: [])
    faces = load("faces", count=300, size=(16, 16))
    labelled = Fixed(as_x(faces.images[:150]))
    found = evaluate(labelled, Prior(2), faces, n=120, features="inception", weights=weights(tmp_path / "some.pth"))
    assert found.protocol.features == "inception"
    assert found.protocol.num_features == 2048
    assert found["inception_score"].value >= 1
    assert any("do not compare with published numbers" in note for note in found.notes)
    assert any(note.startswith("classes and class_entropy are left out") for note in found.notes)


def test_files_that_are_not_weights_are_refused_and_their_code_is_not_run(stand_in: None, tmp_path: Path) -> None:
    ran = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (ran,))

    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"first.weight": Evil()}))
    torch.save({"first.weight": Evil()}, tmp_path / "evil-zip.pth")
    (tmp_path / "words.pth").write_text("no weights")
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    torch.save({"other": torch.zeros(1)}, tmp_path / "other.pth")
    for name, words in [
        ("evil", "holds no weights"),
        ("evil-zip", "holds no weights"),
        ("words", "holds no weights"),
        ("list", "holds no weights by name"),
        ("other", "weights of another network"),
        ("none", "There is no file"),
    ]:
        with pytest.raises(ConfigError, match=words):
            InceptionFeatures((3, 16, 16), tmp_path / f"{name}.pth")
    assert not ran.exists()


def test_a_missing_library_and_one_that_cannot_be_imported(
    alone: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inception, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"ganache\[inception\]"):
        load_library()
    monkeypatch.undo()
    package = tmp_path / "torch_fidelity"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match="the torchvision that was built for this PyTorch"):
        load_library()


def test_the_real_library_with_weights_from_a_file(tmp_path: Path) -> None:
    try:
        network = load_library()
    except (MissingExtra, ConfigError) as error:
        pytest.skip(str(error))

    class Untrained(network):  # type: ignore[misc, valid-type]
        def load_state_dict(self, state: Any) -> None:
            """Keep the random weights."""

    torch.save({}, tmp_path / "none.pth")
    torch.manual_seed(0)
    random = Untrained("inception", ["2048", "logits_unbiased"], str(tmp_path / "none.pth"))
    torch.save(random.state_dict(), tmp_path / "random.pth")
    features = InceptionFeatures((3, 32, 32), tmp_path / "random.pth")
    pictures = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    expected, logits = random(pictures)
    found = features(pictures.float() / 127.5 - 1)
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.allclose(features.logits(found), logits, atol=1e-4)
