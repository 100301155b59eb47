#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# check_holdfast against played daemons: what it prints and its exit status.
# No root, no network.

load lib

setup() {
	W=$(mktemp -d "${TMPDIR:-/tmp}/hfc.XXXXXX")
	export HOLDFAST_ROOT=$W
	CHECK=$top_builddir/bin/check_holdfast/check_holdfast
	mkdir -p "$W/etc/holdfast/modules/web/conf" "$W/run/holdfast/web" \
	    "$W/var/lib/holdfast/web/config/active"
	echo moduled >"$W/var/lib/holdfast/web/config/active/roster"
	echo '<safe/>' >"$W/etc/holdfast/modules/web/conf/userconfig.xml"
	echo 1 >"$W/etc/holdfast/modules/web/id"
	: >"$W/node"
	serve holdfastd "$W/run/holdfast/holdfastd.sock" "$W/node"
}

teardown() {
	local f
	for f in "$W"/pid.*; do
		kill "$(cat "$f")" 2>/dev/null || :
	done
	rm -rf "$W"
}

# serve NAME SOCKET FILE: a daemon whose answer to anything is the file.
serve() {
	socat "UNIX-LISTEN:$2,fork" "SYSTEM:echo holdfast $1 1; read -r x; \
	    cat $3; echo ok; cat >/dev/null" 3>&- &
	echo $! >"$W/pid.$1"
	wait_until 5 "[ -S $2 ]"
}

