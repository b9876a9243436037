# Two commands are all that is needed: `make run` and `make test`. Both first check that the machine
# has what the build needs. Tests of whole servers, and benchmarks, start the daemon as it ships.

SHELL := /bin/bash

# Build results, tools and test environments; outside the checkout so that they survive it.
QUIRE_CACHE ?= $(HOME)/.cache/quire
export QUIRE_CACHE

# QUIRE_PORTABLE=1 builds for x86-64 machines without SSE 4.2 (before 2010) too. An exported
# variable, even an empty one, wins over .cargo/config.toml.
ifeq ($(QUIRE_PORTABLE),1)
export CXXFLAGS_x86_64_unknown_linux_gnu :=
export QUIRE_PORTABLE
CARGO_TARGET_DIR ?= $(QUIRE_CACHE)/target-portable
else
CARGO_TARGET_DIR ?= $(QUIRE_CACHE)/target
endif
export CARGO_TARGET_DIR

# RocksDB is compiled once and linked from the cache.
ROCKSDB_LIB_DIR ?= $(shell deploy/rocksdb --directory)
export ROCKSDB_LIB_DIR
export ROCKSDB_STATIC := 1

# The daemon is built in a profile of its own, which takes a while to link.
BUILD_QUIRED := cargo build --profile dist --locked -p quired

# For the driver suites; a path to another build tests that one.
QUIRE_BIN ?= $(CARGO_TARGET_DIR)/dist/quired
export QUIRE_BIN

# More flags for the server: make run ARGS="--port 27018 -v"
ARGS ?=
DATA ?= ./data
FUZZ_SECONDS ?= 60
# For `make sim`: how long, or a seed to run again with a line for everything that happens.
SIM_SECONDS ?= 60
SEED ?=
# Or so many seeds from a known one on, for a verdict that does not depend on the day.
SIM_FROM ?=
SIM_SEEDS ?=
KILL_ROUNDS ?= 200
IDLE_CONNECTIONS ?= 10000
# For `make chaos` and `make failover`; without a seed the clock gives one.
CHAOS_SECONDS ?= 900
CHAOS_SEED ?=
ROUNDS ?= 50
# For `make bench`: workloads by name (all of them unless given), and more flags (see --help).
WORKLOAD ?=
REV ?=
BENCH_ARGS ?=

.PHONY: help run build test test-rust test-drivers bench bench-compare chaos failover sim lint fmt fuzz kill-loop \
	idle-connections prepare prepare-test test-deploy image

help:
	@echo "make run     build, and start the server on 127.0.0.1:27017 with its data in $(DATA)"
	@echo "make test    build, and run every test, stock drivers included"
	@echo "make build   build the server only"
	@echo "make bench   measure the server beside its yardsticks; WORKLOAD=find-by-id for one workload"
	@echo "make bench-compare REV=main~10    the same beside the server of another revision"
	@echo "make lint    formatting, clippy and dependency rules"
	@echo "make fmt     format the code"
	@echo "make fuzz    run every fuzz target for $(FUZZ_SECONDS) seconds"
	@echo "make sim     simulate a replica set under fresh seeds for $(SIM_SECONDS) seconds; SEED=n for one"
	@echo "make kill-loop         kill the server under load $(KILL_ROUNDS) times and look for losses"
	@echo "make image   build the Docker image quire; deploy/docker-compose.yml makes three nodes of it"
	@echo "make chaos             kill, pause and cut off members of a set under load for $(CHAOS_SECONDS) seconds;"
	@echo "                       CHAOS_SECONDS= and CHAOS_SEED= choose others"
	@echo "make failover          measure how long nobody can write when the primary goes; ROUNDS=$(ROUNDS)"
	@echo "make idle-connections  hold $(IDLE_CONNECTIONS) connections and print what each costs"

prepare:
	@deploy/prepare build
	@deploy/rocksdb

prepare-test:
	@deploy/prepare test
	@deploy/rocksdb

build: prepare
	$(BUILD_QUIRED)

