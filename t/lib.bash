# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC1091,SC2016
#
# What the suites share.  Each file of tests has at most one lab, brought up
# in setup_file and named after the process, so that suites and a lab of the
# user's do not meet:
#
#	load lib
#	setup_file()    { lab_setup_file 2; }
#	teardown()      { lab_teardown; }
#	teardown_file() { lab_teardown_file; }

TOP=${top_srcdir:-$(cd "$BATS_TEST_DIRNAME/.." && pwd)}
export top_builddir=${top_builddir:-$TOP}
LAB=$TOP/bin/lab/holdfast-lab

# wait_until SECONDS COMMAND-LINE: true as soon as the line is.
wait_until()
{
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	until eval "$2"; do
		if [ "${EPOCHREALTIME/./}" -ge "$end" ]; then
			echo "not within $1 s: $2" >&2
			return 1
		fi
		sleep 0.05
	done
}

now_ms()
{
	echo $((${EPOCHREALTIME/./} / 1000))
}

# A suite that cannot run says why, and every test of it is skipped aloud.
lab_can_run()
{
	local why=

	if [ "$(id -u)" -ne 0 ]; then
		why="needs root"
	elif [ ! -c /dev/loop-control ] || [ ! -c /dev/fuse ]; then
		why="needs /dev/loop-control and /dev/fuse"
	elif [ ! -x "$top_builddir/bin/lab/labinit" ]; then
		why="needs a build"
	elif ! grep -q '^S\["prefix"\]="/usr"' "$top_builddir/config.status"
	then
		why="needs a tree configured with --prefix=/usr"
	fi
	[ -n "$why" ] || return 0
	echo "$why" >"$BATS_FILE_TMPDIR/skip"
	return 1
}

lab_setup_file()
{
	export HOLDFAST_LAB=t$$
	export BATS_NO_PARALLELIZE_WITHIN_FILE=true
	lab_can_run || return 0
	nft list tables >"$BATS_FILE_TMPDIR/tables" 2>/dev/null
	"$LAB" up "$@" >"$BATS_FILE_TMPDIR/up" 2>&1 || {
		tail -n 100 "$BATS_FILE_TMPDIR/up" >&2
		return 1
	}
	lab_namespaces >"$BATS_FILE_TMPDIR/namespaces"
}

# First line of every setup() of a suite with a lab.
lab_setup()
{
	[ ! -e "$BATS_FILE_TMPDIR/skip" ] ||
	    skip "$(cat "$BATS_FILE_TMPDIR/skip")"
}

lab_teardown()
{
	if [ -z "${BATS_TEST_COMPLETED-}" ] &&
	    [ ! -e "$BATS_FILE_TMPDIR/skip" ]; then
		lab_dump
	fi
}

lab_teardown_file()
{
	[ ! -e "$BATS_FILE_TMPDIR/skip" ] || return 0
	lab_namespaces >>"$BATS_FILE_TMPDIR/namespaces"
	"$LAB" down
	lab_leftovers
}

# Every log of every host, for the one who reads a failed run.
lab_dump()
{
	(
		# shellcheck source=bin/lab/common.bash
		. "$TOP/bin/lab/common.bash"
		# shellcheck source=bin/lab/cluster.bash
		. "$TOP/bin/lab/cluster.bash"
		status_text
		lab_logs
	) || :
}

on()
{
	"$LAB" exec "$@"
}

# Namespaces of the hosts there are now, as "net:[4026532514]".
lab_namespaces()
{
	local pid

	for pid in /run/holdfast-lab-"$HOLDFAST_LAB"/*/pid; do
		[ -e "$pid" ] || continue
		readlink /proc/"$(cat "$pid")"/ns/{net,mnt,pid,ipc,uts} || :
	done
}

# Processes in a cgroup or a namespace of the lab.  One that has ended and
# waits for the machine's init to collect it holds nothing.
lab_processes()
{
	local dir

	for dir in $({
		grep -sl "/holdfast-lab-$HOLDFAST_LAB/" /proc/[0-9]*/cgroup
		find /proc/[0-9]*/ns -type l -printf '%l %p\n' 2>/dev/null |
		    grep -Ff "$BATS_FILE_TMPDIR/namespaces" |
		    cut -d' ' -f2
	} | cut -d/ -f1-3 | sort -u); do
		grep -sq '^State:.*zombie' "$dir/status" ||
		    ps -o pid=,stat=,args= -p "${dir##*/}"
	done
}

# Fails, and prints it, for whatever a lab that is down has left; what the
# kernel is still taking apart gets the time for it.
lab_leftovers()
{
	wait_until 5 '[ -z "$(lab_list_leftovers)" ]' && return
	lab_list_leftovers >&2
	return 1
}

lab_list_leftovers()
{
	local tag=holdfast-lab-$HOLDFAST_LAB

	{
		grep -sl "/$tag/" /proc/[0-9]*/mountinfo
		losetup -a | grep "/$tag/"
		find /run /var/tmp /sys/fs/cgroup -maxdepth 3 -name "$tag*"
		ip -o addr | grep -E ' (10\.88\.|fd88:)'
		nft list tables 2>/dev/null |
		    diff "$BATS_FILE_TMPDIR/tables" -
		lab_processes
	} || :
}
