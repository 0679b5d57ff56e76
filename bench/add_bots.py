"""Adds bots as ``manage.py addbot`` does, in one process: ``python -m bench.add_bots URL APP_ID…``.

The App Secret of all of them comes from FEISHU_APP_SECRET.
"""

import os
import sys
from io import StringIO


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "feishu_portal.settings")

    import django  # noqa: PLC0415 -- after the settings are named

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 -- after Django is set up

    url, *app_ids = sys.argv[1:]
    for app_id in app_ids:
        call_command("addbot", app_id, app_id=app_id, open_url=url, accounts_url=url, stdout=StringIO())


if __name__ == "__main__":
    main()
