# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# One or two mirrord without their siblings: a node is a mount and network
# namespace that a sleeping process holds, an ext4 image, a keepd and a
# mirrord, driven by lines.  Used by mirrord.bats and mirrord-pair.bats.

mirror_can_run()
{
	local why=

	if [ "$(id -u)" -ne 0 ]; then
		why="needs root"
	elif [ ! -c /dev/loop-control ] || [ ! -c /dev/fuse ]; then
		why="needs /dev/loop-control and /dev/fuse"
	elif ! command -v socat >/dev/null; then
		why="needs socat"
	fi
	[ -z "$why" ] || skip "$why"
}

# mirror_node N: node N of M, 10.77.0.N, directory $M/N/data/x, and those that
# MIRROR_MORE names; MIRROR_CONF is a line more of its file, MIRROR_RULES what
# it leaves out, MIRROR_CACHE its cache if it is not the usual one.
mirror_node()
{
	local n=$1 o=$((3 - $1)) d=$M/$1

	mkdir -p "$d/etc/holdfast" "$d/data" "$d/run/holdfast/m" \
	    "$d/var/lib/holdfast/m/config/1" "$d/var/log/holdfast"
	ln -s 1 "$d/var/lib/holdfast/m/config/active"
	cp "$M/key" "$d/etc/holdfast/cluster.key"
	chmod 600 "$d/etc/holdfast/cluster.key"
	cat >"$d/var/lib/holdfast/m/config/1/mirrord.conf" <<-EOF
		module = "m"
		node = $n
		name = "n$n"
		addrs = {"10.77.0.$n"}
		peer "n$o" {
			id = $o
			addrs = {"10.77.0.$o"}
		}
		async = "${ASYNC:-none}"
		${MIRROR_CONF:-}
		writeback = {${MIRROR_CACHE:+"$d/data/x"}}
		directories = {"$d/data/x"$(for i in ${MIRROR_MORE:-}; do
		    printf ', "%s"' "$d/data/$i"; done)}
		notreplicated "$d/data/x" {
			${MIRROR_RULES:-}
		}
	EOF
	truncate -s "${MIRROR_SIZE:-300M}" "$d/img"
	mkfs.ext4 -q -m0 -i "${MIRROR_PER_INODE:-4096}" "$d/img"
	power_on "$n"
}

# power_on N: its disk as it is, and keepd.  With MIRROR_STATE=image the state
# directory is on that disk too.
power_on()
{
	local n=$1 d=$M/$1

	# Nobody ends it after a crash of the suite.
	unshare -nm --propagation private \
	    sleep "$((600 + ${HOLDFAST_LONG:+6600} + 0))" 3>&- &
	echo $! >"$d/ns"
	wait_until 5 "[ \"\$(readlink /proc/$!/ns/mnt)\" != \
	    \"\$(readlink /proc/self/ns/mnt)\" ]"
	on "$n" sh -c "mount -o loop '$d/img' '$d/data' && mkdir -p \
	    '$d/data/x' '$d/data/native' && ip link set lo up &&
	    cd '$d/data' && mkdir -p ${MIRROR_MORE:-.}"
	if [ "${MIRROR_STATE:-}" = image ]; then
		on "$n" sh -c "[ -d '$d/data/state' ] ||
		    cp -a '$d/var/lib/holdfast' '$d/data/state'
		    sync -f '$d/data/state'
		    mount --bind '$d/data/state' '$d/var/lib/holdfast'"
	fi
	keepd_start "$n"
}

# power_off N: what is not on its disk is lost, and whatever ran there ends.
power_off()
{
	local ns img=$M/$1/img pid

	ns=$(cat "$M/$1/ns")
	"$top_builddir/bin/lab/labinit" shutdown-fs \
	    "/proc/$ns/root$M/$1/data"
	mirrord_kill "$1"
	kill -9 "$(cat "$M/$1/keepd")"
	for pid in "$M/$1"/app.*; do
		[ ! -e "$pid" ] || kill -9 "$(cat "$pid")" 2>/dev/null || :
		rm -f "$pid"
	done
	kill -9 "$ns"
	wait_until 5 "! losetup -l | grep -q '$img'"
	rm -f "$M/$1/run/holdfast/keepd.sock"
}

