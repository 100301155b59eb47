#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The real keepd, spoken to by hand; t/unit/keep.c is its client.

load lib

start() {
	"$PROGRAM" -d 2>>"$HOLDFAST_ROOT/log" 3>&- &
	PID=$!
	# A socket that a killed one left is there before it listens.
	wait_until 5 '[ "$(say status 2>/dev/null)" = ok ]'
}

# All lines of one connection; the answers without the greeting.
say() {
	printf '%s\n' "$@" | socat -t 1 - "UNIX-CONNECT:$SOCK" | sed 1d
}

setup() {
	PROGRAM=$(realpath "${top_builddir:-.}/bin/keepd/keepd")
	HOLDFAST_ROOT=$(mktemp -d /tmp/hf-keepd.XXXXXX)
	export HOLDFAST_ROOT
	SOCK=$HOLDFAST_ROOT/run/holdfast/keepd.sock
	PID=
}

teardown() {
	[ "${BATS_TEST_COMPLETED:-}" = 1 ] || cat "$HOLDFAST_ROOT/log" || true
	[ -z "$PID" ] || kill -KILL $PID 2>/dev/null || true
	rm -rf "$HOLDFAST_ROOT"
}

@test "keepd: greets with its name and version" {
	start
	[ "$(echo status | socat -t 1 - "UNIX-CONNECT:$SOCK" | head -n 1)" = \
	    "holdfast keepd 1" ]
	[ "$(say status)" = ok ]
}

@test "keepd: an owner first, and once" {
	start
	say 'get name=ring' | grep -q '^err code=owner'
	say list | grep -q '^err code=owner'
	[ "$(say 'owner name=m/mirrord' 'owner name=vipd' | cut -d' ' -f1,2 |
	    paste -sd,)" = 'ok,err code=owner' ]
}

@test "keepd: a put without a descriptor, a get of nothing, a bad name" {
	start
	say 'owner name=vipd' 'put name=ring' | grep -q '^err code=fd'
	say 'owner name=vipd' 'get name=ring' | grep -q '^err code=notfound'
	[ "$(say 'owner name=vipd' 'drop name=ring' | paste -sd,)" = ok,ok ]
	say 'owner name="a b"' | grep -q '^err code=name'
	say 'owner' | grep -q '^err code=name'
	say 'owner name=vipd' "put name=$(printf '%0200d' 0)" |
	    grep -q '^err code=name'
}

@test "keepd: an unknown verb or key, a broken line" {
	start
	say 'burn name=x' | grep -q '^err code=unknown-verb'
	say 'owner name=x also=y' | grep -q '^err code=unknown-key'
	say 'owner name="x' 'status' | grep -q '^err code=syntax'
	[ "$(say status)" = ok ]
}

@test "keepd: root only keeps things" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	start
	chmod 755 "$HOLDFAST_ROOT"
	run setpriv --reuid 65534 --regid 65534 --clear-groups bash -c \
	    'echo owner name=vipd | socat -t 1 - "UNIX-CONNECT:$1" | sed 1d' \
	    bash "$SOCK"
	[[ "$output" = "err code=denied"* ]]
}

@test "keepd: a second one does not start, SIGTERM ends it" {
	start
	run "$PROGRAM" -d 3>&-
	[ "$status" = 75 ]
	kill -TERM $PID
	wait $PID
	[ ! -e "$SOCK" ]
	# A socket left by a killed one is replaced.
	start
	kill -KILL $PID
	wait $PID || true
	[ -e "$SOCK" ]
	start
	[ "$(say status)" = ok ]
}

@test "keepd: says that it is ready on descriptor 3" {
	mkfifo "$HOLDFAST_ROOT/ready"
	HOLDFAST_READY_FD=3 "$PROGRAM" -d 2>>"$HOLDFAST_ROOT/log" \
	    3<>"$HOLDFAST_ROOT/ready" &
	PID=$!
	read -r -t 5 line <>"$HOLDFAST_ROOT/ready"
	[ -z "$line" ]
	[ "$(say status)" = ok ]
}
