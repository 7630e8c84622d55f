# Each target sets up everything that it needs; the machine needs only make and Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
# Files without retired idioms (.codespell/retired-idioms.txt); add others when theirs are gone.
SPELLED := README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs shared/audit_ledger/cli \
  shared/audit_ledger/client $(wildcard shared/audit_ledger/*.py) functions/dead_letters functions/published_files \
  functions/ingest functions/publisher functions/query functions/sequencer shared/audit_ledger/http \
  shared/audit_ledger/reading shared/audit_ledger/search shared/audit_ledger/reports shared/audit_ledger/exports \
  shared/audit_ledger/ledger shared/audit_ledger/records shared/audit_ledger/events \
  shared/audit_ledger/sequence_gaps shared/audit_ledger/detections shared/audit_ledger/aws functions/follower \
  shared/audit_ledger/recovery shared/audit_ledger/fhir_versions shared/audit_ledger/tlog shared/audit_ledger/verify \
  shared/audit_ledger/views shared/audit_ledger/settings shared/audit_ledger/runs $(wildcard infra/*.py) infra/settings infra/local infra/demo \
  infra/stacks infra/constructs infra/iam infra/assets infra/doctor tests/aws tests/query tests/search tests/journeys tests/builders tests/infra tests/deployed tests/bench tests/dynamodb_server tests/settings tests/http tests/cli tests/fuzz tests/interop tests/ledger tests/tlog tests/verify \
  tests/attacks tests/crashes tests/races tests/recovery tests/soak $(wildcard tests/*_state.py tests/*world.py) \
  $(wildcard tests/functions/*publish*.py) tests/functions/test_first_keys.py \
  tests/detections tests/sequence_gaps tests/follower tests/reports tests/exports tests/local tests/demo tests/runs tests/events tests/fhir_versions

.PHONY: demo test test-deployed check local bench soak spell contracts format lock synth sbom clean help

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

.venv/.ready: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: .venv/.ready ## Send a hospital's day through two local ledgers and verify them
	$(BIN)/python -m infra.demo $(DEMO)

# Bytecode of the tests is kept even where the environment forbids it: without, each start takes 15 s more.
test: .venv/.ready ## Run all tests but those of the deployed form, or those of TESTS=path
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto $(or $(TESTS),--ignore=tests/deployed)

test-deployed: .venv/.ready ## Deploy the bundled app to an emulator of AWS, and test it there
	$(BIN)/python -m pytest -n0 tests/deployed

check: .venv/.ready ## Check format, lint, spelling and types, and synthesize with validation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(MAKE) --no-print-directory spell
	$(BIN)/mypy
	$(MAKE) --no-print-directory contracts
	$(BIN)/python -m infra.synth --validate

spell: .venv/.ready ## Check spelling, and that no retired idiom returns
	$(BIN)/codespell $(SPELLED)

contracts: .venv/.ready ## Check that imports run one way
	PYTHONPATH=shared:. $(BIN)/lint-imports

local: .venv/.ready ## Serve the ledgers on 127.0.0.1:8080 until stopped
	$(BIN)/python -m infra.local.serve $(LOCAL)

bench: .venv/.ready ## Measure costs and speed, to build/bench.json
	$(BIN)/python -m tests.bench $(BENCH)

soak: .venv/.ready ## Run the long forms of the tests, with a summary in docs/reliability.md
	$(BIN)/python -m tests.soak $(SOAK)

format: .venv/.ready ## Format the code and fix lint
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

synth: .venv/.ready ## Synthesize the CloudFormation templates, to cdk.out
	$(BIN)/python -m infra.synth

sbom: .venv/.ready ## Write each function's bill of materials (CycloneDX), to build/sbom
	$(BIN)/python -m infra.assets.sbom

lock: ## Pin and hash the requirements
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	  pyproject.toml --all-extras --group dev -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	  tests/deployed/requirements.in -o tests/deployed/requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	  tests/interop/fhir_clients/requirements.in -o tests/interop/fhir_clients/requirements.txt
	for list in functions/*/requirements.in; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.13 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	    --constraints requirements.txt $$list -o $${list%.in}.txt || exit 1; \
	done

clean: ## Delete build, cdk.out and .venv
	rm -rf build cdk.out .venv
