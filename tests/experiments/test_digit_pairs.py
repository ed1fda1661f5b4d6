"""Section 5.5's pairs of digits: exact errors at W = 0, training of all pairs, and the verdict."""

import numpy as np
import pytest
import torch

from src import verdicts
from src.experiments import datasets, digit_pairs, spectral
from src.experiments.digit_pairs import SmallBall
from src.runs import recorded


@pytest.fixture(autouse=True)
def one_thread():
    """These matrices are too small to share, and threads that wait for each other take minutes on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def embedded():
    return datasets.mnist("embedded")


def blobs(n=240, d=12, classes=4, seed=0):
    """Inputs [n, d] whose classes differ in direction and little in their sum of positive entries, and labels [n]."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % classes
    x = torch.randn(n, d, dtype=torch.float64, generator=generator)
    for label in range(classes):
        width = d // classes
        x[labels == label, width * label : width * (label + 1)] += 1.6 + 0.05 * label
    return x, labels


SETTINGS = {"radii": [0.6], "steps": 3, "batch": 60, "loss": "logistic", "margin": 0.5}


def test_errors_at_zero_are_those_of_standardised_floats(embedded):
    """Whole numbers against float64 inputs, for one pair and each scaling; the paper's scaling is the second."""
    images, labels = embedded.train_images[:600], embedded.train_labels[:600]
    errors = digit_pairs.errors_at_zero(images, labels)
    assert errors.shape == (3, 45)
    pixels = images.flatten(1).double() / 255
    for row, x in zip(errors, (pixels, (pixels - 0.1307) / 0.3081, 2 * pixels - 1)):
        for k in (0, 7, 44):
            inputs, is_second = datasets.pair(x, labels, *digit_pairs.PAIRS[k])
            assert row[k] == pytest.approx(spectral.best_threshold(inputs.relu().sum(1), is_second).error)


def test_only_one_scaling_gives_the_papers_figures():
    stored = recorded.load("mnist_spectral_norm").arrays["at_zero"]
    assert [digit_pairs.as_printed(row) for row in stored] == [False, True, False]


@pytest.mark.parametrize(
    "first, mean, printed",
    [(0.07, 0.34, True), (0.0649, 0.34, False), (0.0751, 0.34, False), (0.07, 0.334, False), (0.07, 0.346, False)],
)
def test_as_printed_rounds_both(first, mean, printed):
    assert digit_pairs.as_printed(np.array([first, 2 * mean - first])) == printed


def test_standardised_sets(embedded):
    for (x, labels), images in zip(digit_pairs.standardised(embedded), (embedded.train_images, embedded.test_images)):
        assert x.shape == (len(labels), 784) == (len(images), 784)
        torch.testing.assert_close(x[3], (images[3].flatten() / 255 - 0.1307) / 0.3081)


def test_train_takes_the_pair_and_the_seed():
    sets = blobs(), blobs(seed=1)
    live = digit_pairs.every(spectral.frank_wolfe, sets, [(0, 1), (2, 3)], 4, **SETTINGS)
    assert list(live) == [(0, 1), (2, 3)]
    parts = [datasets.pair(*part, 2, 3) for part in sets]
    alone = spectral.frank_wolfe(*parts, generator=torch.Generator().manual_seed(4), **SETTINGS)
    assert torch.equal(live[2, 3].W, alone.W) and torch.equal(live[2, 3].test, alone.test)
    other = digit_pairs.train(spectral.frank_wolfe, sets, (2, 3), 5, **SETTINGS)
    assert not torch.equal(other.W, alone.W)


def test_every_error_resumes(tmp_path):
    sets, pairs = (blobs(), blobs(seed=1)), [(0, 1), (2, 3), (0, 3)]
    whole = digit_pairs.every_error(spectral.frank_wolfe, sets, pairs, 0, **SETTINGS)
    kept = {"checkpoint": tmp_path / "pairs.pt", **SETTINGS}
    digit_pairs.every_error(spectral.frank_wolfe, sets, pairs[:1], 0, **kept)
    resumed = digit_pairs.every_error(spectral.frank_wolfe, sets, pairs, 0, **kept)
    assert whole["train"].shape == (3, 2) and whole["seconds"].shape == (3,)
    assert (whole["train"] == resumed["train"]).all()
    with pytest.raises(ValueError, match="checkpoint must belong"):
        digit_pairs.every_error(spectral.frank_wolfe, sets, pairs, 0, **(kept | {"margin": 1.0}))


def test_a_recording_holds_what_the_chapter_reads(tmp_path, embedded):
    few = embedded._replace(train_images=embedded.train_images[:300], train_labels=embedded.train_labels[:300])
    small = {
        spectral.frank_wolfe: {"radii": [0.3, 0.6], "steps": 1, "batch": 20, "loss": "hinge", "margin": 0.2},
        spectral.projected_sgd: digit_pairs.RECORDED[spectral.projected_sgd] | {"steps": 1, "every": 1, "batch": 20},
    }
    path = digit_pairs.record(few, 0, methods=small, pairs=[(0, 1)], folder=tmp_path)
    recording, book = recorded.load(path.stem, tmp_path), recorded.load("mnist_spectral_norm")
    assert recording.arrays.keys() == book.arrays.keys()
    assert digit_pairs.radii(recording).tolist() == [0, 0.3, 0.6]
    assert recording.arrays["at_zero"].shape == (3, 45) and recording.arrays["frank_wolfe_norm"].shape == (1, 3)
    assert recording.arrays["frank_wolfe_norm"][0] == pytest.approx([0, 0.3, 0.6], rel=1e-2)
    assert digit_pairs.radii(book)[[0, 6, 8]].tolist() == [0, 0.6, 1.0]


