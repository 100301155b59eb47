# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# The disk of a host: an ext4 image on a loop device, mounted in the host's
# own namespace only.  `disk' puts it in trouble and out of it.

# A slow disk: about what a worn SD card does.
DISK_SLOW_BPS=262144
DISK_SLOW_IOPS=20

# Nothing that is not on the disk now will get there.
disk_cut()
{
	"$LAB_INIT" shutdown-fs "/proc/$1/root/etc"
}

disk_detach()
{
	local host=$1 loop

	loop=$(host_get "$host" loop)
	if [ -z "$loop" ]; then
		return
	fi
	disk_throttle "$loop" 0 0 "$host" 2>/dev/null || :
	losetup --detach "$loop" 2>/dev/null || :
	# The last mount goes with the last process, some milliseconds later.
	wait_for "$LAB_WAIT_S" disk_is_free "$host" ||
	    die "$EX_OSERR" "$host: $loop is still in use"
	rm -f "$LAB_STATE/$host/loop" "$LAB_STATE/$host/disk.state"
}

disk_is_free()
{
	[ -z "$(losetup -j "$LAB_STORE/$1.img")" ]
}

# disk_throttle LOOP BYTES OPERATIONS a second; 0 lifts it.  Writers of a
# loop device run in its own kernel thread: a v1 limit has to be at the root
# group, a v2 one at the host's, which the thread takes on.
disk_throttle()
{
	local dev v1 key

	dev=$(cat "/sys/block/${1#/dev/}/dev")
	v1=$(awk '{ for (i = 7; i < NF; i++) if ($i == "-" &&
	    $(i + 1) == "cgroup" && $NF ~ /(^|,)blkio(,|$)/) {
		print $5; exit } }' /proc/self/mountinfo)
	if [ -n "$v1" ]; then
		for key in read write; do
			echo "$dev $2" >"$v1/blkio.throttle.${key}_bps_device"
			echo "$dev $3" >"$v1/blkio.throttle.${key}_iops_device"
		done
		return
	fi
	disk_throttle_v2 "$dev" "$2" "$3" "$4"
}

disk_throttle_v2()
{
	local dev=$1 bps=${2/#0/max} iops=${3/#0/max} root

	root=$(cgroup_root)
	echo +io >"${root%/*}/cgroup.subtree_control"
	echo +io >"$root/cgroup.subtree_control"
	echo "$dev rbps=$bps wbps=$bps riops=$iops wiops=$iops" \
	    >"$root/$4/io.max"
}

disk_set()
{
	local host what pid loop

	[ $# -eq 2 ] || usage
	host=$1 what=$2
	need_on "$host"
	pid=$(cat "$LAB_STATE/$host/pid")
	loop=$(host_get "$host" loop)
	[ "$(host_get "$host" disk.state)" != readonly ] ||
	    die "$EX_UNAVAILABLE" "$host: an aborted journal takes" \
	    "a new mount: holdfast-lab power cycle $host"
	case $what in
	full|slow|readonly|ok) ;;
	*)	usage ;;
	esac
	# One trouble at a time; a power cut is not to bring it back.
	rm -f "/proc/$pid/root/srv/.lab-filler"
	disk_throttle "$loop" 0 0 "$host" 2>/dev/null || :
	sync -f "/proc/$pid/root/srv" || :
	case $what in
	full)	disk_fill "$pid" ;;
	slow)	disk_throttle "$loop" $DISK_SLOW_BPS $DISK_SLOW_IOPS "$host" ||
		    die "$EX_UNAVAILABLE" "no I/O limits in this kernel" ;;
	readonly)
		# As if an I/O error had been: the journal is aborted.
		echo lab >"/sys/fs/ext4/${loop#/dev/}/trigger_fs_error" ;;
	esac
	host_put "$host" disk.state "$what"
}

# Big steps, then small ones, and again when what was freed before is free:
# not one block is left.
disk_fill()
{
	local file=/proc/$1/root/srv/.lab-filler step end=0

	: >>"$file"
	for step in 16777216 1048576 4096 sync 4096 sync 4096; do
		if [ "$step" = sync ]; then
			sync -f "$file"
			continue
		fi
		end=$(stat -c %s "$file")
		while fallocate -o "$end" -l "$step" "$file" 2>/dev/null; do
			end=$((end + step))
		done
	done
}
