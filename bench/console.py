"""How the console's pages answer with a handful of bots and with a thousand: ``make bench-console``.

Starts a PostgreSQL of its own with a nearly empty portal and one of 1,000 bots, 1,000,000 events and 100,000 user tokens, and
asks both in turn for every list, for pages of rows and for the overview, as an administrator and as the owner of five bots.
Prints the best times and their ratios. Takes some minutes and 4 GB of disk while it runs; ``ARGS="--scale 0.1"`` is quicker,
and ``--only TEXT`` asks only for pages whose names contain the text.
"""

import argparse
import os
import tempfile
import time
from typing import Any

from bench.console_rows import fill
from bench.event_log import MANY, Ask, best, create_databases
from tests.services.postgresql import PostgreSQL, find_programs
from tests.services.session import SECRETS, replace_environment

FEW = {"bots": 5, "events": 1_000, "tokens": 60}
"""Lists have a full page in either portal: rendering it takes most of the time."""
FULL = {"bots": 1_000, "events": 1_000_000, "tokens": 100_000}
AT_MOST = 3.0
"""Times as long as in the nearly empty portal."""
OVERVIEW_MS = 300


def main() -> None:
    """Fill, ask, fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--scale", type=float, default=1.0, help="part of the rows (default %(default)s)")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT")
    options = parser.parse_args()
    server = PostgreSQL(find_programs())
    with tempfile.TemporaryDirectory() as data:
        try:
            server.start()
            create_databases(server.url)
            replace_environment(
                SECRETS
                | {"DATABASE_URL": server.url, "DEBUG": "off", "DATA_DIR": data, "LOG_LEVEL": "ERROR"}
                | {"ALLOWED_HOSTS": "testserver"}
            )
            _measure(server, options.scale, options.only)
        finally:
            server.stop()


def _measure(server: PostgreSQL, scale: float, only: list[str]) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "feishu_portal.settings"
    import django  # noqa: PLC0415 -- the settings read the environment that was just made

    django.setup()
    from django.contrib import admin  # noqa: PLC0415 -- after Django is set up
    from django.core.management import call_command  # noqa: PLC0415 -- after Django is set up
    from django.db import connections  # noqa: PLC0415 -- after Django is set up

    admin.autodiscover()
    asked: list[tuple[Any, dict[str, Ask]]] = []
    for name, sizes in (("portal", FEW), (MANY, {key: int(size * scale) for key, size in FULL.items()})):
        connections["default"] = connections["default"].copy()
        connections["default"].settings_dict = {**connections["default"].settings_dict, "NAME": name}
        call_command("migrate", verbosity=0)
        begun = time.monotonic()
        made = fill(**sizes)
        said = ", ".join(f"{size:,} {key}" for key, size in sizes.items())
        print(f"{said} ({time.monotonic() - begun:.0f} s to fill)", flush=True)
        asked.append((connections["default"], _pages(made)))
    print(f"{server.description}; best of several\n\n{'':46}{'few':>9}{'many':>12}  ratio")
    for page in asked[0][1]:
        if only and not any(text in page for text in only):
            continue
        few, many = best(connections, [(database, pages[page]) for database, pages in asked])
        is_beyond = many / few > AT_MOST or ("overview" in page and many * 1000 > OVERVIEW_MS)
        mark = "  !" if is_beyond else ""
        print(f"{page:46}{few * 1000:>6.0f} ms{many * 1000:>9.0f} ms  {many / few:5.1f}{mark}", flush=True)


def _pages(made: dict[str, Any]) -> dict[str, Ask]:
    """By name, each a call that answers 200."""
    from django.contrib import admin  # noqa: PLC0415 -- after Django is set up
    from django.test import Client  # noqa: PLC0415 -- after Django is set up
    from django.urls import reverse  # noqa: PLC0415 -- after Django is set up
    from django.utils.translation import override  # noqa: PLC0415 -- after Django is set up

    from tests.factories import make_operator  # noqa: PLC0415 -- after Django is set up

    owner = make_operator("owner")
    owner.bots.add(*made["owned"])
    found: dict[str, Ask] = {}
    for who, user in (("", make_operator("root", superuser=True)), ("owner of five: ", owner)):
        client = Client(headers={"accept-language": "en"})
        client.force_login(user)
        with override("en"):
            lists = {
                f"list of {model._meta.verbose_name_plural}": f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
                for model in admin.site._registry  # noqa: SLF001 -- Django lists them nowhere else
                if user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
            }
        addresses = {name: reverse(route) for name, route in lists.items()}
        addresses |= {"overview": reverse("admin:index"), "connections": reverse("connections")}
        if not who:
            tokens = reverse("admin:auth_sessions_usertoken_changelist")
            addresses |= {
                "one bot": reverse("admin:bots_bot_change", args=[made["bot"]]),
                "one token": reverse("admin:auth_sessions_usertoken_change", args=[made["token"]]),
                "one request": reverse("admin:auth_sessions_authsession_change", args=[made["session"]]),
                "one event": reverse("admin:events_event_change", args=[made["event"]]),
                "one handled bot": reverse("admin:events_handledbot_change", args=[made["bot"]]),
                "handlers": reverse("admin:events_handledbot_handlers"),
                "dead letters": reverse("admin:events_event_dead_letters"),
                "ask people": reverse("admin:auth_sessions_authsession_ask"),
                "tokens of one bot": f"{tokens}?bot__id__exact={made['bot']}",
                "tokens that ended": f"{tokens}?status__exact=needs_reauth",
                "tokens by a name": f"{tokens}?q=王芳",
                "tokens by an open_id": f"{tokens}?q=ou_first",
                "bots by a name": f"{reverse('admin:bots_bot_changelist')}?q=Helper 3",
                "unconnected bots": f"{reverse('admin:bots_bot_changelist')}?connected=no",
                "Ctrl-K": f"{reverse('admin:search')}?q=Helper",
            }
        for name, address in addresses.items():
            found[f"{who}{name}"] = lambda client=client, address=address: client.get(address)
    return found


if __name__ == "__main__":
    main()
