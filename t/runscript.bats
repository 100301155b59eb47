#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# runscript below HOLDFAST_ROOT.  Tests of cgroups need root and cgroup v2.

load lib

gone() {
	! kill -0 "$1" 2>/dev/null
}

# A script of the module: name, body on standard input.
script() {
	cat >"$BIN/$1"
	chmod +x "$BIN/$1"
}

rs() {
	"$PROGRAM" -M ledger -t 10 "$@" 3>&-
}

exit_file() {
	cat "$RUN/script.exit"
}

log_of() {
	cat "$LOG"/userlog_*_"$1".ulog
}

need_cgroup() {
	local top
	[ "$(id -u)" = 0 ] || skip "needs root"
	top=$(awk '$9 == "cgroup2" || $10 == "cgroup2" { print $5; exit }' \
	    /proc/self/mountinfo)
	[ -n "$top" ] || skip "needs cgroup v2"
	HOLDFAST_CGROUP=$top/holdfast-test-$$
	mkdir "$HOLDFAST_CGROUP" || skip "needs a writable cgroup v2"
	export HOLDFAST_CGROUP
	CG=$HOLDFAST_CGROUP/ledger
}

bats_require_minimum_version 1.5.0

setup() {
	PROGRAM=$(realpath "${top_builddir:-.}/bin/runscript/runscript")
	HOLDFAST_ROOT=$(mktemp -d /tmp/hf-run.XXXXXX)
	export HOLDFAST_ROOT OUT=$HOLDFAST_ROOT/out
	unset HOLDFAST_CGROUP
	RUN=$HOLDFAST_ROOT/run/holdfast/ledger
	STATE=$HOLDFAST_ROOT/var/lib/holdfast/ledger
	LOG=$HOLDFAST_ROOT/var/log/holdfast/ledger
	BIN=$STATE/config/active/bin
	mkdir -p "$STATE/config/1/bin"
	ln -s 1 "$STATE/config/active"
}

teardown() {
	local dir i
	if [ -n "${HOLDFAST_CGROUP:-}" ]; then
		echo 1 >"$HOLDFAST_CGROUP/cgroup.kill"
		wait_until 5 'find "$HOLDFAST_CGROUP" -depth -type d \
		    -exec rmdir {} \; 2>/dev/null
		    [ ! -d "$HOLDFAST_CGROUP" ]' || :
	fi
	for dir in "$HOLDFAST_ROOT"/pid.*; do
		[ -e "$dir" ] || continue
		kill -KILL "$(cat "$dir")" 2>/dev/null || true
	done
	rm -rf "$HOLDFAST_ROOT"
}

@test "runscript: runs a script with its arguments, log and exit status" {
	script start_prim <<-'END'
		#!/bin/sh
		echo "args: $*"
		echo "to stderr" >&2
		exit 3
	END
	run rs -n start_prim -- WAIT PRIM start
	[ "$status" = 3 ]
	[[ "$(exit_file)" =~ ^script=start_prim\ run=[0-9]+\ start=[0-9]+\ exit=3\ ms=[0-9]+$ ]]
	[ ! -e "$RUN/script" ]
	log_of start_prim | grep -qx 'args: WAIT PRIM start'
	log_of start_prim | grep -qx 'to stderr'
	log_of start_prim | grep -q '^# .* start_prim: run with WAIT PRIM start$'
	log_of start_prim | grep -q '^# .* start_prim: exit 3 after [0-9]* ms$'
	ls "$LOG" | grep -Eqx \
	    'userlog_[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}_start_prim.ulog'
}

