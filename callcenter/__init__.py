"""The Django project: settings, URLs and the ASGI entry point.

settings           Every environment variable, grouped by feature
account_settings   Settings of logins
api_settings       Settings of the REST framework and of the schema
database_settings  Settings of the database, and why it cannot be reached
local_settings     The same as settings in the local profile, for tests and tools
environment        Reads settings, and collects what is wrong with them
checked_values     Checks of values such as zones, folders and addresses
local_secret       Secrets of the local profile, kept in files
log_format         How a line of the log is written, and what it hides
log_settings       Settings of the log
message_settings   Settings of e-mail and of links in messages
path_prefix        Serves the site below a path of its host
security_headers   Headers of every answer that Django has no setting for
trace_settings     Where traces are sent
sign_on_settings   Settings of single sign-on
directory_settings  Settings of the directory, an LDAP server
settings_page      Writes docs/settings.md
without_nul        Keeps NUL out of the addresses of pages
urls               Where every page and endpoint is mounted
asgi               The entry point of every server
"""

import os

__version__ = "1.0.0"

# Matrices of audio are small: threads for them cost more than they save, and take the cores from
# ingest. NumPy reads this when it is imported, so it is set before anything else.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
