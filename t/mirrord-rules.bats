#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Two mirrord, driven by lines: rules of HACKING, section 6, that the other
# suites do not come by.  Needs root for namespaces and mounts.

load lib
load mirror

setup_file()
{
	mirror_can_run
	mirror_setup 2
	ask 1 want role=prim epoch=0.1.1 set=self fresh=1 >/dev/null
	await 1 5000 mounted=1
	on 1 sh -c "cd '$M/1/data/x'; for i in 1 2 3 4 5 6 7 8; do
	    echo \$i >f\$i; done"
	join 0.1.1
}

teardown_file() { mirror_teardown; }

teardown() { [ -n "${BATS_TEST_COMPLETED:-}" ] || mirror_dump; }

join()
{
	ask 2 want role=second "epoch=$1" primary=n1 >/dev/null
	await 1 20000 ready=1
	ask 1 want role=prim "epoch=$1" set=both >/dev/null
	await 1 5000 joined=1 alone=0
	await 2 5000 level=1
}

# stopped N: clean, its daemon ended.
stopped()
{
	ask "$1" want role=none >/dev/null
	await "$1" 10000 role=none
	# A role that was refused is none already, before all is given back.
	wait_until 10 "not on $1 mountpoint -q '$M/$1/data/x'"
	mirrord_kill "$1"
}

state() { echo "$M/$1/var/lib/holdfast/m/$2"; }

@test "R12: hot until it is durable on the peer, of this stream" {
	has_failpoints || skip "needs ./configure --enable-failpoints"
	# Many sequences of one stream, then another one that begins anew.
	on 1 sh -c "cd '$M/1/data/x'; for i in \$(seq 200); do
	    echo \$i >n\$i; done; sync n1"
	ask 1 checkpoint
	ask 1 want role=none
	await 1 10000 role=none
	ask 1 want role=prim epoch=0.2.1 set=self
	await 1 10000 mounted=1
	join 0.2.1
	kill -STOP "$(cat "$M/2/mirrord")"
	# The step after the peer's mark was taken for durable.
	echo mirrord:22 >"$M/1/run/holdfast/fail"
	on 1 sh -c "echo late >'$M/1/data/x/f1'"
	ask 1 checkpoint
	not await 1 1500 role=none 2>/dev/null
	not mirrord_is_gone 1
	kill -CONT "$(cat "$M/2/mirrord")"
	wait_until 10 "mirrord_is_gone 1"
	mirrord_start 1
	await 1 10000 link=up joined=1
}

@test "R21: the record says that no log tells what changed" {
	ask 1 want role=prim epoch=0.2.1 set=both compare=1
	await 1 2000 dirty_all=1 joined=1
	ask 1 want role=prim epoch=0.2.1 set=both
}

@test "R22: a damaged log is remembered until all was compared" {
	mirrord_kill 2
	ask 1 want role=prim epoch=0.3.1 set=self
	await 1 5000 alone=1
	mirrord_start 2
	join 0.3.1
	await 1 0 dirty_all=0
	stopped 2
	ask 1 want role=prim epoch=0.4.1 set=self
	await 1 5000 alone=1
	dd if=/dev/urandom of="$(state 2 al)" bs=4096 count=128 conv=notrunc \
	    status=none
	# Nobody knows what was hot: not the first life after it, not the next.
	mirrord_start 2
	ask 2 want role=wait
	await 2 5000 role=wait dirty_all=1
	stopped 2
	mirrord_start 2
	ask 2 want role=wait
	await 2 5000 role=wait dirty_all=1
	join 0.4.1
	await 2 0 dirty_all=0
	same_trees
	stopped 1
	rm "$(state 1 dirty)"
	mirrord_start 1
	ask 1 want role=prim epoch=0.5.1 set=self
	await 1 5000 mounted=1 dirty_all=1
	join 0.5.1
	await 1 0 dirty_all=0
	same_trees
}

@test "R23: a directory put back alone is not level" {
	stopped 2
	n=$(getfattr --absolute-names --only-values -n \
	    trusted.holdfast.session "/proc/$(cat "$M/2/ns")/root$M/2/data/x")
	on 2 setfattr -n trusted.holdfast.session -v "$((10#$n - 1))" \
	    "$M/2/data/x"
	mirrord_start 2
	ask 2 want role=prim epoch=0.6.2 set=self
	await 2 5000 code=not-level level=0 mounted=0
	ask 2 want role=wait
	await 2 5000 role=wait
	ask 1 want role=prim epoch=0.7.1 set=self
	await 1 5000 alone=1
	join 0.7.1
	same_trees
}

