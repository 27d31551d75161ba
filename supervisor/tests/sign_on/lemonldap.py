"""A real OpenID provider on loopback: LemonLDAP::NG, with its demo accounts and their groups."""

from __future__ import annotations

import json
import re
import subprocess
from urllib.parse import urljoin

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from benchmarks.rig.waiting import answers, free_port, wait_until
from calls.tests.programs import installed

CLIENT, SECRET = "callcenter", "a secret of the client"
PASSWORDS = {"dwho": "dwho", "rtyler": "rtyler"}  # their groups: timelords, and earthlings
# The portal loads a captcha even if it asks for none, and the usual one needs ImageMagick.
PORTAL = """\
package Lemonldap::NG::Portal::Captcha::None;
use Mouse;
use Lemonldap::NG::Portal::Main;
extends 'Lemonldap::NG::Portal::Main::Plugin';
sub init { 1 }
BEGIN { $INC{'Lemonldap/NG/Portal/Captcha/None.pm'} = 1 }
package main;
Lemonldap::NG::Portal::Main->run({});
"""
MODULE = "Lemonldap::NG::Portal::Main"
INI = """\
[all]
logLevel = warn
[configuration]
type = File
dirName = {folder}/conf
[portal]
templateDir = /usr/share/lemonldap-ng/portal/templates
staticPrefix = /static
languages = en
"""
MOST_STEPS = 8


def configuration(folder, port, callback):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    storage = {
        "Directory": f"{folder}/sessions", "LockDirectory": f"{folder}/locks",
        "generateModule": "Lemonldap::NG::Common::Apache::Session::Generate::SHA256",
    }  # fmt: skip
    return {
        "cfgNum": 1, "cfgAuthor": "tests", "cfgDate": 1, "cfgVersion": "2.16.1",
        "key": "of the tests", "domain": "127.0.0.1", "portal": f"http://127.0.0.1:{port}/",
        "authentication": "Demo", "userDB": "Same", "passwordDB": "Null",
        "captcha": "::Captcha::None",
        "locationRules": {"127.0.0.1": {"default": "accept"}},
        "requireToken": 0, "localSessionStorage": "", "whatToTrace": "uid",
        "globalStorage": "Apache::Session::File", "globalStorageOptions": storage,
        "persistentStorage": "Apache::Session::File", "persistentStorageOptions": storage,
        "demoExportedVars": {"cn": "cn", "mail": "mail", "uid": "uid"},
        "issuerDBOpenIDConnectActivation": 1,
        "oidcServiceMetaDataIssuer": f"http://127.0.0.1:{port}",
        "oidcServiceKeyIdSig": "k1",
        "oidcServicePrivateKeySig": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        "oidcServicePublicKeySig": key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode(),
        "oidcRPMetaDataOptions": {CLIENT: {
            "oidcRPMetaDataOptionsClientID": CLIENT,
            "oidcRPMetaDataOptionsClientSecret": SECRET,
            "oidcRPMetaDataOptionsRedirectUris": callback,
            "oidcRPMetaDataOptionsPostLogoutRedirectUris": callback,
            "oidcRPMetaDataOptionsIDTokenSignAlg": "RS256",
            "oidcRPMetaDataOptionsUserIDAttr": "uid",
            "oidcRPMetaDataOptionsBypassConsent": 1,
            "oidcRPMetaDataOptionsLogoutBypassConfirm": 1,
        }},
        "oidcRPMetaDataExportedVars": {CLIENT: {
            "email": "mail", "preferred_username": "uid", "name": "cn",
            "groups": "groups;string;always",
        }},
        "oidcRPMetaDataOptionsExtraClaims": {CLIENT: {"groups": "groups"}},
    }  # fmt: skip


class LemonLdap:
    """Runs the portal. ``callback`` is the only address to which it sends browsers back."""

    def __init__(self, folder, callback):
        self.folder, self.port = folder, free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        plackup = installed("plackup")
        if subprocess.run(
            ["perl", f"-M{MODULE}", "-e1"], check=False, capture_output=True
        ).returncode:
            installed(MODULE)  # says so
        for name in ("conf", "sessions", "locks"):
            (folder / name).mkdir()
        (folder / "conf" / "lmConf-1.json").write_text(
            json.dumps(configuration(folder, self.port, callback))
        )
        (folder / "lemonldap-ng.ini").write_text(INI.format(folder=folder))
        (folder / "portal.psgi").write_text(PORTAL)
        self.command = [
            plackup, "--no-default-middleware", "--env", "deployment", "--host", "127.0.0.1",
            "--port", str(self.port), str(folder / "portal.psgi"),
        ]  # fmt: skip

    def __enter__(self):
        with (self.folder / "log.txt").open("wb") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, cwd=self.folder,
                env={"LLNG_DEFAULTCONFFILE": str(self.folder / "lemonldap-ng.ini"),
                     "PATH": "/usr/bin:/bin"},
            )  # fmt: skip
        discovery = f"{self.issuer}/.well-known/openid-configuration"
        try:
            wait_until(lambda: answers(discovery), what="LemonLDAP::NG")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=10)


class Browser:
    """Visits the portal, and fills its login form. Keeps cookies whatever their domain."""

    def __init__(self):
        self.cookies = {}

    def go(self, address, form=None):
        """Return the answer, and remember its cookies."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        answer = httpx.request("POST" if form else "GET", address, data=form, headers=headers)
        for cookie in answer.headers.get_list("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def log_in(self, address, user, password, callback):
        """Follow the portal until it leads back to the site. Returns that address, or its page."""
        answer = self.go(address)
        for _ in range(MOST_STEPS):
            if answer.is_redirect:
                address = urljoin(address, answer.headers["Location"])
                if address.startswith(callback):
                    return address
                answer = self.go(address)
            elif 'name="password"' in answer.text and user:
                form = dict(
                    re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', answer.text)
                )
                answer, user = self.go(address, {**form, "user": user, "password": password}), ""
            else:
                return answer.text
        raise AssertionError(f"The portal leads in a circle: {address}")
