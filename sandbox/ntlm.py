"""The server's side of NTLM, as far as one user needs it: challenge, and a check of the NTLMv2 answer.

After [MS-NLMP] 2.2.1 (messages) and 3.3.2 (NTLMv2). Nothing here is shared with what clients use to sign in.
"""

import hmac
import secrets
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

_SIGNATURE = b"NTLMSSP\0"
_FLAGS = 0xA2898205
"""56 and 128 bits, version, target info, extended session security, domain, always sign, NTLM, target, Unicode."""
_VERSION = bytes([10, 0, 0, 0, 0, 0, 0, 15])
_EPOCH = 11_644_473_600
_MASK = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Account:
    """Who may sign in."""

    domain: str
    user: str
    password: str


def is_negotiate(message: bytes) -> bool:
    """Whether a message opens a handshake."""
    return message[:12] == _SIGNATURE + struct.pack("<I", 1)


def new_challenge() -> bytes:
    """Eight bytes that nobody could know before."""
    return secrets.token_bytes(8)


def challenge_message(challenge: bytes, domain: str) -> bytes:
    """The second message: the challenge, and who asks."""
    name = domain.encode("utf-16-le")
    info = b"".join(
        struct.pack("<HH", number, len(value)) + value
        for number, value in (
            (2, name),
            (1, "SANDBOX".encode("utf-16-le")),
            (7, struct.pack("<Q", int((time.time() + _EPOCH) * 10_000_000))),
            (0, b""),
        )
    )
    start = 56
    return b"".join(
        (
            _SIGNATURE,
            struct.pack("<I", 2),
            struct.pack("<HHI", len(name), len(name), start),
            struct.pack("<I", _FLAGS),
            challenge,
            bytes(8),
            struct.pack("<HHI", len(info), len(info), start + len(name)),
            _VERSION,
            name,
            info,
        )
    )


def is_right(message: bytes, challenge: bytes, account: Account) -> bool:
    """Whether the third message was made by someone who knows the password, for this challenge."""
    try:
        if message[:12] != _SIGNATURE + struct.pack("<I", 3):
            return False
        answer, domain, user = (_field(message, at) for at in (20, 28, 36))
    except (struct.error, ValueError):
        return False
    if user.decode("utf-16-le", "replace").lower() != account.user.lower():
        return False
    if domain.decode("utf-16-le", "replace").lower() != account.domain.lower():
        return False
    key = response_key(account.password, user.decode("utf-16-le"), domain.decode("utf-16-le"))
    proof, rest = answer[:16], answer[16:]
    return len(rest) >= 28 and hmac.compare_digest(proof, hmac.digest(key, challenge + rest, "md5"))


def response_key(password: str, user: str, domain: str) -> bytes:
    """NTOWFv2: what both know and neither sends."""
    return hmac.digest(md4(password.encode("utf-16-le")), (user.upper() + domain).encode("utf-16-le"), "md5")


def md4(data: bytes) -> bytes:
    """RFC 1320, which libraries no longer offer."""
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    data += b"\x80" + bytes((55 - len(data)) % 64) + struct.pack("<Q", len(data) * 8)
    for start in range(0, len(data), 64):
        words = struct.unpack("<16I", data[start : start + 64])
        a, b, c, d = state
        for mix, constant, order, shifts in _ROUNDS:
            for step, word in enumerate(order):
                turned = (a + mix(b, c, d) + words[word] + constant) & _MASK
                shift = shifts[step % 4]
                a, b, c, d = d, (turned << shift | turned >> (32 - shift)) & _MASK, b, c
        state = [(old + new) & _MASK for old, new in zip(state, (a, b, c, d), strict=True)]
    return struct.pack("<4I", *state)


_Mix = Callable[[int, int, int], int]
_ROUNDS: tuple[tuple[_Mix, int, tuple[int, ...], tuple[int, ...]], ...] = (
    (lambda x, y, z: x & y | ~x & z, 0, tuple(range(16)), (3, 7, 11, 19)),
    (
        lambda x, y, z: x & y | x & z | y & z,
        0x5A827999,
        (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
        (3, 5, 9, 13),
    ),
    (lambda x, y, z: x ^ y ^ z, 0x6ED9EBA1, (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15), (3, 9, 11, 15)),
)


def _field(message: bytes, at: int) -> bytes:
    length, _, offset = struct.unpack_from("<HHI", message, at)
    if offset + length > len(message):
        raise ValueError("a field ends behind its message")
    return message[offset : offset + length]
