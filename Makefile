# One virtual environment and its lock files: requirements-dev.lock holds all of requirements.lock, and the tools;
# requirements-docs.lock is what the documentation site is built with, requirements-deploy.lock what checks deploy/ and
# requirements-release.lock what checks a release, in versions that agree with the others; deploy/docker/image.lock is
# requirements.lock with the extras.

VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(PYTHON) -m pip --quiet --no-input
# The first of these that runs and is new enough makes the virtual environment.
PYTHONS ?= python3 python3.13 python3.12 python3.11

.DEFAULT_GOAL := help
.PHONY: help run setup foreign test test-fast test-postgres test-sqlite coverage fuzz bench-fleet bench-clicks bench-tokens chaos-tokens chaos-events
.PHONY: bench-agents bench-siege bench-event-log bench-ingest bench-handlers lint lock messages docs
.PHONY: bench-idle bench-stream bench-workers bench-queues bench-embedded bench-console site pictures screenshots deploy-tools release-check test-versions

# Compiled from the .po beside it, which alone is under version control.
CATALOGUE := locale/zh_Hans/LC_MESSAGES/django.mo
DEVELOPMENT := $(VENV)/.development $(CATALOGUE)
CORES := $(shell nproc 2>/dev/null || echo 2)

help: ## this list
	@awk -F ': .*## ' '/^[a-z-]+: .*## / { printf "  make %-17s%s\n", $$1, $$2 }' Makefile

# --- for everybody

run: $(VENV)/.runtime $(CATALOGUE) ## portal, connections, worker, scheduler and a Feishu sandbox on this machine (ARGS="--port 9000")
	@DEBUG=on exec $(PYTHON) manage.py runportal --sandbox $(ARGS)

setup: $(DEVELOPMENT) ## .venv with all that running and testing need

deploy-tools: $(VENV)/.deploy $(VENV)/.release ## what tests/deploy checks images, compose files, charts and SBOMs with

# Each worker has servers of its own. Many tests wait for processes, so there are two workers more than cores.
WORKERS := -n $(shell echo $$(( $(CORES) + 2 ))) --maxprocesses 6 --dist worksteal

# Three passes: what needs no server, the others on PostgreSQL, and what touches a database again on SQLite;
# tests/services/plugin.py chooses. Each remembers its own failures: ARGS="--last-failed" runs those of each again.
# MEASURED="-m coverage run" measures what they reach, but for the second: most of the processes are started there, and it is
# left as fast as it is.
test: test-fast test-postgres test-sqlite ## the whole suite, on PostgreSQL and again on SQLite (ARGS="tests/feishu -k frames")

# --- for whoever changes the code

PYTEST = -m pytest --override-ini cache_dir=.pytest_cache/$@ --last-failed-no-failures none

# Kept for the next pass, whatever the shell says: compiling and rewriting all tests again is half of what collecting them costs,
# in each worker.
test-fast test-postgres test-sqlite test-versions: export PYTHONDONTWRITEBYTECODE =

# IN_FRONT: a folder with another Django, as tests/versions.py makes it.
test-fast: $(DEVELOPMENT) ## the tests that need no database, Redis, process or browser: a few minutes (of a part: ARGS="tests/bots -k frames")
	$(if $(IN_FRONT),PYTHONPATH=$(IN_FRONT)) TEST_DATABASE=none $(PYTHON) $(MEASURED) $(PYTEST) -n $(CORES) --maxprocesses 6 --dist worksteal $(ARGS)

test-postgres: $(DEVELOPMENT)
	TEST_DATABASE=postgres $(PYTHON) $(PYTEST) $(WORKERS) $(ARGS)

test-sqlite: $(DEVELOPMENT)
	TEST_DATABASE=sqlite $(PYTHON) $(MEASURED) $(PYTEST) $(WORKERS) $(ARGS)

test-versions: $(DEVELOPMENT) ## the fast tests on every supported Python that is found, and on the oldest Django (ARGS="--all", "--here", "--newest")
	$(PYTHON) -m tests.versions $(ARGS)

stopwatch: $(DEVELOPMENT) ## the seconds from an empty portal to the first authorization, clicked in Chromium in both languages
	@for language in zh-CN en-US; do \
	    JOURNEY_LANGUAGE=$$language $(PYTHON) -m pytest -q -s -n 0 tests/journey/test_scan.py || exit 1; \
	done

