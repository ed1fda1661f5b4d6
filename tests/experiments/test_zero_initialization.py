"""Section 5.4: the training that the choices name, from both starts, and what is recorded of it."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from src.experiments import networks, zero_initialization, zero_start
from src.experiments.zero_initialization import Choices
from src.runs import recorded
from tests.experiments.patterns import SMALL, patterns


def test_a_run_is_written_out_sgd_from_the_start_it_names():
    """Two seeds of `both_starts` against the block network trained here with torch's own pieces."""
    images = patterns(80)
    curves = zero_initialization.both_starts(images, [0, 5], 2, SMALL)
    assert curves["test_error"].shape == curves["train_loss"].shape == (2, 2, 3)
    x, x_test = (
        i.flatten(1).float().div(255).sub(0.1307).div(0.3081) for i in (images.train_images, images.test_images)
    )
    for k, init in enumerate(("zero", "uniform")):
        for n, seed in enumerate((0, 5)):
            model = networks.BlockMLP(36, 10, torch.Generator().manual_seed(2 * seed), init=init)
            generator = torch.Generator().manual_seed(2 * seed + 1)
            for epoch in (1, 2):
                losses = []
                for rows in torch.randperm(len(x), generator=generator).split(20):
                    loss = cross_entropy(model(x[rows]), images.train_labels[rows])
                    loss.backward()
                    losses.append(loss.item())
                    with torch.no_grad():
                        for p in model.parameters():
                            p -= 0.3 * p.grad
                            p.grad = None
                assert curves["train_loss"][k, n, epoch] == pytest.approx(np.mean(losses), rel=1e-3)
                error = (model(x_test).argmax(1) != images.test_labels).double().mean()
                assert curves["test_error"][k, n, epoch] == pytest.approx(error.item(), abs=0.051)  # one image of 20


def test_the_recipe_is_written_out_momentum_decay_and_schedule():
    """v <- 0.9 v + gradient + decay * p, p <- p - step * v; the step a tenth after half of the minibatches, a hundredth
    after three quarters; pixels over 255."""
    images, recipe = patterns(80), replace(zero_initialization.RECIPE, batch=25, step=0.05)
    assert (recipe.momentum, recipe.weight_decay, recipe.schedule, recipe.pixels) == (0.9, 5e-4, "steps", "unit")
    assert (zero_initialization.RECIPE.step, zero_initialization.RECIPE.batch) == (0.1, 256)  # the paper's
    model = networks.BlockMLP(36, 10, torch.Generator().manual_seed(6), init="uniform")
    generator, x, count = torch.Generator().manual_seed(7), images.train_images.flatten(1).float() / 255, 0
    velocity = {p: torch.zeros_like(p) for p in model.parameters()}
    for _ in range(4):  # of 3 minibatches, the last one smaller: 12, divided after 6 and 9
        for rows in torch.randperm(60, generator=generator).split(25):
            step = 0.05 if count < 6 else 0.005 if count < 9 else 0.0005
            gradients = torch.autograd.grad(cross_entropy(model(x[rows]), images.train_labels[rows]), list(velocity))
            for (p, v), gradient in zip(velocity.items(), gradients):
                v.mul_(0.9).add_(gradient + 5e-4 * p.detach())
                p.data -= step * v
            count += 1
    trained, _ = zero_initialization.learn(images, "random", 3, 4, recipe)
    for p, q in zip(model.parameters(), trained.parameters(), strict=True):
        torch.testing.assert_close(q, p, rtol=1e-4, atol=1e-6)
    for change in ({"momentum": 0.0}, {"weight_decay": 0.0}, {"schedule": "constant"}, {"pixels": "standardised"}):
        other, _ = zero_initialization.learn(images, "random", 3, 4, replace(recipe, **change))
        assert any((q - p).abs().max() > 1e-5 for p, q in zip(model.parameters(), other.parameters())), change


def test_the_test_error_is_that_of_the_test_images():
    """Test labels that contradict the training set: what is learnt is wrong on every test image, and on no other."""
    images = patterns()
    swapped = images._replace(test_images=images.train_images[:50], test_labels=(images.train_labels[:50] + 1) % 4)
    for start in ("zero", "random"):
        model, record = zero_initialization.learn(swapped, start, 0, 8, SMALL)
        assert record.errors["test"][-1] > 0.9 and record.train_error[-1] < 0.1
    for pixels, scaled in (
        ("standardised", lambda p: (p / 255 - 0.1307) / 0.3081),
        ("unit", lambda p: p / 255),
    ):
        choices = replace(SMALL, pixels=pixels)
        model, record = zero_initialization.learn(images, "random", 1, 3, choices)
        by_hand = (model(scaled(images.test_images.flatten(1).float())).argmax(1) != images.test_labels).double().mean()
        assert record.errors["test"][-1] == by_hand.item() < 0.5
        torch.testing.assert_close(choices.inputs(images.test_images), scaled(images.test_images.flatten(1).float()))


