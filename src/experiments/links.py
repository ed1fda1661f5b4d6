"""The identity links of a network, read off a trace of the code that is trained: Figure 6, section 5.1."""

import operator
from typing import NamedTuple

import torch
from torch.fx import symbolic_trace
from torch.utils.flop_counter import FlopCounterMode

from src import verdicts
from src.checks import arguments, check_value

BLOCKS = 27  # of two layers each, in a network of 56 layers


class Operation(NamedTuple):
    """One step of a network: "in", "conv", "batch norm", "ReLU", "+" (an addition) or "out"."""

    label: str
    link: int | None  # of an addition: the number of the operation whose output the identity brings


class Links(NamedTuple):
    """Claim fig-6: over how many convolutions each identity link of the three networks jumps."""

    residual: tuple
    single: tuple
    vanilla: tuple
    same_parameters: bool  # whether the parameters of the three have the same names and shapes

    @property
    def verdict(self):
        """illustrated, if the networks are as the paper draws them: a link over every two layers of He et al.'s blocks,
        over every single one, none at all, and no other difference
        """
        as_drawn = self.residual == BLOCKS * (2,) and self.single == 2 * BLOCKS * (1,) and self.vanilla == ()
        return verdicts.ILLUSTRATED if as_drawn and self.same_parameters else verdicts.FAILS


class Size(NamedTuple):
    """What a network has and does."""

    layers: int  # convolutions and linear layers
    parameters: int
    operations: int  # multiply-adds for one image


@arguments(network=torch.nn.Module)
def chain(network):
    """The Operations of a traced network in the order of execution. A link is the shorter way into an addition."""
    trace, modules = symbolic_trace(network), dict(network.named_modules())
    nodes = list(trace.graph.nodes)
    passed = _convolutions(nodes, modules)
    operations = []
    for node in nodes:
        link = min(node.all_input_nodes, key=passed.get) if _adds(node) else None
        operations.append(Operation(_label(node, modules), None if link is None else nodes.index(link)))
    return operations


@arguments(network=torch.nn.Module)
def jumps(network):
    """(convolutions that the first identity link jumps over, the second, ...) in the order of execution."""
    trace, modules = symbolic_trace(network), dict(network.named_modules())
    passed = _convolutions(trace.graph.nodes, modules)
    ways = ([passed[way] for way in node.all_input_nodes] for node in trace.graph.nodes if _adds(node))
    return tuple(max(way) - min(way) for way in ways)


@arguments(residual=torch.nn.Module, single=torch.nn.Module, vanilla=torch.nn.Module)
def links(residual, single, vanilla):
    """The Links of three networks."""
    networks = (residual, single, vanilla)
    shapes = {tuple((name, value.shape) for name, value in net.state_dict().items()) for net in networks}
    return Links(*map(jumps, networks), same_parameters=len(shapes) == 1)


def _image(name, shape):
    """Channels, height and width of an image."""
    if not isinstance(shape, list | tuple) or len(shape) != 3:
        raise TypeError(f"{name} must be three numbers, channels, height and width; got {shape!r}")
    for k, one in enumerate(shape):
        check_value(f"entry {k} of {name}", one, range(1, 1025))


@arguments(network=torch.nn.Module, image=_image)
def size(network, image=(3, 32, 32)):
    """The Size of a network that takes images of the given shape."""
    layers = sum(isinstance(module, torch.nn.Conv2d | torch.nn.Linear) for module in network.modules())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.zeros(1, *image))
    parameters = sum(p.numel() for p in network.parameters())
    return Size(layers, parameters, counter.get_total_flops() // 2)  # torch counts a multiply-add as two


def _convolutions(nodes, modules):
    """{node: the number of convolutions on the longest way to its output}."""
    passed = {}
    for node in nodes:
        own = node.op == "call_module" and isinstance(modules[node.target], torch.nn.Conv2d)
        passed[node] = max((passed[way] for way in node.all_input_nodes), default=0) + own
    return passed


def _adds(node):
    return node.op == "call_function" and node.target in (operator.add, torch.add)


def _label(node, modules):
    if node.op in ("placeholder", "output"):
        return "in" if node.op == "placeholder" else "out"
    if _adds(node):
        return "+"
    words = {torch.nn.Conv2d: "conv", torch.nn.BatchNorm2d: "batch norm"}
    return words.get(type(modules.get(node.target)), "ReLU")
