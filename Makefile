# Two commands do it all on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
PIP    := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
LIGHT  := $(VENV)/.installed
FULL   := $(VENV)/.installed-full

.PHONY: help demo test lint clean

help:
	@echo "make demo            the live node on a drive (DRIVE=path for your own, TOPIC=/name for a bag with"
	@echo "                     several cameras); results in demo/"
	@echo "make test            all tests"
	@echo "make lint            ruff and mypy"
	@echo "make clean           remove the environment that the above made"

demo: $(LIGHT)
	@$(VENV)/bin/wsvs demo $(if $(DRIVE),--drive "$(DRIVE)") $(if $(TOPIC),--topic "$(TOPIC)")

test: $(FULL)
	@$(VENV)/bin/python -m pytest
	@echo "tests passed; environment: $(VENV)"

lint: $(FULL)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy

clean:
	rm -rf $(VENV)

# pip comes last, so an environment that was interrupted is made anew
$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "error: Python 3.10 or newer is needed, $(PYTHON) is older or missing; PYTHON=python3.12 make ..."; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info >= (3, 14))' \
	  || { echo "error: the pinned cyclonedds has no wheel for a Python newer than 3.13; PYTHON=python3.13 make ..."; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "error: $(PYTHON) cannot make environments; on Debian and Ubuntu: apt-get install python3-venv"; exit 2; }
	@echo "making a Python environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(LIGHT): setup.py constraints.txt | $(VENV)/bin/pip
	@echo "installing wsvs_ros"
	@$(PIP) install -c constraints.txt -e '.[demo]'
	@touch $@

$(FULL): $(LIGHT)
	@command -v g++ >/dev/null \
	  || { echo "error: pydensecrf2 is built from source and needs g++; on Debian and Ubuntu: apt-get install g++ python3-dev"; exit 2; }
	@echo "installing what training and tests need"
	@$(PIP) install -c constraints.txt -e '.[train,test]'
	@$(PIP) install -c constraints.txt --no-deps tensorrt-stubs
	@touch $@
