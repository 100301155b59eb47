#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A mirrord that was killed takes a change up again, and the peer gets it
# twice, or finds it half made.  Each kind of change at each step where that
# can be; then what comes after it must still reach the peer.  And what the
# peer could not do is known after a kill of both.  Needs root.

load lib
load mirror

setup_file()
{
	mirror_can_run
	has_failpoints || skip "needs ./configure --enable-failpoints"
	mirror_setup 2
}
teardown_file() { mirror_teardown; }

teardown() { [ -n "${BATS_TEST_COMPLETED:-}" ] || mirror_dump; }

# killed_at N STEP[:COUNT] COMMAND: node 1 runs it in D; mirrord of node N is
# killed at that step of it, and comes back.
killed_at()
{
	local pid

	mirrord_kill "$1"
	mirrord_armed "$1" "$2"
	# What was in the stream may be the step already.
	[ "$1" = 1 ] || wait_until 5 "mirrord_is_gone 2 || fact_is 1 link up"
	on 1 sh -ec "cd '$D'; $3" 3>&- &
	pid=$!
	wait_until 10 "mirrord_is_gone $1" || { kill $pid; return 1; }
	mirrord_start "$1"
	wait $pid
}

# swap_names A B: renameat2(2) with RENAME_EXCHANGE, for a shell.
swap_names()
{
	echo "python3 -c 'import ctypes, sys
sys.exit(ctypes.CDLL(None).renameat2(-100, b\"$1\", -100, b\"$2\", 2) != 0)'"
}

xattrs() { on "$1" sh -c "cd '$M/$1/data/x' && getfattr -Rd . 2>/dev/null"; }

# Both nodes hold the same, and the peer had no trouble.
equal()
{
	wait_until 5 "fact_is 1 link up"
	on 1 sync "$D/one"
	fact_is 1 joined 1
	fact_is 1 peer_failed ""
	fact_is 2 level 1
	same_trees
	[ "$(xattrs 1)" = "$(xattrs 2)" ]
	# Nothing of it stays in stage.
	on 2 sh -c "[ -z \"\$(find '$M/2/data/x/.holdfast' -type f \
	    -path '*stage*')\" ]"
}

@test "first copy" {
	D=$M/1/data/x
	on 1 sh -ec "cd '$D'; echo one >one; head -c 12582912 /dev/zero >big"
	first_copy
}

@test "a repeat on the primary is one change on both" {
	local step

	D=$M/1/data/x
	for step in 3 4 13 14; do
		on 1 sh -ec "cd '$D'; rm -rf w; mkdir w; cd w
		    for i in a c e g h i; do echo \$i >\$i; done
		    ln a b; ln c d; setfattr -n user.k -v v h; chmod 6755 i"
		killed_at 1 $step "rm w/b"
		on 1 sh -ec "cd '$D'; echo after >>w/a; mv w/a w/a2"
		killed_at 1 $step "mv w/e w/d"
		on 1 sh -ec "cd '$D'; echo after >>w/c; sync w/c"
		killed_at 1 $step "$(swap_names w/d w/g)"
		killed_at 1 $step "setfattr -x user.k w/h"
		killed_at 1 $step "chown 1:1 w/i"
		killed_at 1 $step "ln w/h w/j"
		killed_at 1 $step "mkdir w/k"
		killed_at 1 $step "rmdir w/k"
		killed_at 1 $step "$(nameless w/l)"
		killed_at 1 $step "truncate -s 9 w/g"
		equal
		[ "$(on 1 cat "$D/w/d" "$D/w/c")" = "$(printf 'g\nc\nafter')" ]
	done
}

@test "setgid that ends with an ACL is a second change, and not forgotten" {
	local step acl

	D=$M/1/data/x
	acl="setpriv --reuid 1000 --regid 1000 --clear-groups"
	acl="$acl setfacl -m u:5:r acl"
	for step in 3:1 3:2 4:2 12:2; do
		on 1 sh -ec "cd '$D'; rm -f acl; : >acl; chown 1000:2000 acl
		    chmod 2771 acl; sync acl"
		killed_at 1 $step "$acl"
		equal
		[ "$(on 1 stat -c %A "$D/acl")" = -rwxrwx--x ]
		[ "$(on 2 stat -c %A "$M/2/data/x/acl")" = -rwxrwx--x ]
	done
}

@test "a kill of the secondary in the middle of one is made good" {
	local step

	D=$M/1/data/x
	for step in 6 16 17; do
		killed_at 2 $step "mkdir v$step; sync v$step"
		killed_at 2 $step "$(nameless v$step/l)"
		equal
	done
	killed_at 2 87 "ln one two; sync two"
	killed_at 2 87 "$(nameless three)"
	equal
}

@test "a resync that was cut short sends what is missing" {
	D=$M/1/data/x
	mirrord_kill 2
	ask 1 want role=prim epoch=0.2.1 set=self
	wait_until 5 "fact_is 1 alone 1"
	# Not a whole extent: those are compared in any case.
	on 1 sh -ec "cd '$D'; for i in 0 4 8; do
	    dd if=/dev/urandom of=big bs=1M count=3 seek=\$i conv=notrunc
	    done 2>&1; sync big"
	# All is there, and nobody has synced it.
	mirrord_armed 2 41
	ask 2 want role=second epoch=0.2.1 primary=n1
	wait_until 20 "mirrord_is_gone 2"
	[ "$(fact 1 sent_bytes)" -ge 9437184 ]
	mirrord_start 2
	join 1 2 0.2.1
	echo "# sent again: $(fact 1 sent_bytes) of 9437184" >&3
	[ "$(fact 1 sent_bytes)" -lt 1000000 ]
	equal
}

@test "what the secondary could not do outlives a kill of both" {
	D=$M/1/data/x
	on 1 sh -ec "cd '$D'; mkdir u; echo 1 >u/gone; echo 2 >u/other; sync u"
	# Behind its back.
	beneath 2 rm /mnt/x/u/gone
	on 1 sh -ec "cd '$D'; mv u/gone u/still; echo more >>u/still"
	wait_until 5 "fact_is 2 level 0"
	mirrord_kill 1
	mirrord_kill 2
	mirrord_start 1
	mirrord_start 2
	wait_until 5 "[ -n \"\$(fact 1 peer_failed)\" ]"
	fact_is 1 joined 1
	# It is no primary, and moduled takes it out of the set.
	ask 2 want role=prim epoch=0.3.2 set=self
	wait_until 5 "fact_is 2 code not-level"
	ask 1 want role=prim epoch=0.3.1 set=self
	wait_until 5 "fact_is 1 alone 1"
	join 1 2 0.3.1
	equal
	[ "$(on 2 cat "$M/2/data/x/u/still")" = "$(printf '1\nmore')" ]
}
