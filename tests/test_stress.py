"""A tenth of what `make stress` does (see `tests/stress.py`)."""

import pytest

from tests import stress


@pytest.fixture(autouse=True)
def eager():
    with stress.eager():
        yield


def well(count):
    assert count.tried and count.well == count.tried, "\n".join(count.bad)


def test_killed_runs_end_with_the_undisturbed_result_and_leave_nothing():
    equal, swept = stress.kills(len(stress.RUNS))
    well(equal)
    well(swept)


@pytest.mark.parametrize("run", stress.RUNS)
def test_another_runs_checkpoint_is_refused(run):
    well(stress.other_runs(run))


def test_flipped_bits_are_noticed():
    well(stress.flips(14))


def test_of_two_at_once_both_end_well():
    well(stress.two_at_once(6))


def test_a_full_disk_does_not_cost_the_result():
    well(stress.full_disks())


def test_a_place_without_writing_is_named_before_any_work():
    well(stress.places_without_writing(list(stress.RUNS)[:2]))


def test_killed_commands_leave_what_is_whole():
    well(stress.killed_commands(2))


def test_killed_downloads_leave_nothing():
    well(stress.killed_downloads(3))
