#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# meta="receipt": a change of a name or an attribute is on the other node, too,
# before it is answered.  Two mirrord, driven by lines.  Needs root.
# shellcheck disable=SC2016 # commands for the nodes

load lib
load mirror

setup_file()
{
	mirror_can_run
	export MIRROR_CONF='meta = "receipt"'
	mirror_setup 2
	first_copy
}

teardown_file() { mirror_teardown; }

teardown() { [ -n "${BATS_TEST_COMPLETED:-}" ] || mirror_dump; }

# Each change, and what it leaves on the other node's disk, looked at as soon as
# it is answered and before the next one.
@test "what was answered is on the other node" {
	on 1 python3 - "$M/1/data/x" \
	    "/proc/$(cat "$M/2/ns")/root$M/2/data/x" <<-'EOP'
		import os, sys, time
		here, there = sys.argv[1:]
		def h(p): return here + "/" + p
		def t(p): return there + "/" + p
		begin = time.time()
		for i in range(100):
		    n = "n%d" % i
		    os.mkdir(h(n))
		    assert os.path.isdir(t(n)), n
		    os.close(os.open(h(n + "/f"), os.O_CREAT | os.O_WRONLY))
		    assert os.path.exists(t(n + "/f")), n
		    os.chmod(h(n + "/f"), 0o604)
		    assert os.stat(t(n + "/f")).st_mode & 0o777 == 0o604, n
		    os.symlink("f", h(n + "/l"))
		    assert os.readlink(t(n + "/l")) == "f", n
		    os.link(h(n + "/f"), h(n + "/g"))
		    assert os.stat(t(n + "/g")).st_nlink == 2, n
		    os.setxattr(h(n + "/f"), "user.x", b"1")
		    assert os.getxattr(t(n + "/f"), "user.x") == b"1", n
		    os.rename(h(n + "/f"), h(n + "/h"))
		    assert not os.path.exists(t(n + "/f")), n
		    os.unlink(h(n + "/g"))
		    assert not os.path.exists(t(n + "/g")), n
		print("# %d us each" % ((time.time() - begin) * 1e6 / 800))
	EOP
	same_trees
}

# stalls N: what waits for the peer has waited long; what the role ends by.
stalls()
{
	[ "$(fact "$1" stall_ms)" -gt 300 ]
}

@test "it waits for a node that stands still, until that one is left out" {
	local pid

	kill -STOP "$(cat "$M/2/mirrord")"
	on 1 mkdir "$M/1/data/x/waits" 3>&- &
	pid=$!
	wait_until 5 "stalls 1"
	kill -0 "$pid"
	# Data does not wait, nor do other names of other directories to be read.
	on 1 timeout 2 sh -c "echo data >>'$M/1/data/x/n1/h'; ls '$M/1/data/x/n2'"
	ask 1 want role=prim epoch=0.2.1 set=self >/dev/null
	wait "$pid"
	on 1 timeout 2 mkdir "$M/1/data/x/alone"
	kill -CONT "$(cat "$M/2/mirrord")"
	join 1 2 0.2.1
	same_trees
}

@test "killed while it waits: answered once, and done once" {
	local pid

	kill -STOP "$(cat "$M/2/mirrord")"
	on 1 mkdir "$M/1/data/x/killed" 3>&- &
	pid=$!
	wait_until 5 "stalls 1"
	mirrord_kill 1
	mirrord_start 1
	wait "$pid"
	kill -CONT "$(cat "$M/2/mirrord")"
	await 1 10000 link=up joined=1
	same_trees
}