# npm knows a company's CA by another variable than Python does.
FOREIGN := tests/sandbox/foreign tests/contracts
JUDGES := tests/journey
foreign: $(FOREIGN:%=%/node_modules/.installed) $(JUDGES)/node_modules/.installed $(FOREIGN:%=%/.venv/.installed) ## software of others that tests run: Feishu's Node SDK and MCP server, NoneBot, makers of clients, axe-core

%/node_modules/.installed: %/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing. Debian: apt-get install nodejs npm" >&2; exit 1; }
	NODE_EXTRA_CA_CERTS="$${NODE_EXTRA_CA_CERTS:-$$SSL_CERT_FILE}" npm --prefix $* --loglevel error ci
	@touch $@

%/.venv/.installed: %/requirements.lock | $(PYTHON)
	$(PYTHON) -m venv --clear $*/.venv
	PIP_DISABLE_PIP_VERSION_CHECK=1 $*/.venv/bin/python -m pip --quiet --no-input install --require-hashes --requirement $<
	@touch $@

# The passes without a server and on SQLite reach nearly all; the floor is in pyproject.toml.
coverage: $(DEVELOPMENT) ## lines and branches that the tests do not reach (ARGS="tests/bots")
	@rm -f .coverage .coverage.*
	TEST_DATABASE=none $(PYTHON) -m coverage run -m pytest $(WORKERS) $(ARGS)
	TEST_DATABASE=sqlite $(PYTHON) -m coverage run -m pytest $(WORKERS) $(ARGS)
	@$(PYTHON) -m coverage combine --quiet
	@$(PYTHON) -m coverage report $(if $(ARGS),--fail-under=0)

# Lasts ten minutes unless told otherwise. Its first rounds have fixed seeds, the others fresh ones, which it prints.
fuzz: $(DEVELOPMENT) ## odd requests, forms, sockets, webhooks, frames at a real portal (ARGS="--minutes 2 --source forms")
	$(PYTHON) -m tests.fuzz $(ARGS)

# docs/measurements.md has what it found.
bench-tokens: $(DEVELOPMENT) ## tokens, proxied calls and a large download, measured side by side (ARGS="--rounds 50")
	$(PYTHON) -m bench.tokens $(ARGS)

bench-agents: $(DEVELOPMENT) ## an agent's tool call beside the same call by the proxy, and the memory of 200 agents (ARGS="--rounds 50")
	$(PYTHON) -m bench.agents $(ARGS)

bench-fleet: $(DEVELOPMENT) ## measure 300 bots in one process (ARGS="--bots 50")
	$(PYTHON) -m bench.fleet $(ARGS)

bench-ingest: $(DEVELOPMENT) ## events a second and time to their acknowledgement, beside the official SDK (ARGS="--minutes 10")
	$(PYTHON) -m bench.ingest $(ARGS)

bench-handlers: $(DEVELOPMENT) ## handlers a second, beside procrastinate and bare Celery tasks (ARGS="--rounds 1 --events 500")
	$(PYTHON) -m bench.handlers $(ARGS)

bench-stream: $(DEVELOPMENT) ## whether one worker keeps up with events at a rate (ARGS="--minutes 1 --rate 200")
	$(PYTHON) -m bench.stream $(ARGS)

bench-workers: $(DEVELOPMENT) ## what more worker processes on one database bring (ARGS="--workers 1 2 --events 1000")
	$(PYTHON) -m bench.workers $(ARGS)

bench-queues: $(DEVELOPMENT) ## whether many quiet bots slow the busy ones down (ARGS="--bots 20 --events 500")
	$(PYTHON) -m bench.queues $(ARGS)

bench-embedded: $(DEVELOPMENT) ## the portal in one process, on SQLite, under load (ARGS="--backlog 1000 --rate 100")
	$(PYTHON) -m bench.embedded $(ARGS)

bench-clicks: $(DEVELOPMENT) ## a thousand clicks on cards whose handler takes ten seconds (ARGS="--clicks 100")
	$(PYTHON) -m bench.card_clicks $(ARGS)

bench-siege: $(DEVELOPMENT) ## memory and answers of a web process under wrong logins, slow bodies and open pages (ARGS="--seconds 10")
	$(PYTHON) -m bench.siege $(ARGS)

bench-idle: $(DEVELOPMENT) ## what an installation with one bot costs while nothing happens (ARGS="--seconds 300")
	$(PYTHON) -m bench.idle $(ARGS)

