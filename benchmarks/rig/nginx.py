"""Runs nginx with the configuration in ``deploy/nginx``, in front of some web processes."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.rig.databases import ROOT
from benchmarks.rig.waiting import answers, free_port, wait_until

DEPLOY = ROOT / "deploy" / "nginx"
SITE, UPSTREAM = "callcenter.conf", "callcenter-upstream.conf"
PROXY = "callcenter-proxy.conf"
# Debian's nginx.conf, without what needs its folders.
MAIN = """\
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/callcenter*.conf;
}}
"""


@contextmanager
def nginx(program: str, folder: Path, ports: Sequence[int], *, prefix: str = "") -> Iterator[str]:
    """Start nginx in front of the processes at ``ports``, and yield its address.

    With ``prefix``, such as ``/calls``, it serves only what is below that path.
    """
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    configuration = configure(folder, port, ports, prefix=prefix)
    process = subprocess.Popen(
        [program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(configuration)]
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(f"{address}{prefix}/healthz"), what="nginx and a web process")
        yield address
    finally:
        process.terminate()
        process.wait(timeout=10)


def configure(folder: Path, port: int, ports: Sequence[int], *, prefix: str = "") -> Path:
    """Write the files of ``deploy/nginx`` with other addresses, and a main file around them."""
    snippets = folder / "snippets"
    snippets.mkdir(exist_ok=True)
    (snippets / PROXY).write_text(move_below(prefix, (DEPLOY / PROXY).read_text()))
    site = (DEPLOY / SITE).read_text().replace("listen 80;", f"listen 127.0.0.1:{port};")
    (folder / SITE).write_text(site.replace("/var/log/nginx/", f"{folder}/"))
    (folder / UPSTREAM).write_text(_upstream((DEPLOY / UPSTREAM).read_text(), ports))
    main = folder / "nginx.conf"
    # The folder of a test belongs to its user alone.
    user = "user root;" if os.geteuid() == 0 else ""
    main.write_text(MAIN.format(folder=folder, user=user))
    return main


def move_below(prefix: str, text: str) -> str:
    """Put a path in front of every location, as the command in docs/operations.md does."""
    return re.sub(r"^(location (?:~ \^)?)/", rf"\1{prefix}/", text, flags=re.MULTILINE)


def _upstream(text: str, ports: Sequence[int]) -> str:
    servers = re.findall(r"^ +server .*\n", text, re.MULTILINE)
    ours = [re.sub(r"server \S+", f"server 127.0.0.1:{port}", servers[0]) for port in ports]
    return text.replace("".join(servers), "".join(ours))
