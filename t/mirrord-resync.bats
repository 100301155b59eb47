#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A resync with a bound of bytes a second.  Needs root.

load lib
load mirror

setup_file()
{
	mirror_can_run
	export MIRROR_CONF="resync_kbs = 4000"
	mirror_setup 2
}
teardown_file() { mirror_teardown; }

teardown() { [ -n "${BATS_TEST_COMPLETED:-}" ] || mirror_dump; }

@test "the first copy, all of it data, takes as long as is allowed" {
	local begin ms

	on 1 sh -c "head -c 8000000 /dev/urandom >'$M/1/data/x/big'"
	ask 1 want role=prim epoch=0.1.1 set=self fresh=1
	wait_until 5 "fact_is 1 mounted 1"
	begin=$(now_ms)
	join 1 2 0.1.1
	ms=$(($(now_ms) - begin))
	echo "# 8 MB at 4 MB/s: $ms ms" >&3
	[ "$(fact 1 sent_bytes)" -ge 8000000 ]
	[ "$ms" -ge 1800 ]
	[ "$ms" -lt 4000 ]
	same_trees
}

@test "what is written meanwhile is not held back" {
	local ms begin pid

	mirrord_kill 2
	ask 1 want role=prim epoch=0.2.1 set=self
	wait_until 5 "fact_is 1 alone 1"
	on 1 sh -ec "cd '$M/1/data/x'; head -c 8000000 /dev/urandom >big
	    sync big"
	mirrord_start 2
	join 1 2 0.2.1 3>&- &
	pid=$!
	wait_until 5 "[ \"\$(fact 1 sent_bytes)\" -gt 1000000 ]"
	begin=$(now_ms)
	on 1 sh -ec "cd '$M/1/data/x'; head -c 20000000 /dev/zero >more
	    sync more"
	ms=$(($(now_ms) - begin))
	# Both nodes tell how far it is.
	[ "$(fact 2 total_bytes)" -ge 8000000 ]
	[ "$(fact 2 done_bytes)" -gt 0 ]
	echo "# 20 MB written and synced beside it: $ms ms" >&3
	[ "$ms" -lt 3000 ]
	wait $pid
	same_trees
}

# lose 2: its record is gone, and what tar says is its directory.
lose()
{
	on 2 sh -ec "cd '$M/2'; rm -rf data/x; mkdir data/x
	    cd var/lib/holdfast/m; rm -f gen al dirty index*"
	on 1 tar -C "$M/1/data/x" --exclude .holdfast --format posix -cf - . |
	    on 2 tar -C "$M/2/data/x" -xpf -
}

@test "a directory that was seeded is compared, and only what differs travels" {
	local sent

	ask 2 want role=none
	wait_until 10 "fact_is 2 role none"
	mirrord_kill 2
	ask 1 want role=prim epoch=0.3.1 set=self
	wait_until 5 "fact_is 1 alone 1"
	on 1 sh -ec "cd '$M/1/data/x'; mkdir -p a/b
	    head -c 3000000 /dev/urandom >a/b/data; ln -s data a/b/link
	    setfattr -n user.k -v v a/b/data; sync a/b/data"
	# A disk that came by post: a copy of a while ago, and no record.
	lose 2
	on 1 sh -ec "cd '$M/1/data/x'
	    printf changed | dd of=a/b/data bs=1 seek=5000 conv=notrunc
	    rm more; echo new >a/new; sync a/new" 2>/dev/null
	mirrord_start 2
	fact_is 2 new 1
	join 1 2 0.3.1
	sent=$(fact 1 sent_bytes)
	echo "# of $(on 1 du -sb "$M/1/data/x" | cut -f 1) bytes $sent sent" >&3
	[ "$sent" -lt 200000 ]
	same_trees
}

@test "of a copy of a known time only what changed since is read" {
	local since files

	ask 2 want role=none
	wait_until 10 "fact_is 2 role none"
	mirrord_kill 2
	ask 1 want role=prim epoch=0.4.1 set=self
	wait_until 5 "fact_is 1 alone 1"
	on 1 sh -ec "cd '$M/1/data/x'; mkdir many; cd many
	    for i in \$(seq 50); do echo \$i >\$i; done
	    echo same >sly; echo same >size; echo own >time; sync ."
	lose 2
	since=$(date +%s)
	wait_until 5 '[ "$(date +%s)" -gt '"$since"' ]'
	since=$((since + 1))
	# Newer here; as old as before, but by hand; another size, or time, there.
	on 1 sh -ec "cd '$M/1/data/x/many'; echo new >1
	    echo fake >sly; touch -d @1000000000 sly; sync ."
	on 2 sh -ec "cd '$M/2/data/x/many'; touch -d @1000000000 sly
	    touch -r size ref; echo more >>size; touch -r ref size; rm ref
	    echo bad >time"
	mirrord_start 2
	join 1 2 0.4.1 since="$since"
	files=$(fact 1 files)
	echo "# $files files opened" >&3
	[ "$files" -le 6 ]
	grep 'were taken as equal by size and times' "$M/1/log"
	same_trees
}
