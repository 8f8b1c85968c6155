"""Change bytes and JSON at random: flips, cuts, repeats, and values of other kinds."""

from __future__ import annotations

import json
from random import Random
from typing import Any

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 2**31, 2**63, 2**64, -(10**400), 10**400),
    *(float("nan"), float("inf"), -0.0, 1e308),
    *("", " ", ".", "..", "../../x", "/", "/dev/zero", "a\0b", "a\nb", "\x1b[2J"),
    *(
        "\ud800",
        "\udcff",
        "\u202e",
        "\u2028",
        "é" * 300,
        "a" * 30_000,
        "%1b",
        "http://[",
    ),
    *([], {}, [[]], [None], {"": {}}, {"a": 1}),
)
CHUNKS = (
    *(b"\0", b"\xff", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"),
    *(b"{", b"[", b'"', b"\n", b"%", b"<", b"\xe2\x80\xae", b"\xed\xa0\x80"),
)


def mutate_bytes(content: bytes, random: Random) -> bytes:
    """Change some bytes: one to eight times a flip, a cut, a repeat, or a number."""
    data = bytearray(content)
    for _ in range(random.randint(1, 8)):
        at = random.randint(0, len(data))
        size = min(random.choice((1, 2, 4, 16, 256)), len(data) - at)
        match random.randrange(6):
            case 0 if size:
                data[at] ^= 1 << random.randrange(8)
            case 1:
                del data[at : at + size]
            case 2:
                data[at:at] = data[at : at + size] * random.choice((1, 2, 50))
            case 3:
                data[at : at + size] = random.choice(CHUNKS)
            case 4:
                data[at:at] = random.randbytes(size)
            case _ if random.random() < 0.2:
                del data[at:]
    return bytes(data)


def mutate_json(value: Any, random: Random) -> Any:
    """Replace, remove or repeat something within a value that JSON can hold."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        key = random.choice(list(value))
        changed = dict(value)
        match random.randrange(8):
            case 0:
                del changed[key]
            case 1:
                changed[str(random.choice(ODD_VALUES))[:50]] = changed.pop(key)
            case _:
                changed[key] = mutate_json(value[key], random)
        return changed
    if isinstance(value, list) and value and random.random() < 0.9:
        at = random.randrange(len(value))
        match random.randrange(6):
            case 0:
                return value[:at] + value[at + 1 :]
            case 1:
                return value + value[at : at + 1] * random.choice((1, 3, 300))
            case _:
                return [*value[:at], mutate_json(value[at], random), *value[at + 1 :]]
    if random.random() < 0.05:
        nested: Any = value
        for _ in range(random.choice((3, 50, 3000))):
            nested = [nested] if random.random() < 0.5 else {"a": nested}
        return nested
    return random.choice(ODD_VALUES)


def mutate_json_text(content: bytes, random: Random) -> bytes:
    """Change JSON as a value, or its text as bytes."""
    if random.random() < 0.25:
        return mutate_bytes(content, random)
    try:
        value = json.loads(content)
        for _ in range(random.randint(1, 3)):
            value = mutate_json(value, random)
        return json.dumps(value).encode()
    except (ValueError, RecursionError):
        return mutate_bytes(content, random)
