#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# notreplicated: what each node keeps to itself.  Two mirrord, driven by lines.
# Needs root.
# shellcheck disable=SC2016 # commands for the nodes

load lib
load mirror

RULES='paths = {"tmp", "var/cache"}
	names = {"\\.lock$"}'

setup_file()
{
	mirror_can_run
	export MIRROR_RULES=$RULES
	mirror_setup 2
	# It was there before the module, on one node.
	on 1 sh -ec "cd '$M/1/data/x'; mkdir tmp d; echo old >tmp/old
	    echo kept >d/kept; echo old >d/old.lock"
	first_copy
}

teardown_file() { mirror_teardown; }

teardown() { [ -n "${BATS_TEST_COMPLETED:-}" ] || mirror_dump; }

LEFT_OUT='\(^\|/\)tmp\>\|\.lock\>\|var/cache\>'

# The two nodes hold the same, but for what is left out.
same_replicated()
{
	tree 1 "$M/1/data/x" | { grep -av "$LEFT_OUT" || :; } >"$M/tree.1"
	tree 2 "$M/2/data/x" | { grep -av "$LEFT_OUT" || :; } >"$M/tree.2"
	diff -a "$M/tree.1" "$M/tree.2" >"$M/diff" ||
	    { head -n 20 "$M/diff"; return 1; }
}

# verified N: of primary N every byte was compared, and is the same.
verified()
{
	ask "$1" verify who=test | grep -q ^ok
	wait_until 30 "! fact_is $1 verify running"
	fact_is "$1" verify clean || { ask "$1" verify-list; return 1; }
}

# swap FROM TO EPOCH: TO is primary, FROM follows it.
swap()
{
	ask "$1" want role=wait
	wait_until 10 "fact_is $1 role wait"
	ask "$2" want role=prim "epoch=$3" set=self
	wait_until 10 "fact_is $2 mounted 1"
	join "$2" "$1" "$3"
}

# rules N RULES: in its file; for its next mirrord.
rules()
{
	local conf=$M/$1/var/lib/holdfast/m/config/1/mirrord.conf

	sed -i '/^notreplicated/,$d' "$conf"
	printf 'notreplicated "%s" {\n\t%s\n}\n' "$M/$1/data/x" "$2" >>"$conf"
}

# stopped N: clean, its daemon ended.
stopped()
{
	ask "$1" want role=none
	wait_until 10 "fact_is $1 role none"
	mirrord_kill "$1"
}

@test "the first copy takes the rest along" {
	on 2 test ! -e "$M/2/data/x/tmp"
	on 2 test ! -e "$M/2/data/x/d/old.lock"
	on 2 grep -q kept "$M/2/data/x/d/kept"
	on 1 grep -q old "$M/1/data/x/tmp/old"
	same_replicated
}

