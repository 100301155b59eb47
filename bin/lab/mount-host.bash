#!/bin/bash
# SPDX-License-Identifier: ISC
#
# mount-host.bash HOST LOOP MOUNTPOINT: makes the root of a host, at every power
# on.  Runs inside the host's new namespaces as a child of its init, before
# the network is there.  From host.bash: LAB_HOSTS, LAB_LANS, LAB_STAGE.

set -euo pipefail
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

host=$1 loop=$2 disk=$3

# The disk's first power on: an /etc of its own, an empty /var and /srv.
disk_populate()
{
	local group gid=900

	cp -a /etc "$disk/etc"
	mkdir -p "$disk/srv" "$disk/var"
	(cd "$disk/var" && mkdir -p backups cache lib local log mail opt \
	    spool tmp && chmod 1777 tmp && ln -s /run run &&
	    ln -s /run/lock lock)
	if [ -n "$LAB_STAGE" ]; then
		for dir in etc var; do
			[ ! -d "$LAB_STAGE/$dir" ] ||
			    cp -a "$LAB_STAGE/$dir/." "$disk/$dir/"
		done
	fi
	tr -d - </proc/sys/kernel/random/uuid >"$disk/etc/machine-id"
	echo "$host" >"$disk/etc/hostname"
	hosts_file >"$disk/etc/hosts"
	# The same numbers on every host: they start from the same /etc.
	for group in holdfast holdfast-admin holdfast-control; do
		grep -q "^$group:" "$disk/etc/group" && continue
		while cut -d: -f3 "$disk/etc/group" "$disk/etc/passwd" |
		    grep -qx "$gid"; do
			gid=$((gid + 1))
		done
		echo "$group:x:$gid:" >>"$disk/etc/group"
	done
	grep -q '^holdfast:' "$disk/etc/passwd" ||
	    printf 'holdfast:x:%s:%s::/var/lib/holdfast:%s\n' \
	    "$(awk -F: '$1 == "holdfast" { print $3 }' "$disk/etc/group")" \
	    "$(awk -F: '$1 == "holdfast" { print $3 }' "$disk/etc/group")" \
	    /usr/sbin/nologin >>"$disk/etc/passwd"
	sync -f "$disk"
}

hosts_file()
{
	local name k n

	echo "127.0.0.1 localhost"
	echo "::1 localhost ip6-localhost ip6-loopback"
	for name in $LAB_HOSTS; do
		n=${name#?}
		[ "${name%"$n"}" != c ] || n=$((200 + n))
		echo "10.88.1.$n $name"
		for k in $(seq 1 "$LAB_LANS"); do
			echo "10.88.$k.$n $name-lan$k"
			echo "fd88:$k::$n $name-lan$k"
		done
	done
}

# As every boot does; a disk that was made to fail has an error on record.
fsck=0
e2fsck -p "$loop" >&2 || fsck=$?
[ "$fsck" -le 2 ] || e2fsck -fy "$loop" >&2 || [ $? -le 2 ]
mount -t ext4 -o noatime,errors=remount-ro "$loop" "$disk"
[ -d "$disk/etc" ] || disk_populate

# Programs that `make install' laid out for this lab, at their final paths.
if [ -n "$LAB_STAGE" ]; then
	mount -t overlay -o "ro,lowerdir=$LAB_STAGE/usr:/usr" usr /usr
fi
mount --bind "$disk/etc" /etc
mount --bind "$disk/srv" /srv
mount --bind "$disk/var" /var
umount "$disk"

mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 /sys/fs/cgroup
if [ -d /sys/fs/fuse/connections ]; then
	mount -t fusectl fusectl /sys/fs/fuse/connections
fi
mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs /run
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs /tmp
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs /dev/shm
mkdir -m 1777 /run/lock
# What is not this host's own is the machine's: read only.
mount -o remount,bind,ro /

cat /proc/sys/kernel/random/uuid >/run/boot_id
mount --bind /run/boot_id /proc/sys/kernel/random/boot_id

# No router is here to ask, and no second host has our addresses.
for conf in all default; do
	echo 0 >"/proc/sys/net/ipv6/conf/$conf/accept_dad"
	echo 0 >"/proc/sys/net/ipv6/conf/$conf/accept_ra"
	echo 0 >"/proc/sys/net/ipv6/conf/$conf/router_solicitations"
done
