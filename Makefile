# Everything that a person types. `make run` and `make test` install what they need and then do it.

.PHONY: help setup setup-test build run live test check deny nextest conformance clean

help:
	@echo 'make run    supervisor, workers and the simulator: link a phone in a minute'
	@echo 'make live   the same against web.whatsapp.com, with your own phone'
	@echo 'make test   format, lints, licences, all tests with real Chromium'

setup:
	@scripts/setup run

setup-test:
	@scripts/setup test

build: setup
	cargo build --locked --workspace

run: build
	@scripts/run simulator

live: build
	@scripts/run live

test: setup-test check deny nextest conformance
	@echo 'make test: all passed'

check:
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings

# Advisories need the network; licences, bans and sources do not.
deny:
	cargo deny --offline --workspace check licenses bans sources

nextest:
	cargo build --locked --workspace
	cargo nextest run --locked --workspace

conformance:
	cd simulator/conformance && npm test

clean:
	cargo clean
	rm -rf .colmeia simulator/conformance/node_modules vendor-js/node_modules
