"""The training loop of sections 5.4 and 5.1, and the five-block network of section 5.4."""

import functools
import warnings

import pytest
import torch
from torch.nn.functional import cross_entropy

from src.experiments import networks, training


def task(n=60, d=6, classes=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, d, dtype=torch.float64, generator=generator)
    return x, x[:, :classes].argmax(1)


def network(seed=0, **choices):
    generator = torch.Generator().manual_seed(seed)
    return networks.BlockMLP(6, 3, generator, blocks=2, **choices).double()


def run(epochs, checkpoint=None, seed=3, lr=0.1, data=None, **choices):
    model = network(**choices)
    x, y = data or task()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.5)
    record = training.train(
        model, x, y, optimizer=optimizer, epochs=epochs, batch=16, seed=seed,
        evaluate={"test": task(seed=1)}, checkpoint=checkpoint,
    )  # fmt: skip
    return record, torch.cat([p.detach().flatten() for p in model.parameters()])


def test_one_epoch_is_sgd_written_out():
    record, weights = run(1)
    model, (x, y) = network(), task()
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(3))
    velocity, total = [torch.zeros_like(p) for p in model.parameters()], 0.0
    for rows in order.split(16):  # three batches of 16, one of 12
        loss = cross_entropy(model(x[rows]), y[rows])
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        total += loss.item() * len(rows)
        with torch.no_grad():
            for p, v, g in zip(model.parameters(), velocity, gradients, strict=True):
                v.mul_(0.5).add_(g)
                p.sub_(0.1 * v)
    torch.testing.assert_close(weights, torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert record.loss[1].item() == pytest.approx(total / 60)
    xt, yt = task(seed=1)
    assert record.errors["test"][1].item() == pytest.approx((model(xt).argmax(1) != yt).double().mean().item())


def test_it_learns():
    record, _ = run(40)
    assert record.epoch.tolist() == list(range(41))
    assert record.train_error[-1] < 0.1 < record.train_error[1]
    assert record.errors["test"][-1] < record.errors["test"][0]
    assert record.loss[0].isnan() and record.seconds[0] == 0


def test_resuming_changes_nothing(tmp_path):
    path = tmp_path / "run.pt"
    whole, weights = run(5)
    run(2, checkpoint=path)
    resumed, resumed_weights = run(5, checkpoint=path)
    assert torch.equal(weights, resumed_weights)
    assert torch.equal(whole.loss[1:], resumed.loss[1:])
    assert torch.equal(whole.errors["test"], resumed.errors["test"])
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]


@pytest.mark.parametrize(
    "other", [{"seed": 4}, {"lr": 0.2}, {"init": "normal"}, {"identity": False}, {"data": task(seed=2)}]
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path, other):
    path = tmp_path / "run.pt"
    run(1, checkpoint=path)
    with pytest.raises(ValueError, match="checkpoint must belong to this run"):
        run(2, checkpoint=path, **other)


def test_a_checkpoint_with_too_many_epochs_is_refused(tmp_path):
    run(3, checkpoint=tmp_path / "run.pt")
    with pytest.raises(ValueError, match="at most epochs = 2"):
        run(2, checkpoint=tmp_path / "run.pt")


def test_divergence_is_said_and_the_checkpoint_kept(tmp_path):
    path = tmp_path / "run.pt"
    with pytest.raises(FloatingPointError, match="epoch"):
        run(50, checkpoint=path, lr=1e200)
    with pytest.raises(FloatingPointError, match="epoch"):  # what was kept was still finite
        run(50, checkpoint=path, lr=1e200)