@test "what tocheck names must be there, and the record stays as it is" {
	stopped 2
	conf=$M/2/var/lib/holdfast/m/config/1/mirrord.conf
	cp "$conf" "$M/conf"
	echo "tocheck = {\"$M/2/data/x/f8\"}" >>"$conf"
	on 2 mv "$M/2/data/x" "$M/2/data/away"
	on 2 mkdir "$M/2/data/x"
	mirrord_start 2
	ask 2 want role=prim epoch=0.7.9 set=self
	await 2 5000 code=directory mounted=0
	fact 2 error | grep -q "x/f8: No such file.*tocheck"
	# Mounted late: nothing was withdrawn, and it goes on by itself.
	on 2 sh -c "cd '$M/2/data' && rm -rf x/.holdfast && rmdir x &&
	    mv away x"
	mirrord_kill 2
	mirrord_start 2
	ask 2 want role=wait
	await 2 5000 role=wait level=1
	stopped 2
	echo 'tocheck = {"/somewhere/else"}' >>"$M/conf"
	cp "$M/conf" "$conf"
	run on 2 "$top_builddir/bin/mirrord/mirrord" -n -M m
	[ "$status" -eq 78 ]
	[[ $output == *"/somewhere/else' is in none of the directories"* ]]
	sed '$d' "$M/conf" >"$conf"
	mirrord_start 2
	ask 1 want role=prim epoch=0.7.9 set=self
	await 1 5000 alone=1
	join 0.7.9
	same_trees
}

@test "R23: a directory that is not there is not level" {
	stopped 2
	on 2 mv "$M/2/data/x" "$M/2/data/away"
	on 2 mkdir "$M/2/data/x"
	mirrord_start 2
	ask 2 want role=prim epoch=0.8.2 set=self
	await 2 5000 code=not-level level=0 mounted=0
	stopped 2
	on 2 rmdir "$M/2/data/x/.holdfast" "$M/2/data/x"
	on 2 mv "$M/2/data/away" "$M/2/data/x"
	# It was said durably; the right directory does not take it back.
	mirrord_start 2
	ask 2 want role=wait
	await 2 5000 role=wait level=0
	ask 1 want role=prim epoch=0.9.1 set=self
	await 1 5000 alone=1
	join 0.9.1
	same_trees
}

@test "R23: a directory that stays empty gets everything" {
	stopped 2
	on 2 sh -c "cd '$M/2/data' && rm -rf x && mkdir x"
	mirrord_start 2
	ask 1 want role=prim epoch=0.10.1 set=self
	await 1 5000 alone=1
	join 0.10.1
	same_trees
	[ "$(on 2 cat "$M/2/data/x/f8")" = 8 ]
}

@test "R23: a crash between the two numbers is none of that" {
	has_failpoints || skip "needs ./configure --enable-failpoints"
	for count in 1 2; do
		stopped 2
		mirrord_armed 2 "29:$count"
		ask 2 want role=second epoch=0.1$count.1 primary=n1 \
		    >/dev/null || :
		wait_until 10 "mirrord_is_gone 2"
		kill -9 "$(cat "$M/2/keepd")"
		keepd_start 2
		mirrord_start 2
		ask 2 want role=wait
		await 2 5000 role=wait level=1
		ask 1 want role=prim epoch=0.1$count.1 set=self
		await 1 5000 alone=1
		join 0.1$count.1
	done
	same_trees
}

@test "L14: receipts are acknowledgements, whoever configured them" {
	await 2 0 unclean=0
	sed -i 's/async = .*/async = "second"/' \
	    "$(state 1 config/1/mirrord.conf)"
	mirrord_kill 1
	mirrord_start 1
	await 1 10000 joined=1 async=second link=up
	on 1 sh -c "echo receipt >'$M/1/data/x/f3'; sync '$M/1/data/x/f3'"
	await 2 0 unclean=1 async=none
	# R6: received is in the kernel, which outlives the daemon.
	# A crash of the node, not of the daemon alone.
	mirrord_kill 2
	[ "$(on 2 cat "$M/2/data/x/f3")" = receipt ]
	mirrord_start 2
	await 2 5000 level=1
	mirrord_kill 2
	kill -9 "$(cat "$M/2/keepd")"
	keepd_start 2
	mirrord_start 2
	await 2 5000 level=0
}

@test "L15: who lost its place in the stream leaves the set before a resync" {
	sed -i 's/async = .*/async = "none"/' \
	    "$(state 1 config/1/mirrord.conf)"
	mirrord_kill 1
	mirrord_start 1
	ask 2 want role=wait
	ask 1 want role=prim epoch=0.13.1 set=self
	await 1 5000 alone=1
	join 0.13.1
	# Without keepd nothing tells how far it had got.
	mirrord_kill 2
	kill -9 "$(cat "$M/2/keepd")"
	keepd_start 2
	mirrord_start 2
	ask 2 want role=second epoch=0.13.1 primary=n1
	await 1 5000 "peer_failed=lost its place in the stream"
	not await 1 500 phase=actlog 2>/dev/null
	await 2 0 resyncing= level=1
	# It is still one: nothing is acknowledged without it.
	on 1 sh -c "echo more >'$M/1/data/x/f4'; sync '$M/1/data/x/f4'
	    : >'$M/acked'" 3>&- &
	not wait_until 1 "[ -e '$M/acked' ]" 2>/dev/null
	ask 1 want role=prim epoch=0.14.1 set=self
	wait_until 5 "[ -e '$M/acked' ]"
	join 0.14.1
	same_trees
}
