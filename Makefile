# Everything a newcomer needs. Each environment is made once, and again when pyproject.toml changes.
PYTHON ?= python3
PORT ?= 8000
ENTRIES ?= 20000
MINUTES ?= 10

# Without compiled files, every process of the tests compiles all that it imports once more.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo quick test test-faults test-deploy lint lint-types lint-style pictures bench profile load wheels lock clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

demo: .venv/.demo ## Run the Hub on data that tells stories (PORT=8000)
	@.venv/bin/python -m hub.demo --port $(PORT)

quick: lint ## Run lint, and a case of each test that needs no browser, demo, faults or programs
	.venv/bin/python -m pytest -n 5 --dist loadfile --no-loadscope-reorder \
		--ignore=tests/browser --ignore=tests/faults --ignore=tests/packaging \
		-m "not (browser or demo or deploy or other_server or faults or programs)" \
		--hypothesis-profile=quick --cases=1

test: lint ## Run everything: lint, then all tests, in a real browser too
	.venv/bin/python -m tests.chromium
	.venv/bin/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

test-faults: .venv/.dev ## Kill, pause, overload and search everything, for up to two hours
	.venv/bin/python -m pytest -m faults

test-deploy: .venv/.dev ## Run docs/deploy.md: nginx and PostgreSQL from Debian, as root
	.venv/bin/python -m tests.deploy.packages
	.venv/bin/python -m pytest -m deploy tests/deploy

lint: .venv/.dev ## Check style, types, imports and templates
	@$(MAKE) --no-print-directory --jobs=2 lint-types lint-style

lint-types:
	.venv/bin/mypy

lint-style:
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/lint-imports
	.venv/bin/djlint templates --lint
	.venv/bin/oxlint --quiet static/js
	.venv/bin/oxfmt --check static
	.venv/bin/djade --check $$(find templates -name '*.html')

pictures: .venv/.dev ## Retake the screenshots under docs/
	.venv/bin/python -m tests.chromium
	.venv/bin/python -m tests.pictures

bench: .venv/.dev .venv/.bench ## Measure everything beside its floor and others (ENTRIES=20000)
	.venv/bin/python -m tests.bench --entries $(ENTRIES)

profile: .venv/.dev ## Show where the time of a Logs page goes (ENTRIES=20000)
	.venv/bin/python -m tests.bench.profile --entries $(ENTRIES)

load: .venv/.dev .venv/.load ## Let 200 people and 20 scripts use a Hub at once (MINUTES=10)
	.venv/bin/python -m tests.load --minutes $(MINUTES)

wheels: .venv/.dev ## Build both distributions into dist/: the Hub, and the client alone
	.venv/bin/python -m pip wheel --disable-pip-version-check --no-deps --wheel-dir dist . ./packaging/client

lock: .venv/.dev ## Pin what is deployed, each library by its hash
	.venv/bin/pip-compile --quiet --upgrade --extra postgres --extra sso --strip-extras \
		--generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links \
		--no-emit-trusted-host --output-file deploy/requirements.txt pyproject.toml
	@sed -i '1i # What a Hub of your own is installed from: each library in one version, by its hash. `make lock` makes it.' deploy/requirements.txt

clean: ## Remove all that was made here, the demo's data too
	rm -rf .venv .demo .mongosh staticfiles dist build
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.demo .venv/.dev .venv/.bench .venv/.load: .venv/.%: pyproject.toml | .venv/bin/pip
	.venv/bin/python -m pip install --disable-pip-version-check -e '.[$*]'
	@touch $@

.venv/bin/pip:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not there: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is too old: Python 3.11 or later is needed (make PYTHON=python3.11)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "$(PYTHON) has no venv: install it (Debian: apt install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --upgrade pip
