"""A small OpenID Connect provider: real HTTP, signed answers, and a user who is always signed
in.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import time
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.ports import free_port, until

CLIENT, SECRET = "salesops", "what-the-provider-and-we-know"


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Provider:
    """``says`` are the claims of its tokens; ``signs_with`` is its key, unless a test forges."""

    address: str
    says: dict[str, Any] = field(default_factory=dict)
    key: rsa.RSAPrivateKey = field(default_factory=new_key)
    forger: rsa.RSAPrivateKey | None = None
    nonces: dict[str, str] = field(default_factory=dict)

    def vouches_for(self, address: str, *, forged: bool = False, **says: Any) -> None:
        self.says = {"email": address, "email_verified": True} | says
        self.forger = new_key() if forged else None

    async def configuration(self, _: Request) -> Response:
        ways = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "jwks_uri": "keys",
        }
        return JSONResponse(
            {"issuer": self.address}
            | {name: f"{self.address}/{path}" for name, path in ways.items()}
            | {
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def authorize(self, request: Request) -> Response:
        asked, code = request.query_params, uuid4().hex
        self.nonces[code] = asked["nonce"]
        return RedirectResponse(
            f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 303
        )

    async def token(self, request: Request) -> Response:
        code = str((await request.form())["code"])
        claims = {
            "iss": self.address,
            "aud": CLIENT,
            "sub": "somebody",
            "iat": int(time()),
            "exp": int(time()) + 3600,
            "nonce": self.nonces.pop(code),
        } | self.says
        signed = jwt.encode(claims, self.forger or self.key, "RS256", headers={"kid": "one"})
        return JSONResponse(
            {
                "access_token": "unused",
                "token_type": "Bearer",
                "expires_in": 3600,
                "id_token": signed,
            }
        )

    async def keys(self, _: Request) -> Response:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return JSONResponse({"keys": [public | {"kid": "one", "use": "sig", "alg": "RS256"}]})


@contextmanager
def provider() -> Iterator[Provider]:
    """A provider that answers for as long as the block runs."""
    port = free_port()
    made = Provider(f"http://localhost:{port}")
    app = Starlette(
        routes=[
            Route("/.well-known/openid-configuration", made.configuration),
            Route("/authorize", made.authorize),
            Route("/token", made.token, methods=["POST"]),
            Route("/keys", made.keys),
        ]
    )
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield made
    server.should_exit = True
    thread.join()
