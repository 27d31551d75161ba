"""The Django project: settings, URLs and the ASGI entry point.

settings      Every environment variable, grouped by feature
api_settings  Settings of the REST framework and of the schema
local_secret  The secret key of the local profile
log_settings  Settings of the log
urls          Where every page and endpoint is mounted
asgi          The entry point of every server
"""

__version__ = "1.0.0"
