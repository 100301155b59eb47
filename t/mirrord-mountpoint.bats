#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A replicated directory that is the root of a file system of its own: what is
# each node's own in it stays there.  Needs root for namespaces and mounts.

load lib
load mirror

setup_file()
{
	mirror_can_run
	export MIRROR_MORE=m
	mirror_setup 2
	for i in 1 2; do
		truncate -s 60M "$M/$i/more"
		mkfs.ext4 -q "$M/$i/more"
		on $i mount -o loop "$M/$i/more" "$M/$i/data/m"
		# Different ones, which nobody may take for a difference.
		on $i sh -c "echo $i >'$M/$i/data/m/lost+found/kept'"
	done
	first_copy
}

teardown_file() { mirror_teardown; }

teardown() { [ -n "${BATS_TEST_COMPLETED:-}" ] || mirror_dump; }

same_roots()
{
	for i in 1 2; do
		tree $i "$M/$i/data/m" | grep -v "lost+found" >"$M/root.$i"
	done
	diff "$M/root.1" "$M/root.2"
}

@test "lost+found is not shown, not made, not removed" {
	run on 1 ls -A "$M/1/data/m"
	[ -z "$output" ]
	for cmd in mkdir touch "ln -s x"; do
		# shellcheck disable=SC2086 # words
		run on 1 $cmd "$M/1/data/m/lost+found"
		[[ $output == *"not permitted"* ]]
	done
	run on 1 rmdir "$M/1/data/m/lost+found"
	[[ $output == *"No such file"* ]]
	# Elsewhere it is a name like any other.
	on 1 mkdir -p "$M/1/data/m/d/lost+found" "$M/1/data/x/lost+found"
}

@test "what applications do is done on both" {
	on 1 "$top_builddir/t/files/ops" "$M/1/data/m" >/dev/null
	on 1 sync "$M/1/data/m/d"
	same_roots
	# Between the two directories, as between file systems.
	on 1 mv "$M/1/data/m/punch" "$M/1/data/x/moved"
	on 1 sync "$M/1/data/x/moved"
	same_trees
}

@test "the other node takes over, and each keeps its own" {
	hand_over 1 2 0.2.2
	on 2 sh -c "echo after >'$M/2/data/m/after'"
	join 2 1 0.2.2
	on 2 sync "$M/2/data/m/after"
	same_roots
	ask 2 want role=none
	wait_until 10 "fact_is 2 role none"
	for i in 1 2; do
		[ "$(on $i cat "$M/$i/data/m/lost+found/kept")" = $i ]
	done
}
