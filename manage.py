#!/usr/bin/env python
"""The portal's command line."""

import os
import sys

if __name__ == "__main__":
    if sys.argv[1:2] == ["runsandbox"]:
        # It holds no secret and no data, so it asks for none of the portal's settings.
        from sandbox.command import main

        sys.exit(main(sys.argv[2:], program="manage.py runsandbox"))

    from django.core.management import execute_from_command_line

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feishu_portal.settings")
    execute_from_command_line(sys.argv)
