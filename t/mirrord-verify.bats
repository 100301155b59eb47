#!/usr/bin/env bats
# What verify finds and what it does not, on two mirrord driven by lines: an
# edit beneath the mirror of the second is the corruption.  Needs root.

load lib
load mirror

setup_file()
{
	mirror_can_run
	mirror_setup 2
	on 1 sh -c "cd '$M/1/data/x'; mkdir -p a/b 'sp ace'; echo one >a/one
	    ln a/one a/b/two; ln -s one a/three; mkfifo a/fifo
	    head -c 3000000 /dev/urandom >a/big; : >a/empty
	    truncate -s 1T a/hole; echo end >>a/hole
	    printf x | dd of=a/hole bs=1 seek=700000000000 conv=notrunc
	    setfattr -n user.k -v v a/one; touch -d @1e9 a/one
	    mkdir -p a/b/c/d; echo deep >a/b/c/d/e
	    for i in \$(seq 200); do echo \$i >a/b/f\$i; done" 2>/dev/null
	odd_names 1
	ask 1 want role=prim epoch=0.1.1 set=self fresh=1
	wait_until 5 "fact_is 1 mounted 1"
	ask 2 want role=second epoch=0.1.1 primary=n1
	wait_until 20 "fact_is 1 ready 1" || { mirror_dump; false; }
	ask 1 want role=prim epoch=0.1.1 set=both
	wait_until 5 "fact_is 1 joined 1"
	for i in 1 2; do
		on $i sh -c "mkdir '$M/$i/raw' &&
		    mount --bind '$M/$i/data' '$M/$i/raw'"
	done
}

teardown_file() { mirror_teardown; }

teardown() { [ -n "${BATS_TEST_COMPLETED:-}" ] || mirror_dump; }

# Of mirror.bash; not the large sparse file, of which each byte would be read.
tree()
{
	on "$1" sh -c "cd '$2' &&
	    find . -path ./.holdfast -prune -o -type f -size -2G -printf \
		'%P %m %U %G %s %n %T@\n' -o ! -type d -printf \
		'%P %y %m %U %G %l\n' -o -printf '%P %m %U %G\n' | sort &&
	    find . -path ./.holdfast -prune -o -type f -size -2G -print0 |
	    sort -z | xargs -0r md5sum"
}

# Every byte but `/' and NUL, in names of the application.
odd_names()
{
	on "$1" python3 - "$M/$1/data/x/sp ace" <<-'EOP'
		import os, sys
		top = os.fsencode(sys.argv[1])
		for i in range(1, 256):
		    if i != 47:
		        open(top + b"/n" + bytes([i]), "wb").write(b"%d" % i)
	EOP
}

# in_raw N COMMAND: in the directory under the mirror or the view of node N.
in_raw()
{
	on "$1" sh -c "cd '$M/$1/raw/x' && $2"
}

# verify [STATE]: to its end, which is that.
verify()
{
	ask 1 verify who=test | grep -q ^ok
	wait_until 60 "! fact_is 1 verify running"
	fact_is 1 verify "${1:-clean}" || { ask 1 verify-list; return 1; }
}

# found LINE...: the differences are these, "what path", in any order.
found()
{
	ask 1 verify-list | sed -n 's/^what=\(.*\) oid=.* path=/\1 /p' |
	    sed "s|\"||g; s|$M/1/data/x|X|" | sort >"$M/found"
	printf '%s\n' "$@" | sort | diff - "$M/found"
}

# flip N FILE OFFSET: a byte of it, unseen in its times.
flip()
{
	in_raw "$1" "touch -r $2 '$M/ref'; printf '\\001' |
	    dd of=$2 bs=1 seek=$3 conv=notrunc status=none
	    touch -r '$M/ref' $2"
}

# repair: as moduled does it when the fact says that the peer failed.
repair()
{
	ask 1 verify-repair | grep -q ^ok
	wait_until 5 "[ -n \"\$(fact 1 peer_failed)\" ]"
	rejoin
}

rejoin()
{
	local epoch

	epoch=0.$(($(fact 1 epoch | cut -d. -f2) + 1)).1
	ask 1 want role=prim epoch="$epoch" set=self
	wait_until 5 "fact_is 1 alone 1"
	ask 2 want role=second epoch="$epoch" primary=n1
	wait_until 20 "fact_is 1 ready 1"
	ask 1 want role=prim epoch="$epoch" set=both
	wait_until 5 "fact_is 1 joined 1"
	wait_until 5 "fact_is 2 level 1"
}

work()
{
	on 1 "$top_builddir/t/files/work" "$M/1/data/x" "$1" "$2" 3>&-
}

@test "equal nodes have no difference, and both know" {
	verify
	[ "$(fact 1 verify_objects)" -ge 460 ]
	[ "$(fact 1 verify_statements)" -eq 0 ]
	wait_until 5 "fact_is 2 verify clean"
	[ "$(fact 1 verify_end)" = "$(fact 2 verify_end)" ]
}

@test "a flipped byte is found and repaired" {
	flip 2 a/big 1500000
	verify differs
	found "data X/a/big"
	ask 1 verify-list | grep -q " off=1441792 len=131072 "
	fact_is 1 verify_differences 1
	wait_until 5 "fact_is 2 verify differs"
	repair
	fact_is 1 verify repaired
	same_trees
	[ "$(fact 1 sent_bytes)" -le 4096 ]
	verify
}