@test "runscript: the environment is the module's and nobody else's" {
	script state <<-'END'
		#!/bin/sh
		env >"$HOLDFAST_ROOT/env"
	END
	FOREIGN=1 NOTIFY_SOCKET=/x rs -n state -e "SERVICES=a, b" -e SAFE=/evil
	grep -qx 'SERVICES=a, b' "$HOLDFAST_ROOT/env"
	grep -qx SAFEMODULE=ledger "$HOLDFAST_ROOT/env"
	grep -qx "SAFEUSERVAR=$STATE" "$HOLDFAST_ROOT/env"
	grep -qx "SAFEVAR=${STATE%/*}" "$HOLDFAST_ROOT/env"
	grep -qx "SAFEUSERBIN=$BIN" "$HOLDFAST_ROOT/env"
	grep -qx "SAFEUSERCONF=${BIN%/*}" "$HOLDFAST_ROOT/env"
	grep -q '^SAFEBIN=.*/bin$' "$HOLDFAST_ROOT/env"
	not grep -q 'SAFE=/evil' "$HOLDFAST_ROOT/env"
	not grep -q 'FOREIGN\|NOTIFY' "$HOLDFAST_ROOT/env"
}

@test "runscript: nothing of a daemon is inherited" {
	script state <<-'END'
		#!/bin/bash
		ls -l /proc/$$/fd >"$HOLDFAST_ROOT/fd"
		grep -E '^Sig(Ign|Blk)' /proc/self/status >"$HOLDFAST_ROOT/sig"
		ulimit -n >"$HOLDFAST_ROOT/nofile"
		umask >"$HOLDFAST_ROOT/umask"
		nice >"$HOLDFAST_ROOT/nice"
		pwd >"$HOLDFAST_ROOT/pwd"
		echo "$(ps -o sid= -p $$) $$" >"$HOLDFAST_ROOT/sid"
	END
	(
		ulimit -Sn 4000
		umask 077
		trap '' INT USR1
		exec 5</dev/null 9</dev/null
		rs -n state
	)
	[ "$(awk '$9 ~ /^[0-9]+$/ && $9 != 255 { print $9 }' \
	    "$HOLDFAST_ROOT/fd" | sort -n | paste -sd' ')" = "0 1 2" ]
	grep -q '0 -> /dev/null' "$HOLDFAST_ROOT/fd"
	cat "$HOLDFAST_ROOT/sig"
	[ "$(awk '{ print $2 }' "$HOLDFAST_ROOT/sig" | sort -u)" = \
	    0000000000000000 ]
	[ "$(cat "$HOLDFAST_ROOT/nofile")" = 1024 ]
	[ "$(cat "$HOLDFAST_ROOT/umask")" = 0022 ]
	[ "$(cat "$HOLDFAST_ROOT/nice")" = 0 ]
	[ "$(cat "$HOLDFAST_ROOT/pwd")" = / ]
	read -r sid pid <"$HOLDFAST_ROOT/sid"
	[ "$sid" = "$pid" ]
}

@test "runscript: real-time scheduling and a low OOM score are reset" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	chrt -r 1 true 2>/dev/null || skip "no real-time scheduling here"
	script state <<-'END'
		#!/bin/bash
		chrt -p $$ >"$HOLDFAST_ROOT/sched"
		cat /proc/$$/oom_score_adj >"$HOLDFAST_ROOT/oom"
	END
	chrt -r 10 nice -n -5 "$PROGRAM" -M ledger -n state -t 5 3>&-
	grep -q SCHED_OTHER "$HOLDFAST_ROOT/sched"
	[ "$(cat "$HOLDFAST_ROOT/oom")" = 0 ]
}

@test "runscript: a missing script is said and is exit 66" {
	run rs -n nothing
	[ "$status" = 66 ]
	[[ "$output" = *"there is no such script"* ]]
	[[ "$(exit_file)" = *"exit=66 missing=1"* ]]
}

@test "runscript: one that cannot be run is exit 126, without #! a shell does" {
	script state <<-'END'
		echo "a plain one with $1"
	END
	rs -n state -- 'two words'
	log_of state | grep -qx 'a plain one with two words'
	chmod -x "$BIN/state"
	run rs -n state
	[ "$status" = 126 ]
	script state <<-'END'
		#!/nonexistent/interpreter
	END
	run -127 rs -n state
	[ "$status" = 127 ]
}

