#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Two mirrord, driven by lines and by the lease page in place of moduled: no
# reply without the lease, the fence, and epochs that rise on a connection.
# Needs root for namespaces and mounts.

load lib
load mirror

setup_file()
{
	mirror_can_run
	mirror_setup 2
	ask 1 want role=prim epoch=0.1.1 set=self fresh=1 >/dev/null
	await 1 5000 mounted=1 since=0.1.1
	on 1 sh -c "mkdir '$M/1/data/x/d'; echo one >'$M/1/data/x/one'"
}

teardown_file()
{
	for pid in "$M"/1/app.*; do
		[ ! -e "$pid" ] || kill -9 "$(cat "$pid")" 2>/dev/null || :
	done
	mirror_teardown
}

teardown() { [ -n "${BATS_TEST_COMPLETED:-}" ] || mirror_dump; }

# What the kernel has it gives without asking anybody.
uncached="dd if=one iflag=direct bs=4096 status=none"

# app NAME COMMAND: begins in the directory; $M/NAME has what it printed when
# it ended.
app()
{
	rm -f "$M/$1" "$M/$1.out"
	on 1 sh -c 'echo $$ >"$0"; exec >"$3.out" 2>&1
	    cd "$1" && eval "$2"; mv "$3.out" "$3"' \
	    "$M/1/app.$1" "$M/1/data/x" "$2" "$M/$1" 3>&- &
	wait_until 5 "[ -e $M/$1.out ] || [ -e $M/$1 ]"
}

# None has, although there was time: a worker looks each millisecond.
none_ended()
{
	local name

	not await 1 300 role=none 2>/dev/null
	for name; do
		[ ! -e "$M/$name" ] || { echo "$name ended"; return 1; }
	done
}

ended() { wait_until 5 "[ -e $M/$1 ]"; }

joined()
{
	await 1 5000 joined=1 alone=0 "epoch=$1"
	await 2 5000 level=1 "epoch=$1"
}

connections() { grep -c 'link: up, connection' "$M/1/log"; }

@test "no page: nothing is answered" {
	ask 1 want role=prim epoch=0.1.1 set=self lease=1
	await 1 2000 lease=over
	app read "$uncached"
	app change "echo two >two"
	app list "ls d"
	none_ended read change list
	# What says nothing about the data is answered.
	on 1 stat -f "$M/1/data/x"
	lease 1 600000
	ended read
	ended change
	ended list
	[ "$(cat "$M/read")" = one ]
	await 1 2000 lease=runs
}

@test "a lease that lapses holds syncs, a new one lets them go" {
	lease 1 400
	app sync "until [ -e $M/stop ]; do echo more >>log; sync log
	    echo >>$M/acks; done"
	wait_until 5 "[ -s $M/acks ]"
	await 1 5000 lease=over
	acks=$(stat -c %s "$M/acks")
	touch "$M/stop"
	none_ended sync
	[ "$(stat -c %s "$M/acks")" -eq "$acks" ]
	lease 1 600000
	ended sync
	[ "$(stat -c %s "$M/acks")" -eq $((acks + 1)) ]
}

@test "over is over at once, none is not enough for who needs one" {
	for value in over none; do
		lease 1 "$value"
		await 1 1000 lease=over
		app "read" "$uncached"
		none_ended "read"
		lease 1 600000
		ended "read"
	done
}

@test "a successor holds replies before it was told anything" {
	lease 1 over
	mirrord_kill 1
	app "read" "$uncached"
	mirrord_start 1
	await 1 2000 role=prim lease=over
	none_ended "read"
	lease 1 600000
	ended "read"
	ask 1 want role=prim epoch=0.1.1 set=self lease=1
	await 1 1000 lease=runs
}

@test "without lease=1 the page does not matter" {
	lease 1 over
	ask 1 want role=prim epoch=0.1.1 set=self lease=0
	await 1 1000 lease=none
	[ "$(on 1 head -n 1 "$M/1/data/x/one")" = one ]
}

@test "a join is at its own epoch, which is the joiner's since" {
	ask 2 want role=second epoch=0.1.1 primary=n1
	await 1 20000 ready=1
	n=$(connections)
	# A ballot of the primary changes nothing of what runs.
	ask 1 want role=prim epoch=0.1.1 set=self fence=0.2.1
	await 1 1000 fence=0.2.1 epoch=0.1.1 ready=1
	lease 1 600000
	ask 1 want role=prim epoch=0.2.1 set=both lease=1 fence=0.2.1
	ask 2 want role=second epoch=0.2.1 primary=n1
	joined 0.2.1
	await 2 0 since=0.2.1 fence=0.2.1
	await 1 0 since=0.1.1 fence=0.2.1
	on 1 sync "$M/1/data/x/one"
	[ "$(connections)" -eq "$n" ]
	same_trees
}

