# Everything a newcomer types. Needs make and a Python 3.11 to 3.14 with venv; the rest is installed into .venv.
#   make demo PYTHON=/path/to/python3.12     another interpreter
#   make demo PIP_ARGS="--index-url URL"     further arguments for pip, such as an index with CPU-only wheels of torch

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

VENV := .venv
PIP_ARGS ?=
CLIENTS ?= 20
DEMO_OUT ?= out/demo
MINUTES ?= 100

# How many tests run at once: one a core, four at most, as each process takes up to two GB. 0: one after the other.
PYTEST_WORKERS ?= $(shell cores=$$(nproc); echo $$((cores < 4 ? cores : 4)))

# The first interpreter that is new enough and can make a virtual environment (Debian splits that off: python3-venv).
IS_USABLE := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c '$(IS_USABLE)' 2>/dev/null && { echo "$$python"; break; }; done)

# What the tests need beyond Python: a GStreamer RTSP server to stand in for a camera, the TLS proxy, PostgreSQL.
DEBIAN_TEST_PACKAGES := gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-good gstreamer1.0-plugins-base \
	gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-tools nginx-light postgresql

# The tests start an nginx and a PostgreSQL of their own; the service that comes with a package stays off.
KEEP_SERVICES_OFF := { systemctl disable "$${services[@]}"; systemctl unmask --runtime "$${services[@]}"; } \
	>/dev/null 2>&1 || true

# Nothing reports to anyone, and nothing is written to the home folder; processes share the cores, so each takes one.
export FLWR_TELEMETRY_ENABLED := 0
export FLWR_DISABLE_UPDATE_CHECK := 1
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONNOUSERSITE := 1
OWN_HOME := $(CURDIR)/build/home
RUN := mkdir -p "$(OWN_HOME)" && env HOME="$(OWN_HOME)" FLWR_HOME="$(OWN_HOME)/.flwr" XDG_CACHE_HOME="$(OWN_HOME)/.cache"

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: $(VENV)/sim.installed ## twenty simulated stores learn together; writes out/demo/report.html
	@$(RUN) $(VENV)/bin/python simulation/run.py --clients $(CLIENTS) --out $(DEMO_OUT)
	@test -s $(DEMO_OUT)/report.html
	@echo "The report is $(abspath $(DEMO_OUT))/report.html - open it in a browser."

.PHONY: default-model
default-model: $(VENV)/sim.installed ## train the model that ships on the synthetic world, and put it into model_zoo/default
	@$(RUN) $(VENV)/bin/python -m simulation.default_model --out build/default-model

.PHONY: lint
lint: $(VENV)/dev.installed ## format, lint, types
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

.PHONY: check
check: lint ## make lint, then import arrows, unit and property tests
	@$(RUN) $(VENV)/bin/python -m pytest -q tests/unit tests/property

.PHONY: test
test: lint debian-packages ## make lint, then all tests with branch coverage
	@$(RUN) $(VENV)/bin/python -m pytest -q tests --cov --cov-report=term --numprocesses=$(PYTEST_WORKERS)

.PHONY: crashes
crashes: $(VENV)/dev.installed ## end every program of a federation at every instant, for about MINUTES=100; every round must be there
	@$(RUN) EDGEGUARD_CRASH_MINUTES=$(MINUTES) $(VENV)/bin/python -m pytest -q -s tests/integration/test_secure_training.py
	@pids=(); for signal in SIGKILL SIGTERM; do \
		($(RUN) EDGEGUARD_CRASH_MINUTES=$(MINUTES) $(VENV)/bin/python -m pytest -q -s -k "$$signal" \
			tests/integration/test_crash_matrix.py) & pids+=($$!); \
	done; status=0; for pid in "$${pids[@]}"; do wait "$$pid" || status=1; done; exit "$$status"

.PHONY: debian-packages
debian-packages:
	@missing=(); \
	for package in $(DEBIAN_TEST_PACKAGES); do \
		[[ "$$package" == nginx-light && -x /usr/sbin/nginx ]] || \
		[[ "$$(dpkg-query -W -f='$${db:Status-Status}' "$$package" 2>/dev/null)" == installed ]] || missing+=("$$package"); \
	done; \
	(( $${#missing[@]} )) || exit 0; \
	if [[ $$EUID -eq 0 ]] && command -v apt-get >/dev/null; then \
		services=(); \
		for package in "$${missing[@]}"; do \
			case "$$package" in nginx-light) services+=(nginx);; postgresql) services+=(postgresql);; esac; \
		done; \
		(( ! $${#services[@]} )) || systemctl mask --runtime "$${services[@]}" >/dev/null 2>&1 || true; \
		mkdir -p build; echo "Installing $${missing[*]} (output in build/apt.log)"; \
		export DEBIAN_FRONTEND=noninteractive; \
		{ apt-get update && apt-get install -y --no-install-recommends "$${missing[@]}"; } >build/apt.log 2>&1 \
			&& { (( ! $${#services[@]} )) || $(KEEP_SERVICES_OFF); } && exit 0; \
	fi; \
	echo "*** RTSP, PROXY OR POSTGRESQL TESTS WILL BE SKIPPED: cannot install $${missing[*]}" >&2; \
	echo "*** On Debian or Ubuntu: sudo apt install $${missing[*]}" >&2

.PHONY: clean
clean: ## remove what builds, tests and the demo wrote
	rm -rf build dist $(DEMO_OUT) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.*
	find . -path ./$(VENV) -prune -o -type d -name __pycache__ -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## make clean, and remove .venv
	rm -rf $(VENV) *.egg-info

# pip is the last file that venv writes, so an interrupted creation is repeated.
$(VENV)/bin/pip:
	@[[ -n "$(PYTHON)" ]] || { \
		echo "error: no Python 3.11 to 3.14 with venv found (Debian and Ubuntu: apt install python3 python3-venv)" >&2; \
		exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/%.installed: $(VENV)/bin/pip pyproject.toml
	@echo "Installing what pyproject.toml lists under '$*' into $(VENV): minutes the first time, torch is large."
	@$(VENV)/bin/pip install --quiet $(PIP_ARGS) --editable '.[$*]'
	@touch $@