mirror_setup()
{
	export M; M=$(mktemp -d)
	printf 'holdfast-key 12345678\n%s\n' \
	    "$(head -c 32 /dev/urandom | base64)" >"$M/key"
	mirror_node 1
	[ "${1:-1}" -eq 1 ] || mirror_node 2
	[ "${1:-1}" -eq 1 ] || mirror_cable
	mirrord_start 1
	[ "${1:-1}" -eq 1 ] || mirrord_start 2
}

mirror_cable()
{
	ip link add v1 netns "$(cat "$M/1/ns")" type veth peer name v2 \
	    netns "$(cat "$M/2/ns")"
	for i in 1 2; do
		on $i sh -c "ip addr add 10.77.0.$i/24 dev v$i &&
		    ip link set v$i up"
	done
}

mirror_teardown()
{
	[ -n "${M:-}" ] || return 0
	for i in 1 2; do
		[ -d "$M/$i" ] || continue
		mirrord_kill $i
		kill "$(cat "$M/$i/keepd")" "$(cat "$M/$i/ns")" 2>/dev/null
	done
	# The images go with the namespaces.
	wait_until 5 "! losetup -l | grep -q '$M/'"
	rm -rf "$M"
}

mirror_dump()
{
	tail -n 40 "$M"/?/log
	for i in 1 2; do
		[ -d "$M/$i" ] && ask $i status
	done
	return 0
}

# on N COMMAND...: inside node N.
on()
{
	local n=$1

	shift
	HOLDFAST_ROOT="$M/$n" nsenter -t "$(cat "$M/$n/ns")" -m -n "$@"
}

# beneath N COMMAND...: with what its mirrord covers at /mnt.
beneath()
{
	on "$1" unshare -m sh -c 'mount --bind "$0" /mnt && shift && exec "$@"' \
	    "$M/$1/data" "$@"
}

keepd_start()
{
	on "$1" sh -c 'echo $$ >"$0"; exec "$1" -d 3>&-' "$M/$1/keepd" \
	    "$top_builddir/bin/keepd/keepd" 2>>"$M/$1/log" 3>&- &
	wait_until 5 "[ -S $M/$1/run/holdfast/keepd.sock ]"
}

mirrord_run()
{
	on "$1" sh -c 'echo $$ >"$0"; exec "$1" -d -M m 3>&-' \
	    "$M/$1/mirrord" "$top_builddir/bin/mirrord/mirrord" \
	    2>>"$M/$1/log"
}

mirrord_start()
{
	rm -f "$M/$1/mirrord"
	mirrord_run "$1" 3>&- &
	wait_until 5 "[ -s $M/$1/mirrord ] && { ask $1 status | grep -q ^ok ||
	    { [ -n '${HOLDFAST_FAIL:-}' ] && mirrord_is_gone $1; }; }"
}

# A build that obeys HOLDFAST_FAIL.
has_failpoints()
{
	"$top_builddir/bin/mirrord/mirrord" -V | grep -q failpoints
}

# mirrord_armed N STEP[:COUNT]: as mirrord_start, to be killed at that step.
mirrord_armed()
{
	HOLDFAST_FAIL=$2 mirrord_start "$1"
}

# It is gone, with all its threads.
mirrord_is_gone()
{
	[ ! -e "/proc/$(cat "$M/$1/mirrord")" ]
}

mirrord_kill()
{
	local pid

	pid=$(cat "$M/$1/mirrord")
	kill -9 "$pid" 2>/dev/null || return 0
	# The successor starts after the end of every thread (R58).
	wait_until 5 "[ ! -e /proc/$pid ]"
}

# mirrord_dies_while N PID STEP[:COUNT]...: as long as PID lives, at each
# numbered step in turn.
mirrord_dies_while()
{
	local n=$1 p=$2 step

	shift 2
	while :; do
		for step in "$@"; do
			kill -0 "$p" 2>/dev/null || return 0
			# Who never comes to its step is killed after a second.
			HOLDFAST_FAIL=$step mirrord_run "$n" 3>&- &
			wait_until 1 "! kill -0 $! 2>/dev/null" 2>/dev/null ||
			    mirrord_kill "$n"
		done
	done
}

# ask N LINE...
ask()
{
	local n=$1

	shift
	echo "$*" | timeout 5 socat -t 2 - \
	    "UNIX:$M/$n/run/holdfast/m/mirrord.sock" 2>/dev/null
}

