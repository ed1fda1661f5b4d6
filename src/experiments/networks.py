"""The networks of section 5."""

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, pad, relu

from src.checks import DIMENSION, arguments, optional
from src.experiments import inputs as kinds

_DEPTH = range(1, 1001)  # of blocks in a network
_GENERATOR = optional(torch.Generator)

# --- Section 5.4: five blocks, with and without the identity ---------------------------------------------------------


_INITIAL = {
    "zero": lambda W, generator: nn.init.zeros_(W),
    "uniform": lambda W, generator: nn.init.uniform_(W, -(W.shape[1] ** -0.5), W.shape[1] ** -0.5, generator),
    "normal": lambda W, generator: nn.init.normal_(W, 0, W.shape[1] ** -0.5, generator),
}


STARTS = tuple(_INITIAL)


class BlockMLP(nn.Module):
    r"""The network of section 5.4: blocks h -> ReLU(h + W^T h), or ReLU(W^T h) without the identity, and a read-out.

    Inputs are [n, d], outputs the classes' logits [n, classes]; W [d, d] is the transpose of a block's `weight`. The
    paper leaves the read-out open; here it is linear with a bias. Weights are drawn from `generator`, the read-out's
    first, so that a generator of one seed gives every `init` the same read-out.

    init, readout: "zero"; "uniform", on (-1/sqrt d, 1/sqrt d), torch's default for a linear layer; or "normal",
        N(0, 1/d). All biases start at zero; `bias` says whether the blocks have one (the paper's model (1) has none).
    Raises ValueError or TypeError, naming the argument, for anything else.
    """

    @arguments(
        d=DIMENSION,
        classes=DIMENSION,
        generator=torch.Generator,
        blocks=_DEPTH,
        identity=bool,
        init=STARTS,
        readout=STARTS,
        bias=bool,
    )
    def __init__(self, d, classes, generator, *, blocks=5, identity=True, init="zero", readout="uniform", bias=False):
        super().__init__()
        self.identity = identity
        self.readout = nn.utils.skip_init(nn.Linear, d, classes)
        self.blocks = nn.ModuleList(nn.utils.skip_init(nn.Linear, d, d, bias=bias) for _ in range(blocks))
        for layer, kind in [(self.readout, readout), *((block, init) for block in self.blocks)]:
            _INITIAL[kind](layer.weight, generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def forward(self, x):
        for block in self.blocks:
            x = torch.relu(x + block(x) if self.identity else block(x))
        return self.readout(x)

    def extra_repr(self):
        return f"identity={self.identity}"


# --- Section 5.2: three blocks ----------------------------------------------------------------------------------------
# The vanilla network of section 5.2 needs no code: ReLU(V^T x) summed is the model of eq. 1 at W = V - I.


class ThreeBlock(nn.Module):
    """Section 5.2's third network: three blocks of Linear (500 nodes), batch norm, ReLU. x [n, inputs] -> [n].

    The paper leaves open, and this class is where it is settled:
    - the widths: inputs -> 500 -> 500 -> 500;
    - the read-out: the sum of the last block's outputs, as in eq. 1 (nothing is learnt there);
    - the start: weights and biases uniform on +-1/sqrt(fan-in), PyTorch's default; batch norm learns scale and shift
      from 1 and 0, with PyTorch's momentum 0.1 and epsilon 1e-5.

    inputs, hidden: integers from 1 to 10,000. generator: a CPU torch.Generator. Raises TypeError or ValueError else.
    """

    @arguments(inputs=DIMENSION, hidden=DIMENSION, generator=torch.Generator)
    def __init__(self, inputs, hidden=500, *, generator):
        super().__init__()
        blocks = []
        for fan_in in (inputs, hidden, hidden):
            linear, bound = nn.Linear(fan_in, hidden), fan_in**-0.5
            for parameter in linear.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)
            blocks += [linear, nn.BatchNorm1d(hidden), nn.ReLU()]
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x):
        return self.blocks(x).sum(-1)


@arguments(samples=kinds.data("[n, d]", n=2), generator=torch.Generator)
def three_block_teacher(samples, *, generator):
    """A ThreeBlock drawn like a student's start, as a fixed function: batch norm uses the statistics of `samples`.

    samples: [n, d], n >= 2. The statistics are those of the whole set, layer by layer, and the network is in evaluation
    mode: in training mode a sample's label would depend on the batch it came in.
    """
    teacher = ThreeBlock(samples.shape[1], generator=generator).to(samples).requires_grad_(False)
    norms = [layer for layer in teacher.blocks if isinstance(layer, nn.BatchNorm1d)]
    for layer in norms:
        layer.momentum = 1.0  # the running statistics become those of one pass
    teacher(samples)
    return teacher.eval()