# status STATE QUALITY PEER [LINE]...: what moduled says.
status_is() {
	local state=$1 quality=$2 peer=$3
	shift 3
	{
		echo "kind=module name=web state=$state quality=$quality" \
		    "since_s=5"
		echo "kind=node name=n1 state=$state quality=$quality self=1"
		[ -z "$peer" ] || echo "kind=node name=n2 state=$peer self=0"
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$W/web"
	[ -S "$W/run/holdfast/web/moduled.sock" ] ||
	    serve moduled "$W/run/holdfast/web/moduled.sock" "$W/web"
}

# gives STATUS TEXT [OPTION]...
gives() {
	local want=$1 text=$2
	shift 2
	run "$CHECK" "$@"
	[ "$status" -eq "$want" ] && [[ ${lines[0]} == *"$text"* ]] &&
	    follows_rules || { echo "status $status: $output"; return 1; }
	[ -z "${SHOW-}" ] || echo "# $status ${lines[0]}" >&3
}

# The guidelines of the Monitoring Plugins, for $status and $output: the word
# of the first line is the status, at most one bar, and behind it
# 'label'=value[UOM];[warn];[crit];[min];[max] with labels that differ in
# their first 19 characters, ranges, and a value within min and max.
follows_rules() {
	local words=(OK WARNING CRITICAL UNKNOWN) bars perf token label labels=
	local n='-?[0-9]+(\.[0-9]+)?'
	local range="@?((~|$n)?:)?($n)?"
	local uom='(s|us|ms|%|B|KB|MB|GB|TB|c)?'

	[ "$status" -le 3 ] || return 1
	[[ ${lines[0]} == usage:* || ${lines[0]} == "check_holdfast "* ||
	    ${lines[0]} == "HOLDFAST ${words[status]} - "* ]] || return 1
	[ "${#output}" -le 4096 ] || return 1
	[[ $output != *$'\t'* ]] || return 1
	bars=${output//[^|]/}
	[ "${#bars}" -le 1 ] || return 1
	[ -n "$bars" ] || return 0
	[[ ${lines[0]} == *' | '* ]] || return 1
	perf=${lines[0]#*| }
	while [ -n "$perf" ]; do
		token=$perf
		[[ $perf =~ ^\'([^\'=]+)\'=($n)$uom(;($range)?(;($range)?(;($n)?(;($n)?)?)?)?)?( |$) ]] ||
		    { echo "perfdata: $token"; return 1; }
		label=${BASH_REMATCH[1]:0:19}
		[[ $labels != *"|$label|"* ]] ||
		    { echo "label $label twice"; return 1; }
		labels+="|$label|"
		perf=${perf#"${BASH_REMATCH[0]}"}
	done
}

@test "ten states" {
	local SHOW=1
	status_is PRIM Ready SECOND
	gives 0 'HOLDFAST OK - web PRIM Ready (n2 SECOND) | '
	status_is SECOND Ready PRIM
	gives 0 'web SECOND Ready'
	status_is ALONE Ready UNKNOWN \
	    'kind=warning code=alone text="not redundant" command=x'
	gives 1 'HOLDFAST WARNING - web ALONE Ready (n2 UNKNOWN), redundancy'
	status_is WAIT NotReady UNKNOWN \
	    'kind=blocked code=stale text="the other node is newer"' \
	    'kind=goon command="holdfast prim web" cost=x'
	gives 2 'the other node is newer'
	[[ $output == *'-> holdfast prim web'* ]]
	status_is SECOND Transient ALONE \
	    'kind=replication phase=full done_bytes=42 total_bytes=100'
	gives 1 "resync 42% | 'since.web'=5s;;;0;"
	status_is PRIM Ready SECOND \
	    'kind=warning code=config-differs text="the files differ" command=y'
	gives 1 'web PRIM Ready (n2 SECOND), the files differ | '
	status_is PRIM Ready SECOND \
	    'kind=warning code=disk-filling text="full in about 3 days"'
	gives 1 'WARNING - web PRIM Ready (n2 SECOND), full in about 3 days'
	status_is STOP NotReady PRIM
	gives 1 'stopped by the operator'
	gives 0 'stopped by the operator' -S ok
	status_is STOP NotReady PRIM 'kind=warning code=maxloop text=x'
	gives 2 'stopped by maxloop'
	status_is ALONE Ready STOP \
	    'kind=warning code=maintenance text="until 12:00"'
	gives 0 'maintenance'
}

@test "a daemon that is down" {
	gives 2 'moduled does not answer'
	kill "$(cat "$W/pid.holdfastd")"
	wait_until 5 '! kill -0 "$(cat "$W/pid.holdfastd")" 2>/dev/null'
	gives 2 'holdfastd does not answer'
}

@test "a daemon that hangs: UNKNOWN within -t" {
	kill "$(cat "$W/pid.holdfastd")"
	rm -f "$W/run/holdfast/holdfastd.sock"
	socat "UNIX-LISTEN:$W/run/holdfast/holdfastd.sock,fork" \
	    'SYSTEM:cat >/dev/null' 3>&- &
	echo $! >"$W/pid.holdfastd"
	wait_until 5 "[ -S $W/run/holdfast/holdfastd.sock ]"
	gives 3 'no answer in time' -t 1
}

@test "thresholds and wrong options" {
	status_is PRIM Ready SECOND \
	    'kind=replication phase=none dirty_bytes=5000'
	gives 0 "'dirty.web'=5000B;;;0;"
	gives 1 "dirty is 5000B" -w dirty=100
	gives 2 "'dirty.web'=5000B;100;4000;0;" -w dirty=100 -c dirty=4000
	gives 3 'not a range' -w dirty=9:1
	gives 3 'no such metric' -w wind=1
	gives 3 'no such option' -Z
	gives 3 'not within' -t 0
	gives 3 'no such module' -m nothere
	gives 3 'usage' -h
	gives 3 'no such option' --wind
	gives 2 'dirty is 5000B' --critical dirty=4000 --module web
	[[ $output == *"| 'since'="*"'dirty'=5000B;;4000;0;"* ]]
	gives 3 'check_holdfast 0' --version
}

@test "perfdata of all numbers, with every kind of range" {
	status_is SECOND Transient ALONE \
	    'kind=replication phase=full dirty_bytes=7 done_bytes=42 total_bytes=100 rate_bytes_s=9 eta_s=6' \
	    'kind=disk used_percent=91 inodes_percent=3 peer_used_percent=40'
	gives 2 "'peer_disk.web'=40%;@10:20;~:30;0;100" -w peer_disk=@10:20 \
	    -c 'peer_disk=~:30' -w eta=5: -w rate=-5:10 -c disk=90
	[ "$(grep -o "'[a-z_]*.web'=" <<<"${lines[0]}" | wc -l)" -eq 9 ]
}

@test "modules whose names begin alike, in one line" {
	local m
	for m in customer-database-one customer-database-two; do
		mkdir -p "$W/etc/holdfast/modules/$m/conf" \
		    "$W/run/holdfast/$m" \
		    "$W/var/lib/holdfast/$m/config/active"
		: >"$W/var/lib/holdfast/$m/config/active/roster"
		echo '<safe/>' \
		    >"$W/etc/holdfast/modules/$m/conf/userconfig.xml"
	done
	status_is PRIM Ready SECOND
	run "$CHECK"
	[ "$status" -eq 2 ]
	[[ ${lines[0]} == *"customer-database-two moduled does not"* ]]
	follows_rules
}

@test "no rule is broken by what a daemon says" {
	status_is PRIM Ready SECOND \
	    "kind=warning code=odd text=\"a | b 'c'=1; d\" command=\"e | f\""
	gives 1 'WARNING'
	# A fault of its own, here a path that is too long: no other status.
	HOLDFAST_ROOT=/$(printf 'x%.0s' {1..300}) run bash -c \
	    "'$CHECK' 2>/dev/null"
	[ "$status" -eq 3 ]
	[[ ${lines[0]} == *'failed, see'* ]]
	follows_rules
}
