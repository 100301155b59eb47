#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# cache="writeback": the kernel keeps what is not synced.  Two mirrord, driven
# by lines.  Needs root.
# shellcheck disable=SC2016 # commands for the nodes

load lib
load mirror

setup_file()
{
	mirror_can_run
	export MIRROR_CACHE=writeback
	mirror_setup 2
	first_copy
}

teardown_file() { mirror_teardown; }

teardown() { [ -n "${BATS_TEST_COMPLETED:-}" ] || mirror_dump; }

# writer N FILE TEXT: a process that has written and not closed; until writer_end.
writer()
{
	rm -f "$M/written"
	on "$1" python3 - "$M/$1/data/x/$2" "$3" "$M" 3>&- <<-'EOP' &
		import os, sys, time
		path, text, m = sys.argv[1:]
		f = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
		for c in text:
		    os.write(f, c.encode())
		open(m + "/written", "w").close()
		end = time.time() + 60
		while os.path.exists(m + "/written") and time.time() < end:
		    time.sleep(0.01)
	EOP
	WRITER=$!
	wait_until 10 "[ -e '$M/written' ]"
}

writer_end()
{
	rm -f "$M/written"
	wait "$WRITER"
}

@test "many small writes are one, and durable on both when they are synced" {
	local before sent

	before=$(fact 1 link_sent)
	in_mirror 1 'python3 -c "
import os
f = os.open(\"small\", os.O_CREAT | os.O_WRONLY, 0o640)
for i in range(20000):
    os.write(f, b\"%09d\n\" % i)
os.fsync(f)
os._exit(0)"'
	sent=$(($(fact 1 link_sent) - before))
	echo "# 200000 bytes in 20000 writes: $sent sent" >&3
	[ "$sent" -ge 200000 ]
	[ "$sent" -lt 600000 ]
	same_trees
}

@test "what is open is right for who reads it, and there when it is closed" {
	writer 1 open 'not yet closed'
	[ "$(on 1 stat -c %s "$M/1/data/x/open")" -eq 14 ]
	[ "$(in_mirror 1 'cat open')" = 'not yet closed' ]
	writer_end
	wait_until 5 "[ \"\$(on 2 cat '$M/2/data/x/open')\" = 'not yet closed' ]"
	in_mirror 1 'sync open'
	same_trees
}

@test "a hold writes it first" {
	local pid

	writer 1 held 'before the hold'
	{ echo 'freeze ms=5000 who=test'; wait_until 5 "[ -e '$M/thaw' ]"; } |
	    on 1 socat -t 6 - "UNIX:$M/1/run/holdfast/m/mirrord.sock" \
	    >"$M/freeze" 3>&- &
	pid=$!
	wait_until 5 "grep -q '^ok' '$M/freeze'"
	[ "$(on 2 cat "$M/2/data/x/held")" = 'before the hold' ]
	touch "$M/thaw"
	wait $pid
	writer_end
}

@test "no hole where there is data" {
	writer 1 sparse 'something'
	in_mirror 1 'python3 -c "
import os
f = os.open(\"sparse\", os.O_RDONLY)
assert os.lseek(f, 0, os.SEEK_DATA) == 0
assert os.lseek(f, 0, os.SEEK_HOLE) == 9
" && cp --sparse=always sparse copy && cmp sparse copy'
	writer_end
}

@test "a killed mirrord costs nothing that is kept" {
	local i

	writer 1 killed 'written, not closed'
	for i in 1 2 3; do
		mirrord_kill 1
		mirrord_start 1
	done
	writer_end
	in_mirror 1 'sync killed'
	wait_until 10 "fact_is 1 joined 1"
	[ "$(on 2 cat "$M/2/data/x/killed")" = 'written, not closed' ]
	same_trees
}

@test "random changes by every way, and mirrord of either dies" {
	local pid i

	on 1 "$top_builddir/t/files/fsx" "$M/1/data/x/fsx" 7 0 4000 \
	    >"$M/fsx" 3>&- &
	pid=$!
	for i in 1 2 1 2; do
		mirrord_kill $i
		mirrord_start $i
	done
	wait $pid || { cat "$M/fsx"; false; }
	in_mirror 1 'sync fsx'
	wait_until 10 "fact_is 1 joined 1"
	same_trees
}

@test "setuid ends with a write, and times are those of the write" {
	in_mirror 1 'echo x >suid; chmod 6755 suid; chown 1000:1000 suid
	    python3 -c "
import os
os.setgid(2000); os.setuid(1000)
f = os.open(\"suid\", os.O_WRONLY)
os.write(f, b\"y\")
os.fsync(f)"
	    [ "$(stat -c %a suid)" = 755 ]
	    touch -d @1000000000 suid; sync suid'
	[ "$(on 2 stat -c '%a %Y' "$M/2/data/x/suid")" = "755 1000000000" ]
	same_trees
}

@test "the end of a role writes what is kept, in order" {
	in_mirror 1 'exec 5>last; echo kept >&5'
	hand_over 1 2 0.3.2
	join 2 1 0.3.2
	[ "$(in_mirror 2 'cat last')" = kept ]
	same_trees
}

@test "a role without a lease ends all the same" {
	lease 2 600000
	ask 2 want role=prim epoch=0.4.2 set=both lease=1
	await 2 2000 lease=runs
	writer 2 late 'nobody was told'
	lease 2 over
	await 2 2000 lease=over
	ask 2 want role=wait
	wait_until 10 "fact_is 2 role wait"
	writer_end || :	# it was killed: it held the directory
	fact_is 2 mounted 0
}