bench-event-log: $(DEVELOPMENT) ## measure the event log with a thousand events and with a million (ARGS="--rows 100000")
	$(PYTHON) -m bench.event_log $(ARGS)

bench-console: $(DEVELOPMENT) ## the console's pages with a thousand bots, a million events, 100,000 tokens beside a nearly empty portal (ARGS="--scale 0.1")
	$(PYTHON) -m bench.console $(ARGS)

# The longest comes first. .pre-commit-config.yaml calls those that are quick.
LINTS := lint-types lint-style lint-format lint-templates lint-imports lint-migrations lint-checks lint-deploy
.PHONY: $(LINTS)

# Each part's output stands together below the command that it is of; the last lines name the parts that failed.
lint: $(DEVELOPMENT) ## style, types, import arrows, migrations, Django's own checks
	@$(MAKE) --no-print-directory --jobs=$(CORES) --keep-going $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) $(LINTS)

# Whatever loads Django's settings here sees a production environment. Nothing is served and nothing connected to, so
# these keys guard nothing.
$(LINTS) messages: export SECRET_KEY = for-checks-alone-0123456789-abcdefghijklmnopqrstuvwxyz
$(LINTS) messages: export ENCRYPTION_KEYS = Zm9yLWNoZWNrcy1hbG9uZS0wMTIzNDU2Nzg5LWFiY2Q=
$(LINTS) messages: export DEBUG = off
$(LINTS) messages: export PUBLIC_URL = https://portal.example.com
$(LINTS) messages: export ALLOWED_HOSTS = portal.example.com
$(LINTS) messages: export DATABASE_URL = postgres://portal@127.0.0.1/portal
$(LINTS) messages: export REDIS_URL = redis://127.0.0.1:6379/0
$(LINTS) messages: export EMAIL_URL = smtp://127.0.0.1:25
$(LINTS): $(DEVELOPMENT)

lint-types:
	$(PYTHON) -m mypy

lint-style:
	$(PYTHON) -m ruff check .

lint-format:
	$(PYTHON) -m ruff format --check .

lint-templates:
	@find . \( -path './$(VENV)' -o -path './sandbox' -o -name node_modules \) -prune -o \
	  -name '*.html' -path '*/templates/*' -exec $(VENV)/bin/djade --check --target-version 5.2 {} +

lint-imports:
	$(PYTHON) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'

lint-migrations:
	DATABASE_URL=sqlite://:memory: $(PYTHON) manage.py makemigrations --check --dry-run

lint-checks:
	$(PYTHON) manage.py check --fail-level WARNING

lint-deploy:
	$(PYTHON) manage.py check --deploy --fail-level WARNING

chaos-tokens: $(DEVELOPMENT) ## kill, stop and starve the refresher for half an hour, and count what it cost (ARGS="--scene slow")
	$(PYTHON) -m bench.chaos_tokens $(ARGS)

chaos-events: $(DEVELOPMENT) ## kill listeners, workers, database and broker in bursts of events, and count what it cost (ARGS="--rounds 5")
	$(PYTHON) -m bench.chaos_events $(ARGS)

lock: $(DEVELOPMENT) ## rewrite the lock files from pyproject.toml (ARGS="--upgrade", "--upgrade-package django")
	@$(PYTHON) -m uv --version >/dev/null 2>&1 || $(PIP) install uv
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --group dev --output-file requirements-dev.lock
	$(COMPILE) --all-extras --constraint requirements-dev.lock --output-file deploy/docker/image.lock
	$(subst pyproject.toml,--group build,$(COMPILE)) --constraint requirements-dev.lock --output-file deploy/docker/build.lock
	$(subst pyproject.toml,--group deploy,$(COMPILE)) --constraint requirements-dev.lock --output-file requirements-deploy.lock
	$(subst pyproject.toml,--group release,$(COMPILE)) --constraint requirements-dev.lock --output-file requirements-release.lock
	$(subst pyproject.toml,--group docs,$(COMPILE)) --constraint requirements-dev.lock --output-file requirements-docs.lock
	$(foreach folder,$(FOREIGN),$(subst pyproject.toml,$(folder)/requirements.in,$(COMPILE)) --output-file $(folder)/requirements.lock &&) true