@test "mode, owner, time, xattr, size, link and hole are each found" {
	in_raw 2 "chmod 640 a/empty; chown 7 a/fifo; touch -d @5 a/b/f7
	    setfattr -n user.k -v w a/one; ln -sfn two a/three; echo >>a/b/f8
	    printf y | dd of=a/hole bs=1 seek=500000000000 conv=notrunc
	    chmod 700 a/b; chown :9 ."
	verify differs
	found "mode X/a/empty" "owner X/a/fifo" "time X/a/b/f7" \
	    "xattr X/a/one" "other-object X/a/three" "size,time X/a/b/f8" \
	    "time X/a/hole" "data X/a/hole" "mode X/a/b" "time X/a" "owner X"
	repair
	verify
}

@test "names: missing, too many, exchanged, of any byte" {
	in_raw 2 "rm a/b/f1; echo >a/b/more; mv a/b/f2 a/b/x; mv a/b/f3 a/b/f2
	    mv a/b/x a/b/f3; rm 'sp ace'/n\$; mkdir a/dir; echo >a/dir/in
	    mkdir 'sp ace/deep'; rm -r a/b/c"
	verify differs
	found "missing X/a/b/f1" "extra X/a/b/more" "other-object X/a/b/f2" \
	    "other-object X/a/b/f3" "missing X/sp ace/n\$" "extra X/a/dir" \
	    "extra X/sp ace/deep" "missing X/a/b/c" "time X/a" "time X/a/b" \
	    "time X/sp ace"
	repair
	same_trees
	verify
}

@test "what lies beneath the mirror of the primary is told, too" {
	in_raw 1 "echo >a/stranger; touch -d @7 a/empty"
	verify differs
	grep -q . <<<"$(found "not-by-the-mirror X/a/stranger" \
	    "time X/a/empty" "time X/a")" && false
	in_raw 1 "rm a/stranger"
	repair
	verify
}

@test "busy: silent when healthy, and a true difference is found in it" {
	local seconds=${HOLDFAST_LONG:+600}

	for state in clean differs; do
		[ $state = clean ] || { flip 2 a/big 9; seconds=; }
		work "${seconds:-4}" ${#state} >"$M/work" &
		pid=$!
		runs=0
		while kill -0 $pid 2>/dev/null; do
			verify $state
			[ $state = clean ] || found "data X/a/big"
			runs=$((runs + 1))
		done
		wait $pid || { cat "$M/work"; false; }
		echo "# $state: $runs comparisons beside the work" >&3
		[ $runs -gt 0 ]
	done
	repair
	verify
}

@test "files that vanish, shrink and get other names meanwhile" {
	on 1 sh -c "cd '$M/1/data/x' && mkdir v && i=0 &&
	    while [ ! -e '$M/stop' ]; do i=\$((i + 1))
		head -c 300000 /dev/zero | tr '\0' x >v/f\$i
		mv v/f\$i v/g\$i; truncate -s 5 v/g\$i; ln v/g\$i v/h
		rm v/h v/g\$i; mkdir v/d\$i; mv v/d\$i v/e; rmdir v/e
	    done" 3>&- &
	pid=$!
	for _ in 1 2 3 4 5; do
		verify
	done
	touch "$M/stop"
	wait $pid
	verify
}

@test "one at a time, ended by word, by a lost connection, by a death" {
	on 1 sh -c "head -c 30000000 /dev/zero | tr '\0' y \
	    >'$M/1/data/x/large'"
	# Throttled to the pace of its file: see mirrord.conf.
	ask 1 verify who=test | grep -q ^ok
	ask 1 verify who=test | grep -q code=busy
	ask 1 verify-repair | grep -q code=badstate
	ask 1 verify-stop who=me | grep -q ^ok
	wait_until 5 "fact_is 1 verify cancelled"
	[ "$(fact 1 verify_why)" = "ended by me" ]
	ask 1 verify-stop who=me | grep -q code=badstate

	ask 1 verify who=test | grep -q ^ok
	mirrord_kill 2
	wait_until 5 "fact_is 1 verify broken"
	[[ $(fact 1 verify_why) == *"connection"*"lost"* ]]
	ask 1 verify who=test | grep -q code=busy
	mirrord_start 2
	wait_until 5 "fact_is 1 link up"

	ask 1 verify who=test | grep -q ^ok
	mirrord_kill 1
	mirrord_start 1
	wait_until 5 "fact_is 1 link up"
	fact_is 1 verify broken
	[[ $(fact 1 verify_why) == *"ended meanwhile"* ]]
	on 1 rm "$M/1/data/x/large"
	verify
}

@test "a takeover in the middle, and the new primary compares" {
	ask 1 verify who=test | grep -q ^ok
	ask 1 want role=down
	wait_until 10 "fact_is 1 drained 1"
	wait_until 5 "fact_is 1 verify broken"
	ask 1 verify who=test | grep -q code=notprim
	ask 1 want role=down handed=n2 epoch=0.50.2
	wait_until 5 "fact_is 1 handed n2"
	ask 2 want role=prim epoch=0.50.2 set=self
	wait_until 5 "fact_is 2 mounted 1"
	# Not a member yet, or a resync runs.
	ask 2 verify who=test | grep -q code=busy
	ask 1 want role=second epoch=0.50.2 primary=n2
	wait_until 20 "fact_is 2 ready 1"
	ask 2 want role=prim epoch=0.50.2 set=both
	wait_until 5 "fact_is 2 joined 1"
	ask 2 verify who=test | grep -q ^ok
	wait_until 20 "fact_is 2 verify clean"
	wait_until 5 "fact_is 1 verify clean"
	ask 2 diff | grep -q "^ok apart=0 all=0 linked=1 "
	mirrord_kill 1
	ask 2 want role=prim epoch=0.51.2 set=self
	wait_until 5 "fact_is 2 alone 1"
	on 2 sh -c "head -c 1000000 /dev/zero >'$M/2/data/x/new'"
	wait_until 10 "ask 2 diff | grep -q '^ok apart=1 all=0 linked=0 '"
}
