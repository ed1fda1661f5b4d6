"""Section 5.5, judged: every number can turn its verdict, and the numbers are those of the recording and of the run."""

import numpy as np
import pytest

from src import verdicts
from src.experiments import digit_pairs, small_ball, spectral
from src.experiments.small_ball import AtZero, AverageNorm, Figures, InBall
from src.runs import recorded
from tests.experiments.blobs import live

ZERO = AtZero(np.array([[6.19, 33.33], [6.89, 33.81], [9.51, 35.22]]))
BALL = InBall(33.8, 0.23, 5.0, 4.8, 5.3, 0.6, live_zero=23.9, live_trained=3.1, live_norm=1.0)
FIGURES = Figures(np.array([[1.16, 9.8], [0.23, 4.96]]))
AVERAGE = AverageNorm(norm=0.598, train=4.96, test=5.34, tiny_zero=23.9, tiny=22.0)


@pytest.mark.parametrize(
    "figures, verdict",
    [
        ((6.51, 33.51), verdicts.HOLDS),
        ((7.49, 34.49), verdicts.HOLDS),
        ((6.49, 34.0), verdicts.UNDECIDED),
        ((7.51, 34.0), verdicts.UNDECIDED),
        ((7.0, 33.49), verdicts.UNDECIDED),
        ((7.0, 34.51), verdicts.UNDECIDED),
    ],
)
def test_every_number_can_turn_the_errors_at_zero(figures, verdict):
    errors = ZERO.errors.copy()
    errors[1] = figures
    assert AtZero(errors).verdict == verdict
    assert AtZero(errors).matching.tolist() == [False, verdict == verdicts.HOLDS, False]


@pytest.mark.parametrize(
    "change, verdict",
    [
        ({}, verdicts.HOLDS),
        ({"first": 1.49}, verdicts.HOLDS),
        ({"first": 1.51}, verdicts.FAILS),
        ({"mean": 14.49}, verdicts.HOLDS),
        ({"mean": 14.51}, verdicts.FAILS),
        ({"norm": 0.60009}, verdicts.HOLDS),
        ({"norm": 0.60011}, verdicts.FAILS),
        ({"live_trained": 23.8}, verdicts.HOLDS),
        ({"live_trained": 23.9}, verdicts.FAILS),
        ({"live_zero": 3.0}, verdicts.FAILS),
        ({"live_norm": 1.00009}, verdicts.HOLDS),
        ({"live_norm": 1.00011}, verdicts.FAILS),
    ],
)
def test_every_number_can_turn_the_ball(change, verdict):
    assert BALL._replace(**change).verdict == verdict


@pytest.mark.parametrize(
    "reached, verdict",
    [
        ([[1.16, 9.8], [0.23, 4.96]], verdicts.UNDECIDED),
        ([[1.49, 14.49], [0.23, 4.96]], verdicts.HOLDS),
        ([[0.51, 13.51], [0.23, 4.96]], verdicts.HOLDS),
        ([[0.49, 14.0], [0.23, 4.96]], verdicts.UNDECIDED),
        ([[1.0, 13.49], [0.23, 4.96]], verdicts.UNDECIDED),
        ([[1.0, 14.51], [1.51, 4.96]], verdicts.FAILS),
        ([[1.0, 14.51], [1.49, 4.96]], verdicts.UNDECIDED),
    ],
)
def test_every_number_can_turn_the_figures(reached, verdict):
    assert Figures(np.array(reached)).verdict == verdict


@pytest.mark.parametrize(
    "change, verdict",
    [
        ({}, verdicts.HOLDS),
        ({"norm": 0.99}, verdicts.HOLDS),
        ({"norm": 1.0}, verdicts.FAILS),
        ({"train": 14.49}, verdicts.HOLDS),
        ({"train": 14.51}, verdicts.FAILS),
        ({"test": 14.49}, verdicts.HOLDS),
        ({"test": 14.51}, verdicts.FAILS),
    ],
)
def test_every_number_can_turn_the_remark(change, verdict):
    assert AVERAGE._replace(**change).verdict == verdict


def test_the_papers_figures():
    assert small_ball.AT_ZERO == (7, 34) and small_ball.TRAINED == (1, 14) and digit_pairs.RADIUS == 0.6


