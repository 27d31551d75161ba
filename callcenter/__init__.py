"""The Django project: settings, URLs and the ASGI entry point.

settings          Every environment variable, grouped by feature
configuration/    Reads and checks variables; the settings of libraries, by subject
local_settings    The same as settings in the local profile, for tests and tools
settings_page     Writes docs/settings.md
urls              Where every page and endpoint is mounted
asgi              The entry point of every server
path_prefix       Serves the site below a path of its host
security_headers  Headers of every response that Django has no setting for
without_nul       Keeps NUL out of the addresses of pages
log_format        How a line of the log is written, and what it hides
"""

import os

__version__ = "1.0.0"

# Matrices of audio are small: threads for them cost more than they save, and take the cores from
# ingest. NumPy reads this when it is imported, so it is set before anything else.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# ONNX Runtime, which runs models of ours, would otherwise send events to its maker, and keep an
# identifier of this machine. It reads this when it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
