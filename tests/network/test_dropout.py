"""Dropout masks: the share that is dropped, and the same masks from slices and from buffers."""

import torch

from lamina.network.hidden.dropout import Masks

LIKE = torch.zeros(1)


def masks(seed: int) -> Masks:
    return Masks(0.3, 64, torch.Generator().manual_seed(seed))


def test_the_share_is_dropped_and_the_rest_grows() -> None:
    mask, factor = masks(0).of((500, 64), LIKE)
    assert set(mask.unique().tolist()) == {0, -1}
    assert abs((mask == 0).float().mean().item() - 0.3) < 0.02
    assert factor == 1 / 0.7


def test_buffers_hold_what_slices_would_have_shown() -> None:
    plain, held = masks(1), masks(1)
    shapes = [(8, 32, 64), (8, 32, 16)]
    usual = [[plain.of(shape, LIKE)[0].clone() for shape in shapes] for _ in range(4)]
    seen = [[held.of(shape, LIKE)[0].clone() for shape in shapes]]
    held.hold()
    seen.append([held.of(shape, LIKE)[0].clone() for shape in shapes])
    held.rewind()
    recorded = [held.of(shape, LIKE)[0] for shape in shapes]
    for _ in range(2):
        held.redraw()
        seen.append([each.clone() for each in recorded])
    assert all(
        torch.equal(a, b)
        for one, other in zip(usual, seen, strict=True)
        for a, b in zip(one, other, strict=True)
    )


def test_after_letting_go_masks_are_slices_again() -> None:
    plain, held = masks(2), masks(2)
    held.hold()
    held.of((4, 64), LIKE)
    held.let_go()
    plain.of((4, 64), LIKE)
    assert torch.equal(held.of((4, 64), LIKE)[0], plain.of((4, 64), LIKE)[0])
    assert held.held is None
