#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# checkd alone, below its own HOLDFAST_ROOT, with moduled played by lines.

load lib

setup() {
	W=$(mktemp -d "${TMPDIR:-/tmp}/hfc.XXXXXX")
	CHECKD=$top_builddir/bin/checkd/checkd
	BIN=$W/var/lib/holdfast/m/config/active/bin
	CONF=$W/var/lib/holdfast/m/config/active/checkd.conf
	SOCK=$W/run/holdfast/m/checkd.sock
	mkdir -p "$BIN" "$W/run/holdfast/m"
	# The kernel keeps 15 characters of a name: it is of this test only.
	APP=hfapp$$
	cp "$(command -v sleep)" "$W/$APP"
}

teardown() {
	local f
	if [ -z "${BATS_TEST_COMPLETED-}" ]; then
		tail -n 40 "$W"/log "$W"/events || true
	fi
	for f in "$W"/pid.*; do
		kill -9 "$(cat "$f")" 2>/dev/null || true
	done
	rm -rf "$W"
}

# The file on standard input; a watcher writes events with their time.
start_checkd() {
	cat >"$CONF"
	HOLDFAST_ROOT=$W "$CHECKD" -M m -d -v >>"$W/log" 2>&1 3>&- &
	echo $! >"$W/pid.checkd"
	wait_until 5 '[ -S $SOCK ]'
	mkfifo "$W/in"
	socat - "UNIX:$SOCK" <"$W/in" 2>/dev/null 3>&- | while read -r line
	do
		echo "$(now_ms) $line"
	done >"$W/events" 3>&- &
	echo $! >"$W/pid.watch"
	exec 7>"$W/in"
	echo watch >&7
	wait_until 5 'grep -q " ok" $W/events'
}

want() {
	echo "want when=\"$1\" gen=$2" >&7
}

ask() {
	echo "$*" | timeout 5 socat -t 3 - "UNIX:$SOCK" 2>/dev/null |
	    sed -n '1d;p;/^\(ok\|err\)/q'
}

# state RESOURCE: as `status' has it.
state() {
	ask status | sed -n "s/^name=$1 state=\([a-z]*\).*/\1/p"
}

# app NAME: one more of the application; its number into $W/pid.NAME.
app() {
	"$W/$APP" 600 3>&- 7>&- &
	echo $! >"$W/pid.$1"
}

# last_ms RESOURCE STATE: when the last event of it was seen.
last_ms() {
	sed -n "s/^\([0-9]*\) resource name=$1 state=$2.*/\1/p" "$W/events" |
	    tail -n 1
}

program() {
	printf '#!/bin/sh\n%s\n' "$2" >"$BIN/$1"
	chmod +x "$BIN/$1"
}

@test "the configuration is checked, all errors at once" {
	cat >"$W/bad" <<-'EOF'
		tcp "a" { addr = "x" port = 80 }
		tcp "b" { addr = "::1" port = 0 }
		tcp "c" { addr = "::1" port = 80 fails = "5/3" }
		proc "d" { nameregex = "(" }
		proc "e" { interval_ms = -1 }
		custom "f" { exec = "" }
	EOF
	run "$CHECKD" -M m -n -f "$W/bad"
	[ "$status" -eq 78 ]
	for i in 'no address' 'port: 0 is not' 'n/m' nameregex interval_ms \
	    'exec is empty'; do
		grep -q "$i" <<<"$output"
	done
	printf 'tcp "a" { addr = "::1" port = 80 fails = "2/3" }\n' >"$W/good"
	"$CHECKD" -M m -p -f "$W/good" >"$W/once"
	"$CHECKD" -M m -p -f "$W/once" | diff "$W/once" -
}

