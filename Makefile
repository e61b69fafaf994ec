# Everything that a person types. `make run` and `make test` install what they need and then do it.

.PHONY: help setup setup-test setup-deb setup-vm build release run live flask test check deny nextest conformance
.PHONY: e2e-migrated e2e-slow e2e-little e2e-matrix clients schemathesis events-drill left-open-drill fresh setup-fresh test-host
.PHONY: docs setup-docs image test-image setup-image install deb release-artifacts setup-release advisories test-vm chaos
.PHONY: thousand contrib setup-bench bench bench-smoke
.PHONY: bench-build measures session trace soak day day-smoke fuzz mutants clean

# Where `make install` puts things; DESTDIR is a folder that is put before all of it. BINARIES is where the programs are.
PREFIX ?= /usr
DESTDIR ?=
BINARIES ?= target/release

# What `scripts/setup` builds and unpacks.
export PATH := $(CURDIR)/target/tools/bin:$(PATH)

help:
	@echo 'make run    supervisor, workers and the simulator, whose phone you link'
	@echo 'make live   the same against web.whatsapp.com, with your own phone'
	@echo 'make flask  make run, and the Flask app of examples/flask on top of it'
	@echo 'make test   format, lints, licences, all tests with real Chromium'
	@echo 'make test-host  the tests that need root, mounts or a kernel with KSM'
	@echo 'make e2e-matrix  the end-to-end tests on migrated accounts, over a slow line, both, and with little of the page; LINE_KBIT='
	@echo 'make fresh  make run and make test on a bare Debian 12 that never saw the project; as root'
	@echo 'make clients  what waha-py, waha-python and the n8n node ask: served, refused or wrong'
	@echo 'make deb    the Debian package; make install puts the same files below DESTDIR and PREFIX'
	@echo 'make release-artifacts  what a release consists of: package, list of parts, checksums; TARGET=, IMAGE=1'
	@echo 'make docs   the documentation as a searchable book: target/book/index.html'
	@echo 'make image  the container image, with buildah; DEBOOTSTRAP=1 makes its base here'
	@echo 'make test-image  the image in containers of a virtual machine; as root'
	@echo 'make bench  measures against whatsapp-web.js on the same simulated page; an hour and a half'
	@echo 'make measures  what each single measure for memory and speed brings; half an hour'
	@echo 'make session  what one session takes from its start to rest, with and without screen and web workers'
	@echo 'make trace  where the milliseconds of a text go, from its request to its answer; a minute'
	@echo 'make soak   four sessions, 20,000 messages, lost connections and logouts in ten minutes: what grows'
	@echo 'make test-vm  the package in a virtual machine with a real systemd'
	@echo 'make thousand  the supervisor with a thousand stand-in workers; USERS='
	@echo 'make day    a day in an hour: seldom trouble, and nothing that the programs have grows; SECONDS=, SEED='
	@echo 'make fuzz   what must hold for any bytes from outside, searched by coverage; FUZZ_SECONDS=, TARGETS='
	@echo 'make mutants  what no test notices in the parts that decide; hours; FILES='
	@echo 'make chaos  eight users and five minutes of random trouble; SECONDS=, SEED=, NO_FULL_DISK=1'

setup:
	@scripts/setup run

setup-test:
	@scripts/setup test

setup-deb: setup
	@scripts/setup deb

setup-release: setup
	@scripts/setup release

setup-vm: setup-deb
	@scripts/setup vm

setup-docs:
	@scripts/setup docs

setup-image:
	@scripts/setup $(if $(DEBOOTSTRAP),image-here,image)

setup-bench: setup
	@scripts/setup bench

setup-fresh:
	@scripts/setup fresh

build: setup
	cargo build --locked --workspace

release: setup
	cargo build --locked --release -p colmeia-supervisor -p colmeia-worker -p colmeiactl

run: build
	@scripts/run simulator

live: build
	@scripts/run live

flask: build
	@scripts/setup flask
	@scripts/run flask

test: check deny nextest conformance clients schemathesis contrib
	@echo 'make test: all passed'

check: setup-test
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --document-private-items
	shellcheck --severity=warning $$(git grep -lE '^#!/(usr/)?bin/(env )?(ba)?sh')

# Reads the sources of all targets' crates, which a build for this one has not downloaded. Advisories need the network
# at any time; licences, bans and sources do not.
deny: setup-test
	cargo fetch --locked
	cargo deny --offline --workspace check licenses bans sources

# Whether a crate that is linked has a known fault: asks the database of RustSec, so it takes the network.
advisories: setup-test
	cargo deny --workspace check advisories

nextest: setup-test
	cargo build --locked --workspace
	cargo nextest run --locked --workspace
	cargo test --locked --workspace --doc

# The tests that `make test` leaves out (#[ignore] says why): they give files and processes to other users, mount small
# disks, and switch the kernel's merging of pages on while they look at it. Each fails where it cannot run.
test-host: setup-test
	cargo build --locked --workspace
	cargo nextest run --locked --workspace --run-ignored only

