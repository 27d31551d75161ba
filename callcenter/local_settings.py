"""Settings of tests and tools in a checkout: the local profile, unless PROFILE says otherwise.

Processes that they start inherit the profile.
"""

import os

os.environ.setdefault("PROFILE", "local")

from callcenter.settings import *  # noqa: F403
