# tokenkeep: `make demo` and `make test` are the two commands; `make help` lists the rest.

SHELL := bash
.SHELLFLAGS := -o pipefail -c
PYTHON ?= python3
PREFIX ?= /usr/local
BUILT := $(or $(CARGO_TARGET_DIR),target)
DEMO := $(BUILT)/demo
VENV := $(BUILT)/venv
# Where cargo puts the Python module, and under what name Python finds it.
MODULE := $(DEMO)/python/tokenkeep
CC ?= cc
CXX ?= c++
# All but the generated header, which is as cbindgen writes it.
C_FILES = $(shell find include demo bindings tests benches -name '*.c' -o -name '*.cpp' -o -name '*.hpp' -o -name '*.h' ! -name tokenkeep.h)
WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Werror

.PHONY: help demo test bench fleet lint test-rust model test-python test-install install header settings clean

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

demo: building $(DEMO)/demo_c $(DEMO)/demo_cpp $(MODULE) ## one program in C, C++ and Python against every vendor of the sandbox
	@cargo build --quiet --package tokenkeep-sandbox
	@$(PYTHON) demo/run.py $(BUILT)/debug/tokenkeep-sandbox $(DEMO)/demo_c $(DEMO)/demo_cpp $(DEMO)/python

.PHONY: building
building:
	@test -e $(BUILT)/debug/tokenkeep-sandbox || echo 'Building; the first time takes some minutes.'

test: ## every test, lint and format; what it prints holds no secret
	@mkdir -p $(BUILT) && rm -f $(BUILT)/skipped
	@$(MAKE) --no-print-directory lint test-rust model test-python test-install 2>&1 | tee $(BUILT)/test.log
	@tests/no_secrets.sh $(BUILT)/test.log
	@tests/skipped.sh

# Two invocations: in one, cargo would build the core with the C interface in it for both, and the Python module
# would export C's symbols.
.PHONY: c-library python-library
c-library:
	@cargo build --quiet --package tokenkeep-c
python-library:
	@PYO3_BUILD_EXTENSION_MODULE=1 cargo build --quiet --package tokenkeep-python

# The linker's name for the library, so that programs find it beside themselves.
$(DEMO)/libtokenkeep.so.0.1: c-library
	@mkdir -p $(DEMO)
	@ln -sf ../debug/libtokenkeep.so $(DEMO)/libtokenkeep.so
	@ln -sf ../debug/libtokenkeep.so $@

$(DEMO)/demo_c: demo/demo.c demo/loopback.h include/tokenkeep.h $(DEMO)/libtokenkeep.so.0.1
	@$(CC) -std=c11 $(WARNINGS) -Iinclude -o $@ demo/demo.c -L$(DEMO) -ltokenkeep -Wl,-rpath,'$$ORIGIN'

$(DEMO)/demo_cpp: demo/demo.cpp demo/loopback.h include/tokenkeep.hpp include/tokenkeep.h $(DEMO)/libtokenkeep.so.0.1
	@$(CXX) -std=c++17 $(WARNINGS) -Iinclude -o $@ demo/demo.cpp -L$(DEMO) -ltokenkeep -Wl,-rpath,'$$ORIGIN'

