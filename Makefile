# Each target does all its own set-up, on a machine that has Python 3.11 or newer and make.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check local bench soak format lock synth sbom clean help

help: ## What there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.venv/.ready: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: .venv/.ready ## A hospital's day through the local ledger to a verified digest
	$(BIN)/python -m infra.local.demo $(DEMO)

test: .venv/.ready ## All tests
	$(BIN)/python -m pytest -n auto $(TESTS)

check: .venv/.ready ## Format, lint, spelling, types, one validated synth
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs
	$(BIN)/mypy
	$(BIN)/python -m infra.synth --validate

local: .venv/.ready ## The ledger on 127.0.0.1:8080 until stopped
	$(BIN)/python -m infra.local.serve $(LOCAL)

bench: .venv/.ready ## Figures and ratios, to build/bench.json
	$(BIN)/python -m tests.bench $(BENCH)

soak: .venv/.ready ## The long forms of the tests, with a summary in docs/reliability.md
	$(BIN)/python -m tests.soak $(SOAK)

format: .venv/.ready ## Put the code in order
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

synth: .venv/.ready ## The CloudFormation templates, to cdk.out
	$(BIN)/python -m infra.synth

sbom: .venv/.ready ## What each function is made of (CycloneDX), to build/sbom
	$(BIN)/python -m infra.sbom

lock: ## Pin and hash what is installed
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	  pyproject.toml --group dev -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	  tests/deployed/requirements.in -o tests/deployed/requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	  tests/interop/fhir_clients/requirements.in -o tests/interop/fhir_clients/requirements.txt

clean: ## What was built
	rm -rf build cdk.out .venv
