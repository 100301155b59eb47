# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2034 # used by the other files
#
# Names, places and the small verbs every other file of the lab uses.  All
# state is text under $LAB_STATE, a directory a host, so that any later call
# can undo what an earlier one did, also one that was killed half way.

EX_USAGE=64
EX_UNAVAILABLE=69
EX_OSERR=71
EX_NOPERM=77

# Another name gives another lab beside the first, for tests in parallel.
LAB_NAME=${HOLDFAST_LAB-}
case $LAB_NAME in
*[!a-zA-Z0-9_-]*)
	echo "holdfast-lab: HOLDFAST_LAB: letters, digits, - and _" >&2
	exit "$EX_USAGE" ;;
esac
LAB_TAG=holdfast-lab${LAB_NAME:+-$LAB_NAME}
LAB_STATE=/run/$LAB_TAG
# Images and programs are not in /run: it may be memory, and noexec.
LAB_STORE=/var/tmp/$LAB_TAG
LAB_IMAGE_SIZE=${HOLDFAST_LAB_IMAGE-1G}
# Nothing below waits longer than this for the kernel to let something go.
LAB_WAIT_S=15
# Networks of many clients behind c1.
LAB_CLIENTS=10.99.0.0/16
LAB_CLIENTS6=fd99::/64
# A boot under systemd takes a second or two; all modules stop in a reboot.
LAB_BOOT_S=60
LAB_REBOOT_S=120

die()
{
	local code=$1
	shift
	printf 'holdfast-lab: %s\n' "$*" >&2
	exit "$code"
}

warn()
{
	printf 'holdfast-lab: %s\n' "$*" >&2
}

# Serialises the verbs that change something; descriptor 9 is not inherited
# by a host (labinit closes what it is given).
lab_lock()
{
	exec 9>"/run/$LAB_TAG.lock"
	flock -w 120 9 ||
	    die "$EX_UNAVAILABLE" "another holdfast-lab is at work"
}

lab_is_up()
{
	[ -e "$LAB_STATE/hosts" ]
}

need_lab()
{
	lab_is_up || die "$EX_UNAVAILABLE" "no lab is up: holdfast-lab up 2"
}

# Here and in what else `exec' passes no program is started: who waits for a
# host asks it again and again.
need_host()
{
	local hosts

	need_lab
	mapfile -t hosts <"$LAB_STATE/hosts"
	[[ " ${hosts[*]} " == *" $1 "* ]] ||
	    die "$EX_USAGE" "$1: no such host; there are: ${hosts[*]}"
}

# A node is a host that runs the cluster; the client has no cable to pull
# in any scenario, but nothing forbids it.
need_on()
{
	need_host "$1"
	host_is_on "$1" || die "$EX_UNAVAILABLE" "$1: is powered off"
}

need_lan()
{
	lan_list | grep -qx -- "$1" || die "$EX_USAGE" "$1: no such network"
}

# host_get HOST KEY [DEFAULT], host_put HOST KEY VALUE: one file a fact.
host_get()
{
	if [ -e "$LAB_STATE/$1/$2" ]; then
		printf '%s\n' "$(<"$LAB_STATE/$1/$2")"
	else
		printf '%s\n' "${3-}"
	fi
}

host_put()
{
	printf '%s\n' "$3" >"$LAB_STATE/$1/$2.new"
	mv "$LAB_STATE/$1/$2.new" "$LAB_STATE/$1/$2"
}

host_is_on()
{
	local pid

	[ -e "$LAB_STATE/$1/pid" ] && read -r pid <"$LAB_STATE/$1/pid" &&
	    kill -0 "$pid" 2>/dev/null
}

lan_list()
{
	seq -f 'lan%g' 1 "$(cat "$LAB_STATE/lans")"
}

# Last number of the addresses of a host: n3 is .3, c1 .201, w1 .211.
host_number()
{
	case $1 in
	n*)	echo "${1#n}" ;;
	c*)	echo $((200 + ${1#c})) ;;
	w*)	echo $((210 + ${1#w})) ;;
	esac
}

# wait_for SECONDS COMMAND...: true as soon as the command is.
wait_for()
{
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
		sleep 0.02
	done
}

# Where the v2 hierarchy is: alone at /sys/fs/cgroup or beside v1.  Where no
# such mount is, the lab makes one of its own.
cgroup_mount()
{
	local line part

	while read -r line; do
		[[ $line == *" - cgroup2 "* ]] || continue
		read -ra part <<<"$line"
		echo "${part[4]}"
		return
	done </proc/self/mountinfo
}

cgroup_root()
{
	local at

	at=$(cgroup_mount)
	if [ -z "$at" ]; then
		at=$LAB_STATE/cgroup
		mkdir -p "$at"
		mount -t cgroup2 cgroup2 "$at"
	fi
	printf '%s/%s\n' "$at" "$LAB_TAG"
}

# Ends every process of a cgroup and removes the tree; false when something
# does not end.
cgroup_end()
{
	local cg=$1

	[ -d "$cg" ] || return 0
	if [ -e "$cg/cgroup.kill" ]; then
		echo 1 >"$cg/cgroup.kill"
	else
		cgroup_pids "$cg" | xargs -r kill -9 2>/dev/null || :
	fi
	wait_for "$LAB_WAIT_S" cgroup_is_empty "$cg" || return 1
	find "$cg" -depth -type d -exec rmdir {} +
}

cgroup_pids()
{
	find "$1" -name cgroup.procs -exec cat {} +
}

cgroup_is_empty()
{
	grep -q 'populated 0' "$1/cgroup.events"
}
