"""A training step recorded once on a GPU and replayed, without Python between its kernels.

A step of a table's network is some hundred kernels of a few microseconds each; launched one by one they take
several times as long as they compute (NVIDIA, "CUDA graphs"). What differs from step to step stays outside
and is copied into buffers that the recording reads: rows as augmented, dropout masks, learning rates.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lamina.network.inputs.base import Batch
from lamina.training.step import Step

WARM = 4  # steps that are made as usual: whatever is made on first use has been made by then
FEW = 50  # steps for which recording does not pay


class Recorded:
    """A step as a graph of kernels, to the same result. Where a network cannot be recorded (its step waits
    for a value from the GPU, say), every step is made as usual."""

    def __init__(self, step: Step) -> None:
        self.step, self.masks = step, step.network.hidden.drawn
        self.made, self.refused = 0, False
        self.graph: torch.cuda.CUDAGraph | None = None
        self.stream = torch.cuda.Stream()
        for optimizer in step.optimizers:
            device = next(optimizer.weights()).device
            for group in optimizer.param_groups:
                group["lr"] = torch.tensor(float(group["lr"]), device=device)

    def __call__(self, arrays: Batch, answers: Tensor, weights: Tensor | None) -> float:
        """The loss, and nothing moves where it is not finite."""
        if self.made == WARM and not self.refused:
            self._record(arrays, answers, weights)
        self.made += 1
        if self.graph is None:
            return self._as_usual(arrays, answers, weights)
        for buffer, new in zip(self.buffers, _tensors(arrays, answers, weights), strict=True):
            buffer.copy_(new)
        for masks in self.masks:
            masks.redraw()
        self.graph.replay()
        return self.loss.item()

    def _as_usual(self, arrays: Batch, answers: Tensor, weights: Tensor | None) -> float:
        """On a stream of its own: what autograd keeps of the stream would be in the way of recording."""
        for masks in self.masks if self.made == WARM else ():
            masks.hold()
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            value = self.step(arrays, answers, weights)
        torch.cuda.current_stream().wait_stream(self.stream)
        return value

    def _record(self, arrays: Batch, answers: Tensor, weights: Tensor | None) -> None:
        self.buffers = [each.clone() for each in _tensors(arrays, answers, weights)]
        inputs = dict(zip(arrays, self.buffers, strict=False))
        told, *weighted = self.buffers[len(inputs) :]
        for masks in self.masks:
            masks.rewind()
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=self.stream):
                self.loss = self._unasked(inputs, told, weighted[0] if weighted else None)
        except RuntimeError:
            self.refused = True
            self.step.forget()
            for masks in self.masks:
                masks.let_go()
            return
        self.graph = graph

    def _unasked(self, arrays: Batch, answers: Tensor, weights: Tensor | None) -> Tensor:
        """The step without a look at the loss, which would have to wait for the GPU. Gradients that are not
        finite count as none; the caller stops at such a loss."""
        loss = self.step.objective(arrays, answers, weights)
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer in self.step.optimizers:
            for weight in optimizer.weights():
                if weight.grad is not None:
                    torch.nan_to_num_(weight.grad, 0.0, 0.0, 0.0)
        self.step.adjust()
        return loss.detach()


def _tensors(arrays: Batch, answers: Tensor, weights: Tensor | None) -> list[Tensor]:
    return [*arrays.values(), answers, *(() if weights is None else (weights,))]
