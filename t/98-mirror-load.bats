#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What people do with a file system: build programs in it while the primary
# loses power; with HOLDFAST_LONG also a million files in one directory, with
# figures, a reunion of them, and ten minutes of stress-ng's file system class.
# Needs root for namespaces and mounts.

load lib
load mirror

setup_file()
{
	mirror_can_run
	if [ -n "${HOLDFAST_LONG-}" ]; then
		export MIRROR_SIZE=8G MIRROR_PER_INODE=4096
	fi
	mirror_setup 2
	ask 1 want role=prim epoch=0.1.1 set=self fresh=1
	wait_until 10 "fact_is 1 mounted 1"
	join 1 2 0.1.1
}

teardown_file() { mirror_teardown; }

teardown() { [ -n "${BATS_TEST_COMPLETED:-}" ] || mirror_dump; }

long() { [ -n "${HOLDFAST_LONG-}" ] || skip "HOLDFAST_LONG is not set"; }

# memory N: resident kilobytes and descriptors of mirrord.
memory()
{
	local pid

	pid=$(cat "$M/$1/mirrord")
	echo "n$1: $(awk '/^VmRSS|^RssShmem/ { printf "%s %s ", $1, $2 }' \
	    "/proc/$pid/status") descriptors $(ls "/proc/$pid/fd" | wc -l)"
}

# resident N: kilobytes.
resident()
{
	awk '/^VmRSS/ { print $2 }' "/proc/$(cat "$M/$1/mirrord")/status"
}

@test "a million files in one directory" {
	long
	on 1 python3 - "$M/1/data/x/many" >"$M/many" <<-'EOP'
		import os, sys, time
		os.mkdir(sys.argv[1])
		d = os.open(sys.argv[1], os.O_RDONLY)
		begin = time.time()
		for i in range(1000000):
		    os.close(os.open("f%d" % i, os.O_CREAT | os.O_WRONLY,
		        dir_fd=d))
		print("create %.0f s" % (time.time() - begin))
		begin = time.time()
		print("names %d" % len(os.listdir(d)), end=" ")
		print("%.1f s" % (time.time() - begin))
		begin = time.time()
		n = sum(e.stat(follow_symlinks=False).st_size == 0
		    for e in os.scandir(d))
		print("names and attributes %d %.1f s" % (n, time.time() - begin))
	EOP
	sed 's/^/# /' "$M/many" >&3
	grep -q "names 1000000" "$M/many"
	grep -q "attributes 1000000" "$M/many"
	wait_until 60 "on 1 sync $M/1/data/x/many/f0"
	for i in 1 2; do
		memory $i | sed 's/^/# /' >&3
	done
	# What is not in use goes back within a minute or so.
	wait_until 90 "[ \$(resident 1) -lt 102400 ]"
	memory 1 | sed 's/^/# /' >&3
	[ "$(on 2 sh -c "ls -f '$M/2/data/x/many' | wc -l")" -eq 1000002 ]
	fact_is 1 joined 1
	fact_is 1 peer_failed ""
}

@test "of a million files a thousand are changed: the reunion knows no others" {
	long
	local begin ms changed=1000 sent opened

	mirrord_kill 2
	ask 1 want role=prim epoch=0.1.1 set=self
	wait_until 5 "fact_is 1 alone 1"
	on 1 python3 - "$M/1/data/x/many" $changed <<-'EOP'
		import os, sys
		d = os.open(sys.argv[1], os.O_RDONLY)
		for i in range(int(sys.argv[2])):
		    f = os.open("f%d" % (i * 997), os.O_WRONLY, dir_fd=d)
		    os.write(f, os.urandom(4096))
		    os.close(f)
		os.sync()
	EOP
	opened=$(fact 1 opened)
	mirrord_start 2
	begin=$(now_ms)
	join 1 2 0.1.1
	ms=$(($(now_ms) - begin))
	sent=$(fact 1 sent_bytes)
	opened=$(($(fact 1 opened) - opened))
	echo "# reunion: $ms ms, $sent bytes, $opened objects opened" >&3
	[ "$sent" -le $((changed * (4096 * 11 / 10 + 65536))) ]
	[ "$opened" -le $((changed * 2)) ]
	[ "$ms" -le 4000 ]
}