# The two commands of the README on a bare Debian 12 in a folder of its own, which is removed afterwards. With
# HAND_OVER=1 its target/debug and target/tools take the place of those here, so that nothing is built twice.
fresh: setup-fresh
	@tests/fresh/run $(if $(HAND_OVER),--hand-over)

# The end-to-end tests on what `make test` leaves out: accounts whose chats are with lids, pages that load over a
# slow line (kbit/s), and pages of which little runs.
LINE_KBIT ?= 4000

e2e-migrated: setup-test
	cargo build --locked --workspace
	COLMEIA_TEST_ACCOUNTS=migrated cargo nextest run --locked --workspace -E 'binary(e2e)'

e2e-slow: setup-test
	cargo build --locked --workspace
	COLMEIA_TEST_LINE_KBIT=$(LINE_KBIT) cargo nextest run --locked --workspace -E 'binary(e2e)'

# With no main screen, and web workers on demand.
e2e-little: setup-test
	cargo build --locked --workspace
	COLMEIA_TEST_PAGE=little cargo nextest run --locked --workspace -E 'binary(e2e)'

e2e-matrix: e2e-migrated e2e-slow e2e-little
	COLMEIA_TEST_ACCOUNTS=migrated COLMEIA_TEST_LINE_KBIT=$(LINE_KBIT) \
		cargo nextest run --locked --workspace -E 'binary(e2e)'

# Prints how long events take, and what becomes of 10,000 of them while a receiver is away.
events-drill:
	cargo build --locked --workspace --examples --bins
	cargo nextest run --locked --profile drill -p colmeia --test e2e --no-capture

# Twenty minutes of pages that nobody touches, one for each state of a session, and what became of them.
left-open-drill: setup-test
	cargo build --locked --workspace
	cargo nextest run --locked --profile left-open -p colmeia --test e2e --no-capture

conformance: setup-test
	cargo build --locked --workspace
	cd simulator/conformance && npm test

# What clients of other authors do, unmodified; fails when something is wrong or the table of docs/api.md is stale.
clients: setup-test
	cargo build --locked --workspace
	tests/clients/.venv/bin/python tests/clients/run.py --log --check docs/api.md

# A bounded number of generated requests to what /openapi.json describes.
schemathesis: setup-test
	cargo build --locked --workspace
	tests/clients/.venv/bin/python tests/clients/generated.py

contrib: setup-test
	promtool check rules contrib/prometheus/alerts.yml
	promtool test rules contrib/prometheus/alerts_test.yml

# Every page of docs/ and what they lead to, as HTML that needs no network. Fails when a link leads nowhere.
docs: setup-docs
	@scripts/book target/book

deb: setup-deb release
	cargo deb --no-build --locked -p colmeia-supervisor -o target/debian/

# Into target/release-artifacts, and looked at: docs/releasing.md. TARGET=aarch64-unknown-linux-gnu builds for another
# architecture than this machine's, where its standard library and Debian's crossbuild-essential are; IMAGE=1 adds the image.
release-artifacts: setup-release $(if $(IMAGE),setup-image)
	DEBOOTSTRAP=$(DEBOOTSTRAP) scripts/release $(if $(TARGET),--target '$(TARGET)') $(if $(IMAGE),--image)