def test_added_weights_by_finite_differences():
    """The mean gradient of f in the pixels, less what the identity gives."""
    sets = blobs(), blobs(seed=1)
    live = digit_pairs.every(spectral.frank_wolfe, sets, [(0, 1)], 0, **SETTINGS)
    (x, _), W = datasets.pair(*sets[0], 0, 1), live[0, 1].W[1]
    added = digit_pairs.added_weights(sets, live, [(0, 1)])[0, 1]
    on = ((x + x @ W) > 0).double().mean(0)
    for pixel in (0, 5, 11):
        step = torch.zeros(12, dtype=torch.float64)
        step[pixel] = 1e-7
        slope = (spectral.output(x + step, W) - spectral.output(x - step, W)).mean() / 2e-7
        assert (slope - on[pixel]).item() == pytest.approx(added[pixel].item(), abs=1e-5)


# --- The verdict ------------------------------------------------------------------------------------------------------

RIGHT = SmallBall(6.9, 33.8, 0.23, 5.0, 4.8, 0.6, live_zero=23.9, live_trained=3.1, live_norm=1.0)


@pytest.mark.parametrize(
    "change, verdict",
    [
        ({}, verdicts.HOLDS),
        ({"zero_01": 6.51}, verdicts.HOLDS),
        ({"zero_01": 6.49}, verdicts.FAILS),
        ({"zero_01": 7.51}, verdicts.FAILS),
        ({"zero_mean": 33.51}, verdicts.HOLDS),
        ({"zero_mean": 33.49}, verdicts.FAILS),
        ({"zero_mean": 34.51}, verdicts.FAILS),
        ({"trained_01": 1.49}, verdicts.HOLDS),
        ({"trained_01": 1.51}, verdicts.FAILS),
        ({"trained_mean": 14.49}, verdicts.HOLDS),
        ({"trained_mean": 14.51}, verdicts.FAILS),
        ({"norm": 0.60009}, verdicts.HOLDS),
        ({"norm": 0.60011}, verdicts.FAILS),
        ({"live_trained": 23.8}, verdicts.HOLDS),
        ({"live_trained": 23.9}, verdicts.FAILS),
        ({"live_zero": 3.0}, verdicts.FAILS),
        ({"live_norm": 1.00009}, verdicts.HOLDS),
        ({"live_norm": 1.00011}, verdicts.FAILS),
    ],
)
def test_every_number_can_turn_the_verdict(change, verdict):
    assert RIGHT._replace(**change).verdict == verdict


def here():
    live = digit_pairs.every(spectral.frank_wolfe, (blobs(), blobs(seed=1)), [(0, 1), (2, 3)], 0, **SETTINGS)
    return digit_pairs.small_ball(recorded.load("mnist_spectral_norm"), live)


def test_the_numbers_are_those_of_the_recording_and_of_the_run():
    found, stored = here(), recorded.load("mnist_spectral_norm").arrays
    assert found.verdict == verdicts.HOLDS
    assert stored["pairs"][0].tolist() == [0, 1]
    assert found.zero_01 == pytest.approx(100 * stored["frank_wolfe_train"][0, 0])  # the paper's scaling was trained on
    assert found.zero_mean == pytest.approx(100 * stored["frank_wolfe_train"][:, 0].mean())
    assert found.trained_mean == pytest.approx(100 * stored["frank_wolfe_train"][:, 6].mean())
    assert found.norm == stored["frank_wolfe_norm"][:, 6].max()
    assert found.live_norm == pytest.approx(1.0, abs=0.1)
    one = digit_pairs.train(spectral.frank_wolfe, (blobs(), blobs(seed=1)), (2, 3), 0, **SETTINGS)
    two = digit_pairs.train(spectral.frank_wolfe, (blobs(), blobs(seed=1)), (0, 1), 0, **SETTINGS)
    assert found.live_trained == pytest.approx(50 * (one.train[1] + two.train[1]).item())


@pytest.mark.parametrize("factor", [-1, 2], ids=["uphill", "outside_the_ball"])
def test_a_wrong_search_overturns_the_verdict(monkeypatch, factor):
    right = spectral.polar
    monkeypatch.setattr(spectral, "polar", lambda G: factor * right(G))
    found = here()
    assert found.verdict == verdicts.FAILS
    assert (found.live_trained >= found.live_zero) == (factor == -1)
    assert (found.live_norm > 1.0001) == (factor == 2)


# --- The exercise -----------------------------------------------------------------------------------------------------


def test_ex_spectral_small(embedded):
    (x, _), _ = digit_pairs.standardised(embedded)
    at_zero, bound = x.relu().sum(1), 0.6 * 28 * x.norm(dim=1)
    assert x.norm(dim=1).mean() == pytest.approx(28, rel=0.02)
    assert (bound / at_zero).mean().item() == pytest.approx(1.8, abs=0.05)
    W = torch.randn(784, 784, generator=torch.Generator().manual_seed(0))
    W *= 0.6 / torch.linalg.matrix_norm(W, 2)
    assert ((spectral.output(x, W) - at_zero).abs() <= bound).all()
    moved = []
    for image, length in zip(x[:100], x[:100].norm(dim=1)):
        W = 0.6 * image[:, None] / length * torch.ones(784) / 28
        moved.append(spectral.output(image[None], W).item())
    shares = (torch.tensor(moved) - at_zero[:100]) / bound[:100]
    assert torch.linalg.matrix_norm(W, 2).item() == pytest.approx(0.6, rel=1e-5)
    assert (shares <= 1).all() and shares.mean().item() == pytest.approx(0.4, abs=0.05)