@test "stop and start with a million files" {
	long
	local begin

	ask 2 want role=none
	wait_until 20 "fact_is 2 role none"
	ask 1 want role=prim epoch=0.1.1 set=self
	wait_until 5 "fact_is 1 alone 1"
	begin=$(now_ms)
	ask 1 want role=none
	wait_until 20 "fact_is 1 role none"
	echo "# n1: ended after $(($(now_ms) - begin)) ms" >&3
	for i in 1 2; do
		mirrord_kill $i
		begin=$(now_ms)
		mirrord_start $i
		echo "# n$i: answers after $(($(now_ms) - begin)) ms" >&3
	done
	begin=$(now_ms)
	ask 1 want role=prim epoch=0.1.1 set=self
	wait_until 20 "fact_is 1 mounted 1"
	echo "# primary after $(($(now_ms) - begin)) ms" >&3
	[ $(($(now_ms) - begin)) -le 4000 ]
	begin=$(now_ms)
	join 1 2 0.1.1
	# Each name is looked at, for what was edited meanwhile.
	echo "# level after $(($(now_ms) - begin)) ms" >&3
}

@test "the index of a million files is lost: they are served meanwhile" {
	long
	local begin

	mirrord_kill 1
	rm "$M/1/var/lib/holdfast/m/index"
	ask 2 want role=wait
	mirrord_start 1
	begin=$(now_ms)
	ask 1 want role=prim epoch=0.2.1 set=self
	wait_until 20 "fact_is 1 mounted 1"
	on 1 stat "$M/1/data/x/many/f999999" >&3
	echo "# primary, and a file found by name, after" \
	    "$(($(now_ms) - begin)) ms" >&3
	[ $(($(now_ms) - begin)) -le 6000 ]
	wait_until 300 "grep -q 'index: made again' '$M/1/log'"
	echo "# index complete after $(($(now_ms) - begin)) ms" >&3
	join 1 2 0.2.1
	on 1 rm -r "$M/1/data/x/many"
}

@test "ten minutes of stress-ng's file system class" {
	long
	command -v stress-ng >/dev/null || skip "needs stress-ng"
	on 1 mkdir "$M/1/data/x/stress"
	# Each of the class in its turn; what it cannot do here it leaves out.
	on 1 stress-ng --temp-path "$M/1/data/x/stress" --class filesystem \
	    --sequential 2 --timeout "${STRESS_SECONDS:-12}" --metrics-brief \
	    >"$M/stress" 2>&1 3>&- || :
	grep -E "unsuccess|fail" "$M/stress" | sed 's/^/# /' >&3 || :
	on 1 sh -c "echo end >'$M/1/data/x/end'; sync '$M/1/data/x/end'"
	same_trees
	fact_is 1 joined 1
	fact_is 1 peer_failed ""
}

@test "a build goes on at the other node after the primary lost power" {
	command -v make >/dev/null || skip "needs make"
	# An object gets its name when it is whole, as builds should do.
	on 1 sh -c 'mkdir "$1" && cd "$1" && for i in $(seq 100 160); do
		echo "int f$i(void);int f$i(void){return $i;}" >f$i.c
		echo "int f$i(void);" >>main.h; echo "+f$i()" >>sum.h; done
		echo "#include <stdio.h>
		#include \"main.h\"
		int main(void){return printf(\"%d\",0
		#include \"sum.h\"
		)<0;}" >main.c; cat >Makefile; sync Makefile' sh \
	    "$M/1/data/x/build" <<-'EOF'
		.RECIPEPREFIX = >
		OBJ = $(patsubst %.c,%.o,$(wildcard *.c))
		main: $(OBJ)
		>$(CC) -o $@ $(OBJ)
		%.o: %.c
		>$(CC) -c -o $@.new $< && mv $@.new $@
	EOF
	on 1 sh -c 'echo $$ >"$0/app.make"
	    exec make -C "$0/data/x/build" -j2' "$M/1" \
	    >"$M/make.1" 2>&1 3>&- &
	built="find $M/2/data/x/build -name f*.o"
	wait_until 60 "[ \$(on 2 $built | wc -l) -ge 10 ]" ||
	    { cat "$M/make.1"; false; }
	power_off 1
	ask 2 want role=prim epoch=0.3.2 set=self
	wait_until 10 "fact_is 2 mounted 1"
	# shellcheck disable=SC2086 # words
	before=$(on 2 $built | wc -l)
	not on 2 test -e "$M/2/data/x/build/main"
	on 2 make -C "$M/2/data/x/build" -j2 >"$M/make.2" 2>&1 ||
	    { cat "$M/make.2"; false; }
	# What the first node made was of use.
	after=$(grep -c -- "-c -o" "$M/make.2")
	[ "$before" -ge 10 ]
	[ $((before + after)) -le 62 ]
	[ "$(on 2 "$M/2/data/x/build/main")" -eq $((61 * 130)) ]
	power_on 1
	mirror_cable
	mirrord_start 1
	join 2 1 0.3.2
	same_trees
}
