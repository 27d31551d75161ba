#!/usr/bin/env python
"""The command line of the service: `python manage.py help` lists what it can do."""

import os
import sys
from pathlib import Path


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callcenter.settings")
    try:
        from django.core.management import execute_from_command_line
        from django.db import OperationalError, connection

        from callcenter.configuration.database import why_unreachable
        from callcenter.configuration.environment import choose_profile
    except ImportError as error:
        message = "Django is not installed here: `make run` sets everything up (see README.md)."
        raise SystemExit(message) from error
    choose_profile(Path(__file__).parent / ".env", sys.argv)
    try:
        execute_from_command_line(sys.argv)
    except OperationalError:
        if why := why_unreachable(connection.settings_dict):
            raise SystemExit(why) from None
        raise


if __name__ == "__main__":
    main()
