#!/bin/bash
# SPDX-License-Identifier: ISC
#
# mount-host.bash HOST LOOP MOUNTPOINT: makes the root of a host, at every power
# on.  Runs inside the host's new namespaces as a child of its init, before
# the network is there.  From host.bash: LAB_HOSTS, LAB_LANS, LAB_STAGE,
# LAB_INIT_KIND, LAB_BARE.

set -euo pipefail
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

host=$1 loop=$2 disk=$3

# The disk's first power on: an /etc of its own, an empty /var and /srv.
disk_populate()
{
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
	if [ "$LAB_BARE" = yes ]; then
		cp -a /var/lib/dpkg "$disk/var/lib/"
		mkdir "$disk/usr.new" "$disk/usr.work"
	fi
	tr -d - </proc/sys/kernel/random/uuid >"$disk/etc/machine-id"
	echo "$host" >"$disk/etc/hostname"
	hosts_file >"$disk/etc/hosts"
	[ "$LAB_BARE" = yes ] || users_populate
	if [ "$LAB_INIT_KIND" = systemd ]; then
		systemd_populate
	fi
	sync -f "$disk"
}

users_populate()
{
	local group gid=900

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
}

# A system that boots into multi-user with our unit and nothing of what this
# machine starts; what would speak to the hardware or the one kernel is masked.
systemd_populate()
{
	local unit dir=$disk/etc/systemd/system

	rm -rf "$dir" "$disk"/etc/rc?.d
	mkdir -p "$dir/multi-user.target.wants"
	: >"$disk/etc/fstab"
	ln -s /lib/systemd/system/multi-user.target "$dir/default.target"
	# The package enables it by itself.
	[ "$LAB_BARE" = yes ] || ln -s /lib/systemd/system/holdfast.service \
	    "$dir/multi-user.target.wants/holdfast.service"
	mkdir -p "$dir/sysinit.target.wants"
	[ "$LAB_BARE" = yes ] || ln -s \
	    /lib/systemd/system/holdfast-guard.service \
	    "$dir/sysinit.target.wants/holdfast-guard.service"
	for unit in getty.target systemd-udevd.service systemd-udev-trigger.service \
	    systemd-sysctl.service systemd-modules-load.service \
	    systemd-binfmt.service systemd-firstboot.service \
	    systemd-random-seed.service systemd-repart.service \
	    systemd-remount-fs.service systemd-networkd.service \
	    systemd-resolved.service systemd-timesyncd.service \
	    systemd-logind.service kmod-static-nodes.service \
	    systemd-tmpfiles-setup-dev.service modprobe@.service \
	    dev-hugepages.mount dev-mqueue.mount sys-kernel-config.mount \
	    sys-kernel-debug.mount sys-kernel-tracing.mount \
	    sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount; do
		ln -s /dev/null "$dir/$unit"
	done
}

# A /dev of its own: systemd makes and removes names there.
own_dev()
{
	local name major minor

	mount -t tmpfs -o nosuid,mode=755 dev /dev
	while read -r name major minor; do
		mknod -m 666 "/dev/$name" c "$major" "$minor"
	done <<-'END'
	null 1 3
	zero 1 5
	full 1 7
	random 1 8
	urandom 1 9
	tty 5 0
	fuse 10 229
	END
	ln -s /proc/self/fd /dev/fd
	for name in stdin:0 stdout:1 stderr:2; do
		ln -s "fd/${name#*:}" "/dev/${name%:*}"
	done
	mkdir /dev/pts /dev/shm
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts /dev/pts
	ln -s pts/ptmx /dev/ptmx
}

hosts_file()
{
	local name k n

	echo "127.0.0.1 localhost"
	echo "::1 localhost ip6-localhost ip6-loopback"
	for name in $LAB_HOSTS; do
		n=${name#?}
		case $name in
		c*)	n=$((200 + n)) ;;
		w*)	n=$((210 + n)) ;;
		esac
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
if [ "$LAB_BARE" = yes ]; then
	mount -t overlay -o "lowerdir=/usr,upperdir=$disk/usr.new" \
	    -o "workdir=$disk/usr.work" usr /usr
	# A machine that lets packages start nothing is a container's.
	rm -f /usr/sbin/policy-rc.d
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
[ "$LAB_INIT_KIND" != systemd ] || own_dev
mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs /run
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs /tmp
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs /dev/shm
mkdir -m 1777 /run/lock
# What is not this host's own is the machine's: read only.
mount -o remount,bind,ro /

# An init that sets what belongs to the one kernel finds it read-only.
if [ "$LAB_INIT_KIND" = systemd ]; then
	mount --bind /proc/sys /proc/sys
	mount --bind /proc/sys/net /proc/sys/net
	mount -o remount,bind,ro /proc/sys
	mount -o remount,bind,ro /sys
fi

cat /proc/sys/kernel/random/uuid >/run/boot_id
mount --bind /run/boot_id /proc/sys/kernel/random/boot_id

# No router is here to ask, and no second host has our addresses.
for conf in all default; do
	echo 0 >"/proc/sys/net/ipv6/conf/$conf/accept_dad"
	echo 0 >"/proc/sys/net/ipv6/conf/$conf/accept_ra"
	echo 0 >"/proc/sys/net/ipv6/conf/$conf/router_solicitations"
done

# As on a system that systemd booted: what is mounted is seen by services
# that have a mount namespace of their own.
[ "$LAB_INIT_KIND" != systemd ] || mount --make-rshared /
