"""The law of second moments on trial: verdicts that a wrong law overturns, and the numbers of chapter 16."""

import numpy as np
import pytest

from src import verdicts
from src.dynamics import linearised, second_moments
from src.theory import noise_law


def test_runs_agree_and_a_wrong_law_does_not(monkeypatch):
    size = {"dims": [8, 20], "levels": [0.8], "steps": 20, "seeds": 200, "seed": 3}
    found = noise_law.against_runs(**size)
    assert found.verdict == verdicts.HOLDS and len(found.runs) == 2
    assert [(run.d, run.batch, run.level) for run in found.runs] == [(8, 1, 0.8), (20, 4, 0.8)]
    maps = second_moments.maps
    monkeypatch.setattr(second_moments, "maps", lambda d: maps(d)._replace(noise=1.5 * maps(d).noise))
    assert noise_law.against_runs(**size).verdict == verdicts.FAILS


def test_no_run_or_too_few_decide_nothing():
    one = noise_law.Run(20, 4, 1.0, 0.8, 0.01, 0.8, 0.8)
    assert noise_law.Runs((one,)).verdict == verdicts.HOLDS
    assert noise_law.Runs(()).verdict == verdicts.FAILS
    assert noise_law.Runs((one._replace(error=0.1),)).verdict == verdicts.FAILS
    assert noise_law.Runs((one, one._replace(measured=0.84))).verdict == verdicts.FAILS
    assert one._replace(measured=0.82).off == pytest.approx(2)


def test_the_leading_order_is_too_long_by_an_error_of_one_over_d():
    steps = noise_law.largest_steps([10, 50, 200, 400], 1 / 5)
    assert steps.verdict == verdicts.HOLDS and steps.per_dimension == pytest.approx(2.7, abs=0.1)
    assert steps.exact[1] == second_moments.largest_stable_step(10, 50)
    assert steps.leading[1] == linearised.largest_stable_step(10, 50)
    assert steps._replace(leading=steps.exact * 0.99).verdict == verdicts.FAILS
    assert steps._replace(leading=steps.exact * (1 + 1 / np.sqrt(steps.dims))).verdict == verdicts.FAILS
    assert noise_law.largest_steps([10, 20], 1e-6).exact[0] == second_moments.largest_stable_step(1, 10)


def test_the_papers_step_is_stable_and_not_the_fastest():
    paper = noise_law.of_the_paper(1e-4, 300, 1500)
    assert paper.verdict == verdicts.HOLDS
    assert paper.largest == pytest.approx(2.529e-4, rel=1e-3) and paper.fastest == pytest.approx(1.858e-4, rel=1e-3)
    assert paper.fewest < paper.steps and paper.steps == pytest.approx(134_229, rel=1e-4)
    assert noise_law.of_the_paper(2e-4, 300, 1500).verdict == verdicts.FAILS
    assert noise_law.of_the_paper(3e-4, 300, 1500).verdict == verdicts.FAILS
