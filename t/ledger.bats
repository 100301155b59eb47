#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The ledger and its client alone, on loopback, and the module's scripts.
# shellcheck disable=SC2154,SC2016 # top_builddir: lib.bash; lines for eval

load lib

BIN=$top_builddir/modules/ledger

setup()
{
	DATA=$BATS_TEST_TMPDIR/data
	PIDFILE=$BATS_TEST_TMPDIR/pid
	PORT=$((20000 + BATS_TEST_NUMBER * 97 + $$ % 9000))
	mkdir -p "$DATA"
}

teardown()
{
	if [ -e "$PIDFILE" ]; then
		kill "$(cat "$PIDFILE")"
		wait_until 5 '[ ! -e "$PIDFILE" ]'
	fi
	if mountpoint -q "$DATA"; then
		umount "$DATA"
	fi
}

ledger_start()
{
	"$BIN/ledgerd" -i "$PIDFILE" -a 127.0.0.1 -p "$PORT" "$DATA"
}

ask()
{
	printf '%s\n' "$@" quit | socat -t5 - "TCP:127.0.0.1:$PORT"
}

client()
{
	"$BIN/ledger-client" -a 127.0.0.1 -p "$PORT" \
	    -f "$BATS_TEST_TMPDIR/acked" "$@"
}

@test "entries are numbered, counted, read and listed" {
	ledger_start
	run ask 'add one' 'add two words' count 'get 2' 'list 1 2'
	[ "$output" = 'ok 1
ok 2
ok 2
ok 2 two words
1 one
2 two words
ok 2
ok bye' ]
}

@test "what cannot be done is said" {
	ledger_start
	run ask add 'get 1' 'get x' 'list 1' 'list 2 1' 'list 1 5000' fly
	[ "$(grep -c '^err ' <<<"$output")" -eq 7 ]
	run ask "add $(head -c 2000 /dev/zero | tr '\0' x)"
	[[ "$output" = *"err line too long"* ]]
	[ "$(ask count | head -n 1)" = "ok 0" ]
}

@test "entries outlast a kill" {
	ledger_start
	client -n 50 run
	kill -9 "$(cat "$PIDFILE")"
	ledger_start
	run client verify
	[ "$status" -eq 0 ]
	[ "$output" = "acknowledged=50 entries=50 missing=0 wrong=0 twice=0" ]
}

@test "a full directory is an error and not an acknowledgement" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	mount -t tmpfs -o size=256k tmpfs "$DATA"
	ledger_start
	run client -n 100000 -t 1 run
	pid=$(cat "$PIDFILE")
	kill "$pid"
	wait_until 5 '! kill -0 $pid 2>/dev/null'
	ledger_start
	client verify
}

@test "verify finds what is missing, wrong and twice" {
	ledger_start
	client -n 3 run
	ask 'add e-1-1' 'add e-1-1' >/dev/null
	echo '9 e-9-9 0' >>"$BATS_TEST_TMPDIR/acked"
	echo '1 e-9-8 0' >>"$BATS_TEST_TMPDIR/acked"
	run client verify
	[ "$status" -eq 1 ]
	[ "$output" = "acknowledged=5 entries=5 missing=1 wrong=1 twice=1" ]
}

@test "the client goes on after its server was away, and tells the gap" {
	ledger_start
	client -t 3 run >"$BATS_TEST_TMPDIR/out" &
	wait_until 5 '[ -s "$BATS_TEST_TMPDIR/acked" ]'
	kill -9 "$(cat "$PIDFILE")"
	sleep 0.5 # the gap itself
	ledger_start
	wait "$!"
	run cat "$BATS_TEST_TMPDIR/out"
	[[ "$output" =~ longest_gap_ms=([0-9]+) ]]
	[ "${BASH_REMATCH[1]}" -ge 500 ]
	[ "${BASH_REMATCH[1]}" -lt 1500 ]
	client verify
}

@test "a server that cannot serve says so to who starts it" {
	run "$BIN/ledgerd" -a 192.0.2.1 -p "$PORT" "$DATA"
	[ "$status" -eq 69 ]
	run "$BIN/ledgerd" -a 127.0.0.1 -p "$PORT" "$DATA/none"
	[ "$status" -eq 69 ]
}

@test "scripts start once, stop, and stop what is not there" {
	local safe=$BATS_TEST_TMPDIR/safe bin=$TOP/modules/ledger/bin

	mkdir "$safe"
	ln -s "$BIN/ledgerd" "$safe/ledgerd"
	printf '#!/bin/sh\necho "$@"\n' >"$safe/safekit"
	chmod +x "$safe/safekit"
	export SAFE=$safe SAFEMODULE=t$$ SAFEUSERBIN=$bin
	export VIP=127.0.0.1 PORT DATA
	"$bin/prestart" STOP WAIT start
	"$bin/start_prim" WAIT ALONE start
	run "$bin/start_prim" WAIT ALONE start
	[ "$status" -eq 0 ]
	[[ "$output" = *"runs already"* ]]
	[ "$(ask 'add x' | head -n 1)" = "ok 1" ]
	"$bin/stop_prim" ALONE WAIT stop
	[ ! -e "/run/ledgerd-t$$.pid" ]
	"$bin/stop_prim" force ALONE WAIT stop
	"$bin/start_prim" WAIT ALONE start
	"$bin/stop_prim" force ALONE WAIT stop
	run ask count
	[ "$status" -ne 0 ]
	DATA=$DATA/none
	run "$bin/start_prim" WAIT ALONE start
	[ "$status" -eq 1 ]
	[[ "$output" = *"stop -i start_prim"* ]]
}
