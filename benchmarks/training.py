"""Training: steps of `fit` beside PyTorch and beside the bare matrix products, and random search beside a naive loop.

Run by hand: ``python benchmarks/training.py [--out FILE.json]``.  All sides draw the order of the same 5,000 digits
anew in each epoch and gather each minibatch inside the timed loop.
"""

import statistics
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import harness
import numpy as np

import optikit

ROUNDS = 9
NETWORKS = (((784, 50, 100, 10), 100, 200), ((784, 512, 512, 10), 128, 40))
"""Widths, rows of a minibatch, and steps of a round."""
RATE = 0.05
POINTS = 32

DATA = optikit.get("data", "mnist-sample", held_out=0.0).load().train
LOSS = optikit.get("loss", "cross-entropy")

Arrays = tuple[np.ndarray, np.ndarray]
Work = Callable[[], float]


def network(layers: Sequence[int], dtype: str) -> Any:
    """Make the network with relu."""
    return optikit.get("model", "mlp", layers=list(layers), dtype=dtype)


def minibatches(permutation: Callable[[int], Any], rows: int, batch: int, steps: int) -> Iterator[Any]:
    """Give the rows of each minibatch, in a new order in each epoch."""
    order, start = permutation(rows), 0
    for _ in range(steps):
        if start >= rows:
            order, start = permutation(rows), 0
        yield order[start : start + batch]
        start += batch


def ours(layers: Sequence[int], dtype: str, batch: int, steps: int) -> Work:
    """Train by `optikit.fit`; preparing and judging do not count, which a training of one step has too."""
    model, data = network(layers, dtype), (DATA.inputs.astype(dtype), DATA.targets)
    descent = optikit.get("optimizer", "gradient-descent", learning_rate=RATE)

    def trained(steps: int) -> None:
        optikit.fit(model, LOSS, data, optimizer=descent, batch_size=batch, max_steps=steps, rng=0)

    def work() -> float:
        return harness.seconds(lambda: trained(steps + 1)) - harness.seconds(lambda: trained(1))

    return work


def eager(torch: Any, layers: Sequence[int], dtype: str, batch: int, steps: int) -> Work:
    """Train as PyTorch's tutorials do: Sequential, CrossEntropyLoss, optim.SGD, and a fancy index a minibatch."""
    inputs, targets = torch.from_numpy(DATA.inputs.astype(dtype)), torch.from_numpy(DATA.targets)
    parts: list[Any] = []
    for below, above in pairwise(layers):
        parts += [torch.nn.Linear(below, above), torch.nn.ReLU()]
    model = torch.nn.Sequential(*parts[:-1]).to(inputs.dtype)
    loss, optimizer = torch.nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=RATE)

    def work() -> None:
        for rows in minibatches(torch.randperm, len(inputs), batch, steps):
            optimizer.zero_grad()
            value = loss(model(inputs[rows]), targets[rows])
            value.backward()
            optimizer.step()
            value.item()

    return lambda: harness.seconds(work)


def lean(torch: Any, layers: Sequence[int], dtype: str, batch: int, steps: int) -> Work:
    """Train by PyTorch's kernels without its autograd: gradients by hand, and added by the product itself."""
    inputs, targets = torch.from_numpy(DATA.inputs.astype(dtype)), torch.from_numpy(DATA.targets)
    start = network(layers, dtype).init(np.random.default_rng(0))
    cut = np.split(start, np.cumsum([size for below, above in pairwise(layers) for size in (below * above, above)]))
    weights = [torch.from_numpy(w.copy()).view(sides) for w, sides in zip(cut[::2], pairwise(layers), strict=False)]
    biases = [torch.from_numpy(b.copy()) for b in cut[1::2]]

    @torch.no_grad()
    def work() -> None:
        for rows in minibatches(torch.randperm, len(inputs), batch, steps):
            below, labels = [inputs.index_select(0, rows)], targets.index_select(0, rows)
            for w, b in zip(weights[:-1], biases[:-1], strict=True):
                below.append(torch.addmm(b, below[-1], w).relu_())
            logarithms = torch.log_softmax(torch.addmm(biases[-1], below[-1], weights[-1]), 1)
            own = labels[:, None]
            value = -logarithms.gather(1, own).mean()
            slope = logarithms.exp_().scatter_add_(1, own, torch.full(own.shape, -1.0, dtype=inputs.dtype))
            slope /= len(rows)
            for depth in reversed(range(len(weights))):
                through = torch.mm(slope, weights[depth].t()).mul_(below[depth] > 0) if depth else slope
                weights[depth].addmm_(below[depth].t(), slope, alpha=-RATE)
                biases[depth].add_(slope.sum(0), alpha=-RATE)
                slope = through
            value.item()

    return lambda: harness.seconds(work)