messages: $(DEVELOPMENT) ## collect what is to be translated into locale/, and compile it
	@command -v xgettext >/dev/null || { echo "gettext is missing. Debian: apt-get install gettext" >&2; exit 1; }
	$(PYTHON) manage.py makemessages --locale zh_Hans --add-location file --ignore $(VENV) --ignore data
	$(PYTHON) -m feishu_portal.catalogue

docs: $(DEVELOPMENT) ## the pages that are made of the code: settings and .env.example, metrics, commands, codes, the API, the data model; and Grafana's dashboards
	$(PYTHON) -m feishu_portal.reference.settings_page
	DEBUG=on $(PYTHON) -m feishu_portal.reference.metrics_page
	DEBUG=on $(PYTHON) -m feishu_portal.reference.commands_page
	$(PYTHON) -m feishu_portal.reference.codes_page
	DEBUG=on $(PYTHON) -m feishu_portal.reference.openapi_file
	DEBUG=on $(PYTHON) -m feishu_portal.reference.asyncapi_file
	DEBUG=on $(PYTHON) -m feishu_portal.reference.data_model_page
	$(PYTHON) -m deploy.grafana.dashboards

# Opened from the folder or served by anything: it asks no other host for fonts or scripts.
site: $(VENV)/.site docs/.site/node_modules/.installed ## the documentation site into site/, both languages; fails on a link that leads nowhere
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --quiet --strict

release-check: $(DEVELOPMENT) $(VENV)/.release ## the files of a release into dist/, built twice, installed in an empty environment, with SBOM and checksums
	$(PYTHON) -m deploy.release.make

pictures: $(DEVELOPMENT) ## take the READMEs' pictures again, in docs/pictures: needs Chromium
	$(PYTHON) -m tests.pictures

screenshots: $(DEVELOPMENT) ## every page in two languages, widths and themes, in artifacts/screenshots: needs Chromium, takes minutes (ARGS="--only bots")
	$(PYTHON) -m tests.screenshots $(ARGS)

# A release of a library is taken once it is this old: most that were hijacked or broken were withdrawn within days. What
# cannot wait, such as a fix of a vulnerability, is named: make lock ARGS="--exclude-newer-package django=2026-11-30".
COOL_DOWN := 7 days
COMPILE := $(PYTHON) -m uv pip compile pyproject.toml --quiet --exclude-newer "$(COOL_DOWN)" $(ARGS) \
  --universal --generate-hashes --python-version 3.11 --no-header

$(CATALOGUE): $(CATALOGUE:.mo=.po) | $(VENV)/.runtime
	@$(PYTHON) -m feishu_portal.catalogue

# --- the virtual environment. A stamp is younger than the lock it stands for, so a second call installs nothing

$(VENV)/.runtime: requirements.lock | $(PYTHON)
	@$(call install,$<)
	@touch $@

$(VENV)/.development: requirements-dev.lock | $(PYTHON)
	@$(call install,$<)
	@touch $(VENV)/.runtime $@

$(VENV)/.deploy: requirements-deploy.lock | $(PYTHON)
	@$(call install,$<)
	@touch $@

$(VENV)/.release: requirements-release.lock | $(PYTHON)
	@$(call install,$<)
	@touch $@

$(VENV)/.site: requirements-docs.lock | $(PYTHON)
	@$(call install,$<)
	@touch $@

define install
echo "Installing $(1): this takes a minute the first time."; \
$(PIP) install --require-hashes --requirement $(1) || { \
  echo "pip could not install $(1). It needs a package index: behind a proxy set HTTPS_PROXY," >&2; \
  echo "for a mirror PIP_INDEX_URL, for a folder of wheels PIP_NO_INDEX=1 and PIP_FIND_LINKS; then run make again." >&2; \
  exit 1; }
endef

$(PYTHON):
	@for candidate in $(PYTHONS); do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    found=$$candidate; break; \
	  fi; \
	done; \
	[ -n "$$found" ] || { \
	  echo "Python 3.11 or newer was not found. Install it, or name one: make $(MAKECMDGOALS) PYTHONS=/path/to/python" >&2; \
	  exit 1; }; \
	"$$found" -c 'import ensurepip, venv' >/dev/null 2>&1 || { \
	  echo "$$("$$found" -V) comes without venv. Debian and Ubuntu: apt-get install python3-venv; then run make again." >&2; \
	  exit 1; }; \
	echo "Creating $(VENV) with $$("$$found" -V)."; \
	"$$found" -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }
