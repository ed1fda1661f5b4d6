"""What a caption says of a run: units of its length, the day, the commit, what is to be known before it is believed."""

import pytest

from src.runs import recorded

SAID = {
    "commit": "0123456789abcdef",
    "dirty": False,
    "date": "2026-11-22T06:21:30+00:00",
    "device": "CPU (one)",
    "seeds": [0, 1],
    "wall_time": 12.5,
    "resumed": False,
}


@pytest.fixture
def caption(monkeypatch):
    monkeypatch.setattr(recorded.Recording, "code_changed", False, raising=False)
    return lambda **changes: recorded.caption(recorded.Recording("run", {}, SAID | changes))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.25, "0.25 s"),
        (59.0, "59 s"),
        (119.0, "119 s"),
        (120.0, "2 min"),
        (150.0, "2 min"),
        (3599.0, "60 min"),
        (3600.0, "60 min"),
        (7199.0, "120 min"),
        (7200.0, "2.0 h"),
        (9000.0, "2.5 h"),
        (360000.0, "100.0 h"),
    ],
)
def test_a_duration_is_in_seconds_minutes_or_hours(caption, seconds, text):
    assert f", {text}, 2 seeds" in caption(wall_time=seconds)


def test_a_caption_says_all_of_it(caption):
    assert caption() == "Recorded 2026-11-22, commit 0123456, CPU (one), 12.5 s, 2 seeds."
    assert "commit 0123456 with local changes," in caption(dirty=True)
    assert "12.5 s in the last of several sittings, " in caption(resumed=True)
    assert ", 1 seed." in caption(seeds=[7])


def test_a_caption_says_when_the_code_has_changed(caption, monkeypatch):
    monkeypatch.setattr(recorded.Recording, "code_changed", True, raising=False)
    assert caption().endswith("2 seeds; the code that ran has changed since.")
