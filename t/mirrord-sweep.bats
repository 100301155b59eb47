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

# in_aside N PATH: what is set aside of it, in the newest set.
in_aside()
{
	local set

	set=$(ls -d "/proc/$(cat "$M/$1/ns")/root$M/$1/data/x/.holdfast/"diverged/* |
	    sort -V | tail -n 1)
	cat "$set/$2"
}

# follow_alone: 2 follows 1 with nobody's leave.
follow_alone()
{
	ask 2 want role=second "epoch=0.$E.1" primary=n1
	await 1 20000 ready=1
	ask 1 want role=prim "epoch=0.$E.1" set=both
	await 1 5000 joined=1
	await 2 5000 level=1 edited=0 diverged=
}

@test "what was edited on the other node is set aside unasked" {
	stop_both
	on 2 sh -c "cd '$M/2/data/x/d'; echo mine >f6; echo mine >own
	    rm f4; chmod 604 f1; mv e/g1 e/gone; echo 8 >e/g8
	    cp -p f7 t; mv t f7; touch f5 e; setfattr -n user.by -v me f8"
	next
	ask 2 want role=wait
	await 2 10000 role=wait edited=1
	# A successor does not forget it.
	mirrord_kill 2
	mirrord_start 2
	ask 2 want role=wait
	await 2 10000 edited=1
	since 2
	LINE1=$(wc -l <"$M/1/log")
	follow_alone
	same_trees
	[ "$(on 2 cat "$M/2/data/x/d/f6")" = 6 ]
	# Not every object was compared.
	tail -n +$((LINE1 + 1)) "$M/1/log" |
	    grep -q 'gets what changed while it was away; its directory was'
	said 2 'what was changed here while the module was stopped lies in'
	stop 2
	[ "$(in_aside 2 files/d/f6)" = mine ]
	[ "$(in_aside 2 files/d/own)" = mine ]
	in_aside 2 LIST >"$M/list"
	grep -qx 'by edits' "$M/list"
	# What is the same when it is compared, and what was removed, is not.
	cat >"$M/want" <<-EOF
		changed file d/f1
		changed file d/f6
		changed file d/f8
		new file d/e/gone
		new file d/own
	EOF
	sed '1,5d; /^end/d; s/ [0-9]* / /' "$M/list" | sort |
	    diff "$M/want" -
	on 2 rm -rf "$M/2/data/x/.holdfast/diverged"
}

@test "stopped and edited again before it was level: all of it is set aside" {
	stop_both
	on 2 sh -c "echo once >'$M/2/data/x/d/f6'"
	next
	ask 2 want role=wait
	await 2 10000 role=wait edited=1
	stop 2
	# In place, so that no directory tells.
	on 2 sh -c "printf t >'$M/2/data/x/d/f7'"
	follow_alone
	same_trees
	stop 2
	[ "$(in_aside 2 files/d/f6)" = once ]
	[ "$(in_aside 2 files/d/f7)" = t ]
	on 2 rm -rf "$M/2/data/x/.holdfast/diverged"
}

@test "times alone are nothing to keep" {
	stop_both
	on 2 sh -c "cd '$M/2/data/x/d'; touch f1 f5 . e ..; chmod 640 f6
	    chmod --reference=f5 f6; cp f5 t; cat t >f5; rm t"
	next
	follow_alone
	same_trees
	[ "$(fact 2 aside)" = "" ]
	[ "$(ls -A "/proc/$(cat "$M/2/ns")/root$M/2/data/x/.holdfast/diverged")" = "" ]
}

@test "room that lacks for it is said, and waited for" {
	stop_both
	on 2 sh -c "cd '$M/2/data/x'; dd if=/dev/urandom of=d/f6 bs=1M count=40 \
	    status=none; sync; fallocate -l \$((\$(df --output=avail -B1 . |
	    tail -n 1) - (20 << 20))) ../pad"
	next
	ask 2 want role=second "epoch=0.$E.1" primary=n1
	# It is tried again and again: for moments it says nothing.
	wait_until 20 'fact_is 2 code diverged-no-space'
	wait_until 20 '[ "$(fact 2 aside_need)" -ge $((40 << 20)) ]'
	wait_until 20 'n=$(fact 2 aside_have)
	    [ "$n" -gt 0 ] && [ "$n" -lt $((21 << 20)) ]'
	on 2 sh -c "rm '$M/2/data/pad'"
	follow_alone
	same_trees
	stop 2
	[ "$(in_aside 2 files/d/f6 | wc -c)" -eq $((40 << 20)) ]
	on 2 rm -rf "$M/2/data/x/.holdfast/diverged"
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

# now_is N SECONDS: what the clock of that mirrord is wrong by.
now_is()
{
	echo "$2s" >"$M/clock.new"
	mv "$M/clock.new" "$M/clock"
	[ "$2" = +0 ] || wait_until 5 "on $1 sh -c \"env - \
	    LD_PRELOAD=$FAKETIME FAKETIME_TIMESTAMP_FILE=$M/clock date +%s\" |
	    awk '{ exit \$1 < $(date +%s) + 1000 }'"
}

@test "a clock set back before the stop: what is edited then is set aside" {
	FAKETIME=$(echo /usr/lib/*/faketime/libfaketime.so.1)
	[ -r "$FAKETIME" ] || skip "needs libfaketime"
	! grep -q -e -fsanitize=address "$top_builddir/config.status" ||
	    skip "nothing is preloaded before the address sanitizer"
	stop_both
	mirrord_kill 2
	now_is 2 +3600
	LD_PRELOAD=$FAKETIME FAKETIME_TIMESTAMP_FILE=$M/clock \
	    FAKETIME_CACHE_DURATION=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \
	    FAKETIME_FORCE_MONOTONIC_FIX=0 mirrord_start 2
	next
	join
	now_is 2 +0
	sleep 2		# libfaketime looks again each second
	stop 2
	on 2 sh -c "cd '$M/2/data/x/d'; echo mine >f6; echo mine >own"
	mirrord_kill 2
	mirrord_start 2
	ask 2 want role=wait
	await 2 10000 role=wait edited=1
	next
	on 1 sh -c "echo new >'$M/1/data/x/d/f7'"
	follow_alone
	same_trees
	[ "$(on 2 cat "$M/2/data/x/d/f6")" = 6 ]
	[ "$(on 2 cat "$M/2/data/x/d/f7")" = new ]
	stop 2
	[ "$(in_aside 2 files/d/f6)" = mine ]
	[ "$(in_aside 2 files/d/own)" = mine ]
	# What differs without having been edited is not kept.
	[ "$(in_aside 2 files/d/f7)" = "" ]
}
