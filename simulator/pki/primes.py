"""Primes that follow from a text, for the reproducible RSA keys of the virtual driver; never for a real secret.

Candidates come from SHA-512 over the text and a counter; most composites fall to division by small primes, the rest to
the test of Miller and Rabin, whose bases come from the same source. Forty rounds leave a chance of error below 4^-40.
"""

from __future__ import annotations

import hashlib

_SIEVE = 2000
_SMALL = [n for n in range(3, _SIEVE, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]
_ROUNDS = 40


def prime_of(text: str, bits: int, e: int) -> int:
    """A prime of ``bits`` bits for RSA with ``e``; its two top bits are set, so that products have 2 x ``bits``."""
    top = 0b11 << (bits - 2)
    number = _stream(f"{text}/start", bits) | top | 1
    while True:
        if number >> bits:
            number = top | 1
        if all(number % small for small in _SMALL) and (number - 1) % e and is_prime(number, text):
            return number
        number += 2


def is_prime(number: int, text: str) -> bool:
    """Whether an odd number above 3 is prime, with bases that follow from ``text``."""
    odd, twos = number - 1, 0
    while not odd & 1:
        odd, twos = odd >> 1, twos + 1
    for turn in range(_ROUNDS):
        base = 2 + _stream(f"{text}/base/{turn}", number.bit_length()) % (number - 3)
        value = pow(base, odd, number)
        if value in (1, number - 1):
            continue
        for _ in range(twos - 1):
            value = value * value % number
            if value == number - 1:
                break
        else:
            return False
    return True


def _stream(text: str, bits: int) -> int:
    data = b"".join(hashlib.sha512(f"{text}/{block}".encode()).digest() for block in range((bits + 511) // 512))
    return int.from_bytes(data, "big") >> (len(data) * 8 - bits)
