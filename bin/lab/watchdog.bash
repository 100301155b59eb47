# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# A watchdog card: a FIFO in the node that somebody must write to, and a reader
# outside of it that pulls the plug.  As the kernel's: it runs from the first
# byte on, a V as the last word before the close stops it (magic close), and
# nothing in the node can keep it from acting.

LAB_WATCHDOG=run/lab-watchdog

# watchdog NODE SECONDS|off: at the next power on.
watchdog_set()
{
	local host what

	[ $# -eq 2 ] || usage
	host=$1 what=$2
	need_host "$host"
	case $host in
	n*)	;;
	*)	die "$EX_USAGE" "$host: only a node has a watchdog" ;;
	esac
	case $what in
	off)	rm -f "$LAB_STATE/$host/watchdog" ;;
	[1-9]|[1-9][0-9]|[1-9][0-9][0-9])
		host_put "$host" watchdog "$what" ;;
	*)	usage ;;
	esac
}

# At power on, before anything of the node runs.  The reader is in the cgroup
# of the lab: the node's own is what it ends.
watchdog_start()
{
	local host=$1 fifo seconds cg

	seconds=$(host_get "$host" watchdog)
	[ -n "$seconds" ] || return 0
	fifo=/proc/$(cat "$LAB_STATE/$host/pid")/root/$LAB_WATCHDOG
	mkfifo -m 600 "$fifo"
	cg=$(cgroup_root)/watchdog-$host
	mkdir -p "$cg"
	setsid "$LAB_LIB/watchdog-read.bash" "$cg" "$LAB_INIT" "$fifo" \
	    "$seconds" "$self" "$host" </dev/null \
	    >>"$LAB_STATE/$host/console" 2>&1 9>&- &
}

# At power off, whoever asked for it: the reader itself is not killed by what
# it does.
watchdog_stop()
{
	local host=$1

	[ "${LAB_WATCHDOG_OF-}" != "$host" ] || return 0
	cgroup_end "$(cgroup_root)/watchdog-$host"
}