@test "what is wished runs, and nothing else; facts carry its number" {
	start_checkd <<-EOF
		proc "$APP" { name = "$APP" when = "prim" }
		tcp "no" { addr = "127.0.0.1" port = 1 when = "pre" }
	EOF
	[ "$(state tcp.no)" = init ]
	want pre,both 5
	wait_until 5 '[ "$(state tcp.no)" = down ]'
	[ "$(state proc.$APP)" = init ]
	grep -q "name=proc.$APP state=init when=prim text=\"\" gen=5" \
	    "$W/events"
	wait_until 5 'grep -q "name=tcp.no .*refused.* gen=5" $W/events'
	# Said again by each wish, under its number.
	want pre,prim 6
	wait_until 5 'grep -q "name=tcp.no state=down .* gen=6" $W/events'
	want "" 7
	wait_until 5 'grep -q "name=tcp.no state=init .* gen=7" $W/events'
	ask want when=pre | grep -q 'err code=usage'
}

@test "proc: a death is told at once, ten times" {
	local i t0 t1 max=0 min=9999
	start_checkd <<-EOF
		proc "$APP" { name = "$APP" when = "prim" }
	EOF
	app 1
	want prim 1
	for i in 1 2 3 4 5 6 7 8 9 10; do
		wait_until 5 '[ "$(state proc.$APP)" = up ]'
		t0=$(now_ms)
		kill -9 "$(cat "$W/pid.1")"
		wait_until 5 '[ "$(grep -c state=down "$W/events")" -eq '"$i ]"
		t1=$(last_ms "proc.$APP" down)
		[ $((t1 - t0)) -le $max ] || max=$((t1 - t0))
		[ $((t1 - t0)) -ge $min ] || min=$((t1 - t0))
		app 1
	done
	echo "# proc: a death was told after $min to $max ms" >&3
	# The shell's own time is in it, and a busy machine's; the interval,
	# which it would be without events, is 30 s.
	[ $min -lt 100 ]
	[ $max -lt 1000 ]
}

@test "proc: how many, and which" {
	start_checkd <<-EOF
		proc "$APP" { name = "$APP" atleast = 2 atmost = 3
		    interval_ms = 200 }
		proc "arg" { nameregex = "^hfapp$$" argregex = " 600\$" }
		proc "none" { name = "$APP" atleast = -1 atmost = 0
		    interval_ms = 200 }
	EOF
	app 1
	want prim 1
	wait_until 5 '[ "$(state proc.$APP)" = down ]'
	ask status | grep -q "name=proc.$APP .*1 process, at least 2"
	wait_until 5 '[ "$(state proc.arg)" = up ]'
	wait_until 5 '[ "$(state proc.none)" = down ]'
	app 2
	wait_until 5 '[ "$(state proc.$APP)" = up ]'
	app 3
	app 4
	wait_until 5 'ask status | grep -q "name=proc.$APP .*at most 3"'
	kill "$(cat "$W/pid.4")"
	wait_until 5 '[ "$(state proc.$APP)" = up ]'
}

@test "proc: a new process is told by the kernel, where it tells" {
	start_checkd <<-EOF
		proc "$APP" { name = "$APP" interval_ms = 60000 }
		proc "none" { name = "$APP" atleast = -1 atmost = 0
		    interval_ms = 60000 }
	EOF
	want prim 1
	wait_until 5 'ask status | grep -q "^ok events=1" ||
	    grep -q "does not tell of new processes" "$W/log"'
	ask status | grep -q '^ok events=1' || skip "no such events here"
	wait_until 5 '[ "$(state proc.none)" = up ]'
	app 1
	wait_until 2 '[ "$(state proc.none)" = down ]'
	wait_until 2 '[ "$(state proc.$APP)" = up ]'
	kill "$(cat "$W/pid.1")"
	wait_until 2 '[ "$(state proc.none)" = up ]'
}

@test "proc: start_after holds whatever the kernel tells" {
	start_checkd <<-EOF
		proc "$APP" { name = "$APP" start_after_ms = 1500
		    interval_ms = 60000 }
	EOF
	local begin
	want prim 1
	begin=$(now_ms)
	app 1
	kill "$(cat "$W/pid.1")"
	app 2
	wait_until 5 '[ "$(state proc.$APP)" = up ]'
	[ $(($(now_ms) - begin)) -ge 1400 ]
}

