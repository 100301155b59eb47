# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2016,SC2154
#
# Two moduled, each below its own HOLDFAST_ROOT, with heartd, vipd and mirrord
# played by t/unit/siblings: for the suites that load it behind `load lib'.  One
# of another module, with siblings of its own, says MOD and has its own prepare.

MOD=m
T_MS=300
G_MS=30

moduled_setup() {
	W=$(mktemp -d "${TMPDIR:-/tmp}/hfm.XXXXXX")
	SIB=$top_builddir/t/unit/siblings
	MODULED=$top_builddir/bin/moduled/moduled
	[ -x "$SIB" ] || skip "needs t/unit/siblings"
	for i in 1 2; do
		prepare "$i"
	done
	"$SIB" "$W" m >"$W/sib.log" 2>&1 3>&- &
	echo $! >"$W/pid.sib"
	wait_until 5 '[ -S $W/control.sock ]'
}

moduled_teardown() {
	local f
	if [ -z "${BATS_TEST_COMPLETED-}" ]; then
		tail -n 40 "$W"/n?.log "$W/scripts" || true
	fi
	for f in "$W"/pid.*; do
		kill "$(cat "$f")" 2>/dev/null || true
	done
	rm -rf "$W"
}

prepare() {
	local r=$W/n$1 p=$((3 - $1)) dir s
	dir=$r/var/lib/holdfast/$MOD/config/active
	mkdir -p "$dir/bin" "$r/usr/lib/holdfast" "$r/var/log/holdfast"
	ln -s "$(realpath "$top_builddir/bin/runscript/runscript")" \
	    "$r/usr/lib/holdfast/runscript"
	for s in prestart start_prim stop_prim start_second stop_second; do
		script "$1" $s 'exit 0'
	done
	cat >"$dir/moduled.conf" <<-EOF2
		module = "m"
		node = "n$1"
		node_id = $1
		peer = "n$p"
		peer_id = $p
		lans = { "lan1" }
		timeout_ms = $T_MS
		pulse_ms = 30
		stall_ms = 300
		fencehold_ms = 600
		handle_ms = 200
		maxloop = 2
		rfs = true
		vip = true
		scripts = true
		addresses = { "10.88.1.100" }
		wait_on = { "intf.10.88.1.0" }
		nicestop_ms = 2000
		forcestop_ms = 1000
		var "SERVICES" { value = "a, b" }
	EOF2
}

# script NODE NAME BODY: it tells its words in $W/scripts first.
script() {
	local f=$W/n$1/var/lib/holdfast/$MOD/config/active/bin/$2
	printf '#!/bin/sh\necho "n%s %s $*" >>"%s/scripts"\n%s\n' "$1" "$2" \
	    "$W" "$3" >"$f"
	chmod +x "$f"
}

start_node() {
	HOLDFAST_ROOT=$W/n$1 "$MODULED" -M $MOD -d -v >>"$W/n$1.log" 2>&1 \
	    3>&- &
	echo $! >"$W/pid.$1"
	wait_until 5 "ask n$1 status | grep -q kind=module"
}

# The answer of one moduled; ask c: of the siblings' control.
ask() {
	local s=$W/$1/run/holdfast/$MOD/moduled.sock
	[ "$1" = c ] && s=$W/control.sock
	shift
	echo "$*" | timeout 5 socat -t 3 - "UNIX:$s" 2>/dev/null |
	    sed -n '1d;p;/^\(ok\|err\)/q'
}

state() {
	ask "$1" status | sed -n \
	    's/^kind=module .*state=\([A-Z]*\) quality=\([A-Za-z]*\).*/\1 \2/p'
}

is() {
	[ "$(state "$1")" = "$2" ]
}

why() {
	ask "$1" status | sed -n 's/^kind=blocked code=\([a-z-]*\).*/\1/p'
}

# Both know of one another, and nobody has said who has the data.
pair_start() {
	start_node 1
	start_node 2
	ask n1 start
	ask n2 start
	wait_until 5 '[ "$(why n1)" = new-module ]'
}

pair_up() {
	pair_start
	[ "$(ask n1 prim)" = ok ]
	wait_until 5 'is n1 "PRIM Ready" && is n2 "SECOND Ready"'
}

# kill_node NODE [SIGNAL]: and wait, or its successor finds the socket taken.
kill_node() {
	local pid
	pid=$(cat "$W/pid.$1")
	kill "${2--9}" "$pid"
	wait_until 5 "! kill -0 $pid 2>/dev/null"
}

# Power off, as far as moduled sees it.
crash() {
	kill_node "$1"
	rm -f "$W/n$1/run/holdfast/$MOD/state"
	ask c crash node="n$1"
}
