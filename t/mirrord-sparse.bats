#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A file of ten terabytes that is nearly all hole: what a resync and a
# comparison cost is by its data.  Needs root for namespaces and mounts.

load lib
load mirror

setup_file()
{
	mirror_can_run
	[ -n "${HOLDFAST_LONG-}" ] || return 0
	# Of blocks of 4 KiB: smaller ones end at four terabytes a file.
	export MIRROR_SIZE=2G
	mirror_setup 2
	first_copy
}

setup() { [ -n "${HOLDFAST_LONG-}" ] || skip "HOLDFAST_LONG is not set"; }

teardown_file() { [ -z "${HOLDFAST_LONG-}" ] || mirror_teardown; }

teardown() { [ -n "${BATS_TEST_COMPLETED:-}" ] || mirror_dump; }

# scatter WORD M: on node 1 a thousand blocks of that word, one each 10 GiB, M MiB
# behind.
scatter()
{
	on 1 python3 - "$M/1/data/x/big" "$1" "$2" <<-'EOP'
		import os, sys
		f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o644)
		os.ftruncate(f, 10 << 40)
		for i in range(1000):
		    os.pwrite(f, sys.argv[2].encode() * 1024,
		        (i * 10 << 30) + (int(sys.argv[3]) << 20))
		os.fsync(f)
	EOP
}

# blocks N: its size, the data in it, and a sum of what is where.
blocks()
{
	on "$1" python3 - "$M/$1/data/x/big" <<-'EOP'
		import hashlib, os, sys
		f = os.open(sys.argv[1], os.O_RDONLY)
		at = n = 0
		h = hashlib.md5()
		while True:
		    try:
		        at = os.lseek(f, at, os.SEEK_DATA)
		    except OSError:
		        break
		    hole = os.lseek(f, at, os.SEEK_HOLE)
		    h.update(b"%d %d " % (at, hole))
		    h.update(os.pread(f, hole - at, at))
		    n += hole - at
		    at = hole
		print(os.fstat(f).st_size, n, h.hexdigest())
	EOP
}

same_blocks()
{
	[ "$(blocks 1 | cut -d ' ' -f 1)" -eq $((10 << 40)) ]
	[ "$(blocks 1)" = "$(blocks 2)" ]
}

# leave EPOCH: node 1 goes on without the other.
leave()
{
	ask 2 want role=none
	wait_until 10 "fact_is 2 role none"
	ask 1 want role=prim epoch="$1" set=self
	wait_until 5 "fact_is 1 alone 1"
}

# took WHAT BEGIN MOST
took()
{
	local ms=$(($(now_ms) - $2))

	echo "# $1: $ms ms" >&3
	[ "$ms" -le "$3" ]
}

@test "a thousand blocks are replicated where they are" {
	local begin

	begin=$(now_ms)
	scatter abcd 1
	took "written and synced on both" "$begin" 20000
	same_blocks
}

@test "a reunion sends what was written alone" {
	local begin

	leave 0.2.1
	scatter efgh 5
	begin=$(now_ms)
	join 1 2 0.2.1
	took reunion "$begin" 20000
	[ "$(fact 1 sent_bytes)" -le $((1100 * 4096)) ]
	same_blocks
}

@test "holes are compared as holes" {
	local begin

	begin=$(now_ms)
	ask 1 verify who=test
	wait_until 60 "fact_is 1 verify clean"
	took verify "$begin" 60000
	leave 0.3.1
	begin=$(now_ms)
	join 1 2 0.3.1 fullsync=1
	took "all of it compared" "$begin" 20000
	[ "$(fact 1 sent_bytes)" -eq 0 ]
	same_blocks
	for i in 1 2; do
		grep VmRSS "/proc/$(cat "$M/$i/mirrord")/status" >&3
	done
}
