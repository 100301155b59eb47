#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What was changed in the directories while the module was stopped (rule
# R42): two mirrord, driven by lines.  Needs root for namespaces and mounts.

load lib
load mirror

setup_file()
{
	mirror_can_run
	mirror_setup 2
	E=1
	ask 1 want role=prim epoch=0.1.1 set=self fresh=1 >/dev/null
	await 1 5000 mounted=1
	on 1 sh -c "cd '$M/1/data/x'; mkdir -p d/e; for i in 1 2 3 4 5 6 7 8; do
	    echo \$i >d/f\$i; echo \$i >d/e/g\$i; done; ln -s f1 d/l"
	join
}

setup() { E=$(cat "$M/epoch" 2>/dev/null || echo 1); }

teardown_file() { mirror_teardown; }

teardown() { [ -n "${BATS_TEST_COMPLETED:-}" ] || mirror_dump; }

join()
{
	ask 2 want role=second "epoch=0.$E.1" primary=n1 >/dev/null
	await 1 20000 ready=1
	ask 1 want role=prim "epoch=0.$E.1" set=both >/dev/null
	await 1 5000 joined=1 alone=0
	await 2 5000 level=1 edited=0
}

# next: alone in the next epoch.
next()
{
	E=$((E + 1))
	echo $E >"$M/epoch"
	ask 1 want role=prim "epoch=0.$E.1" set=self "$@" >/dev/null
	await 1 10000 mounted=1 alone=1 "epoch=0.$E.1"
}

stop()
{
	ask "$1" want role=none >/dev/null
	await "$1" 10000 role=none
}

stop_both()
{
	stop 2
	next
	stop 1
}

# said N TEXT: in the log of this life.
said() { tail -n +$((LINE + 1)) "$M/$1/log" | grep -q "$2"; }

since() { LINE=$(wc -l <"$M/$1/log"); }

@test "nothing was changed: nothing is found, and little is compared" {
	stop_both
	since 1
	next
	await 1 5000 sweep=0
	join
	said 1 '[^0-9]0 changes were made'
	since 2
	not said 2 'changed while'
	[ "$(fact 1 files)" -lt 3 ]
	same_trees
}

@test "what was edited on the primary reaches the other node" {
	stop_both
	# Old times do not hide it, nor does the same size.
	on 1 sh -c "cd '$M/1/data/x/d'
	    touch -r f1 ../ref; echo X >f1; touch -r ../ref f1
	    touch -r . ../ref; mv f2 e/moved; rm f3; echo new >new
	    cp -a e copy; chmod 600 f4; ln f5 hard; touch -r ../ref .
	    rm ../ref; rm l; ln -s f5 l"
	since 1
	next
	await 1 5000 sweep=0
	said 1 'changed while the module was stopped: f1'
	join
	same_trees
	[ "$(on 2 cat "$M/2/data/x/d/f1")" = X ]
}

@test "what was edited on the other node is not overwritten unasked" {
	stop_both
	on 2 sh -c "cd '$M/2/data/x/d'; echo mine >f6; echo mine >own"
	next
	ask 2 want role=second "epoch=0.$E.1" primary=n1
	await 2 10000 edited=1 code=diverged
	[[ $(fact 2 error) == *"was changed while the module was stopped"* ]]
	[ "$(on 2 cat "$M/2/data/x/d/f6")" = mine ]
	# Neither a successor nor another stop forgets it.
	mirrord_kill 2
	mirrord_start 2
	stop 2
	ask 2 want role=second "epoch=0.$E.1" primary=n1
	await 2 10000 edited=1 code=diverged
	[ "$(on 2 cat "$M/2/data/x/d/own")" = mine ]
	ask 2 want role=second "epoch=0.$E.1" primary=n1 fullsync=1
	await 1 20000 ready=1
	ask 1 want role=prim "epoch=0.$E.1" set=both
	await 2 5000 level=1 edited=0
	same_trees
	[ "$(on 2 cat "$M/2/data/x/d/f6")" = 6 ]
	# What was overwritten is set aside.
	stop 2
	on 2 grep -rlx mine "$M/2/data/x/.holdfast/diverged" >"$M/aside"
	grep -q '/d/f6$' "$M/aside"
	grep -q '/d/own$' "$M/aside"
}

@test "or it becomes the primary, and they are its changes" {
	stop_both
	on 2 sh -c "echo mine >'$M/2/data/x/d/f7'"
	ask 2 want role=wait
	await 2 10000 role=wait edited=1
	E=$((E + 1)); echo $E >"$M/epoch"
	ask 2 want role=prim "epoch=0.$E.2" set=self
	await 2 10000 mounted=1 edited=0
	ask 1 want role=second "epoch=0.$E.2" primary=n2 fullsync=1
	await 2 20000 ready=1
	ask 2 want role=prim "epoch=0.$E.2" set=both
	await 1 5000 level=1
	same_trees
	[ "$(on 1 cat "$M/1/data/x/d/f7")" = mine ]
	stop 1
	E=$((E + 1)); echo $E >"$M/epoch"
	ask 2 want role=prim "epoch=0.$E.2" set=self
	await 2 5000 alone=1
	stop 2
	next fullsync=0
	join_with_leave
}

join_with_leave()
{
	ask 2 want role=second "epoch=0.$E.1" primary=n1 fullsync=1 >/dev/null
	await 1 20000 ready=1
	ask 1 want role=prim "epoch=0.$E.1" set=both >/dev/null
	await 2 5000 level=1
}

@test "who changed it by hand and said so is not asked" {
	stop_both
	on 2 sh -c "echo hand >'$M/2/data/x/d/f8'"
	on 1 sh -c "echo by >'$M/1/data/x/d/f8'"
	next compare=1
	ask 2 want role=second "epoch=0.$E.1" primary=n1 compare=1
	await 1 20000 ready=1
	ask 1 want role=prim "epoch=0.$E.1" set=both
	await 2 5000 level=1 edited=0
	same_trees
	[ "$(on 2 cat "$M/2/data/x/d/f8")" = by ]
}

@test "after a crash nobody looks: the logs tell" {
	stop_both
	next
	await 1 5000 sweep=0
	join
	mirrord_kill 2
	kill -9 "$(cat "$M/2/keepd")"
	keepd_start 2
	since 2
	mirrord_start 2
	next
	join
	not said 2 'changes were made'
	same_trees
}

@test "a clock that was set back: everything is compared" {
	stop_both
	mirrord_kill 1
	# A clean stop in the future is all that a clock set back is.
	python3 - "$M/1/var/lib/holdfast/m/gen" <<-'EOP'
		import struct, sys
		def crc32c(data):
		    crc = 0xffffffff
		    for byte in data:
		        crc ^= byte
		        for _ in range(8):
		            crc = (crc >> 1) ^ (0x82f63b78 if crc & 1 else 0)
		    return crc ^ 0xffffffff
		f = open(sys.argv[1], "r+b")
		for slot in 0, 1:
		    f.seek(slot * 4096)
		    b = bytearray(f.read(4096))
		    # Where holdfast-failures(7) says it is.
		    at = 96 + 4 * 13 + 4 + 11 * 16
		    struct.pack_into(">q", b, at, 2 << 60)
		    struct.pack_into(">I", b, 4, 0)
		    struct.pack_into(">I", b, 4, crc32c(bytes(b)))
		    f.seek(slot * 4096)
		    f.write(b)
	EOP
	since 1
	mirrord_start 1
	next
	await 1 5000 dirty_all=1 sweep=0
	said 1 'clock was set back since'
	join
	same_trees
}
