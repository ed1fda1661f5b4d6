"""What Figure 7 runs: the data, the three kinds of student, and their recording, in src.experiments.figure_7."""

import numpy as np
import pytest
import torch

from src.dynamics import sgd
from src.experiments import figure_7, networks, regression
from src.model import population
from src.runs import recorded

D, RUNS = 6, 3
RECIPE = figure_7.Recipe(eta=0.01, batch=20, epochs=2, vanilla_runs=2, block_epochs=1, seed=5)
CPU = torch.device("cpu")


def draw(seed=0, **changed):
    sizes = {"d": D, "samples": 60, "samples_test": 30, "runs": RUNS} | changed
    return figure_7.draw(**sizes, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def data():
    return draw()


@pytest.fixture(scope="module")
def students(data):
    return figure_7.train(data, RECIPE, CPU)


def test_the_data_have_the_stated_norms_and_one_order_of_draws(data):
    size = (D / 100) ** 0.5
    assert torch.linalg.svdvals(data.W_star)[0].item() == pytest.approx(0.6)
    assert data.W_star.norm().item() == pytest.approx(5.7 * size)
    assert data.W_start.norm(dim=(1, 2)).tolist() == pytest.approx([5 * size] * RUNS)
    assert data.train.shape == (60, D) and data.test.shape == data.seen.shape == (30, D)
    assert torch.equal(data.seen, data.train[:30])
    fewer = draw(runs=1)
    assert torch.equal(fewer.W_start[0], data.W_start[0]) and torch.equal(fewer.test, data.test)


def test_the_vanilla_teachers_are_the_two_readings(data):
    one, two = figure_7.vanilla_teachers(data.W_star)
    x = data.test
    torch.testing.assert_close((x @ (torch.eye(D) + one)).relu(), (x @ data.W_star).relu())
    assert torch.equal(two, data.W_star)


def test_the_residual_student_is_sgd_from_each_start(data, students):
    link = students["ResLink"]
    for k in range(RUNS):
        alone = sgd.train(
            data.W_start[k], data.W_star, eta=0.01, batch=20, steps=6, seeds=k, samples=data.train, record_at=[0, 6]
        )
        assert link.distance[[0, -1], k] == pytest.approx(alone.distance.numpy())
    output = (data.test @ (torch.eye(D) + data.W_star)).relu().sum(1)
    difference = (data.test @ (torch.eye(D) + data.W_start[1])).relu().sum(1) - output
    assert link.test[0, 1] == pytest.approx(difference.square().mean().item())
    assert link.variance == pytest.approx(output.var().item())
    assert link.epoch[0] == 0 and link.epoch[-1] == 2 and link.loss.shape == link.train.shape == (len(link.epoch), RUNS)


def test_the_vanilla_student_has_no_link(data, students):
    """Trained by autograd on sum_j ReLU(<v_j, x>) with a teacher of its own structure."""
    V = data.W_start[1].clone().requires_grad_()
    order = torch.Generator().manual_seed(1)
    for _ in range(2):
        for rows in torch.randperm(60, generator=order).split(20):
            x = data.train[rows]
            loss = ((x @ V).relu().sum(1) - (x @ data.W_star).relu().sum(1)).square().mean()
            (gradient,) = torch.autograd.grad(loss, V)
            V.data -= 0.01 * gradient
    one, two = (students[name] for name in figure_7.READINGS)
    V = V.detach()
    assert one.W[1] == pytest.approx((V - torch.eye(D)).numpy(), abs=1e-5)
    assert one.distance[-1, 1] == pytest.approx((V - data.W_star).norm().item(), rel=1e-4)
    assert two.distance[0, 1] == pytest.approx((data.W_start[1] - torch.eye(D) - data.W_star).norm().item(), rel=1e-5)
    assert one.distance.shape == two.distance.shape == (len(one.epoch), 2)
    assert one.loss[-1, 1] == pytest.approx(
        population.loss(V - torch.eye(D), data.W_star - torch.eye(D)).item(), rel=1e-3
    )
    assert one.variance == pytest.approx((data.test @ data.W_star).relu().sum(1).var().item())


def test_the_three_block_student_is_fitted_to_its_teacher(data, students):
    block = students["3-Block"]
    x, test = data.train.float(), data.test.float()
    teacher = networks.three_block_teacher(x, generator=torch.Generator().manual_seed(6))
    generator = torch.Generator().manual_seed(7)
    student = networks.ThreeBlock(D, generator=generator)
    options = {"eta": 0.01, "batch": 20, "steps": 3, "generator": generator, "record_at": [0, 3]}
    _, errors = regression.fit(student, teacher, x, evaluate={"test": test}, **options)
    assert block.test[[0, -1], 0] == pytest.approx(errors["test"].numpy())
    assert block.variance == pytest.approx(teacher(test).var().item())
    assert block.distance is None and block.epoch[-1] == 1


def test_a_recording_gives_the_same_students_back(students):
    arrays = figure_7.to_arrays(students)
    again = figure_7.from_arrays(arrays, {name: student.variance for name, student in students.items()})
    assert list(again) == list(students) == list(figure_7.STUDENTS)
    for name, student in students.items():
        for one, two in zip(student, again[name]):
            assert one is two or np.array_equal(one, two)
    assert np.array_equal(again["ResLink"].distance, students["ResLink"].distance)


def test_the_stored_recording_has_this_form():
    """data/recorded/fig_7 is read and written without loss."""
    stored = recorded.load("fig_7").arrays
    again = figure_7.to_arrays(figure_7.from_arrays(stored, dict.fromkeys(figure_7.STUDENTS, 1.0)))
    assert set(again) == set(stored) and all(np.array_equal(again[key], stored[key]) for key in stored)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Recordings and checkpoints in a folder of the test's own."""
    monkeypatch.setattr(recorded, "FOLDER", tmp_path)
    monkeypatch.setattr(figure_7, "CHECKPOINTS", tmp_path / "checkpoints")
    return tmp_path


def test_a_stored_run_stands_for_its_setting_only(data, students, elsewhere):
    stored = figure_7.train(data, RECIPE, CPU, store=True)
    provenance = recorded.load("fig_7").provenance
    assert provenance["seeds"] == [5, 0, 1, 2] and not provenance["resumed"]
    assert np.array_equal(stored["ResLink"].distance, students["ResLink"].distance)

    longer = figure_7.Recipe(**(vars(RECIPE) | {"epochs": 3, "vanilla_runs": 1}))
    shown, recording = figure_7.recall(students, data, longer)  # the length of a run does not matter
    assert recording is not None and np.array_equal(shown["ResLink"].distance, stored["ResLink"].distance)
    for other in ({"eta": 0.02}, {"batch": 30}, {"seed": 6}):
        shown, recording = figure_7.recall(students, data, figure_7.Recipe(**(vars(RECIPE) | other)))
        assert recording is None and shown is students
    assert figure_7.recall(students, draw(samples_test=20), RECIPE) == (students, None)

    resumed = figure_7.train(data, RECIPE, CPU, store=True)
    assert recorded.load("fig_7").provenance["resumed"]
    assert np.array_equal(resumed["3-Block"].test, stored["3-Block"].test)


def test_bad_input_is_named(data):
    with pytest.raises(ValueError, match="batch must divide the number of samples, 60, not 7"):
        figure_7.train(data, figure_7.Recipe(**(vars(RECIPE) | {"batch": 7})), CPU)
    with pytest.raises(ValueError, match="d must be from 1"):
        draw(d=0)