def test_checkpoints_are_kept_and_used(tmp_path):
    whole = zero_initialization.both_starts(patterns(), [0], 2, SMALL)
    zero_initialization.both_starts(patterns(), [0], 1, SMALL, keep=tmp_path / "runs")
    assert len(list((tmp_path / "runs").iterdir())) == 2
    resumed = zero_initialization.both_starts(patterns(), [0], 2, SMALL, keep=tmp_path / "runs")
    assert (whole["test_error"] == resumed["test_error"]).all()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"start": "uniform"}, "start"),
        ({"epochs": -1}, "epochs"),
        ({"images": patterns()._replace(train_labels=torch.full((150,), 10))}, "train_labels of images must be from 0"),
    ],
)
def test_bad_settings_are_named(change, message):
    arguments = {"images": patterns(), "start": "random", "seed": 0, "epochs": 0, "choices": SMALL} | change
    with pytest.raises(ValueError, match=message):
        zero_initialization.learn(**arguments)


@pytest.mark.parametrize(
    "change",
    [
        {"init": "ones"},
        {"schedule": "cosine"},
        {"momentum": 2},
        {"weight_decay": math.nan},
        {"step": 0.0},
        {"batch": 0},
    ],
)
def test_bad_choices_are_named(change):
    with pytest.raises(ValueError, match=f"{next(iter(change))} must be"):
        Choices(**change)


# --- What is recorded -------------------------------------------------------------------------------------------------


def test_recordings_hold_what_the_chapter_reads(monkeypatch, tmp_path):
    monkeypatch.setattr(zero_initialization.datasets, "mnist", lambda which: patterns(60))
    monkeypatch.setitem(
        zero_initialization.FAMILIES, "mnist_unit_pixels", (True, {"pixels": "unit"}, 2, 1)
    )  # fewer seeds and epochs
    few = dict(list(zero_initialization.VARIANTS.items())[:2])
    monkeypatch.setattr(zero_initialization, "VARIANTS", few)
    choices = replace(SMALL, step=0.05)
    zero_initialization.record(patterns(60), range(3), 2, choices, folder=tmp_path)
    names = ("mnist_zero_initialization", "mnist_without_link", "mnist_unit_pixels")
    for name, identity, pixels, seeds, epochs in zip(
        names, (True, False, True), ("standardised", "standardised", "unit"), (3, 3, 2), (2, 2, 1)
    ):
        recording = recorded.load(name, tmp_path)
        alone = zero_initialization.both_starts(
            patterns(60), range(seeds), epochs, replace(choices, pixels=pixels), identity=identity
        )
        assert (recording.arrays["test_error"] == alone["test_error"]).all()
        assert recording.arrays.keys() == {"test_error", "train_error", "train_loss"}
        settings = recording.provenance["parameters"]
        assert (settings["identity"], settings["pixels"], settings["epochs"]) == (identity, pixels, epochs)
        assert recording.provenance["threads"] == 1 and recording.provenance["seeds"] == list(range(seeds))
    compared = zero_start.compared(recorded.load("mnist_sensitivity", tmp_path))
    assert list(compared) == [*zero_initialization.VARIANTS, "as chosen, half the epochs"]
    assert all(len(pair.zero) == 5 for pair in compared.values())


def test_the_recipe_is_recorded_on_one_thread_and_goes_on(monkeypatch, tmp_path):
    settings = {"images": patterns(60), "choices": replace(zero_initialization.RECIPE, batch=20), "epochs": 2}
    whole = zero_initialization.record_recipe(range(2), **settings, folder=tmp_path, keep=tmp_path / "whole")
    alone = zero_initialization.both_starts(patterns(60), range(2), 2, settings["choices"])
    found = recorded.load("mnist_recipe", tmp_path)
    assert whole == tmp_path / "mnist_recipe.npz" and (found.arrays["test_error"] == alone["test_error"]).all()
    assert found.provenance["threads"] == 1 and found.provenance["seeds"] == [0, 1] and not found.provenance["resumed"]
    stored = {"momentum": 0.9, "weight_decay": 5e-4, "schedule": "steps", "pixels": "unit", "epochs": 2, "batch": 20}
    assert stored.items() <= found.provenance["parameters"].items()

    train, left = zero_initialization.training.train, 3  # interrupted within the third of four runs

    def interrupted(*arguments, **options):
        nonlocal left
        left -= 1
        if not left:
            train(*arguments, **{**options, "epochs": 1})
            raise KeyboardInterrupt
        return train(*arguments, **options)

    monkeypatch.setattr(zero_initialization.training, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        zero_initialization.record_recipe(range(2), **settings, folder=tmp_path / "on", keep=tmp_path / "half")
    assert not list((tmp_path / "on").iterdir())
    zero_initialization.record_recipe(range(2), **settings, folder=tmp_path / "on", keep=tmp_path / "half")
    again = recorded.load("mnist_recipe", tmp_path / "on")
    assert (again.arrays["test_error"] == alone["test_error"]).all() and again.provenance["resumed"]


def test_the_command_records_the_recipe(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(zero_initialization.datasets, "mnist", lambda which: patterns(60))
    monkeypatch.setattr(zero_initialization.record_recipe.__wrapped__, "__kwdefaults__", {
        **zero_initialization.record_recipe.__wrapped__.__kwdefaults__, "epochs": 1
    })  # fmt: skip
    command = ["recipe", "--seeds", "2", "--folder", str(tmp_path), "--keep", str(tmp_path / "runs")]
    monkeypatch.setattr("sys.argv", ["zero_initialization", *command])
    zero_initialization.main()
    assert "mnist_recipe.npz" in capsys.readouterr().out
    assert recorded.load("mnist_recipe", tmp_path).arrays["test_error"].shape == (2, 2, 2)