@test "runscript: a script killed by a signal" {
	script state <<-'END'
		#!/bin/sh
		kill -SEGV $$
	END
	run rs -n state
	[ "$status" = 139 ]
	[[ "$(exit_file)" = *"signal=11"* ]]
}

@test "runscript: the deadline ends a hanging script and its children" {
	script stop_prim <<-'END'
		#!/bin/bash
		sleep 600 &
		echo $! >"$HOLDFAST_ROOT/pid.child"
		sleep 600
	END
	run "$PROGRAM" -M ledger -n stop_prim -t 1 3>&-
	[ "$status" = 124 ]
	[[ "$(exit_file)" = *"timeout=1"* ]]
	wait_until 5 'gone "$(cat "$HOLDFAST_ROOT/pid.child")"'
	log_of stop_prim | grep -q 'its deadline is over'
}

@test "runscript: who ignores SIGTERM is killed" {
	script stop_prim <<-'END'
		#!/bin/bash
		trap '' TERM
		echo $$ >"$HOLDFAST_ROOT/pid.script"
		while :; do sleep 1; done
	END
	SECONDS=0
	run "$PROGRAM" -M ledger -n stop_prim -t 1 3>&-
	[ "$status" = 124 ]
	[ $SECONDS -le 5 ]
	[[ "$(exit_file)" = *"signal=9 timeout=1"* ]]
	gone "$(cat "$HOLDFAST_ROOT/pid.script")"
}

@test "runscript: SIGTERM to it ends the script" {
	script start_prim <<-'END'
		#!/bin/bash
		echo $$ >"$HOLDFAST_ROOT/pid.script"
		sleep 600
	END
	"$PROGRAM" -M ledger -n start_prim -t 60 3>&- &
	pid=$!
	wait_until 5 '[ -s "$HOLDFAST_ROOT/pid.script" ]'
	kill -TERM $pid
	wait $pid || status=$?
	[ "$status" = 143 ]
	[[ "$(exit_file)" = *"signal=15 stopped=1"* ]]
}

@test "runscript: survives its parent, and the files tell the next one" {
	script start_prim <<-'END'
		#!/bin/bash
		echo $$ >"$HOLDFAST_ROOT/pid.script"
		while [ ! -e "$HOLDFAST_ROOT/end" ]; do sleep 0.05; done
		exit 4
	END
	(
		"$PROGRAM" -M ledger -n start_prim -t 60 3>&- &
		exec sleep 600 3>&-
	) &
	parent=$!
	wait_until 5 '[ -s "$HOLDFAST_ROOT/pid.script" ]'
	kill -KILL $parent
	wait $parent || true
	[ ! -e "$RUN/script.exit" ]
	pid=$(sed -n 's/^pid=\([0-9]*\) .*/\1/p' "$RUN/script")
	start=$(sed -n 's/.* start=\([0-9]*\) .*/\1/p' "$RUN/script")
	grep -q ' script=start_prim .*deadline_s=60' "$RUN/script"
	[ "$(cut -d' ' -f22 "/proc/$pid/stat")" = "$start" ]
	touch "$HOLDFAST_ROOT/end"
	wait_until 5 '[ -e "$RUN/script.exit" ]'
	[[ "$(exit_file)" = "script=start_prim run=$pid start=$start exit=4 "* ]]
	wait_until 5 '[ ! -e "$RUN/script" ]'
}

@test "runscript: a new run removes the exit of the one before" {
	script slow <<-'END'
		#!/bin/bash
		[ -e "$HOLDFAST_ROOT/run/holdfast/ledger/script.exit" ] && exit 9
		exit 0
	END
	rs -n slow
	rs -n slow
}

@test "runscript: two runs in one second have two logs" {
	script stop_prim <<-'END'
		#!/bin/sh
		echo "$1"
	END
	rs -n stop_prim -- PRIM
	rs -n stop_prim -- force
	rs -n stop_prim -- force
	[ "$(ls "$LOG" | wc -l)" = 3 ]
}

