"""The 56-layer networks and the runs of Table 1."""

import re
import sys
from dataclasses import asdict, replace

import pytest
import torch
from torch.nn.functional import conv2d

from src import checks
from src.experiments import datasets, gaps, networks, table_1, training
from src.runs import recorded

# --- the networks


def port_keys():
    """The names in the usual PyTorch port of He et al.'s network, written out."""

    def norm(name):
        return [f"{name}.{part}" for part in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")]

    keys = ["conv1.weight", *norm("bn1")]
    for layer in (1, 2, 3):
        for block in range(9):
            for k in (1, 2):
                keys += [f"layer{layer}.{block}.conv{k}.weight", *norm(f"layer{layer}.{block}.bn{k}")]
    return [*keys, "linear.weight", "linear.bias"]


@pytest.mark.parametrize("build", [networks.resnet56, networks.single_skip56, networks.vanilla56])
def test_names_and_number_of_parameters(build):
    net = build()
    assert list(net.state_dict()) == port_keys()
    convolutions = 3 * 16 * 9 + 18 * 16**2 * 9 + (16 * 32 + 17 * 32**2) * 9 + (32 * 64 + 17 * 64**2) * 9
    norms = 2 * (19 * 16 + 18 * 32 + 18 * 64)
    assert sum(p.numel() for p in net.parameters()) == convolutions + norms + 64 * 10 + 10 == 853_018


def normalised(h):
    """Batch norm in training mode with scale 1 and shift 0."""
    mean, var = h.mean((0, 2, 3), keepdim=True), h.var((0, 2, 3), keepdim=True, unbiased=False)
    return (h - mean) / (var + 1e-5).sqrt()


@pytest.mark.parametrize("skip", [0, 1, 2])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_block_is_its_formula(skip, stride):
    torch.manual_seed(0)
    block = networks.Block(4, 4 * stride, stride, skip).double()
    x = torch.randn(3, 4, 6, 6, dtype=torch.float64)
    link = x
    if stride == 2:  # every second pixel; two zero channels before, two after
        link = torch.zeros(3, 8, 3, 3, dtype=torch.float64)
        link[:, 2:6] = x[:, :, [0, 2, 4]][..., [0, 2, 4]]
    h = normalised(conv2d(x, block.conv1.weight, stride=stride, padding=1))
    h = (h + link if skip == 1 else h).relu()
    y = normalised(conv2d(h, block.conv2.weight, padding=1))
    y = y + {0: 0, 1: h, 2: link}[skip]
    torch.testing.assert_close(block(x), y.relu())


def test_the_networks_share_all_but_the_links():
    x = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    outputs = []
    for build in (networks.resnet56, networks.single_skip56, networks.vanilla56):
        net = build(torch.Generator().manual_seed(3))
        net.load_state_dict(networks.resnet56(torch.Generator().manual_seed(4)).state_dict())
        outputs.append(net(x))
        assert outputs[-1].shape == (8, 10)
    assert not torch.allclose(outputs[0], outputs[1]) and not torch.allclose(outputs[1], outputs[2])
    one, other = (networks.resnet56(torch.Generator().manual_seed(s)).conv1.weight for s in (3, 3))
    assert torch.equal(one, other)


def test_initial_scales_are_he_et_al():
    net = networks.resnet56()
    weight = net.layer3[5].conv1.weight  # 36,864 entries
    assert weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)
    assert weight.mean().abs() < 0.001
    assert net.linear.weight.std().item() == pytest.approx((2 / 64) ** 0.5, rel=0.1)
    assert net.linear.bias.abs().max() <= 1 / 8


@pytest.mark.parametrize(
    "change, error",
    [({"skip": 3}, ValueError), ({"skip": True}, TypeError), ({"depth": 0}, ValueError), ({"width": 2.0}, TypeError),
     ({"generator": 3}, TypeError)],
)  # fmt: skip
def test_the_network_rejects(change, error):
    with pytest.raises(error, match=next(iter(change))):
        networks.CifarNet(**({"skip": 2, "generator": torch.Generator()} | change))


