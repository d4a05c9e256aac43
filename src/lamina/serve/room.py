"""How much memory the bodies of all requests may take together."""

from __future__ import annotations

from lamina.serve.problems import Problem


class Space:
    """``most`` bytes that the bodies of all requests share, ``taken`` of them: from the first byte of a body
    until its request is answered. So no number of clients that send slowly, or much at once, fills the
    machine."""

    def __init__(self, most: int) -> None:
        self.most, self.taken = most, 0


class Room:
    """What one request takes of a space."""

    __slots__ = ("space", "taken")

    def __init__(self, space: Space) -> None:
        self.space, self.taken = space, 0

    def take(self, size: int) -> None:
        """So many bytes more. Raises Problem 503 where there are none left."""
        if self.space.taken + size > self.space.most:
            raise Problem(
                503, "Too much is being read for others.", "Try again, or send less at once.", retry_after=2
            )
        self.space.taken += size
        self.taken += size

    def leave(self) -> None:
        """Gives it all back."""
        self.space.taken -= self.taken
        self.taken = 0
