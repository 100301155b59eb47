# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2034 # used by the other files
#
# The whole lab: up, status, down, and where its programs come from.

# What init keeps running on a node, as the system's unit would.
LAB_SERVICE="/usr/lib/holdfast/holdfastd -d"
# And on a witness, which has nothing else of ours.
LAB_WITNESS_SERVICE="/usr/lib/holdfast/witnessd -d"
LAB_SYSTEMD=/lib/systemd/systemd

# Run from the tree: the programs of that tree.  Installed: the machine's.
lab_find_programs()
{
	LAB_INIT=$LAB_LIB/labinit
	LAB_BUILD=
	if [ -e "$LAB_LIB/local.mk" ]; then
		LAB_BUILD=${top_builddir:-${LAB_LIB%/bin/lab}}
		LAB_INIT=$LAB_BUILD/bin/lab/labinit
	fi
	[ -x "$LAB_INIT" ] ||
	    die "$EX_UNAVAILABLE" "$LAB_INIT: not built; run ./bootstrap build"
}

# lab_stage BARE: HOLDFAST_LAB_STAGE names a DESTDIR that is there already.
lab_stage()
{
	local log=$LAB_STATE/stage.log

	if [ -z "$LAB_BUILD" ] || [ "$1" = yes ]; then
		: >"$LAB_STATE/stage"
		return
	fi
	if [ -n "${HOLDFAST_LAB_STAGE-}" ]; then
		printf '%s\n' "$HOLDFAST_LAB_STAGE" >"$LAB_STATE/stage"
		return
	fi
	# Not as a part of a make that may be running us, and one at a time.
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS \
	    flock "$LAB_BUILD/config.status" make -s -C "$LAB_BUILD" \
	    install "DESTDIR=$LAB_STORE/stage" >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die "$EX_UNAVAILABLE" "make install failed in $LAB_BUILD"
	}
	[ -d "$LAB_STORE/stage/usr/lib/holdfast" ] ||
	    die "$EX_UNAVAILABLE" "configure $LAB_BUILD with --prefix=/usr" \
	    "--sysconfdir=/etc --localstatedir=/var --runstatedir=/run"
	printf '%s\n' "$LAB_STORE/stage" >"$LAB_STATE/stage"
}