# --- images and step sizes


def test_crop_and_flip_is_the_plain_loop():
    images = torch.randn(50, 3, 6, 5, generator=torch.Generator().manual_seed(0))
    got = table_1.crop_and_flip(images, torch.Generator().manual_seed(1))
    generator = torch.Generator().manual_seed(1)
    top, left = torch.randint(9, (2, 50, 1), generator=generator)
    flip = torch.randint(2, (50, 1), generator=generator)
    padded = torch.zeros(50, 3, 14, 13)
    padded[:, :, 4:10, 4:9] = images
    for k in range(50):
        crop = padded[k, :, top[k] : top[k] + 6, left[k] : left[k] + 5]
        assert torch.equal(got[k], crop.flip(-1) if flip[k] else crop)
    assert got.shape == images.shape and got.is_contiguous(memory_format=torch.channels_last)


def test_crops_and_flips_are_uniform():
    """One bright pixel in the middle, marked by its left neighbour, shows where every image went."""
    n = 20_000
    images = torch.zeros(n, 1, 9, 9)
    images[:, 0, 4, 4], images[:, 0, 4, 3] = 2, 1
    got = table_1.crop_and_flip(images, torch.Generator().manual_seed(0))[:, 0]
    rows = (got == 2).any(2).float().argmax(1)
    counts = rows.bincount(minlength=9)
    assert ((counts - n / 9).abs() < 5 * (n / 9) ** 0.5).all()
    inside = (got == 1).any(2).any(1)
    flipped = ((got == 2).any(1).float().argmax(1) < (got == 1).any(1).float().argmax(1))[inside]
    assert abs(flipped.float().mean() - 0.5) < 0.02


def rates(recipe, steps):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=recipe.step)
    scheduler = table_1.schedule(optimizer, recipe, steps // recipe.epochs)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_the_step_sizes_of_he_et_al():
    found = rates(replace(table_1.RECIPES["he"], epochs=4), 400)
    assert found == pytest.approx([0.1] * 200 + [0.01] * 100 + [0.001] * 100)
    assert table_1.RECIPES["he"].epochs * 391 == 64_124  # 391 minibatches of 128 are an epoch


def test_the_step_sizes_of_one_cycle():
    found = torch.tensor(rates(replace(table_1.RECIPES["short"], epochs=1), 100))
    assert found[0].item() == pytest.approx(0.02) and found.max().item() == pytest.approx(0.2, rel=1e-3)
    assert found.argmax() in (19, 20) and found[-1] < 1e-4
    assert (found[:20].diff() > 0).all() and (found[20:].diff() < 0).all()


def test_standardised_by_channel():
    images = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    images[:, 1] = 255
    got = table_1.standardised(images)[0, :, 0, 0]
    torch.testing.assert_close(got, torch.tensor([-0.4914 / 0.2470, (1 - 0.4822) / 0.2435, -0.4465 / 0.2616]))


# --- the runs

TINY = table_1.Recipe(epochs=2, schedule="one-cycle", precision="float32", step=0.05, batch=8)


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (28, 3, 32, 32), generator=generator).to(torch.uint8)
    labels = torch.arange(28) % 10
    return datasets.Images("noise", pixels[:20], labels[:20], pixels[20:], labels[20:])


@pytest.fixture
def small(monkeypatch):
    """Networks of 8 layers in place of 56."""

    def build(skip):
        return lambda generator: networks.CifarNet(skip, generator=generator, depth=1, width=4)

    monkeypatch.setattr(table_1, "NETWORKS", {"resnet56": build(2), "single_skip56": build(1), "vanilla56": build(0)})


def run(folder, images, network="resnet56", seed=0, recipe=TINY, **options):
    return table_1.run(network, seed, recipe, images=images, folder=folder, device="cpu", **options)