@test "tcp: refused, taken, silent; n of m" {
	start_checkd <<-EOF
		tcp "a" { addr = "127.0.0.1" port = 17$((RANDOM % 900 + 100))
		    interval_ms = 50 timeout_ms = 500 fails = "3" passes = "2" }
	EOF
	port=$(sed -n 's/.* port = \([0-9]*\).*/\1/p' "$CONF")
	want prim 1
	wait_until 5 '[ "$(state tcp.a)" = down ]'
	socat "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork" OPEN:/dev/null \
	    3>&- 7>&- &
	echo $! >"$W/pid.listen"
	wait_until 5 '[ "$(state tcp.a)" = up ]'
	kill "$(cat "$W/pid.listen")"
	wait_until 5 '[ "$(state tcp.a)" = down ]'
	ask status | grep -q "127.0.0.1 port $port: Connection refused"
}

@test "ping: both families; a host that is not there" {
	ping -c 1 -W 1 127.0.0.1 >/dev/null 2>&1 || skip "needs ping"
	start_checkd <<-EOF
		ping "four" { addr = "127.0.0.1" interval_ms = 50 }
		ping "six" { addr = "::1" interval_ms = 50 }
		ping "none" { addr = "240.0.0.1" interval_ms = 50
		    timeout_ms = 200 fails = "2" }
	EOF
	want pre 1
	wait_until 5 '[ "$(state ping.four)" = up ]'
	wait_until 5 '[ "$(state ping.six)" = up ]'
	wait_until 5 '[ "$(state ping.none)" = down ]'
	# One socket a try, and none is left behind.
	wait_until 5 '[ "$(ls /proc/$(cat $W/pid.checkd)/fd | wc -l)" -lt 20 ]'
}

@test "disk: room, little room, none; a directory that is not there" {
	start_checkd <<-EOF
		disk "ok" { path = "$W" warn = 0 down = 0 interval_ms = 100 }
		disk "low" { path = "/proc/../$W" warn = 100 down = 0 }
		disk "full" { path = "$W" warn = 100 down = 100 fails = "2"
		    interval_ms = 50 }
		disk "gone" { path = "$W/none" interval_ms = 50 }
	EOF
	want pre 1
	wait_until 5 '[ "$(state disk.ok)" = up ]'
	wait_until 5 '[ "$(state disk.low)" = warn ]'
	wait_until 5 '[ "$(state disk.full)" = down ]'
	wait_until 5 '[ "$(state disk.gone)" = down ]'
	ask status | grep -q 'disk.low .*% of the space and .*% of the inodes'
	ask status | grep -q 'disk.gone .*none: No such file'
}

@test "custom: its exit status, its last word, its arguments" {
	program look 'echo $HOLDFAST_CHECK_ONCE
		echo "$1 $2 $3 $4 $VAR"; exit $(cat "$4")'
	echo 3 >"$W/rc"
	start_checkd <<-EOF
		custom "q" { exec = "look" arg = "a $W/rc" interval_ms = 50 }
		var "VAR" { value = "x y" }
	EOF
	want prim 1
	wait_until 5 '[ "$(state custom.q)" = down ]'
	ask status | grep -q "text=\"status 3: m custom.q a $W/rc x y\""
	echo 0 >"$W/rc"
	wait_until 5 '[ "$(state custom.q)" = up ]'
}

@test "custom: many variables leave room for the standard ones" {
	program v 'echo "$SAFEMODULE $PATH $V1" >"$3"'
	start_checkd <<-EOF
		$(for n in $(seq 600); do
			echo "var \"V$n\" { value = \"x$n\" }"
		done)
		var "SAFEMODULE" { value = "other" }
		custom "v" { exec = "v" arg = "$W/v" interval_ms = 200 }
	EOF
	want prim 1
	wait_until 5 '[ -s $W/v ]'
	grep -qx 'm /usr/local/sbin:.* x1' "$W/v"
}

