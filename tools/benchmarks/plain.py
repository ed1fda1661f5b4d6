"""What a reader would write: in plain PyTorch, and in JAX where that is installed (requirements-jax.txt)."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset


class Plain(nn.Module):
    """Eq. 1 as a reader would write it."""

    def __init__(self, W):
        super().__init__()
        self.W = nn.Parameter(W.clone())
        self.register_buffer("identity", torch.eye(len(W)))

    def forward(self, x):
        return torch.relu(x @ (self.identity + self.W)).sum(1)


def plain_step(model, teacher, optimiser, x):
    optimiser.zero_grad()
    loss = ((model(x) - teacher(x).detach()) ** 2).mean()
    loss.backward()
    optimiser.step()


def plain_epoch(W0, W_star, samples, batch, eta, loader):
    """One epoch of the plain loop, over a DataLoader or by plain indexing."""
    model, teacher = Plain(W0), Plain(W_star)
    optimiser = torch.optim.SGD(model.parameters(), lr=eta)
    if loader:
        batches = (x for (x,) in DataLoader(TensorDataset(samples), batch_size=batch, shuffle=True))
    else:
        batches = (samples[rows] for rows in torch.randperm(len(samples)).split(batch))
    for x in batches:
        plain_step(model, teacher, optimiser, x)


def loops_gradient(W, W_star):
    """Lemma 2.1 with two loops over the columns, at the true scale."""
    d = len(W)
    A, B = torch.eye(d, dtype=W.dtype) + W, torch.eye(d, dtype=W.dtype) + W_star
    result = torch.zeros_like(W)
    for j in range(d):
        a_j = A[:, j]
        for i in range(d):
            for p, sign in ((A[:, i], 1), (B[:, i], -1)):
                theta = torch.acos((p @ a_j / (p.norm() * a_j.norm())).clamp(-1, 1))
                result[:, j] += sign * ((torch.pi - theta) * p + p.norm() * theta.sin() * a_j / a_j.norm())
    return result / torch.pi


class Augmented(Dataset):
    """CIFAR-10's usual augmentation as a reader would write it: image by image."""

    def __init__(self, images, labels):
        self.images, self.labels = nn.functional.pad(images, [4] * 4), labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, k):
        top, left = torch.randint(9, (2,)).tolist()
        image = self.images[k, :, top : top + 32, left : left + 32]
        return (image.flip(-1) if torch.rand(()) < 0.5 else image), self.labels[k]


def plain_search_step(W, W_star):
    """The one-point ratio of pairs [n, d, d] by the formula of Lemma 2.1, and its gradient by autograd."""
    W, W_star = (X.clone().requires_grad_() for X in (W, W_star))
    eye = torch.eye(W.shape[-1], dtype=W.dtype)
    A, B = eye + W, eye + W_star
    a, b = (X.norm(dim=-2, keepdim=True) for X in (A, B))
    theta, theta_star = (torch.acos(((X / x).mT @ (A / a)).clamp(-1 + 1e-12, 1 - 1e-12)) for X, x in ((A, a), (B, b)))
    radial = b @ theta_star.sin() - a @ theta.sin()
    R = B @ (torch.pi - theta_star) - A @ (torch.pi - theta) + radial * A / a
    M = W_star - W
    ((R * M).sum((-2, -1)) / (M * M).sum((-2, -1))).sum().backward()
    return W.grad, W_star.grad


def jax_epoch(starts, W_star, samples, batch, eta):
    """An epoch of section 5.2 for several seeds, a function without arguments: vmap, scan, jit; None without JAX."""
    try:
        import jax
    except ImportError:
        return None
    jnp, lax = jax.numpy, jax.lax
    identity = jnp.eye(samples.shape[1])
    data = tuple(jnp.asarray(X.numpy()) for X in (starts, W_star, samples))

    def f(A, x):
        return jax.nn.relu(x @ A).sum(-1)

    def epoch(W0, key, samples, targets):
        order = jax.random.permutation(key, len(samples)).reshape(-1, batch)

        def step(A, rows):
            x, y = samples[rows], targets[rows]
            gradient = jax.grad(lambda A: ((f(A, x) - y) ** 2).mean())(A)
            return A - eta * gradient, None

        return lax.scan(step, identity + W0, order)[0] - identity

    @jax.jit
    def epochs(keys, starts, W_star, samples):
        return jax.vmap(epoch, (0, 0, None, None))(starts, keys, samples, f(identity + W_star, samples))

    keys = jax.random.split(jax.random.key(0), len(starts))
    return lambda: jax.block_until_ready(epochs(keys, *data))