X, Y = task()


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"epochs": -1}, ValueError, "epochs"),
        ({"epochs": 1.0}, TypeError, "epochs"),
        ({"batch": 0}, ValueError, "batch"),
        ({"seed": -1}, ValueError, "seed"),
        ({"inputs": X.numpy()}, TypeError, r"inputs must be a dense torch\.Tensor"),
        ({"inputs": X.long()}, TypeError, "inputs must be .* of float32 or float64, not torch.int64"),
        ({"labels": Y.int()}, TypeError, "int64"),
        ({"labels": Y[1:]}, ValueError, "labels must be as many as inputs"),
        ({"inputs": torch.full_like(X, torch.nan)}, ValueError, "finite"),
        ({"labels": Y - 1}, ValueError, "labels must be from 0; found -1"),
        ({"evaluate": {"test": (X, Y[1:])}}, ValueError, r"labels of evaluate\['test'\] must be as many as inputs"),
        ({"optimizer": 0.1}, TypeError, "optimizer"),
        ({"labels": Y + 1}, ValueError, "labels must be from 0 to 2; found 1 to 3"),
        ({"labels": Y.double()}, TypeError, "labels must be .* of int64"),
        ({"inputs": X.float()}, ValueError, "inputs must be what the model takes"),
        ({"inputs": X[:, :5]}, ValueError, "inputs must be what the model takes"),
        ({"evaluate": {"train": (X, Y)}}, ValueError, "evaluate must hold .* other than 'train'"),
        ({"evaluate": {"test": (X, Y, Y)}}, ValueError, "evaluate must hold .* see 'test'"),
        ({"evaluate": {"test": (X, Y + 9)}}, ValueError, r"labels of evaluate\['test'\] must be from 0 to 2"),
        ({"evaluate": {"test": (X[:, :5], Y)}}, ValueError, r"inputs of evaluate\['test'\] must be like inputs"),
        ({"evaluate": {3: (X, Y)}}, TypeError, "every key of evaluate must be text"),
        (
            {"optimizer": torch.optim.SGD(network().parameters(), lr=0.1)},
            ValueError,
            "optimizer must be one of the model",
        ),
        ({"model": torch.nn.Flatten(0)}, ValueError, "model must have parameters"),
        ({"progress": 1}, TypeError, "progress must be true or false"),
    ],
)
def test_bad_input_is_named_before_any_work(change, error, message):
    model = network()
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    arguments = {"inputs": X, "labels": Y, "optimizer": optimizer, "epochs": 1, "batch": 16, "seed": 0} | change
    with pytest.raises(error, match=message):
        training.train(**{"model": model} | arguments)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


@pytest.mark.parametrize("setting", [{"lr": float("nan")}, {"momentum": 2}, {"weight_decay": float("nan")}])
def test_an_optimizer_that_cannot_work_is_refused(setting):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), **{"lr": 0.1} | setting)
    with pytest.raises(ValueError, match=f"{next(iter(setting))} of optimizer must be"):
        training.train(model, X, Y, optimizer=optimizer, epochs=1, batch=16, seed=0)


@pytest.mark.parametrize("logits", [torch.nn.Flatten(0), torch.nn.Unflatten(1, (3, 1))])
def test_a_model_without_logits_is_refused(logits):
    model = torch.nn.Sequential(network(), logits)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match=r"model must map inputs \[n, ...\] to logits"):
        training.train(model, X, Y, optimizer=optimizer, epochs=1, batch=16, seed=0)


def test_looking_at_the_logits_moves_nothing():
    """Batch norm and dropout: the random stream, the statistics and the mode are those of before."""
    model = torch.nn.Sequential(torch.nn.Linear(6, 3), torch.nn.BatchNorm1d(3), torch.nn.Dropout(0.5)).double()
    optimizer, before = torch.optim.SGD(model.parameters(), lr=0.1), torch.get_rng_state()
    training.train(model, X, Y, optimizer=optimizer, epochs=0, batch=16, seed=0)
    assert torch.equal(torch.get_rng_state(), before) and model.training
    assert model[1].num_batches_tracked == 0 and not model[1].running_mean.any()


def gradients(model, x, y):
    cross_entropy(model(x), y).backward()
    return {name: p.grad for name, p in model.named_parameters()}


def test_forward_is_the_formula():
    model, (x, _) = network(init="normal", bias=True), task()
    h = x
    for block in model.blocks:
        h = (h + h @ block.weight.T + block.bias).relu()
    torch.testing.assert_close(model(x), h @ model.readout.weight.T + model.readout.bias)
    model.identity = False
    h = x
    for block in model.blocks:
        h = (h @ block.weight.T + block.bias).relu()
    torch.testing.assert_close(model(x), h @ model.readout.weight.T + model.readout.bias)


def test_zero_without_identity_moves_the_readout_bias_alone():
    x, y = task()
    got = gradients(network(identity=False, init="zero", bias=False), x, y)
    assert [name for name, g in got.items() if g.any()] == ["readout.bias"]


def test_zero_with_identity_moves_every_weight():
    x, y = task()
    got = gradients(network(identity=True, init="zero"), x, y)
    assert all(g.any() for g in got.values())


def test_every_init_has_the_same_readout():
    readouts = [network(init=init).readout.weight for init in ("zero", "uniform", "normal")]
    assert torch.equal(readouts[0], readouts[1]) and torch.equal(readouts[1], readouts[2])


