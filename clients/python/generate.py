"""Writes the package ``callcenter_client`` from the API schema of this checkout.

``python clients/python/generate.py [FOLDER]``; ``make client`` calls it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# The response of this route never ends, so a function that returns it would never return.
ENDLESS = "/v1/events/stream"
JSON = "application/json"


def main() -> None:
    package = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "callcenter_client"
    with TemporaryDirectory() as scratch:
        schema = Path(scratch, "schema.json")
        schema.write_text(json.dumps(narrow(read_schema())))
        shutil.rmtree(package, ignore_errors=True)
        generate(schema, package)


def read_schema() -> dict[str, Any]:
    command = [sys.executable, "manage.py", "spectacular", "--format", "openapi-json"]
    # The addresses in the client do not depend on the site of the person who generates it.
    environment = {**os.environ, "PROFILE": "local", "PATH_PREFIX": ""}
    written = subprocess.run(  # noqa: S603 (no shell)
        command, cwd=ROOT, env=environment, check=True, capture_output=True
    )
    schema: dict[str, Any] = json.loads(written.stdout)
    return schema


def narrow(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a typed function cannot return or take: streams, and formats besides JSON."""
    del schema["paths"][ENDLESS]
    for operation in (each for path in schema["paths"].values() for each in path.values()):
        for body in (operation.get("requestBody", {}), *operation["responses"].values()):
            content = body.get("content", {})
            if JSON in content:
                body["content"] = {JSON: content[JSON]}
        parameters = operation.get("parameters", [])
        operation["parameters"] = [each for each in parameters if each["name"] != "as"]
    return schema


def generate(schema: Path, package: Path) -> None:
    programs = Path(sys.executable).parent
    subprocess.run(  # noqa: S603 (no shell)
        [
            programs / "openapi-python-client", "generate", "--meta", "none", "--fail-on-warning",
            "--config", HERE / "generator.yaml", "--path", schema, "--output-path", package,
        ],
        # It looks for ruff in the path.
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        check=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
