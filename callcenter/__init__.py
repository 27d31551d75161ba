"""The Django project: settings, URLs and the ASGI entry point."""

__version__ = "1.0.0"
