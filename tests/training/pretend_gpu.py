"""A GPU for machines without one: tensors "on cuda" are tensors of the processor that are marked.

Every operation then checks, as CUDA does, that what it is given lies on one device, that numpy is given
nothing from the GPU, and that no generator of the processor draws into the GPU's memory. How fast a GPU
is, and how it rounds, cannot be seen here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

GPU = torch.device("cuda:0")
# Operations that may be given tensors of both devices: copies, and look-ups by indices of the processor
BOTH = ("_to_copy", "copy_", "aten::index.Tensor", "aten::index_put", "aten::_index_put")


class WrongDeviceError(RuntimeError):
    """What CUDA would have refused."""


def marked(tensor: Tensor) -> bool:
    """Whether the tensor's memory counts as the GPU's."""
    with torch._C.DisableTorchFunction():
        return getattr(tensor.untyped_storage(), "gpu", False)


def mark(tensor: Tensor, gpu: bool) -> Tensor:
    with torch._C.DisableTorchFunction():
        tensor.untyped_storage().gpu = gpu  # type: ignore[attr-defined]
    return tensor


class Operations(TorchDispatchMode):
    """Checks what every operation is given, and marks what comes out."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = [
            each for each in tree_leaves((args, kwargs or {})) if isinstance(each, Tensor) and each.numel()
        ]
        kinds = {marked(each) for each in given if each.ndim}
        if len(kinds) == 2 and not any(name in func.name() for name in BOTH):
            raise WrongDeviceError(
                f"{func.name()} of {[(tuple(each.shape), marked(each)) for each in given]}"
            )
        out = func(*args, **(kwargs or {}))
        if func.name().startswith(("aten::copy_", "aten::set_")):  # makes nothing
            return out
        if any(map(marked, given)):
            for each in tree_leaves(out):
                if isinstance(each, Tensor):
                    mark(each, True)
        return out


class Calls(TorchFunctionMode):
    """Moves between the devices, and what tensors say of where they are."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = dict(kwargs or {}), getattr(func, "__name__", "")
        if func == Tensor.device.__get__:  # type: ignore[attr-defined]
            return GPU if marked(args[0]) else func(*args)
        if func == Tensor.is_cuda.__get__:  # type: ignore[attr-defined]
            return marked(args[0])
        if name in ("numpy", "__array__") and marked(args[0]):
            raise WrongDeviceError("numpy is given a tensor of the GPU")
        if name in ("to", "cpu", "cuda"):
            return _moved(name, args[0], list(args[1:]), kwargs)
        if name.startswith("new_"):
            return mark(func(*args, **kwargs), marked(args[0]))
        if _is_gpu(kwargs.get("device")):
            if kwargs.get("generator") is not None:
                raise WrongDeviceError("a generator of the processor draws for the GPU")
            return mark(func(*args, **{**kwargs, "device": "cpu"}), True)
        if kwargs.get("generator") is not None and args and isinstance(args[0], Tensor) and marked(args[0]):
            raise WrongDeviceError(f"a generator of the processor draws for the GPU in {name}")
        return func(*args, **kwargs)


def _moved(name: str, tensor: Tensor, asked: list[Any], kwargs: dict[str, Any]) -> Tensor:
    goals, kinds = [name == "cuda"] * (name != "to"), []
    for each in (*asked, kwargs.get("device"), kwargs.get("dtype")):
        if isinstance(each, Tensor):
            goals.append(marked(each))
            kinds.append(each.dtype)
        elif isinstance(each, str | torch.device):
            goals.append(_is_gpu(each))
        elif isinstance(each, torch.dtype):
            kinds.append(each)
    was = marked(tensor)
    tensor = tensor.to(kinds[0]) if kinds else tensor
    if not goals or goals[0] == was:
        return tensor
    moved = tensor.clone()
    mark(moved.detach(), goals[0])
    return moved


def _is_gpu(device: Any) -> bool:
    return device is not None and str(device).startswith("cuda")


def _copied(copy: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def made(self: Tensor, memo: Any) -> Tensor:
        out = copy(self, memo)
        mark(out.detach(), marked(self))
        return out

    return made


@contextmanager
def pretend_gpu() -> Iterator[None]:
    """Inside the block torch seems to have a GPU. Steps are not recorded there."""
    autocast = torch.autocast
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: True)
        patch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
        patch.setattr(torch.cuda, "get_device_name", lambda *_: "a pretended GPU")
        patch.setattr(torch, "autocast", lambda _, *args, **kwargs: autocast("cpu", *args, **kwargs))
        for kind in (Tensor, torch.nn.Parameter):
            patch.setattr(kind, "__deepcopy__", _copied(kind.__deepcopy__))
        patch.setattr("lamina.training.loop.FEW", 10**9)
        with Calls(), Operations():
            yield
