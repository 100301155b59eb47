# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# The wall clock of one node.  All hosts share the kernel's, so the lie is told
# by libfaketime, preloaded into the node's daemons and scripts: a file of the
# node says how far off it is, and they look at it each second, as a clock is
# stepped.  What counts time without a wall clock (CLOCK_MONOTONIC,
# CLOCK_BOOTTIME) must not move with it: the library would fake it too, and with
# its `fix' end every timed wait of a thread at once.

LAB_CLOCK_FILE=run/lab-clock

clock_library()
{
	local lib

	for lib in /usr/lib/*/faketime/libfaketime.so.1 \
	    /usr/lib*/faketime/libfaketime.so.1; do
		if [ -r "$lib" ]; then
			echo "$lib"
			return
		fi
	done
	die "$EX_UNAVAILABLE" "libfaketime is not there; apt-get install" \
	    "libfaketime"
}

# clock NODE +S|-S|ok: at the next power on, or, when the node came up with a
# clock of its own, within a second.
clock_set()
{
	local host off

	[ $# -eq 2 ] || usage
	host=$1 off=$2
	need_host "$host"
	[ "$(host_init "$host")" = lab ] || die "$EX_USAGE" \
	    "$host: only a node or witness with the lab's own init"
	[ "$off" != ok ] || off=+0
	[[ $off =~ ^[+-][0-9]{1,9}$ ]] || usage
	clock_library >/dev/null
	host_put "$host" clock "$off"
	if host_is_on "$host" && [ -e "$(clock_file "$host")" ]; then
		clock_write "$host" "$off"
	fi
}

clock_file()
{
	echo "/proc/$(cat "$LAB_STATE/$1/pid")/root/$LAB_CLOCK_FILE"
}

# Aside and renamed: nobody reads half an offset.
clock_write()
{
	local file

	file=$(clock_file "$1")
	echo "${2}s" >"$file.new"
	mv "$file.new" "$file"
}

# clock_command HOST COMMAND: what init runs on a host.
clock_command()
{
	if [ -e "$LAB_STATE/$1/clock" ]; then
		printf 'exec env LD_PRELOAD=%s FAKETIME_TIMESTAMP_FILE=/%s %s ' \
		    "$(clock_library)" "$LAB_CLOCK_FILE" \
		    "FAKETIME_CACHE_DURATION=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \
FAKETIME_FORCE_MONOTONIC_FIX=0"
		printf '%s\n' "$2"
	else
		printf 'exec %s\n' "$2"
	fi
}
