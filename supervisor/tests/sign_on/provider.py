"""A small OpenID provider: discovery, authorization, tokens, userinfo and keys, over real HTTP.

It keeps to the standard, and misbehaves as a test tells it to.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "callcenter", "a secret of the client"


@cache
def make_key(name):
    """Return an RSA key. To make one takes a while, and its name is the same for each."""
    return RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})


class Provider:
    """Whoever comes is signed in at once as ``claims`` say."""

    def __init__(self):
        self.claims = {
            "sub": "u-1",
            "preferred_username": "ana",
            "email": "ana@example.com",
            "given_name": "Ana",
            "family_name": "Li",
            "groups": ["leads"],
        }
        self.token_claims = {}  # besides those, and instead of the usual ones, in the ID token
        self.header = {"alg": "RS256", "kid": "k1"}
        self.signs_with = make_key("published")
        self.announced = {}  # besides the usual endpoints
        self.error = ""  # the answer of the authorization, such as access_denied
        self.broken = {}  # path: status, or bytes of a body
        self.asked = []
        self._codes, self._tokens = {}, set()
        server = self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("H", (_Handler,), {}))
        server.RequestHandlerClass.provider = self
        self.issuer = f"http://127.0.0.1:{server.server_port}"

    def __enter__(self):
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_args):
        self.stop()

    def stop(self):
        if self._thread.is_alive():
            self.server.shutdown()
            self._thread.join()
            self.server.server_close()

    def discover(self, _asked, _headers):
        names = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "userinfo_endpoint": "userinfo",
            "jwks_uri": "keys",
        }
        found = {name: f"{self.issuer}/{path}" for name, path in names.items()}
        return {"issuer": self.issuer, **found, **self.announced}

    def authorize(self, asked, _headers):
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        if self.error:
            back = {"error": self.error, "state": asked["state"]}
        else:
            code = secrets.token_urlsafe()
            self._codes[code] = asked
            back = {"code": code, "state": asked["state"]}
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def token(self, asked, _headers):
        begun = self._codes.pop(asked["code"], None)
        digest = sha256(asked["code_verifier"].encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        is_right = (
            begun is not None
            and (asked["client_id"], asked["client_secret"]) == (CLIENT, SECRET)
            and begun["code_challenge"] == challenge
            and begun["redirect_uri"] == asked["redirect_uri"]
        )
        if not is_right:
            return 400
        access = secrets.token_urlsafe()
        self._tokens.add(access)
        return {"access_token": access, "token_type": "Bearer", "id_token": self._sign(begun)}

    def _sign(self, begun):
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": self.claims["sub"],
            "iat": now,
            "exp": now + 300,
            "nonce": begun["nonce"],
            **self.token_claims,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        algorithms = ["RS256", "RS512", "HS256", "none"]
        return jwt.encode(self.header, kept, self.signs_with, algorithms=algorithms)

    def userinfo(self, _asked, headers):
        token = headers["Authorization"].removeprefix("Bearer ")
        return self.claims if token in self._tokens else 401

    def keys(self, _asked, _headers):
        return {"keys": [make_key("published").as_dict(private=False)]}


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self):
        parts = urlsplit(self.path)
        self._answer(parts.path, parse_qs(parts.query))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer(self.path, parse_qs(body))

    def _answer(self, path, values):
        provider = self.provider
        provider.asked.append(path)
        ways = {
            "/.well-known/openid-configuration": provider.discover,
            "/authorize": provider.authorize,
            "/token": provider.token,
            "/userinfo": provider.userinfo,
            "/keys": provider.keys,
        }
        asked = {name: value[0] for name, value in values.items()}
        answer = provider.broken.get(path) or ways[path](asked, self.headers)
        status = answer if isinstance(answer, int) else 302 if isinstance(answer, str) else 200
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        if isinstance(answer, str):
            self.send_header("Location", answer)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        """Say nothing."""
