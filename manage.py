#!/usr/bin/env python
"""The portal's management commands, from a checkout."""

import sys

from feishu_portal.command_line import manage

if __name__ == "__main__":
    manage(sys.argv)
