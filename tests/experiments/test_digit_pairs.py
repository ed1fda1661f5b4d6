"""Section 5.5's pairs of digits: exact errors at W = 0, training of all pairs, and the verdict."""

import pytest
import torch

from src.experiments import datasets, digit_pairs, spectral
from src.runs import checkpoints, recorded
from tests.experiments.blobs import SETTINGS, blobs


@pytest.fixture(scope="module")
def embedded():
    return datasets.mnist("embedded")


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


def test_standardised_sets(embedded):
    """Each split's own images with its own labels, both standardised."""
    sets = digit_pairs.standardised(embedded)
    splits = (embedded.train_images, embedded.train_labels), (embedded.test_images, embedded.test_labels)
    for (x, labels), (images, digits) in zip(sets, splits):
        assert x.shape == (len(images), 784) and torch.equal(labels, digits)
        torch.testing.assert_close(x, (images.flatten(1) / 255 - 0.1307) / 0.3081)


def test_the_labels_of_both_splits_are_those_of_their_images(embedded):
    """The nearest mean image of the training set names most digits of either split; labels shifted by one would not."""
    sets = digit_pairs.standardised(embedded)
    (x, labels), _ = sets
    means = torch.stack([x[labels == digit].mean(0) for digit in range(10)])
    for inputs, digits in sets:
        assert (torch.cdist(inputs, means).argmin(1) == digits).double().mean() > 0.75


def test_train_takes_the_pair_and_the_seed():
    sets = blobs(), blobs(seed=1)
    live = digit_pairs.every(spectral.frank_wolfe, sets, [(0, 1), (2, 3)], 4, **SETTINGS)
    assert list(live) == [(0, 1), (2, 3)]
    parts = [datasets.pair(*part, 2, 3) for part in sets]
    alone = spectral.frank_wolfe(*parts, generator=torch.Generator().manual_seed(4), **SETTINGS)
    assert torch.equal(live[2, 3].W, alone.W) and torch.equal(live[2, 3].test, alone.test)
    other = digit_pairs.train(spectral.frank_wolfe, sets, (2, 3), 5, **SETTINGS)
    assert not torch.equal(other.W, alone.W)


def test_every_error_resumes(tmp_path, monkeypatch):
    sets, pairs = (blobs(), blobs(seed=1)), [(0, 1), (2, 3), (0, 3)]
    whole = digit_pairs.every_error(spectral.frank_wolfe, sets, pairs, 0, **SETTINGS)
    kept = {"checkpoint": tmp_path / "pairs.pt", **SETTINGS}
    monkeypatch.setattr(checkpoints, "_SECONDS", -1)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(digit_pairs, "train", interrupted(digit_pairs.train, 1))
        digit_pairs.every_error(spectral.frank_wolfe, sets, pairs, 0, **kept)
    resumed = digit_pairs.every_error(spectral.frank_wolfe, sets, pairs, 0, **kept)
    assert whole["train"].shape == (3, 2) and whole["seconds"].shape == (3,)
    assert (whole["train"] == resumed["train"]).all()
    with pytest.raises(ValueError, match="checkpoint must belong"):
        digit_pairs.every_error(spectral.frank_wolfe, sets, pairs, 0, **(kept | {"margin": 1.0}))
    with pytest.raises(ValueError, match="checkpoint must belong"):  # other data of the same size
        digit_pairs.every_error(spectral.frank_wolfe, (blobs(seed=2), blobs(seed=1)), pairs, 0, **kept)


def interrupted(function, calls):
    """`function`, which stops the run after so many calls."""
    done = []

    def until(*arguments, **settings):
        if len(done) == calls:
            raise KeyboardInterrupt
        done.append(1)
        return function(*arguments, **settings)

    return until


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
