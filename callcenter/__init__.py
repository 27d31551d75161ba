"""The Django project: settings, URLs and the ASGI entry point.

settings      Every environment variable, grouped by feature
api_settings  Settings of the REST framework and of the schema
local_secret  Secrets of the local profile, kept in files
log_settings  Settings of the log
message_settings  Settings of e-mail and of links in messages
urls          Where every page and endpoint is mounted
asgi          The entry point of every server
"""

import os

__version__ = "1.0.0"

# Matrices of audio are small: threads for them cost more than they save, and take the cores from
# ingest. NumPy reads this when it is imported, so it is set before anything else.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
