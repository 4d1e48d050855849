"""Secrets sealed with AES-256-GCM. The place a secret belongs to is part of the seal, so a sealed
value cannot be moved to another row.
"""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.platform.errors import Misconfigured
from core.platform.settings import settings

KEY_ID_BYTES = 4
NONCE_BYTES = 12


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"key id" + key).digest()[:KEY_ID_BYTES]


def seal(secret: str, *belongs_to: str) -> bytes:
    """``secret`` sealed under the current master key and bound to ``belongs_to`` (organisation,
    table, column, row).

    Layout: key id (4 bytes), nonce (12), ciphertext with tag. Raises Misconfigured without a master
    key.
    """
    key = settings().master_keys()[0]
    nonce = os.urandom(NONCE_BYTES)
    return (
        _key_id(key)
        + nonce
        + AESGCM(key).encrypt(nonce, secret.encode(), "\x1f".join(belongs_to).encode())
    )


def unseal(sealed: bytes, *belongs_to: str) -> str:
    """The secret, readable under the current or an older key. Raises Misconfigured when no
    configured key opens it.
    """
    key_id, nonce, ciphertext = sealed[:KEY_ID_BYTES], sealed[KEY_ID_BYTES:16], sealed[16:]
    for key in settings().master_keys():
        if hmac.compare_digest(_key_id(key), key_id):
            try:
                return (
                    AESGCM(key)
                    .decrypt(nonce, ciphertext, "\x1f".join(belongs_to).encode())
                    .decode()
                )
            except InvalidTag as error:
                raise Misconfigured(
                    "A stored secret does not belong to its row; enter it again."
                ) from error
    raise Misconfigured(
        "A stored secret was sealed with a key that is not configured; add it to"
        " ENCRYPTION_OLD_KEYS."
    )


def sealed_with_current_key(sealed: bytes) -> bool:
    """Whether the value is sealed under the current master key, so that a rotation can skip it."""
    return hmac.compare_digest(_key_id(settings().master_keys()[0]), sealed[:KEY_ID_BYTES])


def derived_key(purpose: str) -> bytes:
    """32 bytes for one other purpose (signing API tokens), derived from the current master key."""
    return hmac.digest(settings().master_keys()[0], f"derived {purpose}".encode(), "sha256")
