"""Shuffle sharding: a flow is dealt a few of a level's queues, so that a loud one fills its own hand and others,
whose hands differ from it in at least one queue, still get through. The same flow is dealt the same hand by every
Kubernetes API server."""

from __future__ import annotations

import math

ENTROPY_BITS = 60
"""What a deal may use of the hash."""


def hash_of(schema: str, flow: str) -> int:
    """The number of a flow: what its flow schema and its distinguisher say."""
    import hashlib

    digest = hashlib.sha256(f"{schema}\0{flow}".encode()).digest()
    return int.from_bytes(digest[:8], "little")


def deal(number: int, queues: int, hand: int) -> tuple[int, ...]:
    """`hand` different queue numbers of `queues`, drawn by `number`."""
    cards: list[int] = []
    remainders: list[int] = []
    for at in range(hand):
        number, remainder = divmod(number, queues - at)
        card = remainder
        for earlier in reversed(remainders):
            if card >= earlier:
                card += 1
        remainders.append(remainder)
        cards.append(card)
    return tuple(cards)


def dealable(queues: int, hand: int) -> bool:
    """Whether a deal has enough entropy, and cards."""
    return 0 < hand <= queues <= 1 << 26 and math.ceil(math.log2(queues) * hand) <= ENTROPY_BITS
