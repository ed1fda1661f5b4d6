"""He et al.'s ResNet-56 from a file of the usual PyTorch port: names, function, pixels; on made-up weights."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from src.experiments import networks, published_weights
from src.experiments.datasets import Images

NAMES = ("weight", "bias", "running_mean", "running_var")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def small(seed=0):
    """ResNet-8 with 4, 8 and 16 channels: the same blocks, few weights."""
    return networks.CifarNet(2, generator=generator(seed), depth=1, width=4)


def made_up(network, seed=1):
    """Weights with the names under which the port saves them: `module.` before each, no count of batches."""
    state, random = {}, generator(seed)
    for name, value in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            noise = torch.randn(value.shape, generator=random)
            state["module." + name] = 0.5 + noise.square() if name.endswith("running_var") else 0.3 * noise
    return state


def saved(tmp_path, state, **others):
    path = tmp_path / "weights.th"
    torch.save({"state_dict": state, "best_prec1": 90.0, **others}, path)
    return path


def by_hand(state, x, groups, depth):
    """The logits that He et al.'s network gives, from the port's names alone: x [n, 3, h, w] -> [n, classes]."""

    def layer(h, convolution, norm, stride=1):
        h = functional.conv2d(h, state[f"module.{convolution}.weight"], stride=stride, padding=1)
        weight, bias, mean, variance = (state[f"module.{norm}.{name}"][:, None, None] for name in NAMES)
        return weight * (h - mean) / (variance + 1e-5).sqrt() + bias

    h = layer(x, "conv1", "bn1").clamp(min=0)
    for group in range(1, groups + 1):
        for block in range(depth):
            name, stride = f"layer{group}.{block}", 2 if group > 1 and block == 0 else 1
            y = layer(h, f"{name}.conv1", f"{name}.bn1", stride).clamp(min=0)
            y = layer(y, f"{name}.conv2", f"{name}.bn2")
            if stride == 2:  # option A: every second pixel, and zero channels before and after
                link = torch.zeros_like(y)
                quarter = y.shape[1] // 4
                link[:, quarter:-quarter] = h[:, :, ::2, ::2]
                h = link
            h = (y + h).clamp(min=0)
    return h.mean((2, 3)) @ state["module.linear.weight"].T + state["module.linear.bias"]


def test_the_mapped_weights_give_the_ports_function(tmp_path):
    state = made_up(small())
    network = published_weights.load(saved(tmp_path, state), small(seed=5), sha256=None)
    x = torch.randn(3, 3, 16, 16, generator=generator(2))
    assert not network.training
    with torch.no_grad():
        assert torch.allclose(network(x), by_hand(state, x, groups=3, depth=1), rtol=1e-4, atol=1e-5)


def test_resnet56_has_the_parameters_of_the_port(tmp_path):
    """0.85 million in 56 layers with weights; every tensor of the file has its place and every place its tensor."""
    network = networks.resnet56()
    assert sum(p.numel() for p in network.parameters()) == 853_018
    assert sum(isinstance(m, nn.Conv2d | nn.Linear) for m in network.modules()) == 56
    state = made_up(network)
    assert len(state) == 277
    loaded = published_weights.load(saved(tmp_path, state), sha256=None).state_dict()
    assert all(torch.equal(loaded[name.removeprefix("module.")], value) for name, value in state.items())


def test_pixels_are_standardised_with_imagenets_values():
    images = torch.tensor([0, 255, 51], dtype=torch.uint8)[:, None, None].expand(1, 3, 2, 2)
    expected = [(0 - 0.485) / 0.229, (1 - 0.456) / 0.224, (0.2 - 0.406) / 0.225]
    assert published_weights.standardised(images)[0, :, 1, 0].tolist() == pytest.approx(expected)
    with pytest.raises(TypeError, match=r"images must be .* of uint8"):
        published_weights.standardised(images.float())


def test_evaluate_counts_the_images_that_the_network_gets_wrong():
    network = small().eval()
    pixels = torch.randint(0, 256, (8, 3, 16, 16), generator=generator(3), dtype=torch.uint8)
    with torch.no_grad():
        labels = network(published_weights.standardised(pixels)).argmax(1)
    labels[:2] = (labels[:2] + 1) % 10
    images = Images("made up", pixels, labels, pixels, labels)
    assert published_weights.evaluate(network, images) == 25


def test_a_file_that_is_not_the_published_one_is_refused(tmp_path):
    state = made_up(small())
    with pytest.raises(ValueError, match="is not the published file: it has SHA-256"):
        published_weights.load(saved(tmp_path, state), small())
    with pytest.raises(ValueError, match=r"must begin with 'module\.'.*found 'conv1\.weight'"):
        published_weights.load(saved(tmp_path, published_weights.renamed(state)), small(), sha256=None)
    with pytest.raises(ValueError, match="does not hold the weights of this network"):
        published_weights.load(saved(tmp_path, state), sha256=None)
    del state["module.layer2.0.bn2.running_mean"]
    with pytest.raises(ValueError, match=r"layer2\.0\.bn2\.running_mean"):
        published_weights.load(saved(tmp_path, state), small(), sha256=None)
    torch.save(state, tmp_path / "bare.th")
    with pytest.raises(ValueError, match="must hold a dictionary with an entry 'state_dict'"):
        published_weights.load(tmp_path / "bare.th", small(), sha256=None)
    with pytest.raises(ValueError, match="is not a file of weights alone"):  # it names code to be run
        published_weights.load(saved(tmp_path, state, code=small()), small(), sha256=None)
    with pytest.raises(FileNotFoundError, match=r"path must be a file; .* is not there"):
        published_weights.load(tmp_path / "none.th")
    with pytest.raises(FileNotFoundError, match=r"path must be a file; .* is a folder"):
        published_weights.load(tmp_path)


@pytest.mark.parametrize("bad", ["bytes", "empty", "list", "text", "numbers", "large", "NaN"])
def test_an_odd_file_is_refused(tmp_path, bad):
    path, state = tmp_path / "weights.th", made_up(small())
    if bad in ("bytes", "empty"):
        path.write_bytes(b"\x80\x02}" * (bad == "bytes"))
    elif bad == "large":
        path.write_bytes(bytes(published_weights.LARGEST + 1))
    elif bad == "NaN":
        state["module.linear.weight"][0, 0] = torch.nan
        torch.save({"state_dict": state}, path)
    else:
        torch.save({"state_dict": {"list": [1], "text": "x", "numbers": {"module.x": 3}}[bad]}, path)
    with pytest.raises(ValueError, match=r"weights\.th (is not|does not|must) hold|is not (a file|the published file)"):
        published_weights.load(path, small(), sha256=None)


class OpensAFile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_hostile_file_runs_nothing(tmp_path):
    trap = tmp_path / "trap"
    path = saved(tmp_path, {"module.x": OpensAFile(trap)})
    trap.unlink(missing_ok=True)
    with pytest.raises(ValueError, match="is not a file of weights alone"):
        published_weights.load(path, small(), sha256=None)
    assert not trap.exists()
