#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What a return costs: as much as changed, whatever the size of the tree.
# HOLDFAST_LONG: 1,000 changed of 100,000 files.
# shellcheck disable=SC2016 # lines for wait_until

load lib

setup_file()
{
	lab_setup_file_ledger
}

setup()
{
	lab_setup
	FILES=4000 CHANGED=100
	if [ -n "${HOLDFAST_LONG-}" ]; then
		FILES=100000 CHANGED=1000
	fi
}

teardown()
{
	lab_teardown
}

teardown_file()
{
	lab_teardown_file
}

# Bytes a node has sent on both networks since its power on.
sent_by()
{
	on "$1" sh -c 'cat /sys/class/net/lan[12]/statistics/tx_bytes' |
	    awk '{ n += $1 } END { print n }'
}

# Objects a node's mirrord has opened since it was started.
opened_by()
{
	field opened "$(on "$1" sh -c 'echo status |
	    socat -t1 - UNIX:/run/holdfast/ledger/mirrord.sock' | tr '\n' ' ')"
}

# A tree of FILES files of 4 KiB in directories of 100.
tree_make()
{
	on n1 bash -c 'cd /srv/ledger && block=$(head -c 4095 /dev/zero |
	    tr "\0" x) && for ((i = 0; i < $1; i++)); do
		d=tree/$((i / 100))
		[ $((i % 100)) -ne 0 ] || mkdir -p $d
		echo "$block" >$d/$i
	done && sync -f .' bash "$FILES"
}

@test "a secondary that was away gets what changed" {
	local before sent total opened

	tree_make
	wait_until 60 'pair_is_level n1 n2'
	# What is newer than the last two checkpoints is compared in any case.
	for _ in 1 2 3; do
		on n1 sh -c 'echo checkpoint |
		    socat -t1 - UNIX:/run/holdfast/ledger/mirrord.sock'
		sleep 1	# asked for: nothing tells when it is over
	done
	"$LAB" power off n2
	wait_state 20 n1 ALONE
	on n1 bash -c 'cd /srv/ledger/tree && for ((i = 0; i < $1; i++)); do
		f=$((i * ($2 / $1)))
		echo changed >>$((f / 100))/$f
	done && echo new >new && mv 0/1 0/renamed && rm 0/2 && sync -f .' \
	    bash "$CHANGED" "$FILES"
	before=$(sent_by n1)
	opened=$(opened_by n1)
	"$LAB" power on n2
	wait_until 120 'pair_is_level n1 n2'
	sent=$(($(sent_by n1) - before))
	opened=$(($(opened_by n1) - opened))
	total=$((FILES * 4096))
	echo "# $CHANGED of $FILES files changed: $sent bytes sent of" \
	    "$total in the tree, objects opened: $opened on the primary," \
	    "$(opened_by n2) on the secondary" >&3
	[ "$opened" -lt $((CHANGED * 6 + 200)) ]
	[ "$(opened_by n2)" -lt $((CHANGED * 6 + 200)) ]
	# Two blocks a changed file, their answers and heartbeats: a fifth of
	# the tree at most, when a fortieth of it changed.
	[ "$sent" -lt $((total / 5)) ]
	trees_are_equal
}

@test "a primary that lost its power gets what was in flight" {
	local before sent

	load_start
	# New directories, whose names have one record each (rule R16).
	on n1 bash -c 'echo checkpoint |
	    socat -t1 - UNIX:/run/holdfast/ledger/mirrord.sock
	mkdir /srv/ledger/fresh && cd /srv/ledger/fresh &&
	for ((d = 0; ; d++)); do
		mkdir $d && for f in {1..30}; do echo $d >$d/$f; done
		rm $d/9 && mv $d/7 $((d / 2))/of-$d
	done >/dev/null 2>&1 &'
	wait_until 20 'on n1 test -d /srv/ledger/fresh/20'
	"$LAB" power off n1
	wait_state 20 n2 ALONE
	load_goes_on 10
	load_stop
	before=$(sent_by n2)
	"$LAB" power on n1
	wait_until 120 'pair_is_level n2 n1'
	sent=$(($(sent_by n2) - before))
	echo "# after a takeover: $sent bytes sent" >&3
	[ "$sent" -lt 33554432 ]
	trees_are_equal
	verify
}

@test "what a lone primary never synced is not forgotten after the reunion" {
	pair_restore
	on n1 bash -c 'mkdir /srv/ledger/unsynced && cd /srv/ledger/unsynced &&
	    for i in {1..9}; do echo old >$i; sync $i; done'
	"$LAB" power off n2
	wait_state 20 n1 ALONE
	# Nobody syncs it here, and the reunion copies it.
	on n1 bash -c 'cd /srv/ledger/unsynced && for i in {1..9}; do
		echo changed >>$i; done; echo new >new'
	"$LAB" power on n2
	wait_until 60 'pair_is_level n1 n2'
	"$LAB" power off n1
	wait_state 20 n2 ALONE
	"$LAB" power on n1
	wait_until 60 'pair_is_level n2 n1'
	[ "$(on n2 cat /srv/ledger/unsynced/9)" = "old
changed" ]
	trees_are_equal
}

@test "writes go on while a secondary comes back" {
	local start gap

	pair_restore
	load_start
	"$LAB" power off n2
	wait_state 20 n1 ALONE
	on n1 bash -c 'cd /srv/ledger && head -c 67108864 /dev/urandom >big &&
	    sync big'
	load_goes_on 10
	start=$(now_ms)
	"$LAB" power on n2
	wait_until 120 'pair_is_level n1 n2'
	gap=$(gap_since "$start")
	echo "# longest pause while 64 MiB were copied: $gap ms" >&3
	[ "$gap" -lt 2000 ]
	# Both tell of it.
	for node in n1 n2; do
		wait_until 5 "on $node holdfast log -A $MODULE |
		    grep -A 20 'resync: begins: what changed while apart' |
		    grep -q 'resync: both nodes hold the same, after'"
	done
	load_stop
	verify
	trees_are_equal
}