run: build
	@mkdir -p $(DATA)
	@exec "$(QUIRE_BIN)" --dbpath $(DATA) --bind_ip 127.0.0.1 $(ARGS)

test: prepare-test test-rust test-drivers test-deploy

# The tests of whole servers start the daemon that ships, so it is built first.
test-rust: prepare-test
	$(BUILD_QUIRED)
	cargo test --release --locked --workspace --features quire-documents/rocks

# Kills the server under its writers, KILL_ROUNDS times, and prints what that gave.
kill-loop: build
	QUIRE_KILL_ROUNDS=$(KILL_ROUNDS) cargo test --release --locked -p quire-tests --test system -- \
		crash --nocapture

# What an idle connection costs; the limit of descriptors (ulimit -Hn) must allow so many.
idle-connections: build
	QUIRE_IDLE_CONNECTIONS=$(IDLE_CONNECTIONS) cargo test --release --locked -p quire-tests \
		--test system -- an_idle_connection_costs_little --nocapture

test-drivers: prepare-test
	$(BUILD_QUIRED)
	tests/drivers/run python
	tests/drivers/run older_python
	tests/drivers/run node
	tests/drivers/run unified
	tests/drivers/run unified_timeouts
	tests/drivers/run mongosh

# deploy/docker-compose.yml as it stands, with nodes taken away; left out where no Docker engine is up.
test-deploy: prepare-test
	$(BUILD_QUIRED)
	tests/deploy/run

# Compiles in a container of its own; DOCKER_BUILDKIT is for Docker before 23.
image:
	DOCKER_BUILDKIT=1 docker build --file deploy/Dockerfile --tag quire \
		--build-arg QUIRE_PORTABLE=$(or $(QUIRE_PORTABLE),0) .

# The data goes beside the builds: a temporary directory may be in memory, where no flush costs.
# PostgreSQL and etcd are measured too where they are installed (Debian: postgresql, etcd-server).
bench: prepare
	$(BUILD_QUIRED)
	cargo build --release --locked -p quire-bench
	"$(CARGO_TARGET_DIR)/release/quire-bench" --quired "$(QUIRE_BIN)" \
		--directory "$(QUIRE_CACHE)/bench" $(WORKLOAD:%=--workload %) $(BENCH_ARGS)

# The other revision is built in a tree and a target directory of its own, both in the cache.
bench-compare: prepare
	@test -n "$(REV)" || { echo "make bench-compare REV=<revision>" >&2; exit 2; }
	$(BUILD_QUIRED)
	cargo build --release --locked -p quire-bench
	tests/bench/compare "$(REV)" "$(QUIRE_BIN)" $(WORKLOAD:%=--workload %) $(BENCH_ARGS)

# Three processes, stock clients, and faults. Data goes to a real disk, as for `make bench`.
chaos: prepare
	$(BUILD_QUIRED)
	cargo build --release --locked -p quire-chaos
	"$(CARGO_TARGET_DIR)/release/quire-chaos" chaos --quired "$(QUIRE_BIN)" \
		--directory "$(QUIRE_CACHE)/chaos" --seconds $(CHAOS_SECONDS) \
		$(if $(CHAOS_SEED),--seed $(CHAOS_SEED))

# Beside etcd, when it is installed (Debian: etcd-server).
failover: prepare
	$(BUILD_QUIRED)
	cargo build --release --locked -p quire-chaos
	"$(CARGO_TARGET_DIR)/release/quire-chaos" failover --quired "$(QUIRE_BIN)" \
		--directory "$(QUIRE_CACHE)/chaos" --rounds $(ROUNDS)

lint: prepare
	.ci/lint

fmt:
	cargo fmt --all

sim:
	cargo run --release --locked -p quire-sim -- \
		$(if $(SEED),--seed $(SEED),--seconds $(SIM_SECONDS) \
		$(if $(SIM_FROM),--from $(SIM_FROM)) $(if $(SIM_SEEDS),--count $(SIM_SEEDS)))

fuzz: prepare
	tests/fuzz/run $(FUZZ_SECONDS)
