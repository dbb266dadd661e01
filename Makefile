# Two commands matter: `make run` serves the fund, `make test` proves that it works.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.ONESHELL:
.SHELLFLAGS := -eu -c
MAKEFLAGS += --no-print-directory
# Compiled once, whatever the caller's habits: without its bytecode each process takes three times as long to start.
export PYTHONDONTWRITEBYTECODE :=

bin := .venv/bin
python := $(bin)/python
# How many tests run side by side, and what `make test` runs: make test JOBS=4 TESTS=tests/awards
JOBS ?= 2
TESTS ?= tests
# `make test` makes the tests that cannot depend on the database once; test-sqlite and test-postgresql make them all.
ONCE ?=
# Which figures `make assure` measures: all, or make assure FIGURES="crash access"
FIGURES ?=
# What `make bench` measures: everything, or make bench SIZES="100 1000" DATABASES=sqlite SCENARIOS="list dossier"
SIZES ?=
DATABASES ?=
SCENARIOS ?=
FULL ?=

.PHONY: help run test test-sqlite test-postgresql coverage assure bench storm check format translations lock wheel clean env-run env-dev chromium

help: ## ce que make sait faire
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

run: env-run ## installe, prépare la base et sert une démonstration (PORT=) ; GRANTS_DEMO=0 ou DATABASE_URL= : un vrai fonds
	@$(python) .ci/translations.py compile
	if [ -z "$${DATABASE_URL:-}" ]; then export GRANTS_DEMO="$${GRANTS_DEMO:-1}"; fi
	exec $(bin)/grants run

test: ## toute la suite, sur SQLite puis PostgreSQL, avec un vrai navigateur
	@$(MAKE) test-sqlite ONCE=--once
	$(MAKE) test-postgresql ONCE=--once

test-sqlite: env-dev chromium ## la suite sur SQLite (TESTS=, JOBS=)
	@$(python) .ci/translations.py compile
	exec $(python) -m pytest --db=sqlite -n $(JOBS) --dist worksteal $(ONCE) $(TESTS)

test-postgresql: env-dev chromium ## la suite sur PostgreSQL (TESTS=, JOBS=)
	@$(python) .ci/translations.py compile
	exec $(python) -m pytest --db=postgresql -n $(JOBS) --dist worksteal $(ONCE) $(TESTS)

coverage: env-dev chromium ## la suite sur SQLite, et les lignes qu’elle ne traverse pas
	@$(python) .ci/translations.py compile
	exec $(python) -m pytest --db=sqlite -n $(JOBS) --cov --cov-report=term-missing:skip-covered $(TESTS)

assure: env-dev chromium ## mesure ce que la confiance demande, sur les deux bases (FIGURES=) ; écrit docs/assurance.md
	@$(python) .ci/translations.py compile
	exec $(python) -m tests.assure $(FIGURES)

storm: env-dev ## la nuit de la clôture en une minute : 100 associations déposent à la fois, sur les deux bases
	@$(python) .ci/translations.py compile
	exec $(python) -m tests.storm

bench: env-dev ## mesure chaque page à côté d’un plancher, sur les deux bases (SIZES=, DATABASES=, SCENARIOS=, FULL=1)
	@$(python) .ci/translations.py compile
	SIZES="$(SIZES)" DATABASES="$(DATABASES)" SCENARIOS="$(SCENARIOS)" FULL="$(FULL)" exec $(python) -m tests.bench

check: env-dev ## format, lint, types, sens des imports, traductions, code mort
	@set -x
	$(bin)/ruff format --check .
	$(bin)/ruff check .
	$(bin)/mypy --any-exprs-report .mypy_cache/untyped
	$(python) .ci/untyped.py .mypy_cache/untyped
	$(bin)/lint-imports
	$(python) .ci/translations.py check
	$(python) .ci/dead_code.py

format: env-dev ## met le code en forme et corrige ce qui peut l’être
	@$(bin)/ruff check --fix-only --quiet .
	$(bin)/ruff format .

translations: env-dev ## relève les phrases françaises et met à jour le catalogue anglais
	@$(python) .ci/translations.py update
	$(python) .ci/translations.py compile

# The files name no package host, so that they install from any index.
compile := $(bin)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" $(LOCKFLAGS) pyproject.toml
lock: env-dev ## recalcule requirements/*.txt ; LOCKFLAGS=--upgrade prend les dernières versions
	@$(compile) --group build -o requirements/run.txt
	$(compile) --group dev -c requirements/run.txt -o requirements/dev.txt
	if grep -nE '://|--(extra-)?index|--find-links' requirements/*.txt; then echo "un hôte de paquets est nommé ci-dessus" >&2; exit 1; fi

wheel: env-dev ## construit le paquet et l’essaie dans un environnement neuf
	@PYTHON=$(python) .ci/wheel

clean: ## retire ce que make a fabriqué (jamais instance/)
	@rm -rf .venv build dist htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find grants tests .ci -name __pycache__ -type d -prune -exec rm -rf {} +
	find grants/translations -name '*.mo' -delete

env-run:
	@.ci/environment run

env-dev:
	@.ci/environment dev

chromium:
	@.ci/chromium