def test_initial_scales():
    generator = torch.Generator().manual_seed(0)
    uniform = networks.BlockMLP(400, 10, generator, init="uniform").blocks[0].weight
    assert uniform.abs().max() <= 1 / 20 and uniform.std().item() == pytest.approx(1 / 20 / 3**0.5, rel=0.01)
    normal = networks.BlockMLP(400, 10, generator, init="normal").blocks[0].weight
    assert normal.std().item() == pytest.approx(1 / 20, rel=0.01)


@pytest.mark.parametrize("bad", [{"init": "xavier"}, {"readout": "ones"}, {"blocks": 0}])
def test_network_rejects(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        networks.BlockMLP(6, 3, torch.Generator(), **bad)


def test_augmented_inputs_are_drawn_anew_each_epoch():
    seen = []

    def shifted(inputs, generator):
        seen.append(torch.rand(1, generator=generator).item())
        return inputs + 1

    model, (x, y) = network(), task()
    start = [p.detach().clone() for p in model.parameters()]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    training.train(model, x, y, optimizer=optimizer, epochs=2, batch=60, seed=0, augment=shifted)
    assert len(set(seen)) == 2
    plain = network()
    for p, q in zip(plain.parameters(), start, strict=True):
        assert torch.equal(p, q)
    for _ in range(2):  # one batch: the order does not matter
        gradient = torch.autograd.grad(cross_entropy(plain(x + 1), y), list(plain.parameters()))
        with torch.no_grad():
            for p, g in zip(plain.parameters(), gradient, strict=True):
                p.sub_(0.1 * g)
    for p, q in zip(plain.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(p, q)


def added(inputs, generator, *, much):
    return inputs + much * torch.rand(1, generator=generator)


def test_a_partial_function_augments_and_resumes(tmp_path):
    def weights(epochs, much, checkpoint=None):
        model, (x, y) = network(), task()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        training.train(
            model, x, y, optimizer=optimizer, epochs=epochs, batch=16, seed=0,
            augment=functools.partial(added, much=much), checkpoint=checkpoint,
        )  # fmt: skip
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    weights(1, 0.1, tmp_path / "run.pt")
    assert torch.equal(weights(3, 0.1, tmp_path / "run.pt"), weights(3, 0.1))
    with pytest.raises(ValueError, match="checkpoint must belong to this run"):
        weights(3, 0.2, tmp_path / "run.pt")


def test_an_augmentation_must_keep_the_shape():
    model, (x, y) = network(), task()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for wrong in (lambda inputs, generator: inputs[1:], lambda inputs, generator: None):
        with pytest.raises(ValueError, match=r"augment must return inputs \[60, 6\]"):
            training.train(model, x, y, optimizer=optimizer, epochs=1, batch=16, seed=0, augment=wrong)


def scheduled(epochs, checkpoint=None, gamma=0.5):
    model, (x, y) = network(), task()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3, gamma)
    training.train(
        model, x, y, optimizer=optimizer, epochs=epochs, batch=16, seed=0, scheduler=scheduler, checkpoint=checkpoint
    )
    return optimizer.param_groups[0]["lr"], torch.cat([p.detach().flatten() for p in model.parameters()])


def test_the_scheduler_goes_by_minibatches_and_resumes(tmp_path):
    rate, weights = scheduled(3)  # 12 minibatches
    assert rate == pytest.approx(0.2 * 0.5**4)
    scheduled(1, tmp_path / "run.pt")
    again_rate, again = scheduled(3, tmp_path / "run.pt")
    assert again_rate == rate and torch.equal(again, weights)
    with pytest.raises(ValueError, match="checkpoint must belong to this run"):
        scheduled(3, tmp_path / "run.pt", gamma=0.4)


@pytest.mark.parametrize("supported", [True, False])
def test_bfloat16_only_where_the_processor_has_it(monkeypatch, supported):
    monkeypatch.setattr(training, "_computes_bfloat16", lambda: supported)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert training.usable(torch.bfloat16, "cpu") is (torch.bfloat16 if supported else None)
        assert training.usable(None, "cpu") is None
    assert ["no arithmetic in bfloat16: float32 is used" in str(w.message) for w in said] == [True] * (not supported)


def test_without_bfloat16_the_training_is_that_of_float32(monkeypatch):
    def loss(precision):
        model, (x, y) = network().float(), task()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        options = {"optimizer": optimizer, "epochs": 2, "batch": 16, "seed": 0, "precision": precision}
        return training.train(model, x.float(), y, **options).loss[1:]

    monkeypatch.setattr(training, "_computes_bfloat16", lambda: False)
    with pytest.warns(UserWarning, match="no arithmetic in bfloat16"):
        half = loss(torch.bfloat16)
    assert torch.equal(half, loss(None))
    monkeypatch.setattr(training, "_computes_bfloat16", lambda: True)
    assert not torch.equal(loss(torch.bfloat16), half)


@pytest.fixture
def bfloat16(monkeypatch):
    """Computed here too where the CPU has to emulate it."""
    monkeypatch.setattr(training, "_computes_bfloat16", lambda: True)


def test_precision_lowers_the_products_alone(bfloat16):
    types = set()

    class Watched(torch.nn.Linear):
        def forward(self, x):
            y = super().forward(x)
            types.add((self.weight.dtype, y.dtype))
            return y

    model = Watched(6, 3)
    x, y = task()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    training.train(model, x.float(), y, optimizer=optimizer, epochs=1, batch=16, seed=0, precision=torch.bfloat16)
    assert types == {(torch.float32, torch.bfloat16)}


def test_errors_are_taken_in_the_precision_of_the_weights(bfloat16):
    """Logits that bfloat16 cannot tell apart: the largest is the first of them, and an error of zero becomes one."""

    class Close(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.tensor([[1.0, 0], [1.0, 1e-3]]))

        def forward(self, x):
            return x @ self.weight.mT

    model, x, y = Close(), torch.ones(4, 2), torch.ones(4, dtype=torch.int64)
    with torch.autocast("cpu", torch.bfloat16):
        assert training.error(model, x, y) == 1
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    record = training.train(
        model, x, y, optimizer=optimizer, epochs=1, batch=4, seed=0, precision=torch.bfloat16, evaluate={"same": (x, y)}
    )
    assert record.errors["same"].tolist() == [0, 0]


@pytest.mark.parametrize("change", [{"precision": torch.float16}, {"precision": "bfloat16"}, {"scheduler": 0.1}])
def test_bad_options(change):
    model, (x, y) = network(), task()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match=next(iter(change))):
        training.train(model, x, y, optimizer=optimizer, epochs=1, batch=16, seed=0, **change)