@test "runscript: old logs are removed, others are not" {
	mkdir -p "$LOG"
	for i in $(seq 1000 1210); do
		: >"$LOG/userlog_2020-01-01T00${i}_x.ulog"
	done
	: >"$LOG/notes"
	script state <<-'END'
		#!/bin/sh
	END
	rs -n state
	[ "$(ls "$LOG" | grep -c ulog)" = 200 ]
	[ -e "$LOG/notes" ]
	[ ! -e "$LOG/userlog_2020-01-01T001000_x.ulog" ]
	[ -e "$LOG/userlog_2020-01-01T001210_x.ulog" ]
}

@test "runscript: what a script leaves behind is the application" {
	need_cgroup
	script start_prim <<-'END'
		#!/bin/bash
		cat /proc/self/cgroup >"$HOLDFAST_ROOT/during"
		sleep 600 >/dev/null 2>&1 &
		echo $! >"$HOLDFAST_ROOT/pid.app"
	END
	rs -n start_prim
	grep -q '/ledger/run-[0-9]*$' "$HOLDFAST_ROOT/during"
	app=$(cat "$HOLDFAST_ROOT/pid.app")
	grep -qx "$app" "$CG/app/cgroup.procs"
	[ -z "$(ls -d "$CG"/run-* 2>/dev/null)" ]
	# Freezing the module freezes it.
	echo 1 >"$CG/cgroup.freeze"
	wait_until 2 'grep -qx "frozen 1" "$CG/app/cgroup.events"'
	echo 0 >"$CG/cgroup.freeze"
}

@test "runscript: at the deadline the daemon stays, the script's children go" {
	need_cgroup
	script start_prim <<-'END'
		#!/bin/bash
		(setsid sleep 600 >/dev/null 2>&1 &
		echo $! >"$HOLDFAST_ROOT/pid.app")
		sleep 600 &
		echo $! >"$HOLDFAST_ROOT/pid.child"
		(trap '' TERM; sleep 600) &
		echo $! >"$HOLDFAST_ROOT/pid.stubborn"
		wait
	END
	run "$PROGRAM" -M ledger -n start_prim -t 1 3>&-
	[ "$status" = 124 ]
	kill -0 "$(cat "$HOLDFAST_ROOT/pid.app")"
	# Reaped by init, some time later.
	wait_until 5 'gone "$(cat "$HOLDFAST_ROOT/pid.child")"'
	wait_until 5 'gone "$(cat "$HOLDFAST_ROOT/pid.stubborn")"'
	grep -qx "$(cat "$HOLDFAST_ROOT/pid.app")" "$CG/app/cgroup.procs"
	[ -z "$(ls -d "$CG"/run-* 2>/dev/null)" ]
}

@test "runscript: a frozen script is killed at its deadline" {
	need_cgroup
	script start_prim <<-'END'
		#!/bin/bash
		echo $$ >"$HOLDFAST_ROOT/pid.script"
		sleep 600
	END
	"$PROGRAM" -M ledger -n start_prim -t 1 3>&- &
	pid=$!
	wait_until 5 '[ -s "$HOLDFAST_ROOT/pid.script" ]'
	echo 1 >"$CG/cgroup.freeze"
	wait $pid || status=$?
	[ "$status" = 124 ]
	echo 0 >"$CG/cgroup.freeze"
	gone "$(cat "$HOLDFAST_ROOT/pid.script")"
}

@test "runscript: bad words are refused" {
	run "$PROGRAM" -M ../x -n a -t 1
	[ "$status" = 64 ]
	run "$PROGRAM" -M ledger -n ../../bin/sh -t 1
	[ "$status" = 64 ]
	run "$PROGRAM" -M ledger -n a -t x
	[ "$status" = 64 ]
	run "$PROGRAM" -M ledger -n a -t 1 -e 'A B=1'
	[ "$status" = 64 ]
	run "$PROGRAM" -M ledger -n a
	[ "$status" = 64 ]
}
