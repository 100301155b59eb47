# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# One host: its disk, its namespaces, its power.  A host that is off has no
# process, no mount, no namespace and no loop device; what it has is an image
# file and the facts in its state directory.

host_create()
{
	local host=$1 image=$LAB_STORE/$1.img

	mkdir -p "$LAB_STATE/$host"
	(umask 077 && : >"$image")
	truncate -s "$LAB_IMAGE_SIZE" "$image"
	# Room for 250,000 small files.
	mkfs.ext4 -q -F -m 0 -i 4096 -E lazy_itable_init=1,lazy_journal_init=1 \
	    "$image"
	host_put "$host" power off
}

host_power_on()
{
	local host=$1 cg pid loop boot=boot service=

	host_is_on "$host" && return
	# It went down by itself: what it had is still here.
	[ ! -e "$LAB_STATE/$host/pid" ] || host_power_off "$host"
	cg=$(cgroup_root)/$host
	mkdir -p "$cg"
	loop=$(losetup --find --show "$LAB_STORE/$host.img")
	host_put "$host" loop "$loop"
	mkdir -p "$LAB_STATE/$host/disk"
	case $(host_init "$host") in
	systemd) boot=boot-into service=$LAB_SYSTEMD ;;
	lab)	service=$(clock_command "$host" "$(host_service "$host")") ;;
	esac
	pid=$(LAB_HOSTS=$(tr '\n' ' ' <"$LAB_STATE/hosts") \
	    LAB_LANS=$(cat "$LAB_STATE/lans") \
	    LAB_STAGE=$(cat "$LAB_STATE/stage") \
	    LAB_INIT_KIND=$(host_init "$host") \
	    LAB_BARE=$(cat "$LAB_STATE/bare") \
	    "$LAB_INIT" "$boot" "$cg" "$host" "$service" "$LAB_LIB/mount-host.bash" \
	    "$host" "$loop" "$LAB_STATE/$host/disk" \
	    2>>"$LAB_STATE/$host/console") || {
		tail -n 20 "$LAB_STATE/$host/console" >&2
		host_power_off "$host"
		die "$EX_OSERR" "$host: does not come up"
	}
	host_put "$host" pid "$pid"
	net_plug "$host"
	host_put "$host" power on
	[ ! -e "$LAB_STATE/$host/clock" ] ||
	    clock_write "$host" "$(host_get "$host" clock)"
	watchdog_start "$host"
	kill -USR1 "$pid"
	if [ "$boot" = boot-into ]; then
		wait_for "$LAB_BOOT_S" host_has_booted "$host" ||
		    warn "$host: systemd has not come up in $LAB_BOOT_S s"
	fi
}

# What is pid 1 on a host: a client runs no more than its shell.
host_init()
{
	case $1 in
	n*)	echo "$(<"$LAB_STATE/init")" ;;
	w*)	if [ "$(<"$LAB_STATE/bare")" = yes ]; then
			echo "$(<"$LAB_STATE/init")"
		else
			echo lab
		fi ;;
	*)	echo none ;;
	esac
}

# What init keeps running there.
host_service()
{
	case $1 in
	w*)	echo "$LAB_WITNESS_SERVICE" ;;
	*)	echo "$LAB_SERVICE" ;;
	esac
}

host_has_booted()
{
	case $(host_run "$1" systemctl is-system-running 2>/dev/null) in
	running|degraded) ;;
	*)	return 1 ;;
	esac
}

# The order is the plug's: first nobody hears the host, then nothing more
# reaches its disk, then its processes are gone.  The other way round an
# application would see its disk fail and could still tell somebody.
host_power_off()
{
	local host=$1 pid cg

	pid=$(host_get "$host" pid)
	cg=$(cgroup_root)/$host
	watchdog_stop "$host"
	if [ -n "$pid" ]; then
		net_unplug "$host"
	fi
	# One that went down by itself has nothing left to cut.
	if host_is_on "$host"; then
		disk_cut "$pid" || warn "$host: disk not cut"
	fi
	cgroup_end "$cg" || {
		ps -o pid,stat,wchan:30,args -p "$(cgroup_pids "$cg" |
		    paste -sd,)" >&2 || :
		die "$EX_OSERR" "$host: processes do not end"
	}
	disk_detach "$host"
	net_remove "$host"
	rm -f "$LAB_STATE/$host/pid" "$LAB_STATE/$host/frozen"
	host_put "$host" power off
}

host_power()
{
	[ $# -eq 2 ] || usage
	need_host "$2"
	case $1 in
	off)	host_power_off "$2" ;;
	on)	host_power_on "$2" ;;
	cycle)	host_power_off "$2"
		host_power_on "$2" ;;
	reboot)	host_reboot "$2" ;;
	*)	usage ;;
	esac
}

# In order: init stops the modules, then everything else; the disk is clean.
host_reboot()
{
	local host=$1

	need_on "$host"
	if [ "$(host_init "$host")" = systemd ]; then
		host_run "$host" systemctl reboot
	else
		kill -TERM "$(host_get "$host" pid)"
	fi
	wait_for "$LAB_REBOOT_S" host_is_down "$host" ||
	    die "$EX_OSERR" "$host: has not gone down in $LAB_REBOOT_S s;" \
	    "holdfast-lab power cycle $host"
	host_power_off "$host"
	host_power_on "$host"
}

host_is_down()
{
	! host_is_on "$1"
}

# The command and the nsenter that waits for it belong to the host: they are
# frozen and killed with it.
host_exec()
{
	local host pid

	[ $# -ge 2 ] || usage
	host=$1
	shift
	[ "$1" != -- ] || shift
	[ $# -ge 1 ] || usage
	need_on "$host"
	read -r pid <"$LAB_STATE/$host/pid"
	echo "$BASHPID" >"$(host_exec_cgroup "$host")/cgroup.procs"
	cd /
	unset HOLDFAST_ROOT
	exec nsenter -t "$pid" -m -u -i -n -p -C -- "$@" 9>&-
}

host_run()
{
	(host_exec "$@")
}

# systemd may give controllers to what is below its root, and then the root
# itself takes no process.
host_exec_cgroup()
{
	local cg

	cg=$(cgroup_root)/$1
	if [ "$(host_init "$1")" = systemd ]; then
		cg=$cg/lab
		[ -d "$cg" ] || mkdir -p "$cg"
	fi
	echo "$cg"
}

host_is_frozen()
{
	grep -q 'frozen 1' "$(cgroup_root)/$1/cgroup.events"
}

host_freeze()
{
	local host=${1-} how=frozen

	[ $# -eq 1 ] || { [ $# -eq 2 ] && [ "$2" = --deaf ]; } || usage
	need_on "$host"
	if [ $# -eq 2 ]; then
		how=deaf
		net_deaf "$host" add
	fi
	echo 1 >"$(cgroup_root)/$host/cgroup.freeze"
	host_put "$host" frozen "$how"
	# A process that waits inside the kernel is stopped all the same,
	# by what it waits for; the kernel then never says frozen.
	wait_for 1 host_is_frozen "$host" ||
	    warn "$host: a process waits in the kernel"
}

host_thaw()
{
	local host=${1-}

	[ $# -eq 1 ] || { [ $# -eq 2 ] && [ "$2" = --deaf ]; } || usage
	need_on "$host"
	net_deaf "$host" delete
	echo 0 >"$(cgroup_root)/$host/cgroup.freeze"
	rm -f "$LAB_STATE/$host/frozen"
}
