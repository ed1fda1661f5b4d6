"""Functions of matrices with derivatives by hand, for `torch.autograd` and the transforms of `torch.func`."""

import torch
from torch.autograd import forward_ad

from src import threads


class OfMatrices(torch.autograd.Function):
    """A function of [..., d, d] matrices of one shape; `tangent(*matrices, *tangents)` is its forward derivative.

    Under `torch.func` only `forward` sees plain tensors, so what works in place or looks at entries belongs there.
    It gets the threads that its matrices are worth.
    """

    def __init_subclass__(cls):
        if "forward" in vars(cls):
            cls.forward = staticmethod(threads.by_size(cls.forward))

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @classmethod
    def jvp(cls, ctx, *tangents):
        matrices = [forward_ad.unpack_dual(X).primal for X in ctx.saved_tensors]
        with forward_ad._set_fwd_grad_enabled(True):  # torch has it off here: a second derivative would be zero
            return cls.tangent(*matrices, *tangents)

    @classmethod
    def vmap(cls, info, in_dims, *matrices):
        pairs = zip(matrices, in_dims, strict=True)
        whole = [X.expand(info.batch_size, *X.shape) if k is None else X.movedim(k, 0) for X, k in pairs]
        result = cls.apply(*whole)
        return result, (0,) * len(result) if isinstance(result, tuple) else 0


class Undifferentiable(OfMatrices):
    """Zero, [..., 1, 1]: added to a function of these matrices, it refuses to differentiate it in them.

    A backward pass runs through it only where their derivative is asked for, so that other arguments' are left alone.
    """

    @staticmethod
    def forward(*matrices):
        return matrices[0].new_zeros(*matrices[0].shape[:-2], 1, 1)

    @staticmethod
    def backward(ctx, *_):
        raise NotImplementedError("the loss can be differentiated twice in W and W_star, and not in Sigma")

    jvp = backward
