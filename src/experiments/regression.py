"""Training on the squared error to a teacher network: the three-block network of section 5.2."""

import math

import torch

from src.checks import COUNT, arguments, check_positive, each
from src.experiments import inputs
from src.runs import checkpoints, code

_SAMPLES = inputs.data("[n, d]", n=2)


@arguments(
    student=torch.nn.Module,
    teacher=torch.nn.Module,
    samples=_SAMPLES,
    eta=check_positive,
    batch=range(2, COUNT.stop),
    steps=COUNT,
    generator=torch.Generator,
    record_at=each(range(COUNT.stop)),
    evaluate=inputs.mapping(_SAMPLES),
)
def fit(student, teacher, samples, *, eta, batch, steps, generator, record_at, evaluate, checkpoint=None):
    """Plain minibatch SGD of `student` on the squared error to `teacher` over a training set, in epochs.

    samples: [n, d], gone through in a fresh random order each epoch; batch must divide n. record_at: the steps (0 is
    the start) at which the mean squared error over each set in `evaluate` (name -> [m, d]) is taken, in evaluation
    mode. checkpoint: a file written at every recorded step, and resumed from when it is there.

    Returns (step [K], errors: name -> [K]) and leaves the trained weights in `student`. Raises TypeError or ValueError,
    naming the argument, before any work; FloatingPointError with the step when an error is no longer finite.
    """
    for name, x in evaluate.items():
        inputs.check_like(f"evaluate[{name!r}]", x, samples, "samples")
    if len(samples) % batch:
        raise ValueError(f"batch must divide the number of samples, {len(samples)}, not {batch}")
    record_at = sorted({int(step) for step in record_at})
    if record_at[-1] > steps:
        raise ValueError(f"record_at must hold steps between 0 and steps = {steps}")
    labels = _predict(teacher, samples)
    for name, output in (("teacher", labels), ("student", _predict(student.eval(), samples))):
        if output.shape != (len(samples),):  # [n, 1] would be compared with every label
            raise ValueError(f"{name} must give one number for each of the samples, not {list(output.shape)}")
    targets = {name: _predict(teacher, x) for name, x in evaluate.items()}
    optimizer = torch.optim.SGD(student.parameters(), lr=eta)
    step, order, errors = 0, None, []
    belongs = {
        "student": [repr(student), code.of(student)], "weights": dict(student.state_dict()), "samples": samples,
        "labels": labels, "evaluate": evaluate, "targets": targets, "eta": eta, "batch": batch,
        "generator": generator.get_state(),
    }  # fmt: skip
    with checkpoints.kept(checkpoint, __name__, **belongs) as kept:
        if saved := kept.load():
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
            at = [float((_predict(student, x) - targets[name]).square().mean()) for name, x in evaluate.items()]
            if not all(map(math.isfinite, at)):
                raise FloatingPointError(f"the error was no longer finite at step {step}: eta = {eta} is too large")
            errors.append(at)
            state = {"student": student.state_dict(), "generator": generator.get_state(), "step": step, "order": order}
            kept.save({**state, "record_at": record_at[: len(errors)], "errors": errors})
    return torch.tensor(record_at), {name: torch.tensor([e[k] for e in errors]) for k, name in enumerate(evaluate)}


@torch.no_grad()
def _predict(network, x):
    return torch.cat([network(part) for part in x.split(5000)])