# up N [--lans K] [--init lab|systemd] [--bare] [--witness]
# [--module WHAT [--set MACRO=VALUE]...]...
lab_up()
{
	local nodes lans=2 init=lab bare=no witness=no i host

	LAB_MODULES=() LAB_SETS=()
	case ${1-} in
	[1-9]|[1-9][0-9]) nodes=$1 ;;
	*)	usage ;;
	esac
	shift
	while [ $# -ge 1 ]; do
		case $1 in
		--bare)	bare=yes init=systemd
			shift
			continue ;;
		--witness)
			witness=yes
			shift
			continue ;;
		esac
		[ $# -ge 2 ] || usage
		case $1 in
		--lans)	lans=$2 ;;
		--init)	init=$2 ;;
		--module)
			LAB_MODULES+=("$(readlink -f -- "$2")") ;;
		--set)	[ ${#LAB_MODULES[@]} -gt 0 ] || usage
			LAB_SETS+=("$((${#LAB_MODULES[@]} - 1)) $2") ;;
		*)	usage ;;
		esac
		shift 2
	done
	[ "$bare" = no ] || [ ${#LAB_MODULES[@]} -eq 0 ] || die "$EX_USAGE" \
	    "--module: there is no holdfast on a bare host"
	case $lans in
	[1-8])	;;
	*)	die "$EX_USAGE" "--lans: 1 to 8" ;;
	esac
	case $init in
	lab)	;;
	systemd)
		[ -x "$LAB_SYSTEMD" ] || die "$EX_UNAVAILABLE" \
		    "$LAB_SYSTEMD: not there; apt-get install systemd" ;;
	*)	die "$EX_USAGE" "--init: lab or systemd" ;;
	esac
	[ ! -e "$LAB_STATE" ] ||
	    die "$EX_UNAVAILABLE" "a lab is up already: holdfast-lab down"
	lab_check_machine

	trap lab_up_failed EXIT
	mkdir -p "$LAB_STATE"
	(umask 077 && mkdir -p "$LAB_STORE")
	# The overlay of programs lets any user of a host run them.
	chmod 711 "$LAB_STORE"
	echo "$lans" >"$LAB_STATE/lans"
	echo "$init" >"$LAB_STATE/init"
	echo "$bare" >"$LAB_STATE/bare"
	for ((i = 1; i <= nodes; i++)); do
		echo "n$i"
	done >"$LAB_STATE/hosts"
	echo c1 >>"$LAB_STATE/hosts"
	[ "$witness" = no ] || echo w1 >>"$LAB_STATE/hosts"
	lab_stage "$bare"
	hub_up
	while read -r host; do
		host_create "$host"
		host_power_on "$host"
	done <"$LAB_STATE/hosts"
	if [ ${#LAB_MODULES[@]} -gt 0 ]; then
		modules_up
	fi
	trap - EXIT
	status_text
}

# What failed has been said; here is what the hosts have to say.
lab_up_failed()
{
	trap - EXIT
	lab_logs >&2 || :
	[ -n "${HOLDFAST_LAB_KEEP-}" ] || lab_down
}

lab_check_machine()
{
	local tool missing=()

	for tool in ip bridge nft jq nsenter losetup mkfs.ext4 flock fallocate; do
		command -v "$tool" >/dev/null || missing+=("$tool")
	done
	[ ${#missing[@]} -eq 0 ] ||
	    die "$EX_UNAVAILABLE" "missing tools: ${missing[*]};" \
	    "run ./bootstrap deps"
	[ -c /dev/fuse ] || modprobe fuse 2>/dev/null || :
	[ -c /dev/fuse ] || die "$EX_UNAVAILABLE" "/dev/fuse: not there"
	[ -c /dev/loop-control ] || modprobe loop 2>/dev/null || :
	[ -c /dev/loop-control ] ||
	    die "$EX_UNAVAILABLE" "/dev/loop-control: not there"
}

# The ends of all logs of all hosts; of one that is off, what is on its disk.
lab_logs()
{
	local host

	[ $# -eq 0 ] || usage
	[ -e "$LAB_STATE/hosts" ] || return 0
	while read -r host; do
		if [ -s "$LAB_STATE/$host/console" ]; then
			echo "--- $host: console"
			tail -n 30 "$LAB_STATE/$host/console"
		fi
		if host_is_on "$host"; then
			lab_logs_below "$host" \
			    "/proc/$(cat "$LAB_STATE/$host/pid")/root"
		elif [ -s "$LAB_STORE/$host.img" ]; then
			lab_logs_of_disk "$host"
		fi
	done <"$LAB_STATE/hosts"
}

# lab_logs_below HOST ROOT
lab_logs_below()
{
	local file

	for file in "$2"/run/holdfast/*/status "$2"/var/log/holdfast/*.log \
	    "$2"/var/log/holdfast/*.events "$2"/var/log/holdfast/*/*.ulog; do
		[ -s "$file" ] || continue
		echo "--- $1: ${file#"$2"}"
		tail -n 40 "$file"
	done
}

# Its journal is not replayed: what a test looks at stays as it is.  The mount
# and its loop device go with the namespace.
lab_logs_of_disk()
{
	export -f lab_logs_below
	# shellcheck disable=SC2016 # expanded there
	unshare -m --propagation private bash -c 'mount -t ext4 -o \
	    ro,noload,loop "$2" "$3" && lab_logs_below "$1 (off)" "$3"' bash \
	    "$1" "$LAB_STORE/$1.img" "$LAB_STATE/$1/disk" || :
}

# Takes apart whatever is there, also what a killed `up' left.
lab_down()
{
	local host dir cg at

	cg=$(cgroup_root)
	if [ -e "$LAB_STATE/hosts" ]; then
		while read -r host; do
			[ ! -d "$LAB_STATE/$host" ] || host_power_off "$host"
		done <"$LAB_STATE/hosts"
	fi
	cgroup_end "$cg" || die "$EX_OSERR" "$cg: processes do not end"
	losetup -nO NAME,BACK-FILE | while read -r dir at; do
		case $at in
		"$LAB_STORE"/*)	losetup -d "$dir" ;;
		esac
	done
	if mountpoint -q "$LAB_STATE/cgroup" 2>/dev/null; then
		umount "$LAB_STATE/cgroup"
	fi
	rm -rf "$LAB_STATE" "$LAB_STORE"
	rm -f "/run/$LAB_TAG.lock"
}

# status [--json]
lab_status()
{
	case $* in
	'')	status_text ;;
	--json)	status_json ;;
	*)	usage ;;
	esac
}

# What a host is: on, off, frozen or deaf.
host_state()
{
	if host_is_on "$1"; then
		host_get "$1" frozen on
	else
		echo off
	fi
}

status_text()
{
	local host lan n

	if ! lab_is_up; then
		echo "no lab is up"
		return
	fi
	printf '%-5s %-7s %-9s %s\n' HOST STATE DISK NETWORKS
	while read -r host; do
		n=$(host_number "$host")
		printf '%-5s %-7s %-9s' "$host" "$(host_state "$host")" \
		    "$(host_get "$host" disk.state ok)"
		for lan in $(lan_list); do
			printf ' %s 10.88.%s.%s %s' "$lan" "${lan#lan}" "$n" \
			    "$(host_get "$host" "cable.$lan" in)"
		done
		echo
	done <"$LAB_STATE/hosts"
	cut_list | sed 's/\(.*\) \(.*\) \(.*\)/\3: from \1 to \2 nothing passes/'
}

# Nothing in it needs quoting: names and words of our own.
status_json()
{
	local host lan n sep='' lsep

	printf '{"lab":"%s","up":%s,"hosts":[' "$LAB_NAME" \
	    "$(lab_is_up && echo true || echo false)"
	if lab_is_up; then
		while read -r host; do
			n=$(host_number "$host")
			printf '%s{"host":"%s","state":"%s","disk":"%s","pid":%s,"lans":{' \
			    "$sep" "$host" "$(host_state "$host")" \
			    "$(host_get "$host" disk.state ok)" \
			    "$(host_get "$host" pid 0)"
			lsep=''
			for lan in $(lan_list); do
				printf '%s"%s":{"addr":"10.88.%s.%s","addr6":"fd88:%s::%s","cable":"%s"}' \
				    "$lsep" "$lan" "${lan#lan}" "$n" \
				    "${lan#lan}" "$n" \
				    "$(host_get "$host" "cable.$lan" in)"
				lsep=,
			done
			printf '}}'
			sep=,
		done <"$LAB_STATE/hosts"
	fi
	printf '],"cuts":%s}\n' "$(lab_is_up && cut_json || echo '[]')"
}
