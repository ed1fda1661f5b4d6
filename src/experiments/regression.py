"""Training on the squared error to a teacher network: the three-block network of section 5.2."""

import math

import torch

from src.checks import check_generator, check_integer, check_positive
from src.experiments.networks import check_samples
from src.runs import checkpoints


def fit(student, teacher, samples, *, eta, batch, steps, generator, record_at, evaluate, checkpoint=None):
    """Plain minibatch SGD of `student` on the squared error to `teacher` over a training set, in epochs.

    samples: [n, d], gone through in a fresh random order each epoch; batch must divide n. record_at: the steps (0 is
    the start) at which the mean squared error over each set in `evaluate` (name -> [m, d]) is taken, in evaluation
    mode. checkpoint: a file written at every recorded step, and resumed from when it is there.

    Returns (step [K], errors: name -> [K]) and leaves the trained weights in `student`. Raises TypeError or ValueError,
    naming the argument, before any work; FloatingPointError with the step when an error is no longer finite.
    """
    for name, x in {"samples": samples, **evaluate}.items():
        check_samples(name, x)
    check_positive("eta", eta)
    check_integer("batch", batch, at_least=2)
    check_integer("steps", steps, at_least=1)
    check_generator(generator)
    if len(samples) % batch:
        raise ValueError(f"batch must divide the number of samples, {len(samples)}, not {batch}")
    record_at = sorted({int(step) for step in record_at})
    if not record_at or record_at[0] < 0 or record_at[-1] > steps:
        raise ValueError(f"record_at must hold steps between 0 and steps = {steps}")
    labels = _predict(teacher, samples)
    targets = {name: _predict(teacher, x) for name, x in evaluate.items()}
    optimizer = torch.optim.SGD(student.parameters(), lr=eta)
    step, order, errors = 0, None, []
    digest = [eta, batch, list(samples.shape)]
    if saved := checkpoints.load(checkpoint, digest):
        if saved["record_at"] != record_at[: len(saved["record_at"])]:
            raise ValueError(f"checkpoint must have its record_at at the start of this run's; {checkpoint} has not")
        student.load_state_dict(saved["student"])
        generator.set_state(saved["generator"])
        step, order, errors = saved["step"], saved["order"], saved["errors"]
    for target in record_at[len(errors) :]:
        student.train()
        while step < target:
            start = step * batch % len(samples)
            if start == 0:
                order = torch.randperm(len(samples), generator=generator)
            rows = order[start : start + batch]
            optimizer.zero_grad()
            (student(samples[rows]) - labels[rows]).square().mean().backward()
            optimizer.step()
            step += 1
        student.eval()
        errors.append([float((_predict(student, x) - targets[name]).square().mean()) for name, x in evaluate.items()])
        if not all(map(math.isfinite, errors[-1])):
            raise FloatingPointError(f"the error was no longer finite at step {step}: eta = {eta} is too large")
        if checkpoint is not None:
            state = {"student": student.state_dict(), "generator": generator.get_state(), "step": step, "order": order}
            checkpoints.save(checkpoint, digest, {**state, "record_at": record_at[: len(errors)], "errors": errors})
    return torch.tensor(record_at), {name: torch.tensor([e[k] for e in errors]) for k, name in enumerate(evaluate)}


@torch.no_grad()
def _predict(network, x):
    return torch.cat([network(part) for part in x.split(5000)])