@test "custom: one that hangs is killed with all it started" {
	program hang 'echo $$ >"$3"; "$4" 600'
	start_checkd <<-EOF
		custom "q" { exec = "hang" arg = "$W/hang $W/$APP"
		    interval_ms = 100 timeout_ms = 300 fails = "2" }
	EOF
	want prim 1
	wait_until 5 '[ "$(state custom.q)" = down ]'
	grep -q 'name=custom.q .*no answer within 300 ms' "$W/events"
	grep -q 'note name=custom.q text="its program, process .* hangs' \
	    "$W/events"
	want "" 2
	wait_until 5 '[ "$(state custom.q)" = init ]'
	wait_until 5 '! pgrep -x "$APP" >/dev/null'
	not kill -0 "$(cat "$W/hang")"
}

@test "custom: an endless one is kept running, and ends with its class" {
	program loop 'echo $$ >"$3"; exec "$4" 600'
	start_checkd <<-EOF
		custom "e" { exec = "loop" arg = "$W/loop $W/$APP" }
	EOF
	want prim 1
	wait_until 5 '[ -s $W/loop ] && pgrep -x "$APP" >/dev/null'
	# It sets its resource itself: nothing is said of it.
	not grep -q 'name=custom.e' "$W/events"
	kill -9 "$(cat "$W/loop")"
	wait_until 5 'grep -q "note name=custom.e .*ended (killed by signal 9" \
	    $W/events'
	wait_until 5 'pgrep -x "$APP" >/dev/null'
	want "" 2
	wait_until 5 '! pgrep -x "$APP" >/dev/null'
	grep -q 'name=custom.e state=init .*gen=2' "$W/events"
}

@test "custom: an endless one that is wished again at once runs again" {
	program loop 'echo $$ >>"$3"; exec "$4" 600'
	start_checkd <<-EOF
		custom "e" { exec = "loop" arg = "$W/loop $W/$APP" }
	EOF
	want prim 1
	for n in 2 4 6; do
		wait_until 5 '[ "$(wc -l <$W/loop)" -eq $((n / 2)) ]'
		# In one write: the killed one cannot be gone in between.
		printf 'want when="" gen=%d\nwant when="prim" gen=%d\n' "$n" \
		    $((n + 1)) >&7
		wait_until 5 '[ "$(wc -l <$W/loop)" -eq $((n / 2 + 1)) ]'
	done
	wait_until 5 '[ "$(pgrep -cx "$APP")" -eq 1 ]'
	not grep -q 'cannot be run' "$W/events"
}

@test "custom: one whose end cannot be watched does not run on" {
	command -v strace >/dev/null || skip "no strace"
	program loop 'exec "$3" 600'
	# -D: the process that we end is checkd, not strace.
	program strace 'exec strace -D -o /dev/null -e trace=pidfd_open \
	    -e inject=pidfd_open:error=ENOMEM '"$CHECKD"' "$@"'
	CHECKD=$BIN/strace start_checkd <<-EOF
		custom "e" { exec = "loop" arg = "$W/$APP" }
	EOF
	want prim 1
	wait_until 5 'grep -q "cannot be run: Cannot allocate" "$W/events"'
	not pgrep -x "$APP"
	[ -z "$(ps -o stat= --ppid "$(cat "$W/pid.checkd")" | grep Z)" ]
}

@test "no program of a checker outlives a killed checkd" {
	program loop 'exec "$3" 600'
	start_checkd <<-EOF
		custom "e" { exec = "loop" arg = "$W/$APP" }
	EOF
	want prim 1
	wait_until 5 'pgrep -x "$APP" >/dev/null'
	kill -9 "$(cat "$W/pid.checkd")"
	wait_until 5 '! pgrep -x "$APP" >/dev/null'
}
