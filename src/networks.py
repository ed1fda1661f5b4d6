"""The networks of section 5."""

import torch
from torch import nn

from src.checks import check_generator, check_integer

# --- Section 5.4: five blocks, with and without the identity ---------------------------------------------------------


class BlockMLP(nn.Module):
    r"""The network of section 5.4: blocks h -> ReLU(h + W^T h), or ReLU(W^T h) without the identity, and a read-out.

    Inputs are [n, d], outputs the classes' logits [n, classes]; W [d, d] is the transpose of a block's `weight`. The
    paper leaves the read-out open; here it is linear with a bias. Weights are drawn from `generator`, the read-out's
    first, so that a generator of one seed gives every `init` the same read-out.

    init, readout: "zero"; "uniform", on (-1/sqrt d, 1/sqrt d), torch's default for a linear layer; or "normal",
        N(0, 1/d). All biases start at zero; `bias` says whether the blocks have one (the paper's model (1) has none).
    Raises ValueError or TypeError, naming the argument, for anything else.
    """

    def __init__(self, d, classes, generator, *, blocks=5, identity=True, init="zero", readout="uniform", bias=False):
        for name, value in {"d": d, "classes": classes, "blocks": blocks}.items():
            check_integer(name, value, at_least=1)
        check_generator(generator)
        for name, value in {"init": init, "readout": readout}.items():
            if value not in _INITIAL:
                raise ValueError(f"{name} must be one of {', '.join(_INITIAL)}, not {value!r}")
        super().__init__()
        self.identity = bool(identity)
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


_INITIAL = {
    "zero": lambda W, generator: nn.init.zeros_(W),
    "uniform": lambda W, generator: nn.init.uniform_(W, -(W.shape[1] ** -0.5), W.shape[1] ** -0.5, generator),
    "normal": lambda W, generator: nn.init.normal_(W, 0, W.shape[1] ** -0.5, generator),
}


# --- Section 5.2: three blocks ----------------------------------------------------------------------------------------
# The vanilla network of section 5.2 needs no code: ReLU(V^T x) summed is the model of eq. 1 at W = V - I (`src.sgd`).


class ThreeBlock(nn.Module):
    """Section 5.2's third network: three blocks of Linear (500 nodes), batch norm, ReLU. x [n, inputs] -> [n].

    The paper leaves open, and this class is where it is settled:
    - the widths: inputs -> 500 -> 500 -> 500;
    - the read-out: the sum of the last block's outputs, as in eq. 1 (nothing is learnt there);
    - the start: weights and biases uniform on +-1/sqrt(fan-in), PyTorch's default; batch norm learns scale and shift
      from 1 and 0, with PyTorch's momentum 0.1 and epsilon 1e-5.

    inputs, hidden: integers at least 1. generator: a CPU torch.Generator. Raises TypeError or ValueError otherwise.
    """

    def __init__(self, inputs, hidden=500, *, generator):
        check_integer("inputs", inputs, at_least=1)
        check_integer("hidden", hidden, at_least=1)
        check_generator(generator)
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


def three_block_teacher(samples, *, generator):
    """A ThreeBlock drawn like a student's start, as a fixed function: batch norm uses the statistics of `samples`.

    samples: [n, d], n >= 2. The statistics are those of the whole set, layer by layer, and the network is in evaluation
    mode: in training mode a sample's label would depend on the batch it came in.
    """
    check_samples("samples", samples)
    teacher = ThreeBlock(samples.shape[1], generator=generator).to(samples).requires_grad_(False)
    norms = [layer for layer in teacher.blocks if isinstance(layer, nn.BatchNorm1d)]
    for layer in norms:
        layer.momentum = 1.0  # the running statistics become those of one pass
    teacher(samples)
    return teacher.eval()


def check_samples(name, x):
    if not isinstance(x, torch.Tensor) or x.ndim != 2 or len(x) < 2 or not torch.isfinite(x).all():
        raise ValueError(f"{name} must be a finite tensor of inputs [n, d] with n >= 2")
