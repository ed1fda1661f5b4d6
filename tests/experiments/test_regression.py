"""The three-block network of section 5.2 and its training, in src.networks and src.regression."""

import pytest
import torch

from src.experiments import networks, regression


def generator(seed):
    return torch.Generator().manual_seed(seed)


def inputs(n=60, d=5, seed=0):
    return torch.randn(n, d, generator=generator(seed))


def run(student_seed=2, **changed):
    student = networks.ThreeBlock(5, 8, generator=generator(student_seed))
    teacher = networks.three_block_teacher(inputs(), generator=generator(1))
    options = {"eta": 1e-3, "batch": 20, "steps": 7, "generator": generator(3), "record_at": [0, 2, 7]}
    options |= {"evaluate": {"test": inputs(seed=9)}} | changed
    return student, regression.fit(student, teacher, inputs(), **options)


def test_three_blocks_and_a_sum():
    student, x = networks.ThreeBlock(5, 8, generator=generator(2)).eval(), inputs()
    h = x
    for k in (0, 3, 6):  # running statistics are still 0 and 1
        h = torch.relu(student.blocks[k](h) / (1 + 1e-5) ** 0.5)
    assert torch.allclose(student(x), h.sum(1), rtol=1e-5)
    sizes = [tuple(p.shape) for p in networks.ThreeBlock(100, generator=generator(2)).parameters() if p.ndim == 2]
    assert sizes == [(500, 100), (500, 500), (500, 500)]
    same = networks.ThreeBlock(5, 8, generator=generator(2))
    assert all(torch.equal(p, q) for p, q in zip(student.parameters(), same.parameters()))


def test_the_teacher_is_a_fixed_function_normalised_over_the_whole_set():
    x = inputs(300)
    teacher = networks.three_block_teacher(x, generator=generator(1))
    assert not teacher.training and not any(p.requires_grad for p in teacher.parameters())
    assert torch.allclose(teacher(x[:7]), teacher(x)[:7], atol=1e-3)
    normalised = teacher.blocks[:2](x)
    assert normalised.mean(0).abs().max() < 1e-4 and (normalised.std(0) - 1).abs().max() < 1e-3


def test_training_equals_a_plain_loop_and_resumes_bitwise(tmp_path, monkeypatch):
    student, (step, errors) = run()
    assert step.tolist() == [0, 2, 7]
    teacher = networks.three_block_teacher(inputs(), generator=generator(1))
    plain, order = networks.ThreeBlock(5, 8, generator=generator(2)), generator(3)
    rows = [r for _ in range(3) for r in torch.randperm(60, generator=order).split(20)][:7]
    optimizer = torch.optim.SGD(plain.parameters(), lr=1e-3)
    for r in rows:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(plain(inputs()[r]), teacher(inputs())[r]).backward()
        optimizer.step()
    x = inputs(seed=9)
    assert torch.allclose(plain.eval()(x), student.eval()(x), rtol=1e-4)
    assert errors["test"][-1].item() == pytest.approx((plain(x) - teacher(x)).square().mean().item(), rel=1e-3)

    checkpoint = tmp_path / "run.pt"
    run(steps=2, record_at=[0, 2], checkpoint=checkpoint)
    resumed, (_, again) = run(checkpoint=checkpoint)
    assert torch.equal(again["test"], errors["test"])
    assert all(torch.equal(p, q) for p, q in zip(resumed.state_dict().values(), student.state_dict().values()))
    for other in ({"eta": 2e-3}, {"student_seed": 77}, {"generator": generator(4)}):
        with pytest.raises(ValueError, match="checkpoint must belong to this run"):
            run(**other, checkpoint=checkpoint)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"eta": -1.0}, ValueError, "eta must be positive"),
        ({"batch": 7}, ValueError, "batch must divide the number of samples, 60, not 7"),
        ({"batch": 1}, ValueError, "batch must be from 2"),
        ({"steps": 0}, ValueError, "steps must be from 1"),
        ({"record_at": [8]}, ValueError, "record_at must hold steps between 0 and steps = 7"),
        ({"steps": 7.0}, TypeError, "steps must be an integer"),
        ({"eta": True}, TypeError, "eta must be a number"),
        ({"record_at": [0.5]}, TypeError, "entry 0 of record_at must be an integer"),
        ({"record_at": []}, ValueError, "record_at must have at least one entry"),
        ({"evaluate": {"test": inputs(d=4)}}, ValueError, r"evaluate\['test'\] must be like samples"),
        ({"evaluate": {"test": inputs().double()}}, ValueError, r"evaluate\['test'\] must be like samples"),
        ({"generator": 3}, TypeError, "generator must be a torch.*Generator"),
        ({"evaluate": {"test": inputs() / 0}}, ValueError, r"evaluate\['test'\] must be finite"),
    ],
    ids=str,
)
def test_bad_input_is_named(changed, error, message):
    with pytest.raises(error, match=message):
        run(**changed)


@pytest.mark.parametrize("name", ["student", "teacher"])
def test_a_column_of_outputs_is_refused(name):
    """[n, 1] less [n] is [n, n]: every output would be compared with every label."""
    networks_ = {"student": networks.ThreeBlock(5, 8, generator=generator(2))}
    networks_["teacher"] = networks.three_block_teacher(inputs(), generator=generator(1))
    networks_[name] = torch.nn.Linear(5, 1)
    options = {"eta": 1e-3, "batch": 20, "steps": 1, "generator": generator(3), "record_at": [1], "evaluate": {}}
    with pytest.raises(ValueError, match=rf"{name} must give one number for each of the samples, not \[60, 1\]"):
        regression.fit(networks_["student"], networks_["teacher"], inputs(), **options)


def test_bad_networks_are_refused():
    with pytest.raises(ValueError, match="inputs must be from 1"):
        networks.ThreeBlock(0, generator=generator(1))
    with pytest.raises(TypeError, match="hidden must be an integer"):
        networks.ThreeBlock(5, 8.0, generator=generator(1))
    with pytest.raises(TypeError, match="generator"):
        networks.ThreeBlock(5, 8, generator=1)
    with pytest.raises(ValueError, match=r"samples must be .* with n >= 2"):
        networks.three_block_teacher(inputs(1), generator=generator(1))


def test_divergence_says_where():
    with pytest.raises(FloatingPointError, match="no longer finite at step"):
        run(eta=1e30)