def test_an_unreadable_checkpoint_is_named_and_kept(tmp_path):
    path = tmp_path / "run.pt"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match=r"checkpoint must be whole; .*run\.pt is damaged"):
        run(1, checkpoint=path)
    assert path.read_bytes() == b"not a checkpoint"


def test_every_forward_pass_sees_the_weights_of_its_step(bfloat16):
    """Autocast keeps its casts of the weights while it is entered; a loop inside one autocast trains stale weights."""
    model, (x, y) = network(init="uniform").float(), task()
    x = x.float()
    plain = network(init="uniform").float()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    record = training.train(
        model,
        x,
        y,
        optimizer=optimizer,
        epochs=5,
        batch=60,
        seed=0,
        precision=torch.bfloat16,
        evaluate={"same": (x, y)},
    )
    for _ in range(5):
        with torch.autocast("cpu", torch.bfloat16):
            loss = cross_entropy(plain(x), y)
        gradients = torch.autograd.grad(loss, list(plain.parameters()))
        with torch.no_grad():
            for p, g in zip(plain.parameters(), gradients, strict=True):
                p.sub_(0.1 * g)
    assert record.loss[-1].item() == pytest.approx(loss.item(), rel=1e-3)
    for p, q in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=2e-2, atol=2e-3)
    assert record.loss[-1] < record.loss[1] - 0.01


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("checkpointed", [False, True])
def test_captured_steps_are_the_steps_themselves(monkeypatch, tmp_path, checkpointed):
    """Batch norm, momentum, a step size that changes, a last minibatch of another size, and a resumed run."""

    def trained(epochs, path=None):
        net = networks.CifarNet(2, generator=torch.Generator().manual_seed(0), depth=1, width=4, channels=1).cuda()
        x = torch.randn(60, 1, 8, 8, generator=torch.Generator().manual_seed(1)).cuda()
        y = (torch.arange(60) % 10).cuda()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3, 0.5)
        record = training.train(
            net, x, y, optimizer=optimizer, epochs=epochs, batch=16, seed=0, evaluate={"same": (x, y)},
            scheduler=scheduler, checkpoint=path,
        )  # fmt: skip
        return record.loss[1:], record.errors["same"], net.state_dict()

    if checkpointed:
        trained(2, tmp_path / "run.pt")
    loss, errors, state = trained(4, tmp_path / "run.pt" if checkpointed else None)
    monkeypatch.setattr(training._Step, "_replay", training._Step._pass)
    plain_loss, plain_errors, plain_state = trained(4)
    torch.testing.assert_close(loss, plain_loss, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(errors, plain_errors, rtol=0, atol=2 / 60)
    torch.testing.assert_close(state, plain_state, rtol=2e-2, atol=2e-3)