def test_a_run_is_recorded_once(small, images, tmp_path, monkeypatch):
    first = run(tmp_path, images)
    assert first.arrays["test_error"].shape == (3,)
    assert first.provenance["parameters"] == asdict(TINY) | {"network": "resnet56"}
    assert first.provenance["seeds"] == [0] and first.provenance["images"] == "noise"
    assert first.provenance["evaluation"] == "float32"
    older = recorded.Recording("older", {}, {})
    assert table_1.evaluated_otherwise([first, older, older]) == 2
    monkeypatch.setattr(training, "train", None)  # would fail
    assert run(tmp_path, images).provenance == first.provenance


def test_the_recording_says_the_precision_that_was_computed(small, images, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_computes_bfloat16", lambda: False)
    half = replace(TINY, precision="bfloat16")
    with pytest.warns(UserWarning, match="no arithmetic in bfloat16"):
        made = run(tmp_path, images, recipe=half)
    assert made.provenance["parameters"]["precision"] == "float32"
    assert (made.arrays["loss"][1:] == run(tmp_path / "single", images).arrays["loss"][1:]).all()
    found = table_1.find("resnet56", 0, half, tmp_path)
    assert found.provenance == made.provenance  # it stands for the run, which is not repeated
    monkeypatch.setattr(training, "_computes_bfloat16", lambda: True)
    run(tmp_path / "half", images, recipe=half)
    with pytest.raises(ValueError, match="no run of another recipe"):
        table_1.find("resnet56", 0, TINY, tmp_path / "half")


def test_runs_differ_by_seed_and_network(small, images, tmp_path):
    losses = [
        run(tmp_path, images, n, s).arrays["loss"][1] for n, s in (("resnet56", 0), ("resnet56", 1), ("vanilla56", 0))
    ]
    assert len(set(losses)) == 3


def interrupted(monkeypatch, folder, images):
    """A run that is stopped within its second epoch."""
    original, calls = training._one_epoch, []

    def stop_in_the_second(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training, "_one_epoch", stop_in_the_second)
        run(folder, images)


def test_a_resumed_run_equals_an_uninterrupted_one(small, images, tmp_path, monkeypatch):
    whole = run(tmp_path / "a", images)
    interrupted(monkeypatch, tmp_path / "b", images)
    assert table_1.find("resnet56", 0, TINY, tmp_path / "b") is None
    resumed = run(tmp_path / "b", images)
    assert (resumed.arrays["loss"][1:] == whole.arrays["loss"][1:]).all()
    assert (resumed.arrays["test_error"] == whole.arrays["test_error"]).all()
    assert resumed.provenance["resumed"] and not whole.provenance["resumed"]


def test_the_recording_of_another_recipe_is_refused_and_kept(small, images, tmp_path):
    run(tmp_path, images)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="folder must hold no run of another recipe"):
        run(tmp_path, images, recipe=replace(TINY, step=0.06))
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_collecting_finds_runs_and_trains_the_others_when_asked(small, images, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "cifar10", lambda: images)
    run(tmp_path, images, "vanilla56", seed=1)
    found = table_1.collect([0, 1], TINY, folder=tmp_path)
    assert {name: list(runs) for name, runs in found.items()} == {"ResNet": [], "single skip": [], "vanilla": [1]}
    assert len(table_1.missing(TINY, tmp_path)) == 14 and ("vanilla56", 1) not in table_1.missing(TINY, tmp_path)
    errors = table_1.errors(found)
    assert len(errors["ResNet"]) == 0
    assert errors["vanilla"] == pytest.approx([100 * found["vanilla"][1].arrays["test_error"][-1]])
    trained = table_1.collect([1], TINY, train=True, folder=tmp_path, device="cpu")
    assert all(list(runs) == [1] for runs in trained.values())
    assert trained["vanilla"][1].provenance == found["vanilla"][1].provenance
    assert len(table_1.missing(TINY, tmp_path)) == 12


def test_the_rows_are_the_networks_of_the_paper():
    for row in table_1.ROWS.values():
        assert table_1.NETWORKS[row.network](None).layer1[0].skip == row.skip
    ours = {name: row.error for name, row in table_1.ROWS.items()}
    for (worse, better), points in gaps.PAIRS.items():
        assert ours[worse] - ours[better] == pytest.approx(points)