# The module as an installed package would have it.
.PHONY: $(MODULE)
$(MODULE): python-library
	@mkdir -p $@
	@cp bindings/python/python/tokenkeep/*.* $@/
	@cp $(BUILT)/debug/lib_tokenkeep.so $@/_tokenkeep.abi3.so

lint: $(VENV)/ready ## formats and lints
	cargo fmt --all --check
	cargo clippy --quiet --package tokenkeep --package tokenkeep-c --package tokenkeep-sandbox --all-targets --features tokenkeep/capi -- -D warnings
	cargo clippy --quiet --package tokenkeep --no-default-features --features capi -- -D warnings
	PYO3_BUILD_EXTENSION_MODULE=1 cargo clippy --quiet --package tokenkeep-python --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --quiet --no-deps --package tokenkeep
	@tests/with.sh clang-format clang-format clang-format --dry-run --Werror $(C_FILES)
	$(VENV)/bin/ruff check --quiet demo bindings/python tests/python benches
	$(VENV)/bin/ruff format --quiet --check demo bindings/python tests/python benches

test-rust: c-library ## the core, the C and C++ interfaces, the sandbox, the docs
	cargo test --quiet --package tokenkeep --features capi
	cargo test --quiet --package tokenkeep --no-default-features --test without_redis
	cargo test --quiet --package tokenkeep-sandbox

# Built with the checker's locks and threads in place of the system's, and so in a place of its own.
model: ## the keeper's concurrency, explored by a model checker
	RUSTFLAGS='--cfg shuttle -A dead_code' cargo test --quiet --package tokenkeep --lib --target-dir $(BUILT)/model model

test-python: $(MODULE) $(VENV)/ready ## the Python module, its types, its stubs
	@cargo build --quiet --package tokenkeep-sandbox
	@tests/with.sh node nodejs tests/with.sh npm npm tests/oidc/server/install.sh $(BUILT)/oidc
	PYTHONPATH=$(abspath $(DEMO)/python) TOKENKEEP_SANDBOX=$(abspath $(BUILT))/debug/tokenkeep-sandbox \
		TOKENKEEP_OIDC=$(abspath $(BUILT))/oidc $(VENV)/bin/python -m pytest -q tests/python

test-install: release ## the C library as a user installs it, in every way of linking it, and its size
	@size=$$(wc -c <$(BUILT)/release/libtokenkeep.so); echo "libtokenkeep.so: $$size bytes"; test $$size -le 3145728
	@rm -rf $(BUILT)/tmp/consume && mkdir -p $(BUILT)/tmp/consume
	@tests/with.sh cmake cmake tests/with.sh pkg-config pkg-config \
		sh tests/c/consume.sh $(abspath $(BUILT))/release $(abspath $(BUILT))/tmp/consume

# Tools for Python, kept out of the way. On Debian and Ubuntu the module venv is a package of its own.
$(VENV)/ready: tests/python/requirements.txt
	@$(PYTHON) -m venv $(VENV) || { echo 'python3 has no venv (install: apt-get install python3-venv)' >&2; exit 1; }
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# What `make bench` measures with, beside the release library. QUICK=1: few rounds.
BENCH := $(BUILT)/bench
BENCH_PROGRAMS := $(addprefix $(BENCH)/,hot_path gets caller many_clients)

bench: $(BENCH_PROGRAMS) $(BENCH)/count_allocations.so ## measures ours and the peers in one run, and writes docs/BENCHMARKS.md
	@cargo build --quiet --package tokenkeep-sandbox
	@$(PYTHON) benches/run.py $(if $(QUICK),--quick) $(BUILT)

$(BENCH)/libtokenkeep.so.0.1: release
	@mkdir -p $(BENCH)
	@ln -sf ../release/libtokenkeep.so $(BENCH)/libtokenkeep.so
	@ln -sf ../release/libtokenkeep.so $@

$(BENCH)/sdk_caches.o: benches/cpp/sdk_caches.cpp benches/cpp/sdk_caches.h
	@mkdir -p $(BENCH)
	@$(CXX) -std=c++17 -O2 $(WARNINGS) -c -o $@ $<

$(BENCH_PROGRAMS): $(BENCH)/%: benches/c/%.c benches/c/client.c benches/c/client.h include/tokenkeep.h $(BENCH)/libtokenkeep.so.0.1
	@$(CC) -std=c11 -O2 $(WARNINGS) -Iinclude -o $@ $(filter %.c %.o,$^) -L$(BENCH) -ltokenkeep -lpthread -ldl \
		-Wl,-rpath,'$$ORIGIN' $(if $(filter %.o,$^),-lstdc++)

$(BENCH)/hot_path: $(BENCH)/sdk_caches.o

$(BENCH)/count_allocations.so: benches/c/count_allocations.c
	@mkdir -p $(BENCH)
	@$(CC) -std=c11 -O2 $(WARNINGS) -shared -fPIC -o $@ $<

# Two hundred processes on few cores: for minutes, and not while anything else is measured.
fleet: ## fleets of 10, 50 and 200 processes and a Redis, with faults; writes the table of docs/SCALING.md
	TOKENKEEP_UPDATE_SCALING=1 cargo test --quiet --package tokenkeep --features capi --test fleet -- --ignored --nocapture fleets

install: release ## library, headers, pkg-config and CMake package, under PREFIX
	PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) sh bindings/c/install.sh $(BUILT)/release

.PHONY: release
release:
	@cargo build --quiet --release --package tokenkeep-c

header: ## writes include/tokenkeep.h anew from src/ffi
	TOKENKEEP_UPDATE_HEADER=1 cargo test --quiet --package tokenkeep --features capi --test header

settings: ## writes docs/SETTINGS.md anew from the list of settings
	TOKENKEEP_UPDATE_SETTINGS=1 cargo test --quiet --package tokenkeep --test settings_table

clean: ## removes what was built
	cargo clean
