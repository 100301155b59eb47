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
	[ "$status" -eq "$want" ] && [[ ${lines[0]} == *"$text"* ]] ||
	    { echo "status $status: $output"; return 1; }
}

@test "ten states" {
	status_is PRIM Ready SECOND
	gives 0 'HOLDFAST OK - web PRIM Ready (n2 SECOND) | '
	status_is SECOND Ready PRIM
	gives 0 'web SECOND Ready'
	status_is ALONE Ready UNKNOWN
	gives 1 'HOLDFAST WARNING - web ALONE Ready (n2 UNKNOWN), redundancy'
	status_is WAIT NotReady UNKNOWN \
	    'kind=blocked code=stale text="the other node is newer"' \
	    'kind=goon command="holdfast prim web" cost=x'
	gives 2 'the other node is newer'
	[[ $output == *'-> holdfast prim web'* ]]
	status_is SECOND Transient ALONE \
	    'kind=replication phase=full done_bytes=42 total_bytes=100'
	gives 1 "resync 42% | 'web.since'=5s;;;0;"
	status_is PRIM Ready SECOND \
	    'kind=warning code=config-differs text="x" command=y'
	gives 1 'WARNING'
	status_is PRIM Ready SECOND \
	    'kind=warning code=disk-filling text="full in about 3 days"'
	gives 1 'WARNING'
	[[ $output == *'full in about 3 days'* ]]
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
	gives 0 "'web.dirty'=5000B;;;0;"
	gives 1 "dirty is 5000B" -w dirty=100
	gives 2 "'web.dirty'=5000B;100;4000;0;" -w dirty=100 -c dirty=4000
	gives 3 'not a range' -w dirty=9:1
	gives 3 'no such metric' -w wind=1
	gives 3 'no such option' -Z
	gives 3 'not within' -t 0
	gives 3 'no such module' -m nothere
	gives 3 'usage' -h
}