# The binaries of `make release`. A configuration that is there already is left alone.
install:
	install -Dm755 -t '$(DESTDIR)$(PREFIX)/bin' '$(BINARIES)/colmeia-supervisor' \
		'$(BINARIES)/colmeia-worker' '$(BINARIES)/colmeiactl'
	install -Dm755 -t '$(DESTDIR)$(PREFIX)/lib/colmeia' systemd/sweep systemd/delegate
	install -Dm644 -t '$(DESTDIR)$(PREFIX)/lib/colmeia/wa-js' \
		vendor-js/node_modules/@wppconnect/wa-js/dist/wppconnect-wa.js \
		vendor-js/node_modules/@wppconnect/wa-js/LICENSE
	install -Dm644 -t '$(DESTDIR)$(PREFIX)/lib/systemd/system' systemd/colmeia.service systemd/colmeia-sessions.service \
		systemd/colmeia.slice systemd/colmeia.socket
	sed -i -e 's|=/usr/bin/colmeia|=$(PREFIX)/bin/colmeia|' -e 's|=\(+\?\)/usr/lib/colmeia|=\1$(PREFIX)/lib/colmeia|' \
		'$(DESTDIR)$(PREFIX)/lib/systemd/system/colmeia.service' \
		'$(DESTDIR)$(PREFIX)/lib/systemd/system/colmeia-sessions.service'
	install -Dm644 systemd/colmeia.sysusers '$(DESTDIR)$(PREFIX)/lib/sysusers.d/colmeia.conf'
	install -Dm644 systemd/colmeia.tmpfiles '$(DESTDIR)$(PREFIX)/lib/tmpfiles.d/colmeia.conf'
	install -Dm644 -t '$(DESTDIR)$(PREFIX)/share/doc/colmeia' README.md README.pt-BR.md CHANGELOG.md LICENSE
	install -Dm644 -t '$(DESTDIR)$(PREFIX)/share/doc/colmeia/docs' docs/*.md
	install -Dm644 -t '$(DESTDIR)$(PREFIX)/share/doc/colmeia/docs/images' docs/images/*.png
	install -Dm644 -t '$(DESTDIR)$(PREFIX)/share/doc/colmeia/examples' systemd/colmeia-ksm.conf \
		systemd/colmeia-own-uids.conf
	test -e '$(DESTDIR)/etc/colmeia/colmeia.toml' || { \
		install -Dm640 systemd/colmeia.toml '$(DESTDIR)/etc/colmeia/colmeia.toml' && \
		sed -i 's|"/usr/lib/colmeia|"$(PREFIX)/lib/colmeia|' '$(DESTDIR)/etc/colmeia/colmeia.toml'; }

# The package of the binaries that all other tests use, unless PACKAGE names another, such as the one of `make deb`.
test-vm: setup-vm
	cargo build --locked --workspace
	test -n '$(PACKAGE)' || cargo deb --quiet --no-build --profile dev --fast -p colmeia-supervisor -o target/vm/colmeia.deb
	tests/vm/installed '$(or $(PACKAGE),target/vm/colmeia.deb)' target/debug
	tests/vm/run '$(or $(PACKAGE),target/vm/colmeia.deb)' target/debug

# With DEBOOTSTRAP=1 nothing is pulled from a registry of images; PROGRAMS= is a folder of programs that are built already.
image: setup-image
	@scripts/image $(if $(DEBOOTSTRAP),--debootstrap) $(if $(PROGRAMS),--programs '$(PROGRAMS)')

# The image of the binaries that all other tests use, unless PROGRAMS names others, such as target/release; root.
test-image:
	@scripts/setup test-image
	cargo build --locked --workspace
	tests/image/run '$(or $(PROGRAMS),target/debug)'

# The disk that fills up and the name server that goes away take root: they are mounts of the test's own. NO_FULL_DISK=1
# leaves both out.
chaos: setup-test
	cargo build --locked --workspace
	target/debug/colmeia-chaos --seconds $(or $(SECONDS),300) --seed $(or $(SEED),1) $(if $(NO_FULL_DISK),--no-full-disk)

# The same trouble, but seldom, for an hour; what the programs have is looked at all the while, and must not grow. The short
# one shows its figures and judges none of them: what has a cap has not reached it by then.
day: setup-test
	cargo build --locked --workspace
	target/debug/colmeia-chaos --seldom --seconds $(or $(SECONDS),3600) --seed $(or $(SEED),1) \
		$(if $(NO_FULL_DISK),--no-full-disk)

day-smoke:
	$(MAKE) day SECONDS=240

# Every target of fuzz/, each for so many seconds, with the coverage's guidance. cargo-fuzz asks for a nightly toolchain for
# the compiler's own switches; RUSTC_BOOTSTRAP lets stable have them. What is found lies in fuzz/artifacts.
fuzz:
	@scripts/setup fuzz
	@scripts/fuzz $(or $(FUZZ_SECONDS),120) $(TARGETS)

# Hours: each change is built and tested. FILES= are the files to change, others than those that scripts/mutants names.
mutants:
	@scripts/setup mutants
	@scripts/mutants $(FILES)

# A thousand processes of the stand-in worker and no browser.
thousand: setup
	cargo build --locked --workspace
	cargo build --locked --workspace --example fake-worker
	target/debug/colmeia-thousand --users $(or $(USERS),1000)

# In turn with the peer, in release builds. The smoke run fails only on a wrong result, never on a time.
bench-build: setup-bench release
	cargo build --locked --release -p colmeia-simulator

bench: bench-build
	node bench/run.mjs $(BENCH)

# One session from its start to rest, row by row: what the screen and the web workers take.
session: bench-build
	node bench/session.mjs $(BENCH)

# Where the milliseconds of a text go, layer by layer, and how long an incoming message takes.
trace: bench-build
	node bench/trace.mjs $(BENCH)

measures: bench-build
	node bench/measures.mjs $(BENCH)

soak: bench-build
	node bench/soak.mjs $(BENCH)

bench-smoke: setup-bench
	cargo build --locked --workspace
	COLMEIA_BIN_DIR=$(CURDIR)/target/debug node bench/run.mjs --smoke
	COLMEIA_BIN_DIR=$(CURDIR)/target/debug node bench/soak.mjs --smoke

clean:
	cargo clean
	rm -rf .colmeia simulator/conformance/node_modules tests/axe/node_modules vendor-js/node_modules bench/node_modules
