# The commands of this project, the same for people and for CI.
#
#   make run      build everything and run the hub
#   make test     run all tests, a browser included
#   make demo     a hub with simulated devices, to watch
#   make lint     formatting and lints
#   make bench    measure, beside peers; shorter: make bench ARGS=quick
#   make bench-web  measure the pages; with a million observations: make bench-web ARGS=million
#   make torture  the fault rig for hours: make torture HOURS=8; goes on where it ended
#   make pictures take the pictures of the pages that docs/ holds
#   make clean    remove what was built

SHELL := /bin/bash
CARGO := cargo
PAGES := webui/dist/index.html
PAGE_SOURCES := $(shell find webui/src webui/build webui/phone webui/*.html webui/*.json webui/*.ts -type f 2>/dev/null)

HOURS ?= 1

.PHONY: run test demo lint bench bench-web torture pictures hub pages need clean

run: hub
	@exec target/release/maloca serve --join $(ARGS)

demo: hub
	@exec target/release/maloca demo --open $(ARGS)

test: need
	@exec tests/run

lint: need
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --workspace --all-targets -- -D warnings
	cd webui && npm run check

bench: hub
	@exec tests/bench $(ARGS)

# Needs a browser: $CHROMIUM, or one on PATH.
bench-web: hub
	@[ -d tests/browser/node_modules ] || (cd tests/browser && npm ci --no-audit --no-fund)
	@node tests/browser/bench.mjs $(ARGS)

torture: hub
	@exec tests/torture $(HOURS)

# Needs a browser: $CHROMIUM, or one on PATH.
pictures: hub
	@[ -d tests/browser/node_modules ] || (cd tests/browser && npm ci --no-audit --no-fund)
	node tests/browser/pictures.mjs

hub: pages
	$(CARGO) build --release --workspace

pages: $(PAGES)

$(PAGES): webui/node_modules/.package-lock.json $(PAGE_SOURCES)
	cd webui && npm run build

webui/node_modules/.package-lock.json: webui/package-lock.json | need
	cd webui && npm ci --no-audit --no-fund

# What must be on the machine before anything else; the rest is fetched by cargo and npm.
need:
	@command -v cargo >/dev/null || { echo "make: Rust is missing. Install it from your distribution or with rustup, then run make again." >&2; exit 1; }
	@command -v cc >/dev/null || { echo "make: a C compiler is missing. On Debian: apt install build-essential" >&2; exit 1; }
	@command -v npm >/dev/null || { echo "make: Node 20.19 or newer with npm is missing. On Debian: apt install nodejs npm" >&2; exit 1; }
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); if (a < 20 || (a === 20 && b < 19)) { console.error("make: Node is " + process.versions.node + ", but 20.19 or newer is needed."); process.exit(1); }'

clean:
	$(CARGO) clean
	rm -rf webui/dist webui/node_modules tests/browser/node_modules .make