# await N MS KEY=VALUE...: its status says all of them within that time.
await()
{
	local n=$1 ms=$(($2 * ${HOLDFAST_SLOW:-1}))

	shift 2
	"$top_builddir/t/files/await" \
	    "$M/$n/run/holdfast/m/mirrord.sock" "$ms" "$@"
}

# fact N KEY
fact()
{
	ask "$1" status | sed -n 's/^role=/ role=/; s/.* '"$2"'=\("[^"]*"\|[^ ]*\).*/\1/p' |
	    tr -d '"'
}

# fact_is N KEY VALUE
fact_is()
{
	[ "$(fact "$1" "$2")" = "$3" ]
}

# nameless F: the command for sh(1) by which what O_TMPFILE made
# is linked as F.
nameless()
{
	echo "python3 -c 'import os
f = os.open(\".\", os.O_TMPFILE | os.O_RDWR, 0o640)
os.write(f, b\"nameless\")
os.link(\"/proc/self/fd/%d\" % f, \"$1\", src_dir_fd=f,
    follow_symlinks=True)'"
}

# join P S EPOCH: S becomes level and a member of primary P.
join()
{
	ask "$2" want role=second epoch="$3" primary="n$1" "${@:4}"
	wait_until 20 "fact_is $1 ready 1"
	ask "$1" want role=prim epoch="$3" set=both
	wait_until 5 "fact_is $1 joined 1"
	wait_until 5 "fact_is $2 level 1"
	fact_is "$1" alone 0
	fact_is "$2" epoch "$3"
}

# first_copy: node 1 has the data, node 2 becomes level and a member.
first_copy()
{
	ask 1 want role=prim epoch=0.1.1 set=self fresh=1
	wait_until 5 "fact_is 1 mounted 1"
	join 1 2 0.1.1
}

# hand_over P S EPOCH: S becomes primary P's successor, with all it has.
hand_over()
{
	ask "$1" want role=down
	wait_until 10 "fact_is $1 drained 1 && fact_is $1 equal 1"
	ask "$1" want role=down "handed=n$2" epoch="$3"
	wait_until 5 "fact_is $1 handed n$2"
	ask "$2" want role=prim epoch="$3" set=self
	wait_until 5 "fact_is $2 mounted 1"
}

# in_mirror N SCRIPT: in the directory of node N, with errors fatal.
in_mirror()
{
	on "$1" sh -ec "cd '$M/$1/data/x'; $2"
}

# What a directory of node N holds, one line a thing.
tree()
{
	on "$1" sh -c "cd '$2' &&
	    find . -path ./.holdfast -prune -o -type f -printf \
		'%P %m %U %G %s %n %T@\n' -o ! -type d -printf \
		'%P %y %m %U %G %l\n' -o -printf '%P %m %U %G\n' | sort &&
	    find . -path ./.holdfast -prune -o -type f -print0 | sort -z |
	    xargs -0r md5sum"
}

# The two nodes hold the same.
same_trees()
{
	tree 1 "$M/1/data/x" >"$M/tree.1"
	tree 2 "$M/2/data/x" >"$M/tree.2"
	diff -a "$M/tree.1" "$M/tree.2" >"$M/diff" ||
	    { head -n 20 "$M/diff"; return 1; }
}

# lease N MS|none|over: what moduled of node N would write into its page; MS
# from now.
lease()
{
	python3 - "$M/$1/run/holdfast/m/lease" "$2" <<-'EOP'
		import os, struct, sys, time
		path, value = sys.argv[1:]
		until = {"none": 0, "over": -1}.get(value)
		if until is None:
		    until = time.clock_gettime_ns(time.CLOCK_BOOTTIME) + \
		        int(value) * 1000000
		if not os.path.exists(path):
		    boot = open("/proc/sys/kernel/random/boot_id").read()
		    with open(path + ".new", "wb") as f:
		        f.write(struct.pack("=Q40sq", 0x484665617365310a,
		            boot.encode(), until).ljust(4096, b"\0"))
		    os.rename(path + ".new", path)
		fd = os.open(path, os.O_WRONLY)
		os.pwrite(fd, struct.pack("=q", until), 48)
	EOP
}