def bare(layers: Sequence[int], dtype: str, batch: int, steps: int) -> Work:
    """Gather the minibatches and make the matrix products of a step in NumPy, nothing else."""
    inputs, rng = DATA.inputs.astype(dtype), np.random.default_rng(0)
    weights = [rng.normal(size=sides).astype(dtype) for sides in pairwise(layers)]
    gradients = [np.empty_like(w) for w in weights]

    def buffers(rows: int) -> list[np.ndarray]:
        return [np.ones((rows, width), dtype) for width in layers]

    kept = {rows: (buffers(rows), buffers(rows)) for rows in {batch, len(inputs) % batch or batch}}

    def work() -> None:
        for rows in minibatches(rng.permutation, len(inputs), batch, steps):
            below, slopes = kept[len(rows)]
            np.take(inputs, rows, axis=0, out=below[0], mode="clip")
            for depth, w in enumerate(weights):
                np.matmul(below[depth], w, out=below[depth + 1])
            for depth in reversed(range(len(weights))):
                np.matmul(below[depth].T, slopes[depth + 1], out=gradients[depth])
                if depth:
                    np.matmul(slopes[depth + 1], weights[depth].T, out=slopes[depth])

    return lambda: harness.seconds(work)


def training() -> list[harness.Row]:
    """Compare steps of training."""
    torch = harness.module("torch")
    if torch is not None:
        torch.set_num_threads(1)
    table = []
    for layers, batch, steps in NETWORKS:
        for dtype in ("float32", "float64"):
            case = layers, dtype, batch, steps
            rivals = [] if torch is None else [eager(torch, *case), lean(torch, *case)]
            taken, products, *others = harness.in_turns([ours(*case), bare(*case), *rivals], ROUNDS)
            row = {"network": "-".join(map(str, layers)), "batch": batch, "dtype": dtype,
                   "microseconds a step": 1e6 * statistics.median(taken) / steps,
                   "over the bare products": harness.ratio(taken, products)}  # fmt: skip
            for name, theirs in zip(("eager", "lean"), others, strict=False):
                row[f"times as fast as {name} PyTorch"] = harness.ratio(theirs, taken)
            table.append(row)
    return table


def naive_search(layers: Sequence[int], dtype: str) -> Work:
    """Draw networks one after the other, and look at all digits with each."""
    inputs, targets, rng = DATA.inputs.astype(dtype), DATA.targets, np.random.default_rng(0)

    def work() -> None:
        best = np.inf
        for _ in range(POINTS):
            params = [
                (rng.normal(0, (2 / sides[0]) ** 0.5, size=sides).astype(dtype), np.zeros(sides[1], dtype))
                for sides in pairwise(layers)
            ]
            outputs = inputs
            for weights, bias in params[:-1]:
                outputs = np.maximum(outputs @ weights + bias, 0)
            outputs = outputs @ params[-1][0] + params[-1][1]
            shifted = outputs - outputs.max(axis=1, keepdims=True)
            logarithms = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
            value = -logarithms[np.arange(len(targets)), targets].mean()
            if value < best:
                best, _ = value, params

    return lambda: harness.seconds(work)


def our_search(layers: Sequence[int], dtype: str) -> Work:
    """Search by `optikit.minimize`, everything included."""
    model = network(layers, dtype)
    problem = optikit.Problem.of(model, LOSS, DATA.inputs, DATA.targets)
    search, x0 = optikit.get("optimizer", "random-search", samples=16), model.init(np.random.default_rng(0))

    def work() -> None:
        optikit.minimize(problem, x0, optimizer=search, max_evals=POINTS, rng=0)

    return lambda: harness.seconds(work)


def searching() -> list[harness.Row]:
    """Compare random search with a naive loop."""
    layers, table = NETWORKS[0][0], []
    for dtype in ("float32", "float64"):
        taken, naive = harness.in_turns([our_search(layers, dtype), naive_search(layers, dtype)], ROUNDS)
        table.append(
            {"network": "-".join(map(str, layers)), "dtype": dtype,
             "milliseconds a network": 1e3 * statistics.median(taken) / POINTS,
             "times as fast as a naive loop": harness.ratio(naive, taken)}
        )  # fmt: skip
    return table


if __name__ == "__main__":
    harness.main(
        __doc__,
        {
            "training": ("Steps of training, gradient descent, one thread", training),
            "searching": ("Random search over networks, judged on 5,000 digits, one thread", searching),
        },
    )