@pytest.mark.parametrize("other", ["network", "recipe"])
def test_the_checkpoint_of_another_run_is_refused(small, images, tmp_path, other, monkeypatch):
    interrupted(monkeypatch, tmp_path, images)
    saved = tmp_path / "table_1-changed-resnet56-0.pt"
    if other == "network":
        saved.rename(tmp_path / "table_1-changed-vanilla56-0.pt")
        again = {"network": "vanilla56"}
    else:
        again = {"recipe": replace(TINY, weight_decay=1e-3)}
    with pytest.raises(ValueError, match="checkpoint must belong to this run"):
        run(tmp_path, images, **again)
    assert not list(tmp_path.glob("*vanilla56*.npz"))


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"network": "resnet57"}, ValueError, "network.*resnet56"),
        ({"seed": -1}, ValueError, "seed"),
        ({"seed": 1.0}, TypeError, "seed"),
        ({"device": "tpu"}, ValueError, "device"),
        ({"folder": None}, ValueError, "folder must be given"),
    ],
)
def test_bad_input_stops_before_any_work(change, error, message, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "cifar10", None)
    arguments = {"network": "resnet56", "seed": 0, "recipe": TINY, "folder": tmp_path / "new", "device": "cpu"} | change
    with pytest.raises(error, match=message):
        table_1.run(**arguments)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "change",
    [{"epochs": 0}, {"schedule": "cosine"}, {"precision": "float16"}, {"step": 0.0}, {"momentum": 1.0}, {"batch": 1},
     {"weight_decay": -1.0}],
)  # fmt: skip
def test_bad_recipes(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        replace(TINY, **change)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_said(tmp_path):
    with pytest.raises(ValueError, match="'cuda', but torch sees no CUDA device"):
        table_1.run("resnet56", 0, TINY, folder=tmp_path, device="cuda")


def test_a_folder_that_cannot_be_written(images, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(training, "train", None)
    with pytest.raises(ValueError, match="folder must be where files can be written"):
        run(tmp_path / "file", images)


def command(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["table_1", *map(str, arguments)])
    table_1.main()


def test_the_command_line_runs_what_is_missing(small, images, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(datasets, "cifar10", lambda: images)
    chosen = ("short", "--epochs", 1, "--batch", 10, "--folder", tmp_path, "--device", "cpu", "--networks", "vanilla56")
    command(monkeypatch, *chosen, "--seeds", 3, 4)
    assert re.findall(r"vanilla56 seed (\d): test error [\d.]+ %", capsys.readouterr().out) == ["3", "4"]
    kept = recorded.load("table_1-changed-vanilla56-3", tmp_path).provenance
    command(monkeypatch, *chosen, "--seeds", 3)
    assert recorded.load("table_1-changed-vanilla56-3", tmp_path).provenance == kept


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["short", "--epochs", "1"], "folder must be given"),
        (["short", "--step", "-1", "--folder", "x"], "step"),
        (["short", "--seeds", "-1"], "seed"),
    ],
)
def test_the_command_line_says_what_is_wrong(monkeypatch, tmp_path, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=message):
        command(monkeypatch, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_recipes_of_the_chapter_are_those_of_the_module():
    """The chapter spells the recipes out; papermill's files must say the same as src."""
    import yaml
    from conftest import CHAPTERS

    given = yaml.safe_load((CHAPTERS / "parameters" / "paper" / "10_identity_mapping.yaml").read_text())
    assert {name: given[name] for name in asdict(TINY)} == asdict(table_1.RECIPES["he"])


def test_text_parameters():
    checks.check_value("folder", "x", str)
    with pytest.raises(TypeError, match="folder must be text"):
        checks.check_value("folder", 3, str)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_run_on_a_gpu_is_that_on_the_cpu(small, images, tmp_path):
    cpu = run(tmp_path / "cpu", images)
    gpu = table_1.run("resnet56", 0, TINY, images=images, folder=tmp_path / "gpu", device="cuda")
    assert gpu.arrays["loss"][1:] == pytest.approx(cpu.arrays["loss"][1:], rel=1e-2)
