"""What two searches of one ball reach with more steps, and its recording."""

import numpy as np
import pytest
import torch

from src.experiments import datasets, digit_pairs, search_budget, spectral
from src.runs import recorded

FEW = {
    "projected SGD, step 0.1": (spectral.projected_sgd, {"step": 0.1, "batch": 20}, (2, 5)),
    "conditional gradient": (spectral.frank_wolfe, {"radii": [0.6], "batch": 20}, (1, 3)),
}


@pytest.fixture(scope="module")
def few():
    images = datasets.mnist("embedded")
    return images._replace(train_images=images.train_images[:200], train_labels=images.train_labels[:200])


def test_every_budget_is_a_run_of_its_own(few):
    sets = digit_pairs.standardised(few)
    found = search_budget.reached(sets, (4, 9), 3, FEW)
    assert found.keys() == set(search_budget.COLUMNS) and found["steps"].tolist() == [[2, 5], [1, 3]]
    on, test = (datasets.pair(*part, 4, 9) for part in sets)
    settings = {"batch": 20, "loss": "logistic", "margin": 0.2, "radii": [0.6], "steps": 3}
    alone = spectral.frank_wolfe(on, test, generator=torch.Generator().manual_seed(3), **settings)
    for name in ("train", "refitted", "test"):
        assert found[name][1, 1] == getattr(alone, name)[1].item()
    assert found["frobenius"][1, 1] == pytest.approx(alone.W[1].norm().item(), rel=1e-4)
    values = torch.linalg.svdvals(alone.W[1])
    assert found["saturated"][1, 1] == sum(value > 0.594 for value in values.tolist())
    assert found["saturated"][1, 0] > 5  # the first step fills the ball in every direction that the gradient has


def test_the_recording_holds_what_the_chapter_reads(few, monkeypatch, tmp_path):
    assert search_budget.record(few, 0, searches=FEW, folder=tmp_path) == tmp_path / "mnist_search_budget.npz"
    made = recorded.load("mnist_search_budget", tmp_path)
    assert made.arrays["searches"].tolist() == list(FEW) and made.provenance["threads"] == 1
    assert made.arrays.keys() == {*search_budget.COLUMNS, "searches"}
    settings = made.provenance["parameters"]["projected SGD, step 0.1"]
    assert settings["steps"] == [2, 5] and settings["step"] == 0.1 and settings["radius"] == 0.6
    monkeypatch.setattr(recorded, "FOLDER", tmp_path / "none")
    assert search_budget.find() is None
    monkeypatch.setattr(recorded, "FOLDER", tmp_path)
    assert search_budget.find().name == "mnist_search_budget"


def test_the_books_recording_if_it_is_there():
    if (found := search_budget.find()) is None:
        pytest.skip("mnist_search_budget has not been recorded")
    steps = [list(steps) for _, _, steps in search_budget.SEARCHES.values()]
    assert found.arrays["steps"].tolist() == steps
    assert found.arrays["searches"].tolist() == list(search_budget.SEARCHES)
    assert (found.arrays["train"] < 0.25).all() and (found.arrays["refitted"] <= found.arrays["train"] + 1e-12).all()
    assert (np.diff(found.arrays["train"]) < 0).all()  # more steps, fewer errors
