"""Identity links read off the code, in src.experiments.links."""

import pytest
import torch
from torch import nn
from torch.nn.functional import relu

from src.experiments import links, networks
from src.verdicts import FAILS, ILLUSTRATED


def drawn(skip):
    """A block in words, each addition with the number of the operation that its identity comes from."""
    return [
        f"{o.label} {o.link}" if o.link is not None else o.label for o in links.chain(networks.Block(4, 4, 1, skip))
    ]


def test_the_blocks_are_as_the_paper_draws_them():
    layer = ["conv", "batch norm"]
    assert drawn(0) == ["in", *layer, "ReLU", *layer, "ReLU", "out"]
    assert drawn(1) == ["in", *layer, "+ 0", "ReLU", *layer, "+ 4", "ReLU", "out"]
    assert drawn(2) == ["in", *layer, "ReLU", *layer, "+ 0", "ReLU", "out"]


class Odd(nn.Module):
    """A link over three convolutions, added from the left, and one over one, halfway."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(2, 2, 3, padding=1) for _ in range(3))

    def forward(self, x):
        one, two, three = self.layers
        h = one(x)
        h = relu(torch.add(h, two(h)))
        return x + three(h)


def test_jumps_are_counted_in_convolutions():
    assert links.jumps(Odd()) == (1, 3)
    assert [o.link for o in links.chain(Odd()) if o.label == "+"] == [1, 0]


def build(*, depth=9):
    make = {"depth": depth, "width": 4}
    return [networks.CifarNet(skip, generator=torch.Generator().manual_seed(0), **make) for skip in (2, 1, 0)]


def test_the_three_networks_of_table_1():
    found = links.links(*build())
    assert found == links.Links(27 * (2,), 54 * (1,), (), True)
    assert found.verdict == ILLUSTRATED


DRAWN = links.Links(27 * (2,), 54 * (1,), (), True)


@pytest.mark.parametrize(
    "change",
    [
        {"residual": 26 * (2,)},
        {"residual": 54 * (1,)},
        {"single": 27 * (1,)},
        {"single": 53 * (1,) + (2,)},
        {"vanilla": (1,)},
        {"same_parameters": False},
    ],
)
def test_each_part_overturns_the_verdict(change):
    assert DRAWN.verdict == ILLUSTRATED and DRAWN._replace(**change).verdict == FAILS


def test_a_lost_link_overturns_the_verdict(monkeypatch):
    def forward(self, x):
        h = relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(h))
        return relu(y + {0: 0, 1: h, 2: self.identity(x)}[self.skip])

    monkeypatch.setattr(networks.Block, "forward", forward)
    assert links.links(*build()).verdict == FAILS


def test_other_parameters_overturn_the_verdict():
    one, two, _ = build()
    other = networks.CifarNet(0, generator=torch.Generator().manual_seed(0), width=2)
    assert not links.links(one, two, other).same_parameters


def test_sizes_are_those_counted_by_hand():
    net = networks.CifarNet(1, generator=torch.Generator().manual_seed(0), depth=1, width=2, channels=1)
    found = links.size(net, image=(1, 8, 8))
    assert found.layers == 8
    assert found.parameters == sum(p.numel() for p in net.parameters())
    convolutions = 64 * (1 * 2 + 2 * 2 + 2 * 2) + 16 * (2 * 4 + 4 * 4) + 4 * (4 * 8 + 8 * 8)  # pixels x channels
    assert found.operations == 9 * convolutions + 8 * 10