# --- Section 5.1: 56 layers on CIFAR-10 -------------------------------------------------------------------------------


class Block(nn.Module):
    """Two layers, each a 3 x 3 convolution and batch norm, then ReLU; an identity link jumps over `skip` of them.

    skip 2: h -> ReLU(h + layer2(ReLU(layer1(h)))), the block of He et al.; skip 1: h -> ReLU(h + layer(h)) twice, the
    block of Figure 6; skip 0: no link. Where the first layer halves the image and doubles the channels, the link takes
    every second pixel and pads the channels with zeros, half before and half after: it has no parameters.
    """

    def __init__(self, channels_in, channels, stride, skip):
        super().__init__()
        self.skip, self.stride, self.padding = skip, stride, (channels - channels_in) // 2
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        h = self.bn1(self.conv1(x))
        if self.skip == 1:
            h = h + self.identity(x)
        h = relu(h)
        y = self.bn2(self.conv2(h))
        if self.skip == 1:
            y = y + h
        if self.skip == 2:
            y = y + self.identity(x)
        return relu(y)

    def identity(self, x):
        if self.stride == 1:
            return x
        return pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.padding, self.padding))

    def extra_repr(self):
        return f"skip={self.skip}"


class CifarNet(nn.Module):
    """The CIFAR network of He et al. with 6 `depth` + 2 layers: images [n, channels, h, w] to logits [n, classes].

    A layer (convolution, batch norm, ReLU), three groups of `depth` blocks with `width`, 2 `width` and 4 `width`
    channels, the mean over the image and a linear layer. The three networks of Table 1 differ in `skip` alone, see
    `Block`; the first layer has no link in any of them, as its channels are not those of the image. The parameters
    carry the same names as in the usual PyTorch port: conv1, bn1, layer1.0.conv1 ... layer3.8.bn2, linear.

    Weights are drawn from `generator` as He et al. do: normal with variance 2 / fan-in. Batch norm starts at scale 1
    and shift 0, the linear layer's bias uniform on +-1/sqrt(fan-in).
    Raises ValueError or TypeError, naming the argument.
    """

    @arguments(
        skip=range(3),
        generator=torch.Generator,
        depth=_DEPTH,
        width=range(1, 1025),
        channels=range(1, 1025),
        classes=DIMENSION,
    )
    def __init__(self, skip, *, generator, depth=9, width=16, channels=3, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = _group(width, width, depth, 1, skip)
        self.layer2 = _group(width, 2 * width, depth, 2, skip)
        self.layer3 = _group(2 * width, 4 * width, depth, 2, skip)
        self.linear = nn.Linear(4 * width, classes)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight, generator=generator)
        bound = self.linear.in_features**-0.5
        nn.init.uniform_(self.linear.bias, -bound, bound, generator=generator)

    def forward(self, x):
        h = relu(self.bn1(self.conv1(x)))
        h = self.layer3(self.layer2(self.layer1(h)))
        return self.linear(avg_pool2d(h, h.shape[2:]).flatten(1))


@arguments(generator=_GENERATOR)
def resnet56(generator=None):
    """He et al.'s ResNet-56 for CIFAR-10: identity links over two layers (Table 1, "ResNet").

    The weights are drawn from `generator`; default: a new one with seed 0.
    """
    return CifarNet(2, generator=_seeded(generator))


@arguments(generator=_GENERATOR)
def single_skip56(generator=None):
    """`resnet56` with an identity link over every single layer of its blocks (Table 1, "single skip"; Figure 6)."""
    return CifarNet(1, generator=_seeded(generator))


@arguments(generator=_GENERATOR)
def vanilla56(generator=None):
    """`resnet56` without its identity links (Table 1, "vanilla")."""
    return CifarNet(0, generator=_seeded(generator))


def _seeded(generator):
    return torch.Generator().manual_seed(0) if generator is None else generator


def _group(channels_in, channels, depth, stride, skip):
    first = Block(channels_in, channels, stride, skip)
    return nn.Sequential(first, *(Block(channels, channels, 1, skip) for _ in range(depth - 1)))
