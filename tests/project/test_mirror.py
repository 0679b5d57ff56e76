"""Every module with behaviour has a test file at the mirrored path, or stands below with where it is tested and why there.

Behaviour is a function that does something. Enums, errors, apps and urls are declarations.
"""

import ast
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

from tests.services.processes import PROJECT

ROOTS = ("feishu", "core", "bots", "events", "auth_sessions", "feishu_portal", "sandbox")
DECLARATIONS = ("enums.py", "errors.py", "apps.py", "urls.py")


@dataclass(frozen=True)
class Elsewhere:
    """Modules without a test file of their own, the tests that have them instead, and the reason."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    why: str


def elsewhere(folder: str, names: str, *, tests: str, why: str) -> Elsewhere:
    """``names`` of modules in ``folder``, and the paths of ``tests``, with blanks between; * stands for any."""
    modules = tuple(f"{folder}/{name}.py" for name in names.split())
    return Elsewhere(modules, tuple(f"tests/{test}" for test in tests.split()), why)


ELSEWHERE = (
    # --- kinds of modules
    elsewhere("sandbox", "*", tests="sandbox", why="used as the platform is: over HTTP and sockets, by the official SDK"),
    elsewhere(
        "*", "models/*",
        tests="bots events auth_sessions feishu_portal/alerts feishu_portal/approvals feishu_portal/greetings core/access",
        why="fields and querysets: what they are for is tested with the functions that ask them",
    ),
    elsewhere("*", "tasks notify", tests="processes/test_worker.py", why="a line or two each, run by real workers"),
    elsewhere(
        "*", "admin/*",
        tests="console bots/admin events/admin auth_sessions/admin feishu_portal/alerts/admin feishu_portal/approvals/admin feishu_portal/greetings/admin core/access/admin",
        why="pages: tested by what an operator sees and does",
    ),
    elsewhere(
        "feishu_portal", "management/*",
        tests="feishu_portal/management processes",
        why="a command is tested by its name, as it is called",
    ),
    elsewhere(
        "feishu_portal", "asgi celery runtime/connections runtime/demo runtime/embedded_celery runtime/portal "
        "runtime/sandbox runtime/web",
        tests="processes journey feishu_portal/runtime/test_ports.py",
        why="the frame of a process: only a real one shows it",
    ),
    elsewhere(
        "bots/streaming", "performing records threads",
        tests="bots/streaming/test_service.py bots/streaming/test_closing.py",
        why="steps of a streamed reply, which the sandbox's cards judge as a whole",
    ),
    elsewhere(
        "feishu_portal/api/streaming", "description upload", tests="feishu_portal/api/streaming/test_server.py",
        why="the frame of a request and what is said of it: each answer of the server's tests goes through both",
    ),
    elsewhere(
        "feishu", "card_kit", tests="bots/streaming/test_service.py", why="its calls are what a streamed reply consists of"
    ),
    elsewhere(
        "feishu_portal/runtime/metrics", "build tasks", tests="processes/test_metrics.py",
        why="what a process says of itself: only a real one has a kind, a pool and a scheduler",
    ),
    elsewhere(
        "feishu_portal", "runtime/adoption runtime/lost_keys", tests="feishu_portal/management/test_adoptrestore.py core/vault/test_loss.py",
        why="what the commands do, step by step",
    ),
    # --- feishu, core
    elsewhere("core/access/pages", "setup", tests="core/access/test_setup_link.py", why="a form around what the link does"),
    elsewhere("core/access", "attempts", tests="core/access/test_sign_in.py", why="the pauses of signing in"),
    elsewhere("core/access", "platform_sign_in", tests="auth_sessions/domain/test_operator_sign_in.py", why="a place to register at"),
    elsewhere("auth_sessions/pages", "operator_sign_in", tests="auth_sessions/domain/test_operator_sign_in.py", why="pages around it"),
    elsewhere(
        "auth_sessions/pages", "page_sign_in", tests="feishu_portal/approvals/pages/test_whole_call.py", why="asked by that page alone"
    ),
    elsewhere("core/access", "security_urls", tests="strangers", why="strangers and every role try all addresses"),
    elsewhere(
        "core/access/pages", "confirmation factors forms passkeys second_step",
        tests="core/access/second_factors core/access/pages/test_security.py",
        why="pages around the factors: tested by what an operator does",
    ),
    elsewhere(
        "core/access/second_factors", "policy recovery_codes sign_in", tests="core/access/second_factors/test_totp.py core/access/second_factors/test_policy_on_pages.py",
        why="steps of signing in",
    ),
    elsewhere("core/console", "next_page", tests="core/access/second_factors/test_totp.py", why="asked where signing in leads"),
    elsewhere(
        "feishu/long_connection", "address connection ending pump socket",
        tests="feishu/long_connection",
        why="one client against a gateway, a behaviour a file",
    ),
    elsewhere("feishu", "app_info", tests="feishu/test_openapi.py", why="calls of the client that is tested there"),
    elsewhere("feishu", "card_schema", tests="feishu/test_card_rules.py", why="tables that the rules read"),
    elsewhere(
        "core/console", "actions badges base columns filters overview shown_once site",
        tests="console bots/admin events/admin",
        why="what pages are made of: tested by the pages",
    ),
    elsewhere(
        "core/console/live", "feeds hub outbox polling publish",
        tests="core/console/live/test_notifications.py core/console/live/test_sockets.py processes/test_live_status.py",
        why="one way from a change to an open page",
    ),
    elsewhere(
        "core/background", "stopping", tests="feishu_portal/api/test_subscriptions.py feishu_portal/runtime/test_process.py",
        why="a flag: what counts is who sets it and who looks",
    ),
    elsewhere("core/database", "transactions", tests="core/database/test_sqlite.py", why="a limit that each database keeps its way"),
    # --- bots
    elsewhere(
        "bots/connections", "control placement processes renewal slots",
        tests="bots/connections/test_fleet.py bots/connections/test_leases.py",
        why="parts of the fleet: what counts is which process holds which connection",
    ),
    elsewhere("bots/connections", "signals", tests="bots/connections/test_signal_thread.py", why="what its thread sends"),
    elsewhere("bots/doctor", "case findings first_use", tests="bots/doctor", why="what all examinations share"),
    elsewhere("bots/incidents", "detectors", tests="bots/incidents/test_detection.py", why="the list that detection goes through"),
    elsewhere("bots/incidents", "shown", tests="bots/incidents/test_card_sync.py", why="from a change to the card that shows it"),
    elsewhere(
        "bots/incidents", "repairs", tests="bots/admin/test_incidents.py bots/admin/test_problems.py",
        why="where the pages and cards of problems lead",
    ),
    elsewhere(
        "bots", "card_sync", tests="feishu_portal/alerts/test_card_sync.py feishu_portal/approvals/test_card_sync.py",
        why="several kinds of rows have such cards, and each does what all do",
    ),
    elsewhere("bots", "brand", tests="bots/admin/test_brand.py", why="asked by its page alone"),
    elsewhere("bots/sending", "content idempotency service", tests="feishu_portal/api/test_messages.py feishu_portal/api/test_message_keys.py", why="REST is its only caller"),
    elsewhere("bots/sending", "own_cards", tests="feishu_portal/approvals/test_card_sync.py", why="approvals alone have such cards"),
    # --- events
    elsewhere(
        "events", "handlers clicks/click clicks/lookup clicks/records",
        tests="events/clicks/test_responder.py events/clicks/test_single_use.py",
        why="parts of one answer to one click",
    ),
    elsewhere(
        "events/handling", "claims completion watchdog",
        tests="events/handling/test_worker.py events/handling/test_execution.py events/handling/test_ordering.py",
        why="steps of one attempt, which may fail between any two of them",
    ),
    elsewhere("events/ingress", "shedding", tests="events/ingress/test_writer.py", why="the writer sheds"),
    elsewhere(
        "events/ingress/webhook", "refusals server",
        tests="events/ingress/webhook",
        why="one request from its first byte to its answer",
    ),
    elsewhere("events/log", "dead_letters", tests="events/admin/test_dead_letters.py", why="its page alone asks it"),
    elsewhere(
        "events", "receivers log/deletion",
        tests="events/log/test_retention.py events/log/test_bot_removal.py",
        why="rows that go with others",
    ),
    elsewhere("events/subscriptions", "test_delivery", tests="events/admin/test_subscriptions.py", why="a button"),
    # --- auth_sessions
    elsewhere(
        "auth_sessions", "cards/revocation cards/scopes cards/self_service domain/directory domain/restart",
        tests="auth_sessions/cards auth_sessions/test_handlers.py auth_sessions/domain/test_card_sync.py auth_sessions/domain/test_reminders.py",
        why="what the bot says and does: tested where a person writes or clicks",
    ),
    elsewhere(
        "auth_sessions", "domain/completion domain/tokens/grants pages/consent pages/own_sections pages/self_service pages/words",
        tests="auth_sessions/domain/test_consent.py auth_sessions/domain/test_exchange.py auth_sessions/domain/test_device.py auth_sessions/domain/test_self_service.py feishu_portal/approvals/pages/test_own_section.py journey",
        why="the end that both flows share, and the pages on the way there",
    ),
    elsewhere(
        "auth_sessions/domain/refresh", "claim commit recovery submission",
        tests="auth_sessions/domain/refresh/test_refresher.py auth_sessions/domain/refresh/test_outages.py auth_sessions/domain/refresh/test_journal.py auth_sessions/domain/refresh/test_state_machine.py",
        why="steps of one refresh, which may fail between any two of them",
    ),
    elsewhere(
        "auth_sessions/domain/revocation", "notice", tests="auth_sessions/domain/revocation/test_service.py", why="what a revocation says"
    ),
    elsewhere(
        "auth_sessions/domain/tokens", "optimistic_audit",
        tests="feishu_portal/api/proxy/test_admission_rows.py",
        why="one statement, whose other half are the rows that the proxy has cached",
    ),
    elsewhere("auth_sessions/domain", "person_sign_in", tests="auth_sessions/domain/test_operator_sign_in.py auth_sessions/domain/agents", why="one question to the platform, of two callers"),
    elsewhere(
        "auth_sessions", "domain/agents/access domain/agents/connected pages/agents/*",
        tests="auth_sessions/domain/agents feishu_portal/api/mcp/test_oauth.py",
        why="OAuth from end to end, as an agent and its person meet it",
    ),
    # --- alerts
    elsewhere("feishu_portal/greetings", "service", tests="feishu_portal/greetings/admin/test_greetings.py", why="its pages alone ask it"),
    elsewhere("feishu_portal/alerts", "service", tests="feishu_portal/alerts/admin/test_receivers.py", why="its pages alone ask it"),
    # --- feishu_portal
    elsewhere(
        "feishu_portal/api", "__init__ base description/__init__ grants keys long_poll paging platform_errors reauthorization refresh_wait",
        tests="feishu_portal/api",
        why="parts of every route: tested by what a caller gets",
    ),
    elsewhere("feishu_portal/api", "mcp/*", tests="feishu_portal/api/mcp", why="what an agent sends and gets, a behaviour a file"),
    elsewhere("feishu_portal/api", "proxy/*", tests="feishu_portal/api/proxy", why="one call from end to end, a behaviour a file"),
    elsewhere(
        "feishu_portal", "overview/connections/* templatetags/live",
        tests="feishu_portal/overview/connections/test_board.py feishu_portal/overview/connections/test_feed.py processes/test_live_status.py",
        why="parts of one page",
    ),
    elsewhere("feishu_portal", "templatetags/figures", tests="feishu_portal/overview/test_figures.py", why="a line"),
    elsewhere("feishu_portal/connect_agent", "kinds connection_test", tests="feishu_portal/connect_agent/test_page.py", why="what the page shows"),
    elsewhere("feishu_portal", "console", tests="console/test_visibility.py", why="the sidebar"),
    elsewhere(
        "feishu_portal", "variables validators",
        tests="feishu_portal/test_environment.py",
        why="values are written and refused as an operator meets them",
    ),
)  # fmt: skip


def has_behaviour(path: Path) -> bool:
    """Whether a function in the module does more than to say what it is for."""
    functions = (
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return any(not is_words(statement) for function in functions for statement in function.body)


def is_words(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


@cache
def modules_without_a_test_file() -> list[str]:
    paths = (path for root in ROOTS for path in sorted((PROJECT / root).rglob("*.py")))
    return [
        path.relative_to(PROJECT).as_posix()
        for path in paths
        if "migrations" not in path.parts
        and path.name not in DECLARATIONS
        and not mirrored(path.relative_to(PROJECT)).exists()
        and has_behaviour(path)
    ]


def mirrored(module: Path) -> Path:
    """``bots/brand.py`` is tested by ``tests/bots/test_brand.py``, a package by the file of its own name within."""
    name = module.parent.name if module.stem == "__init__" else module.stem
    return PROJECT / "tests" / module.parent / f"test_{name}.py"


def test_every_module_has_a_test_file_or_a_reason() -> None:
    listed = [pattern for entry in ELSEWHERE for pattern in entry.modules]
    unmirrored = modules_without_a_test_file()

    assert [module for module in unmirrored if not any(fnmatch(module, pattern) for pattern in listed)] == []


def test_every_reason_is_needed_and_leads_to_tests() -> None:
    unmirrored = modules_without_a_test_file()
    patterns = {pattern for entry in ELSEWHERE for pattern in entry.modules}
    tests = {test for entry in ELSEWHERE for test in entry.tests}

    assert {one for one in patterns if not any(fnmatch(module, one) for module in unmirrored)} == set()
    assert {test for test in tests if not (PROJECT / test).exists()} == set()


def test_mirrored_path_of_a_module_and_of_a_package() -> None:
    assert mirrored(Path("bots/brand.py")) == PROJECT / "tests/bots/test_brand.py"
    assert mirrored(Path("feishu_portal/api/__init__.py")) == PROJECT / "tests/feishu_portal/api/test_api.py"