@test "what is left out is served like all else, and neither sent nor noted" {
	local before

	in_mirror 1 'echo a >d/warm; sync d/warm'
	before=$(fact 1 sent_bytes)
	in_mirror 1 'head -c 5000000 /dev/urandom >tmp/big; sync tmp/big
	    cp tmp/big copy.lock; cmp tmp/big copy.lock; sync copy.lock
	    mkdir -p tmp/a/b; echo x >tmp/a/b/c; ln tmp/a/b/c tmp/hard
	    ln -s c tmp/a/b/s; mkfifo tmp/fifo; chmod 600 tmp/hard
	    setfattr -n user.k -v v tmp/hard; truncate -s 100 tmp/hard
	    mv tmp/a tmp/z; rm tmp/fifo; rm -r tmp/z; mv copy.lock tmp/
	    mkdir dir.lock; echo y >dir.lock/f; mv dir.lock/f dir.lock/g
	    echo last >d/last; sync d/last'
	[ "$(in_mirror 1 'cat tmp/old dir.lock/g')" = "old
y" ]
	on 2 test -e "$M/2/data/x/d/last"
	on 2 test ! -e "$M/2/data/x/tmp"
	on 2 test ! -e "$M/2/data/x/dir.lock"
	[ $(($(fact 1 sent_bytes) - before)) -lt 100000 ]
	same_replicated
	verified 1
}

@test "between what is left out and the rest it is as between two file systems" {
	run in_mirror 1 'echo 1 >one; ln one one.lock'
	[[ $output == *"Invalid cross-device link"* ]]
	in_mirror 1 'python3 -c "
import errno, os
def exdev(f, *a):
    try:
        f(*a)
    except OSError as e:
        assert e.errno == errno.EXDEV, e
    else:
        raise SystemExit(\"no EXDEV\")
exdev(os.rename, \"one\", \"one.lock\")
exdev(os.rename, \"one\", \"tmp/one\")
exdev(os.rename, \"tmp/old\", \"old\")
exdev(os.link, \"tmp/old\", \"old\")
os.makedirs(\"var/cache/deep\")
os.rename(\"var/cache/deep\", \"tmp/deep\")
exdev(os.rename, \"var\", \"var2\")
os.mkdir(\"other\")
exdev(os.rename, \"other\", \"var\")
os.rename(\"other\", \"another\")
"
	    mv one two.lock; test ! -e one; grep 1 two.lock; mv two.lock one
	    grep 1 one; cp one tmp/; cp tmp/one d/copied; sync d/copied'
	on 2 grep -q 1 "$M/2/data/x/d/copied"
	on 2 test -d "$M/2/data/x/another"
	on 2 test -d "$M/2/data/x/var"
	on 2 test ! -e "$M/2/data/x/var/cache"
	same_replicated
}

@test "files without a name stay with their kind" {
	on 1 sh -ec "cd '$M/1/data/x/tmp'; $(nameless made)"
	[ "$(in_mirror 1 'cat tmp/made')" = nameless ]
	run on 1 sh -ec "cd '$M/1/data/x'; $(nameless made.lock)"
	[[ $output == *"Invalid cross-device link"* ]]
	on 1 sh -ec "cd '$M/1/data/x'; $(nameless made); sync made"
	on 2 grep -q nameless "$M/2/data/x/made"
	in_mirror 1 'exec 5<>tmp/made; rm tmp/made; echo on >&5; sync tmp
	    exec 5<>made; rm made; echo on >&5'
	same_replicated
}

@test "a killed mirrord finishes what was in hand" {
	local step pid

	has_failpoints || skip "needs ./configure --enable-failpoints"
	for step in 2 3 6 12 13 14; do
		echo "mirrord:$step" >"$M/1/run/holdfast/fail"
		in_mirror 1 "mkdir tmp/k$step; echo $step >tmp/k$step/f
		    mv tmp/k$step/f tmp/k$step/g; echo $step >k$step.lock
		    mv k$step.lock l$step.lock; ln l$step.lock m$step.lock
		    rm l$step.lock; sync m$step.lock" 3>&- &
		pid=$!
		wait_until 10 "mirrord_is_gone 1"
		mirrord_start 1
		wait "$pid"
		[ "$(in_mirror 1 "cat tmp/k$step/g m$step.lock")" = "$step
$step" ]
		wait_until 10 "fact_is 1 joined 1"
	done
	in_mirror 1 'echo end >d/end; sync d/end'
	same_replicated
}

@test "each node has its own, through a change of roles and a full copy" {
	swap 1 2 0.2.2
	in_mirror 2 'mkdir tmp; echo two >tmp/old; echo two >dir.lock
	    echo more >d/more; sync d/more'
	on 1 grep -q old "$M/1/data/x/tmp/old"
	on 1 test -d "$M/1/data/x/dir.lock"
	mirrord_kill 1
	ask 2 want role=prim epoch=0.3.2 set=self compare=1
	wait_until 5 "fact_is 2 alone 1"
	in_mirror 2 'echo alone >d/alone; echo alone >tmp/alone'
	mirrord_start 1
	join 2 1 0.3.2
	on 1 grep -q old "$M/1/data/x/tmp/old"
	on 1 test ! -e "$M/1/data/x/tmp/alone"
	on 1 test -d "$M/1/data/x/dir.lock"
	on 2 grep -q two "$M/2/data/x/tmp/old"
	same_replicated
}

@test "what is in the way on the secondary goes with its directory" {
	in_mirror 2 'mkdir p q r; echo 2 >p/keep; sync p/keep'
	swap 2 1 0.4.1
	in_mirror 1 'echo 1 >p/a.lock; echo 1 >q/a.lock; echo 1 >r/a.lock'
	swap 1 2 0.5.2
	in_mirror 2 'rm p/keep; rmdir p; mkdir s; mv -T s q; mv r t
	    echo . >d/dot; sync d/dot'
	wait_until 5 "fact_is 2 joined 1"
	on 1 test ! -e "$M/1/data/x/p"
	on 1 test ! -e "$M/1/data/x/q/a.lock"
	on 1 test -e "$M/1/data/x/t/a.lock"
	fact_is 1 level 1
	same_replicated
	verified 2
}

@test "two configurations do not meet" {
	mirrord_kill 1
	ask 2 want role=prim epoch=0.6.2 set=self
	wait_until 5 "fact_is 2 alone 1"
	in_mirror 2 'echo . >d/apart'
	rules 1 'paths = {"tmp"}'
	mirrord_start 1
	ask 1 want role=second epoch=0.6.2 primary=n2
	wait_until 10 "fact_is 1 code config-differs"
	fact 2 error | grep -q "notreplicated.*one configuration"
	mirrord_kill 1
	rules 1 "$RULES"
	mirrord_start 1
	join 2 1 0.6.2
	fact_is 2 error ""
	same_replicated
}

@test "a rule more leaves out what was replicated, on each node" {
	in_mirror 2 'mkdir log; echo both >log/both; echo both >b.pid; sync log'
	stopped 1
	ask 2 want role=prim epoch=0.7.2 set=self
	wait_until 5 "fact_is 2 alone 1"
	in_mirror 2 'echo pid >c.pid; echo alone >log/alone'
	stopped 2
	for n in 1 2; do
		rules $n 'paths = {"tmp", "./var/cache/", "log/"}
	names = {"\\.lock$", "\\.pid$"}'
		mirrord_start $n
	done
	ask 2 want role=prim epoch=0.8.2 set=self
	wait_until 5 "fact_is 2 mounted 1"
	in_mirror 2 'echo two >>b.pid; echo two >log/two; echo . >d/dot'
	fact_is 2 dirty_all 0
	join 2 1 0.8.2
	[ "$(in_mirror 2 'cat b.pid c.pid log/alone log/two')" = "both
two
pid
alone
two" ]
	on 1 grep -qx both "$M/1/data/x/b.pid"
	on 1 grep -qx both "$M/1/data/x/log/both"
	on 1 test ! -e "$M/1/data/x/c.pid"
	on 1 test ! -e "$M/1/data/x/log/alone"
}

@test "a rule less, and all is compared and there" {
	stopped 1
	stopped 2
	for n in 1 2; do
		rules $n 'paths = {"tmp"}'
		mirrord_start $n
	done
	ask 2 want role=prim epoch=0.9.2 set=self
	wait_until 5 "fact_is 2 mounted 1"
	fact_is 2 dirty_all 1
	in_mirror 2 'grep -q two b.pid; echo new >log/new; echo two >>b.pid'
	join 2 1 0.9.2
	fact_is 2 dirty_all 0
	[ "$(on 1 cat "$M/1/data/x/b.pid")" = "both
two
two" ]
	on 1 grep -q alone "$M/1/data/x/log/alone"
	on 1 test -e "$M/1/data/x/m14.lock" -o ! -e "$M/2/data/x/m14.lock"
	LEFT_OUT='\(^\|/\)tmp\>'
	same_replicated
	on 1 grep -q old "$M/1/data/x/tmp/old"
	on 2 grep -q two "$M/2/data/x/tmp/old"
}

@test "bad rules are told, with what is allowed" {
	stopped 1
	rules 1 'paths = {"/abs"} names = {"("}'
	run on 1 "$top_builddir/bin/mirrord/mirrord" -n -M m
	[ "$status" -eq 78 ]
	[[ $output == *"/abs': a path below the directory"* ]]
	[[ $output == *"\`(': "* ]]
	sed -i 's,^notreplicated.*,notreplicated "/elsewhere" {,' \
	    "$M/1/var/lib/holdfast/m/config/1/mirrord.conf"
	run on 1 "$top_builddir/bin/mirrord/mirrord" -n -M m
	[ "$status" -eq 78 ]
	[[ $output == *"/elsewhere' is none of the directories"* ]]
}
