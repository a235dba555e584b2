#!/usr/bin/env python3
"""Django's command line for Dockernet; `./dockernet manage ...` runs it in its environment."""

import os
import sys


def main() -> None:
    """Run a management command, with the project's settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dockernet_site.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"dockernet: {error}")


if __name__ == "__main__":
    main()
