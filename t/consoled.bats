#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# consoled with a real moduled of a module of one node: what a balancer is
# told, and how soon after moduled hangs or dies.  Loopback only.

load lib

setup() {
	W=$(mktemp -d "${TMPDIR:-/tmp}/hfw.XXXXXX")
	export HOLDFAST_ROOT=$W
	CONSOLED=$top_builddir/bin/consoled/consoled
	MODULED=$top_builddir/bin/moduled/moduled
	mkdir -p "$W/etc/holdfast" "$W/var/log/holdfast" "$W/run/holdfast"
	module web
}

teardown() {
	local f
	if [ -z "${BATS_TEST_COMPLETED-}" ]; then
		tail -n 20 "$W"/*.log || :
	fi
	for f in "$W"/pid.*; do
		kill -CONT "$(cat "$f")" 2>/dev/null || :
		kill "$(cat "$f")" 2>/dev/null || :
	done
	rm -rf "$W"
}

# module NAME: configured, its moduled started, in STOP.
module() {
	local dir=$W/var/lib/holdfast/$1/config/active
	mkdir -p "$dir/bin" "$W/run/holdfast/$1"
	echo moduled >"$dir/roster"
	printf 'module = "%s"\nnode = "n1"\nnode_id = 1\n' "$1" \
	    >"$dir/moduled.conf"
	moduled "$1"
}

moduled() {
	"$MODULED" -M "$1" -d >>"$W/$1.log" 2>&1 3>&- &
	echo $! >"$W/pid.$1"
	wait_until 5 "ask $1 status | grep -q kind=module"
}

# Killed and gone: while it ends, another one does not start.
end_moduled() {
	local pid
	pid=$(cat "$W/pid.$1")
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || :
}

ask() {
	echo "${*:2}" | timeout 5 socat -t 3 - \
	    "UNIX:$W/run/holdfast/$1/moduled.sock" 2>/dev/null
}

# consoled [LINE]...: on a free port of the loopback.
consoled() {
	local tries
	for tries in 1 2 3 4 5; do
		PORT=$((20000 + (RANDOM % 10000)))
		printf '%s\n' 'listen = { "127.0.0.1", "::1" }' \
		    "port = $PORT" "$@" >"$W/etc/holdfast/consoled.conf"
		"$CONSOLED" -d >>"$W/consoled.log" 2>&1 3>&- &
		echo $! >"$W/pid.consoled"
		wait_until 5 '[ -S "$W/run/holdfast/consoled.sock" ]'
		grep -q 'not listening' "$W/consoled.log" || return 0
		kill "$(cat "$W/pid.consoled")"
		wait_until 5 '! [ -S "$W/run/holdfast/consoled.sock" ]'
		: >"$W/consoled.log"
	done
	return 1
}

# http PATH [CURL-OPTION]...: the status.
http() {
	curl -s -o "$W/body" -w '%{http_code}' --max-time 5 "${@:2}" \
	    "http://127.0.0.1:$PORT$1"
}

is() {
	[ "$(http "$1")" = "$2" ]
}

@test "200 where it serves, 503 with one line where it does not" {
	consoled
	wait_until 5 'is /ready 503'
	[ "$(cat "$W/body")" = "web: STOP NotReady" ]
	ask web start
	wait_until 2 'is /ready 200'
	[ "$(cat "$W/body")" = "web: ALONE Ready" ]
	is /ready/web 200
	is "/ready/web?a=b" 200
	is /var/modules/web/ready.txt 200
	[ "$(curl -s "http://[::1]:$PORT/ready")" = "web: ALONE Ready" ]
	# HEAD: the same headers, no body.
	[ "$(http /ready -I)" = 200 ]
	grep -qi '^content-length: 17' "$W/body"
	grep -qi '^cache-control: no-store' "$W/body"
	ask web stop
	wait_until 2 'is /ready/web 503'
	is /var/modules/web/ready.txt 404
	[ "$(http /ready -I)" = 503 ]
}

@test "nothing else is answered" {
	consoled
	is / 404
	is /ready/nothere 404
	is /ready/../../etc/passwd 404
	is /ready/%2e%2e/web 404
	[ "$(http /ready -d x=y)" = 405 ]
	[ "$(http /ready -X DELETE)" = 405 ]
	# Not HTTP at all: closed, and the next one is served.
	head -c 100000 /dev/urandom |
	    timeout 5 socat -t 1 - "TCP:127.0.0.1:$PORT" >/dev/null || :
	is /ready 503
	kill -0 "$(cat "$W/pid.consoled")"
}

@test "a moduled that hangs is not ready within stale_ms" {
	local begin
	consoled 'poll_ms = 100' 'stale_ms = 500'
	ask web start
	wait_until 2 'is /ready 200'
	begin=$(now_ms)
	kill -STOP "$(cat "$W/pid.web")"
	wait_until 5 'is /ready 503'
	echo "after $(($(now_ms) - begin)) ms"
	[ $(($(now_ms) - begin)) -lt 1000 ]
	grep -q 'moduled has not answered for' "$W/body"
	kill -CONT "$(cat "$W/pid.web")"
	wait_until 2 'is /ready 200'
}

@test "a moduled that is gone, and one that is back at once" {
	consoled 'poll_ms = 100' 'stale_ms = 1000'
	ask web start
	wait_until 2 'is /ready 200'
	# The application goes on, and a new moduled takes up: no gap.
	end_moduled web
	moduled web
	is /ready 200
	end_moduled web
	wait_until 3 'is /ready 503'
	grep -q 'moduled is gone since' "$W/body"
}

@test "modules come and go" {
	consoled
	ask web start
	wait_until 2 'is /ready 200'
	module db
	wait_until 3 'is /ready/db 503'
	is /ready 503
	grep -q '^db: ' "$W/body"
	ask db start
	wait_until 2 'is /ready 200'
	rm "$W/var/lib/holdfast/db/config/active/roster"
	wait_until 3 'is /ready/db 404'
}

@test "a slow client holds up nobody" {
	local i
	consoled 'connections_per_address = 8'
	ask web start
	wait_until 2 'is /ready 200'
	for i in 1 2 3 4 5 6; do
		(exec 9<>"/dev/tcp/127.0.0.1/$PORT"
		printf 'GET /ready HT' >&9
		exec sleep 20) 3>&- &
		echo $! >"$W/pid.slow$i"
	done
	for i in 1 2 3 4 5 6 7 8 9 10; do
		is /ready 200
	done
}

@test "a port that is taken is tried again" {
	consoled
	kill "$(cat "$W/pid.consoled")"
	wait_until 5 '! [ -S "$W/run/holdfast/consoled.sock" ]'
	socat "TCP-LISTEN:$PORT,bind=127.0.0.1,fork,reuseaddr" /dev/null 3>&- &
	echo $! >"$W/pid.other"
	wait_until 5 'is / 000'
	: >"$W/consoled.log"
	"$CONSOLED" -d >>"$W/consoled.log" 2>&1 3>&- &
	echo $! >"$W/pid.consoled"
	wait_until 5 'grep -q "127.0.0.1 port .*not listening.*in use" \
	    "$W/consoled.log"'
	kill "$(cat "$W/pid.other")"
	wait_until 5 'is /ready 503'
}

@test "the configuration is checked, all errors at once" {
	printf '%s\n' 'listen = { "here" }' 'port = 80' 'poll_ms = 1' \
	    'stale_ms = 150' 'connections = 0' >"$W/bad"
	run "$CONSOLED" -n -f "$W/bad"
	[ "$status" -eq 78 ]
	for word in listen port poll_ms connections; do
		grep -q "$word" <<<"$output"
	done
	printf 'poll_ms = 1000\nstale_ms = 1500\n' >"$W/bad"
	run "$CONSOLED" -n -f "$W/bad"
	[ "$status" -eq 78 ]
	[[ $output == *twice* ]]
}

@test "the page quotes the defaults" {
	local option value
	"$CONSOLED" -p -f /dev/null >"$W/defaults"
	for option in port poll_ms stale_ms reasons connections \
	    connections_per_address; do
		value=$(sed -n "s/^$option *= *//p" "$W/defaults")
		[ -n "$value" ]
		grep -qx "\.It Ic $option No = $value" \
		    "$top_srcdir/man/consoled.conf.5"
	done
	"$CONSOLED" -p -f "$W/defaults" | diff "$W/defaults" -
}
