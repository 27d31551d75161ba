"""The Django project: settings, URLs and the ASGI entry point.

settings      Every environment variable, grouped by feature
api_settings  Settings of the REST framework and of the schema
urls          Where every page and endpoint is mounted
asgi          The entry point of every server
"""

__version__ = "1.0.0"
