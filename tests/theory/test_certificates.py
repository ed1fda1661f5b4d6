"""The certificates of chapter 17: the command, each verdict field by field, and chapter 7's bound in intervals."""

import math

import pytest
import torch

from src import verdicts
from src.theory import bounds, certificates, family_certificate, phase_two, span
from src.theory.family_form import Box, forms
from src.theory.intervals import Interval


def test_the_command_verifies_everything(capsys):
    certificates.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8 and all(line.startswith("holds") for line in lines)


def test_the_command_fails_where_one_does(monkeypatch, capsys):
    monkeypatch.setattr(certificates, "all_pairs", lambda: certificates.AllPairs(0.03, 0.06, 0.02, 0.02, 0.4, 0.3))
    monkeypatch.setattr(certificates, "whole_ball", lambda: certificates.WholeBall(0.01, 0.03, 5, 0.04, 4, 6))
    monkeypatch.setattr(certificates, "family", lambda _: certificates.WholeBall(0.01, 0.03, 5, 0.04, 4, 6))
    with pytest.raises(SystemExit, match="1"):
        certificates.main()
    assert "open" in capsys.readouterr().out


@pytest.mark.parametrize("gamma", [1e-4, 0.01, 0.0273, 0.1])
def test_chapter_7_in_intervals(gamma):
    found, plain = certificates.first_margin(gamma), bounds.one_point_ratio(gamma)
    assert found <= plain and plain - found < 1e-10


def test_all_pairs():
    found = certificates.all_pairs()
    assert found.verdict == verdicts.HOLDS
    assert found.before <= phase_two.proved_up_to(0.03) < found.before + 1e-4
    for change in ({"ratio": 0.03}, {"before": found.gamma}, {"before_at_hundredth": found.at_hundredth}):
        assert found._replace(**change).verdict == verdicts.OPEN


def test_the_verdict_of_the_whole_ball():
    found = certificates.WholeBall(0.01, 0.03, 19_000, 0.031, 14_000, 22_000.0)
    assert found.verdict == verdicts.HOLDS
    for change in ({"ratio": 0.03}, {"before": 19_000}, {"false_from": 19_000.0}):
        assert found._replace(**change).verdict == verdicts.OPEN


def test_the_verdict_of_the_family():
    found = certificates.family(family_certificate.search(0.1))
    assert found.verdict == verdicts.HOLDS and [one.arithmetic for one in found.verifications] == ["Arb", "mpmath"]
    assert 0.401 < found.false_from < 0.403
    bad = found.verifications[0]._replace(open=1)
    for change in ({"verifications": ()}, {"verifications": (bad,)}, {"false_from": 0.1}):
        assert found._replace(**change).verdict == verdicts.OPEN


def test_ex_certificates_square():
    A, M = torch.randn(2, 100, 6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    AM = A @ M.mT
    whole = (AM.mT * AM).sum((-2, -1)) + AM.square().sum((-2, -1))
    assert torch.allclose(whole, (AM + AM.mT).square().sum((-2, -1)) / 2) and whole.min() >= 0
    skew = (M - M.mT) @ torch.linalg.inv(A).mT  # A M^T is skew
    AM = A @ skew.mT
    assert ((AM.mT * AM).sum((-2, -1)) + AM.square().sum((-2, -1))).abs().max() < 1e-8


def test_ex_certificates_limit():
    gamma, g = 0.3, 0.1
    phi, n = 2 * math.asin(gamma), math.sqrt(1 - gamma**2)
    q = math.pi / 2 - (phi + math.sin(phi)) / 2 - math.cos(phi / 2) ** 4 - g / (2 * n)
    box = Box((1e-14, 1e-14), (2 * gamma, 2 * gamma), (1.0, 1.0), (0.0, 0.0), None).as_intervals(Interval)
    found = forms(box, Interval(gamma)).ratio()
    assert q - 1e-3 < found <= q
    t = math.tan(phi / 2)
    assert q == pytest.approx(math.pi / 2 - math.atan(t) - t / (1 + t**2) - 1 / (1 + t**2) ** 2 - g / (2 * n))
    assert span.limit(gamma) <= q


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="gamma"):
        certificates.first_margin(0.5)
    with pytest.raises(ValueError, match="delta"):
        certificates.all_pairs(0.9)
