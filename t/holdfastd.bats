#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# holdfastd with the real keepd and fake siblings, below HOLDFAST_ROOT.

load lib

# One request; the answer lines without the greeting.
ask() {
	printf '%s\n' "$2" | socat -t 2 - "UNIX-CONNECT:$RUN/$1.sock" |
	    sed 1d
}

# A key of a service: field heartd pid, field ledger/mirrord state
field() {
	local name=${1#*/} module='""'
	[ "$name" = "$1" ] || module=${1%/*}
	ask holdfastd status |
	    sed -n "s/^service=$name module=$module .*\b$2=\"\?\([^\" ]*\).*/\1/p"
}

is_up() {
	[ "$(field "$1" state)" = up ]
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

# Writes its arguments, descriptors and environment down, says that it is
# ready and sleeps.
fake() {
	cat >"$LIB/$1" <<-'END'
		#!/bin/bash
		me=$HOLDFAST_ROOT/${0##*/}
		echo "${0##*/} $* $$" >>"$HOLDFAST_ROOT/started"
		ls -l /proc/$$/fd >"$me.fd"
		env >"$me.env"
		cat /proc/$$/oom_score_adj >"$me.oom"
		echo "hello from ${0##*/}" >&2
		[ -e "$me.bad" ] && exit 7
		[ -e "$me.mute" ] || echo >&3
		exec 3>&-
		[ -e "$me.deaf" ] && trap '' TERM
		exec sleep 600
	END
	chmod +x "$LIB/$1"
}

# A moduled that goes to STOP one second after it was told to.
fake_moduled() {
	cat >"$LIB/answer" <<-'END'
		#!/bin/bash
		echo "holdfast moduled 1"
		while read -r verb rest; do
			echo "$verb $rest" >>"$HOLDFAST_ROOT/asked"
			state=PRIM
			case $verb in
			stop)	if mkdir "$HOLDFAST_ROOT/unsure" 2>/dev/null
				then
					echo 'err code=busy text="not now"'
					continue
				fi
				touch "$HOLDFAST_ROOT/stop" ;;
			status)	[ -n "$(find "$HOLDFAST_ROOT/stop" \
			    ! -newermt '-1 second' 2>/dev/null)" ] && state=STOP
				echo "name=ledger mode=mirror state=$state" ;;
			esac
			echo ok
		done
	END
	cat >"$LIB/moduled" <<-'END'
		#!/bin/bash
		echo "${0##*/} $* $$" >>"$HOLDFAST_ROOT/started"
		sock=$HOLDFAST_ROOT/run/holdfast/$2/moduled.sock
		echo >&3
		exec 3>&-
		exec socat "UNIX-LISTEN:$sock,fork,unlink-early" \
		    "EXEC:${0%/*}/answer"
	END
	chmod +x "$LIB/answer" "$LIB/moduled"
}

roster() {
	mkdir -p "$STATE/$1/config/1"
	ln -sfn 1 "$STATE/$1/config/active"
	printf '%s\n' "${@:2}" >"$STATE/$1/config/1/roster"
}

start() {
	"$PROGRAM" -d "$@" 2>>"$HOLDFAST_ROOT/log" 3>&- &
	PID=$!
	wait_until 5 '[ -S "$RUN/holdfastd.sock" ]'
}

setup() {
	PROGRAM=${top_builddir:-.}/bin/holdfastd/holdfastd
	PROGRAM=$(realpath "$PROGRAM")
	HOLDFAST_ROOT=$(mktemp -d /tmp/hf-sup.XXXXXX)
	export HOLDFAST_ROOT
	RUN=$HOLDFAST_ROOT/run/holdfast
	LIB=$HOLDFAST_ROOT/usr/lib/holdfast
	STATE=$HOLDFAST_ROOT/var/lib/holdfast
	LOG=$HOLDFAST_ROOT/var/log/holdfast
	mkdir -p "$LIB" "$STATE" "$HOLDFAST_ROOT/etc/holdfast"
	ln -s "${PROGRAM%/*/*}/keepd/keepd" "$LIB/keepd"
	fake heartd
	fake witnessd
	fake vipd
	fake remoted
	fake consoled
	fake alertd
	fake mirrord
	fake_moduled
}

teardown() {
	local pid
	if [ "${BATS_TEST_COMPLETED:-}" != 1 ]; then
		cat "$HOLDFAST_ROOT/log" "$LOG"/*.log || true
	fi
	# holdfastd first, or it would start them again.
	for pid in $PID $(sed -n 's/^process .*pid=\([0-9]*\) .*/\1/p' \
	    "$RUN/holdfastd.state" 2>/dev/null); do
		kill -KILL "$pid" 2>/dev/null || true
	done
	wait_until 5 'rm -rf "$HOLDFAST_ROOT" 2>/dev/null'
}

order() {
	sed 's/ *[0-9]*$//' "$HOLDFAST_ROOT/started" | paste -sd,
}

@test "holdfastd: starts node daemons, then each module's, in order" {
	roster ledger mirrord moduled
	start
	wait_until 5 'is_up ledger/moduled'
	[ "$(order)" = "heartd,witnessd,vipd,remoted,consoled,alertd,mirrord -M ledger,moduled -M ledger" ]
	is_up keepd
	is_up vipd
	[ "$(field ledger/mirrord restarts)" = 0 ]
	[ "$(field ledger/mirrord last_exit)" = none ]
}

@test "holdfastd: a daemon gets 0 to 4, its log, and nothing of ours" {
	roster ledger mirrord
	NOTIFY_SOCKET=/nonexistent start
	wait_until 5 'is_up ledger/mirrord'
	[ "$(awk '$9 ~ /^[0-9]+$/ && $9 != 255 { print $9 }' \
	    "$HOLDFAST_ROOT/mirrord.fd" | sort -n | paste -sd' ')" = \
	    "0 1 2 3 4" ]
	grep -q ' 0 -> /dev/null' "$HOLDFAST_ROOT/mirrord.fd"
	grep -q '4 -> socket' "$HOLDFAST_ROOT/mirrord.fd"
	grep -qx HOLDFAST_READY_FD=3 "$HOLDFAST_ROOT/mirrord.env"
	grep -qx HOLDFAST_KEEP_FD=4 "$HOLDFAST_ROOT/mirrord.env"
	not grep -q NOTIFY_SOCKET "$HOLDFAST_ROOT/mirrord.env"
	grep -q 'hello from mirrord' "$LOG/ledger.log"
	grep -q 'hello from heartd' "$LOG/heartd.log"
	[ -d "$RUN/ledger" ]
	if [ "$(id -u)" = 0 ] && capsh --has-p=cap_sys_resource; then
		[ "$(cat "$HOLDFAST_ROOT/mirrord.oom")" = -900 ]
	fi
}

@test "holdfastd: waits for readiness, but not for ever" {
	touch "$HOLDFAST_ROOT/heartd.mute"
	echo 'ready_timeout_ms = 700' >"$HOLDFAST_ROOT/etc/holdfast/holdfastd.conf"
	start
	wait_until 5 '[ "$(field heartd state)" = starting ]'
	sleep 0.2	# of the 700 ms
	[ "$(field vipd state)" = starting ]
	not grep -q vipd "$HOLDFAST_ROOT/started"
	wait_until 5 'is_up vipd'
	[ "$(field heartd state)" = starting ]
	grep -q 'heartd: not ready after 700 ms' "$HOLDFAST_ROOT/log"
}

@test "holdfastd: a killed daemon is back at once" {
	start
	wait_until 5 'is_up vipd'
	old=$(field heartd pid)
	kill -KILL "$old"
	wait_until 1 'is_up heartd && [ "$(field heartd pid)" != "$old" ]'
	[ "$(field heartd restarts)" = 1 ]
	[ "$(ask holdfastd status |
	    grep -c 'service=heartd .*last_exit="signal 9"')" = 1 ]
	grep -q 'heartd: died (signal 9), starts again in 10 ms' \
	    "$HOLDFAST_ROOT/log"
}

@test "holdfastd: one that keeps dying is told once and holds up nobody" {
	touch "$HOLDFAST_ROOT/heartd.bad"
	start
	wait_until 5 'is_up vipd'
	wait_until 5 '[ "$(field heartd restarts)" -ge 7 ]'
	[ "$(grep -c 'heartd: died' "$HOLDFAST_ROOT/log")" = 4 ]
	[ "$(grep -c 'heartd: keeps dying (exit 7)' "$HOLDFAST_ROOT/log")" = 1 ]
	n=$(wc -l <"$HOLDFAST_ROOT/log")
	old=$(field heartd restarts)
	wait_until 5 '[ "$(field heartd restarts)" -gt "$old" ]'
	[ "$(wc -l <"$HOLDFAST_ROOT/log")" = "$n" ]
	rm "$HOLDFAST_ROOT/heartd.bad"
	wait_until 5 'is_up heartd'
}

@test "holdfastd: what keeps dying is tried again at once on reload" {
	touch "$HOLDFAST_ROOT/heartd.bad"
	start
	wait_until 10 '[ "$(field heartd restarts)" -ge 9 ]'
	wait_until 3 '[ "$(field heartd state)" = down ]'
	rm "$HOLDFAST_ROOT/heartd.bad"
	[ "$(ask holdfastd reload)" = ok ]
	wait_until 1 'is_up heartd'
}

@test "holdfastd: killed, the next one adopts what runs" {
	roster ledger mirrord moduled
	start
	wait_until 5 'is_up ledger/moduled'
	before=$(ask holdfastd status | sed 's/.*service=\([a-z]*\) .*pid=\([0-9]*\).*/\1 \2/')
	kill -KILL $PID
	wait $PID || true
	start
	wait_until 5 'is_up ledger/moduled'
	after=$(ask holdfastd status | sed 's/.*service=\([a-z]*\) .*pid=\([0-9]*\).*/\1 \2/')
	[ "$before" = "$after" ]
	[ "$(wc -l <"$HOLDFAST_ROOT/started")" = 8 ]
	# What it adopted it watches, and starts again when it dies.
	old=$(field ledger/mirrord pid)
	kill -KILL "$old"
	wait_until 2 'is_up ledger/mirrord && [ "$(field ledger/mirrord pid)" != "$old" ]'
}

@test "holdfastd: what died while it was away is started" {
	start
	wait_until 5 'is_up vipd'
	heartd=$(field heartd pid)
	vipd=$(field vipd pid)
	kill -KILL $PID
	wait $PID || true
	kill -KILL "$heartd"
	wait_until 5 'gone $heartd'
	start
	wait_until 5 'is_up vipd && is_up heartd'
	[ "$(field vipd pid)" = "$vipd" ]
	[ "$(field heartd pid)" != "$heartd" ]
}

@test "holdfastd: a number that is another process's now is left alone" {
	sleep 600 3>&- &
	other=$!
	mkdir -p "$RUN"
	echo "process name=heartd module=\"\" pid=$other start=1 starts=1" \
	    >"$RUN/holdfastd.state"
	start
	wait_until 5 'is_up vipd'
	[ "$(field heartd pid)" != "$other" ]
	kill -TERM $PID
	wait_until 5 'gone $PID'
	kill -0 $other
	kill $other
}

@test "holdfastd: a damaged list of processes is said and ignored" {
	mkdir -p "$RUN"
	echo "process name=heartd mod" >"$RUN/holdfastd.state"
	start
	wait_until 5 'is_up vipd'
	grep -q 'holdfastd.state:1: damaged' "$HOLDFAST_ROOT/log"
}

@test "holdfastd: leave and SIGQUIT end it alone" {
	start
	wait_until 5 'is_up vipd'
	heartd=$(field heartd pid)
	[ "$(ask holdfastd leave)" = ok ]
	wait_until 5 'gone $PID'
	kill -0 "$heartd"
	start
	wait_until 5 'is_up vipd'
	[ "$(field heartd pid)" = "$heartd" ]
	kill -QUIT $PID
	wait $PID
	kill -0 "$heartd"
}

# A fake that is a program of its own, so that a copy is another one.
fake_program() {
	rm -f "$LIB/$1"
	cat >"$LIB/$1.c" <<-'END'
		#include <unistd.h>
		int main(void)
		{
			return write(3, "\n", 1) == 1 ? pause() : 1;
		}
	END
	${CC:-cc} -Wl,--no-as-needed -o "$LIB/$1" "$LIB/$1.c" "${@:2}"
}

replace() {
	cp "$LIB/$1" "$LIB/new"
	mv "$LIB/new" "$LIB/$1"
}

@test "holdfastd: upgrade takes up what was replaced, keepd last" {
	local heartd vipd mirrord keepd
	fake_program heartd
	fake_program vipd
	fake_program mirrord
	rm "$LIB/keepd"
	cp "${PROGRAM%/*/*}/keepd/keepd" "$LIB/keepd"
	roster ledger mirrord moduled
	cp "$PROGRAM" "$LIB/holdfastd"
	PROGRAM=$LIB/holdfastd start
	wait_until 5 'is_up ledger/moduled'
	holdfast=${PROGRAM%/*/*}/holdfast/holdfast
	# A fake that is a script is always another program.
	run "$holdfast" upgrade
	[ "$status" = 0 ]
	not grep -E '^(holdfastd|keepd|heartd|vipd|ledger/mirrord):' <<<"$output"
	keepd=$(field keepd pid) heartd=$(field heartd pid)
	vipd=$(field vipd pid) mirrord=$(field ledger/mirrord pid)
	replace heartd
	replace mirrord
	replace keepd
	run "$holdfast" upgrade
	echo "$output"
	[ "$status" = 0 ]
	[ "$(field vipd pid)" = "$vipd" ]
	[ "$(grep -E '^(keepd|heartd|vipd|ledger/mirrord):' <<<"$output")" = "heartd: process $heartd is \
now $(field heartd pid)
ledger/mirrord: process $mirrord is now $(field ledger/mirrord pid)
keepd: process $keepd is now $(field keepd pid)" ]
	gone "$keepd"
}

@test "holdfastd: upgrade takes up libraries too" {
	local heartd vipd
	echo 'int fake(void); int fake(void) { return 0; }' >"$LIB/fake.c"
	${CC:-cc} -shared -fPIC -o "$LIB/libfake.so.1" "$LIB/fake.c"
	fake_program heartd "$LIB/libfake.so.1"
	fake_program vipd
	start
	wait_until 5 'is_up vipd'
	heartd=$(field heartd pid) vipd=$(field vipd pid)
	replace libfake.so.1
	run "${PROGRAM%/*/*}/holdfast/holdfast" upgrade
	echo "$output"
	[ "$status" = 0 ]
	[ "$(field heartd pid)" != "$heartd" ]
	[ "$(field vipd pid)" = "$vipd" ]
}

@test "holdfastd: upgrade stops where a daemon does not come up" {
	fake_program heartd
	fake_program vipd
	roster ledger mirrord
	start
	wait_until 5 'is_up ledger/mirrord'
	holdfast=${PROGRAM%/*/*}/holdfast/holdfast
	vipd=$(field vipd pid)
	replace vipd
	printf '#!/bin/sh\nexit 7\n' >"$LIB/new"
	chmod +x "$LIB/new"
	mv "$LIB/new" "$LIB/heartd"
	HOLDFAST_UPGRADE_MS=1000 run "$holdfast" upgrade --timeout 1
	echo "$output"
	[ "$status" = 75 ]
	[[ $output == *'heartd does not come up again'* ]]
	[ "$(field vipd pid)" = "$vipd" ]
}

@test "holdfastd: SIGTERM stops modules, then daemons in reverse" {
	roster ledger mirrord moduled
	start
	wait_until 5 'is_up ledger/moduled'
	pids=$(sed -n 's/^process .*pid=\([0-9]*\) .*/\1/p' \
	    "$RUN/holdfastd.state")
	kill -TERM $PID
	wait_until 3 'grep -q "^stop who=holdfastd" "$HOLDFAST_ROOT/asked"'
	# moduled refused at first, and has not said STOP yet.
	is_up ledger/moduled
	wait_until 3 '[ -e "$HOLDFAST_ROOT/stop" ]'
	grep -q 'ledger: does not stop yet: not now' "$HOLDFAST_ROOT/log"
	wait_until 10 'gone $PID'
	wait $PID
	for p in $pids; do
		gone "$p"
	done
	[ "$(grep -o '[a-z/]*: up -> stopping' "$HOLDFAST_ROOT/log" |
	    cut -d: -f1 | paste -sd,)" = \
	    ledger/moduled,ledger/mirrord,alertd,consoled,remoted,vipd,witnessd,heartd,keepd ]
	[ ! -e "$RUN/holdfastd.state" ]
}

@test "holdfastd: one that does not end is killed" {
	touch "$HOLDFAST_ROOT/vipd.deaf"
	echo 'kill_timeout_ms = 300' >"$HOLDFAST_ROOT/etc/holdfast/holdfastd.conf"
	start
	wait_until 5 'is_up vipd'
	kill -TERM $PID
	wait_until 5 'gone $PID'
	grep -q 'vipd: did not end in 300 ms: killed' "$HOLDFAST_ROOT/log"
}

@test "holdfastd: module-start, module-stop, reload" {
	start
	wait_until 5 'is_up vipd'
	ask holdfastd 'module-start name=ledger' | grep -q 'err code=roster'
	ask holdfastd 'module-start name=../x' | grep -q 'err code=name'
	roster ledger mirrord moduled
	[ "$(ask holdfastd 'module-start name=ledger')" = ok ]
	wait_until 5 'is_up ledger/moduled'
	[ "$(ask holdfastd 'module-start name=ledger')" = ok ]
	[ "$(grep -c mirrord "$HOLDFAST_ROOT/started")" = 1 ]
	old=$(field ledger/mirrord pid)
	[ "$(ask holdfastd 'module-stop name=ledger')" = ok ]
	[ -z "$(field ledger/mirrord state)" ]
	gone "$old"
	[ "$(ask holdfastd reload)" = ok ]
	wait_until 5 'is_up ledger/moduled'
	# A generation without rfs has no mirrord.
	roster ledger moduled
	[ "$(ask holdfastd reload)" = ok ]
	wait_until 5 '[ -z "$(field ledger/mirrord state)" ]'
	is_up ledger/moduled
	rm -r "$STATE/ledger"
	[ "$(ask holdfastd reload)" = ok ]
	wait_until 5 '[ -z "$(field ledger/moduled state)" ]'
}

@test "holdfastd: module-stop is answered when the daemons are gone" {
	touch "$HOLDFAST_ROOT/mirrord.deaf"
	echo 'kill_timeout_ms = 700' >"$HOLDFAST_ROOT/etc/holdfast/holdfastd.conf"
	roster ledger mirrord moduled
	start
	wait_until 5 'is_up ledger/moduled'
	old=$(field ledger/mirrord pid)
	# In one go: what is started then is new.
	[ "$(ask holdfastd "$(printf 'module-stop name=ledger\nmodule-start name=ledger')" |
	    paste -sd,)" = ok,ok ]
	gone "$old"
	wait_until 5 'is_up ledger/moduled'
	[ "$(field ledger/mirrord pid)" != "$old" ]
	# Started by another while one waits for the end.
	ask holdfastd 'module-stop name=ledger' >"$HOLDFAST_ROOT/answer" 3>&- &
	wait_until 5 '[ "$(field ledger/mirrord state)" = stopping ]'
	[ "$(ask holdfastd 'module-start name=ledger')" = ok ]
	wait_until 3 'grep -q "^err code=busy" "$HOLDFAST_ROOT/answer"'
	wait_until 5 'is_up ledger/moduled'
	ask holdfastd 'module-stop name=nothere' | grep -qx ok
}

@test "holdfastd: a broken roster is named, the rest runs" {
	roster bad /bin/sh
	roster good mirrord
	start
	wait_until 5 'is_up good/mirrord'
	grep -q 'bad/config/active/roster:1: not a daemon of a module' \
	    "$HOLDFAST_ROOT/log"
}

@test "holdfastd: restart waits until the old process is gone" {
	touch "$HOLDFAST_ROOT/heartd.deaf"
	echo 'kill_timeout_ms = 500' >"$HOLDFAST_ROOT/etc/holdfast/holdfastd.conf"
	start
	wait_until 5 'is_up vipd'
	old=$(field heartd pid)
	[ "$(ask holdfastd 'restart service=heartd')" = ok ]
	[ "$(field heartd state)" = stopping ]
	[ "$(grep -c heartd "$HOLDFAST_ROOT/started")" = 1 ]
	wait_until 5 'is_up heartd'
	gone "$old"
	ask holdfastd 'restart service=nobody' | grep -q 'err code=notfound'
}

@test "holdfastd: tells the service manager when it is ready" {
	socat -u "UNIX-RECVFROM:$HOLDFAST_ROOT/notify,fork" \
	    "OPEN:$HOLDFAST_ROOT/told,creat,append" 3>&- &
	socat=$!
	wait_until 5 '[ -S "$HOLDFAST_ROOT/notify" ]'
	NOTIFY_SOCKET=$HOLDFAST_ROOT/notify start
	wait_until 5 'grep -q READY=1 "$HOLDFAST_ROOT/told"'
	is_up vipd
	kill -TERM $PID
	wait_until 5 'grep -q STOPPING=1 "$HOLDFAST_ROOT/told"'
	wait_until 5 'gone $PID'
	kill $socat
}

@test "holdfastd: a second one does not start" {
	start
	run "$PROGRAM" -d 3>&-
	[ "$status" = 75 ]
	[[ "$output" = *"another holdfastd is running"* ]]
}

@test "holdfastd: watch brings the state and its changes" {
	start
	wait_until 5 'is_up vipd'
	echo watch | socat -t 10 - \
	    "UNIX-CONNECT:$RUN/holdfastd.sock" >"$HOLDFAST_ROOT/seen" 3>&- &
	socat=$!
	wait_until 3 'grep -q "^service service=vipd" "$HOLDFAST_ROOT/seen"'
	kill -KILL "$(field vipd pid)"
	wait_until 3 'grep -q "service=vipd.*state=down" "$HOLDFAST_ROOT/seen"'
	kill $socat
}

@test "holdfastd: its configuration is checked and printed" {
	run "$PROGRAM" -p
	[ "$status" = 0 ]
	[[ "$output" = *"kill_timeout_ms=10000"* ]]
	echo 'kill_timeout_ms = 1' >"$HOLDFAST_ROOT/etc/holdfast/holdfastd.conf"
	run "$PROGRAM" -n
	[ "$status" = 78 ]
}
