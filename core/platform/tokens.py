"""Secret tokens of cookies and links: only a hash of each is stored."""

from __future__ import annotations

import hashlib


def hash_token(token: str) -> bytes:
    """What is stored of a token. A fast hash is enough: 256 random bits cannot be guessed."""
    return hashlib.sha256(token.encode()).digest()
