# `make run` and `make test` need only Python 3.11 or newer.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO_SPEED ?= 1
PORT ?= 8000
SOAK_SECONDS ?= 600
export DEMO_SPEED
# Pages hardly depend on the database, so only make soak tests them on PostgreSQL.
PAGES := calls/tests/admin $(addprefix supervisor/tests/,account alerts board call people rights saved \
	search sign_on wall)
BESIDE_PAGES := $(addprefix --ignore=,$(PAGES))

.PHONY: help run test coverage check audit bench soak client format clean

help: ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/.service: requirements.txt requirements-speech.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is required.")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt -r requirements-speech.txt
	@touch $@

$(VENV)/.development: $(VENV)/.service requirements-dev.txt
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt
	@touch $@

run: $(VENV)/.service ## Install everything, start web and worker, stream the demo calls
	@PROFILE=local exec $(BIN)/python manage.py up --demo --forever --port $(PORT)

test: $(VENV)/.development ## Install everything, run the tests on SQLite and on PostgreSQL
	$(BIN)/python -m pytest -n 4 -m "not slow and (browser or not processes)"
	$(BIN)/python -m calls.tests.with_postgres --volatile $(BIN)/python -m pytest -n 4 \
		-m "database and not slow and not speech and not browser" $(BESIDE_PAGES)

coverage: $(VENV)/.development ## Measure the branch coverage of the tests on SQLite
	$(BIN)/python -m pytest -n 2 -m "not slow" --cov --cov-branch --cov-report=term-missing:skip-covered

check: $(VENV)/.development ## Formatting, lint, types, migrations and the deployment checklist
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy callcenter calls supervisor benchmarks
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py spectacular --fail-on-warn --validate --file /dev/null
	PROFILE=production SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(60))') \
		ALLOWED_HOSTS=calls.example.com $(BIN)/python manage.py check --deploy --fail-level WARNING

# Accepted vulnerabilities need --ignore-vuln here, with the reason.
audit: $(VENV)/.development ## List known vulnerabilities of the installed packages; needs the internet
	$(BIN)/python -m pip install --disable-pip-version-check --upgrade pip setuptools  # venv's are old
	$(BIN)/pip-audit --desc on

bench: $(VENV)/.development ## Run the benchmarks on SQLite and on PostgreSQL
	$(BIN)/python manage.py bench_ingest
	$(BIN)/python -m calls.tests.with_postgres $(BIN)/python manage.py bench_ingest
	$(BIN)/python manage.py bench_keys
	$(BIN)/python manage.py bench_overload
	$(BIN)/python -m calls.tests.with_postgres $(BIN)/python manage.py bench_overload
	$(BIN)/python -m calls.tests.with_postgres $(BIN)/python manage.py bench_restarts
	$(BIN)/python manage.py bench_analysis
	$(BIN)/python -m calls.tests.with_postgres $(BIN)/python manage.py bench_analysis
	$(BIN)/python manage.py bench_analysis --slots 200
	$(BIN)/python -m calls.tests.with_postgres $(BIN)/python manage.py bench_analysis --slots 200
	$(BIN)/python manage.py bench_transcription
	$(BIN)/python manage.py bench_speech
	$(BIN)/python manage.py bench_live
	$(BIN)/python manage.py bench_pages
	$(BIN)/python -m calls.tests.with_postgres $(BIN)/python manage.py bench_pages
	$(BIN)/python manage.py bench_board
	$(BIN)/python -m calls.tests.with_postgres $(BIN)/python manage.py bench_board
	$(BIN)/python manage.py bench_listening
	$(BIN)/python -m calls.tests.with_postgres $(BIN)/python manage.py bench_listening
	$(BIN)/python manage.py bench_search
	$(BIN)/python -m calls.tests.with_postgres $(BIN)/python manage.py bench_search
	$(BIN)/python manage.py bench_feed
	$(BIN)/python -m calls.tests.with_postgres $(BIN)/python manage.py bench_feed
	$(BIN)/python manage.py bench_feed --kill 10
	$(BIN)/python -m calls.tests.with_postgres $(BIN)/python manage.py bench_feed --kill 10

# Tests with processes of their own take minutes: on SQLite they run here, except those of pages.
soak: $(VENV)/.development ## Run the slow tests, and check for SOAK_SECONDS each that memory stays flat
	$(BIN)/python -m pytest -m "slow or (processes and not browser)"
	$(BIN)/python -m calls.tests.with_postgres --volatile $(BIN)/python -m pytest -m "slow and not speech"
	$(BIN)/python -m calls.tests.with_postgres --volatile $(BIN)/python -m pytest -n 4 \
		-m "database and not slow and not speech and not browser" $(PAGES)
	$(BIN)/python manage.py bench_feed --seconds $(SOAK_SECONDS)
	$(BIN)/python -m calls.tests.with_postgres $(BIN)/python manage.py bench_feed --seconds $(SOAK_SECONDS)
	$(BIN)/python manage.py bench_board --seconds $(SOAK_SECONDS)
	$(BIN)/python -m calls.tests.with_postgres $(BIN)/python manage.py bench_board --seconds $(SOAK_SECONDS)

client: $(VENV)/.development ## Generate the Python client in clients/python from the schema of this checkout
	$(BIN)/python clients/python/generate.py

format: $(VENV)/.development ## Format the code and apply automatic fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove the virtual environment and caches; keeps the data in var/
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache staticfiles