@test "a join that is voted on is not given up by itself" {
	# Out, and strict again.
	ask 1 want role=prim epoch=0.21.1 set=self
	await 1 5000 alone=1
	ask 2 want role=second epoch=0.21.1 primary=n1
	await 1 20000 ready=1
	lease 1 600000
	ask 1 want role=prim epoch=0.21.1 set=self lease=1 fence=0.22.1
	await 1 2000 fence=0.22.1 ready=1
	mirrord_kill 2
	await 1 5000 link=connecting ready=0
	app sync "echo voted >voted; sync voted"
	none_ended sync
	# No resync into what may be a member.
	mirrord_start 2
	ask 2 want role=second epoch=0.21.1 primary=n1
	not await 1 500 link=up 2>/dev/null
	none_ended sync
	# Given up before an accept left.
	ask 1 want role=prim epoch=0.21.1 set=self lease=0
	ended sync
	await 1 20000 ready=1
	# Chosen, and the connection broke meanwhile.
	ask 1 want role=prim epoch=0.21.1 set=self lease=1 fence=0.23.1
	await 1 2000 fence=0.23.1 ready=1
	mirrord_kill 2
	await 1 5000 ready=0
	app sync "echo chosen >chosen; sync chosen"
	none_ended sync
	ask 1 want role=prim epoch=0.23.1 set=both lease=1
	await 1 5000 "peer_failed=lost its place in the stream" alone=0
	none_ended sync
	mirrord_start 2
	await 2 0 level=0
	ask 1 want role=prim epoch=0.24.1 set=self
	ended sync
	ask 2 want role=second epoch=0.24.1 primary=n1
	await 1 20000 ready=1
	ask 1 want role=prim epoch=0.25.1 set=both lease=1
	ask 2 want role=second epoch=0.25.1 primary=n1
	joined 0.25.1
	same_trees
}

@test "an epoch rises under load, whoever hears of it first" {
	on 1 "$top_builddir/t/files/work" "$M/1/data/x" 2 7 >"$M/work" 3>&- &
	pid=$!
	n=$(connections)
	for e in 33 35 37; do
		ask 1 want role=prim epoch=0.$e.1 set=both lease=1
		await 1 1000 epoch=0.$e.1
		ask 2 want role=second epoch=0.$e.1 primary=n1
		await 2 1000 fence=0.$e.1
		on 1 sync "$M/1/data/x/one"
		e=$((e + 1))
		ask 2 want role=second epoch=0.$e.1 primary=n1
		await 2 1000 fence=0.$e.1
		on 1 sync "$M/1/data/x/one"
		ask 1 want role=prim epoch=0.$e.1 set=both lease=1
		await 1 1000 epoch=0.$e.1
		on 1 sync "$M/1/data/x/one"
	done
	wait $pid || { cat "$M/work"; false; }
	[ "$(connections)" -eq "$n" ]
	await 1 0 joined=1 peer_failed= link=up
	await 2 0 level=1 since=0.25.1
	same_trees
}

@test "the second's ballot ends the stream before it is told" {
	app sync "until [ -e $M/stop2 ]; do echo more >>log2; sync log2
	    echo >>$M/acks2; done"
	wait_until 5 "[ -s $M/acks2 ]"
	ask 2 want role=second epoch=0.38.1 primary=n1 fence=0.39.2
	await 2 5000 fence=0.39.2 link=down role=second level=1
	acks=$(stat -c %s "$M/acks2")
	# What was acknowledged is there; nothing is any more.
	[ "$(on 2 stat -c %s "$M/2/data/x/log2")" -ge $((acks * 5)) ]
	touch "$M/stop2"
	none_ended sync
	[ "$(stat -c %s "$M/acks2")" -eq "$acks" ]
	# Told the old epoch again, it takes nothing of it.
	ask 2 want role=second epoch=0.38.1 primary=n1
	await 2 0 link=down fence=0.39.2
	mirrord_kill 2
	mirrord_start 2
	[[ $(ask 2 want role=second epoch=0.38.1 primary=n1) == *old-epoch* ]]
	not await 1 500 link=up 2>/dev/null
	# L17: the primary goes above it, without the other.
	ask 1 want role=prim epoch=0.40.1 set=self
	ended sync
	ask 2 want role=second epoch=0.40.1 primary=n1
	await 1 20000 ready=1
	ask 1 want role=prim epoch=0.41.1 set=both lease=1
	ask 2 want role=second epoch=0.41.1 primary=n1
	joined 0.41.1
	await 2 0 since=0.41.1
	same_trees
}

@test "a stop does not wait for the lease: nobody is told anything by it" {
	# Dirty pages that the kernel has to get rid of.
	on 1 sh -c "head -c 65536 /dev/zero >'$M/1/data/x/dirty'"
	on 1 python3 -c 'import mmap, os, sys
f = open(sys.argv[1], "r+b"); m = mmap.mmap(f.fileno(), 0)
m[8192:8197] = b"dirty"; os._exit(0)' "$M/1/data/x/dirty"
	lease 1 over
	ask 1 want role=down
	await 1 10000 role=down mounted=0
	lease 1 600000
	ask 1 want role=prim epoch=0.50.1 set=self lease=1
	await 1 10000 mounted=1
	[ "$(on 1 sh -c "tr -d '\\0' <'$M/1/data/x/dirty'")" = dirty ]
}

@test "what was held is not answered when the role ends" {
	app "read" "$uncached && echo answered"
	ended "read"
	lease 1 over
	await 1 1000 lease=over
	app "read" "$uncached && echo answered"
	app sync "echo last >last && sync last && echo answered"
	none_ended "read" sync
	ask 1 want role=wait
	await 1 20000 role=wait lease=none
	# Killed, as who holds the mirror is.
	wait_until 5 "[ ! -e /proc/\$(cat $M/1/app.read) ]"
	wait_until 5 "[ ! -e /proc/\$(cat $M/1/app.sync) ]"
	! grep -sq answered "$M/read" "$M/sync" "$M/read.out" "$M/sync.out"
}