@pytest.fixture
def recording():
    return recorded.load("mnist_spectral_norm")


def test_the_numbers_are_those_of_the_recording_and_of_the_run(recording):
    """The ball of 0.6 is the seventh column, W = 0 the first; the paper's scaling was trained on."""
    stored, runs = recording.arrays, live()
    zero, ball, figures = (
        small_ball.at_zero(recording),
        small_ball.in_ball(recording, runs),
        small_ball.figures(recording),
    )
    assert zero.verdict == ball.verdict == verdicts.HOLDS and figures.verdict == verdicts.UNDECIDED
    assert stored["pairs"][0].tolist() == [0, 1] and stored["pairs"].shape == (45, 2)
    assert zero.matching.tolist() == [False, True, False]
    trained_on = 100 * stored["frank_wolfe_train"][:, 0]
    assert zero.errors[1] == pytest.approx([trained_on[0], trained_on.mean()])
    assert ball.zero == pytest.approx(trained_on.mean())
    assert ball.first == 100 * stored["frank_wolfe_train"][0, 6] == figures.reached[1, 0]
    assert [ball.mean, figures.reached[1, 1]] == pytest.approx([100 * stored["frank_wolfe_train"][:, 6].mean()] * 2)
    assert ball.test == pytest.approx(100 * stored["frank_wolfe_test"][:, 6].mean())
    assert ball.norm == stored["frank_wolfe_norm"][:, 6].max()
    sgd = 100 * stored["projected_sgd_train"][:, 1]
    assert figures.reached[0] == pytest.approx([sgd[0], sgd.mean()])
    one, two = runs[0, 1], runs[2, 3]
    assert ball.live_trained == pytest.approx(50 * (one.train[1] + two.train[1]).item())
    assert ball.live_zero == pytest.approx(50 * (one.train[0] + two.train[0]).item())
    assert ball.live_norm == pytest.approx(max(one.norm[1], two.norm[1]).item() / 0.6)


def test_average_norm_of_the_recording_and_of_a_tiny_ball(recording):
    stored = recording.arrays
    tiny = live(radii=[0.01], steps=1)
    found = small_ball.average_norm(recording, tiny)
    assert found.verdict == verdicts.HOLDS
    assert found.norm == pytest.approx(stored["frank_wolfe_norm"][:, 6].mean())
    assert found.train == pytest.approx(100 * stored["frank_wolfe_train"][:, 6].mean())
    assert found.test == pytest.approx(100 * stored["frank_wolfe_test"][:, 6].mean())
    assert found.tiny == pytest.approx(50 * sum(result.train[1] for result in tiny.values()).item())
    assert found.tiny_zero == pytest.approx(50 * sum(result.train[0] for result in tiny.values()).item())


def test_recorded_errors_fall_as_the_ball_grows(recording):
    """Every pair's error at W = 0 is that of the scaling; means fall from ball to ball; a re-fitted threshold gains."""
    stored = recording.arrays
    assert stored["frank_wolfe_train"][:, 0] == pytest.approx(stored["at_zero"][1])
    for name in ("train", "refitted", "test"):
        assert (np.diff(stored[f"frank_wolfe_{name}"].mean(0)) < 0).all()
    assert (stored["frank_wolfe_refitted"] <= stored["frank_wolfe_train"] + 1e-12).all()
    assert (stored["frank_wolfe_norm"] <= digit_pairs.radii(recording) * (1 + 1e-4)).all()
    settings = recording.provenance["parameters"]
    assert settings == {method.__name__: chosen for method, chosen in digit_pairs.RECORDED.items()}
    assert recording.provenance["data"].startswith("full MNIST")


@pytest.mark.parametrize("factor", [-1, 2], ids=["uphill", "outside_the_ball"])
def test_a_wrong_search_overturns_the_verdict(monkeypatch, recording, factor):
    right = spectral.polar
    monkeypatch.setattr(spectral, "polar", lambda G: factor * right(G))
    found = small_ball.in_ball(recording, live())
    assert found.verdict == verdicts.FAILS
    assert (found.live_trained >= found.live_zero) == (factor == -1)
    assert (found.live_norm > 1.0001) == (factor == 2)
