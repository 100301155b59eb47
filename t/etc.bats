#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What etc/ installs: the sysvinit script with fake daemons, the unit, the
# sample configuration.

load lib

service() {
	sh "$TOP/etc/init.d/holdfast" "$@" 3>&-
}

supervisor() {
	pgrep -P "$(cat "$RUN/init.pid")" -x holdfastd
}

daemon() {
	sed -n "s/^process name=$1 .*pid=\([0-9]*\) .*/\1/p" \
	    "$RUN/holdfastd.state"
}

setup() {
	TOP=$(realpath "${top_builddir:-.}")
	SRC=$(realpath "${top_srcdir:-.}")
	HOLDFAST_ROOT=$(mktemp -d /tmp/hf-etc.XXXXXX)
	export HOLDFAST_ROOT
	RUN=$HOLDFAST_ROOT/run/holdfast
	LIB=$HOLDFAST_ROOT/usr/lib/holdfast
	mkdir -p "$LIB" "$HOLDFAST_ROOT/var/lib/holdfast"
	ln -s "$TOP/bin/holdfastd/holdfastd" "$LIB/holdfastd"
	ln -s "$TOP/bin/keepd/keepd" "$LIB/keepd"
	mkdir -p "$HOLDFAST_ROOT/usr/sbin"
	ln -s "$TOP/bin/holdfast/holdfast" "$HOLDFAST_ROOT/usr/sbin/holdfast"
	printf '#!/bin/sh\necho >&3\nexec sleep 600 3>&-\n' >"$LIB/heartd"
	chmod +x "$LIB/heartd"
	cp "$LIB/heartd" "$LIB/vipd"
	cp "$LIB/heartd" "$LIB/remoted"
	cp "$LIB/heartd" "$LIB/consoled"
	cp "$LIB/heartd" "$LIB/alertd"
}

teardown() {
	local pid
	for pid in $(cat "$RUN/init.pid" 2>/dev/null) $(supervisor 2>/dev/null) \
	    $(daemon '[a-z]*' 2>/dev/null); do
		kill -KILL "$pid" 2>/dev/null || true
	done
	wait_until 5 'rm -rf "$HOLDFAST_ROOT" 2>/dev/null'
}

@test "sysvinit: start, status, reload, stop" {
	grep -q "$(realpath -m "/usr/lib/holdfast")" \
	    "$TOP/etc/init.d/holdfast" || skip "another prefix"
	run service status
	[ "$status" = 3 ]
	service start
	service start
	[ "$(supervisor | wc -l)" = 1 ]
	service status
	wait_until 5 '[ -n "$(daemon vipd)" ]'
	service reload
	vipd=$(daemon vipd)
	service stop
	! kill -0 "$vipd"
	run service status
	[ "$status" = 3 ]
	service stop
}

@test "sysvinit: a killed holdfastd is back and adopts" {
	grep -q /usr/lib/holdfast "$TOP/etc/init.d/holdfast" ||
	    skip "another prefix"
	service start
	wait_until 5 '[ -n "$(daemon vipd)" ]'
	old=$(supervisor)
	vipd=$(daemon vipd)
	kill -KILL "$old"
	wait_until 5 '[ -n "$(supervisor)" ] && [ "$(supervisor)" != "$old" ]'
	[ "$(daemon vipd)" = "$vipd" ]
	# New programs: a new holdfastd, and whoever else is another one now.
	old=$(supervisor)
	keepd=$(daemon keepd)
	cp "$TOP/bin/holdfastd/holdfastd" "$LIB/new" && mv "$LIB/new" "$LIB/holdfastd"
	service upgrade
	[ "$(supervisor)" != "$old" ]
	[ "$(daemon keepd)" = "$keepd" ]
	kill -0 "$keepd"
}

@test "sysvinit: another word is a usage error" {
	run service frobnicate
	[ "$status" = 3 ]
	[[ "$output" = *usage:* ]]
}

@test "etc: the sample configuration has the defaults" {
	"$LIB/holdfastd" -n -f "$SRC/etc/holdfastd.conf"
	[ "$("$LIB/holdfastd" -p -f "$SRC/etc/holdfastd.conf")" = \
	    "$("$LIB/holdfastd" -p)" ]
}

@test "etc: the page quotes the defaults" {
	for option in ready_timeout_ms kill_timeout_ms stop_timeout_s; do
		value=$("$LIB/holdfastd" -p | sed -n "s/^$option *= *//p")
		grep -qx "\.It Ic $option No = Ar $value" \
		    "$SRC/man/holdfastd.8"
	done
}

@test "etc: systemd waits longer than holdfastd" {
	grep -qx 'KillMode=process' "$TOP/etc/holdfast.service"
	grep -qx 'Delegate=yes' "$TOP/etc/holdfast.service"
	limit=$("$LIB/holdfastd" -p | sed -n 's/^stop_timeout_s *= *//p')
	minutes=$(sed -n 's/^TimeoutStopSec=\([0-9]*\)min$/\1/p' \
	    "$TOP/etc/holdfast.service")
	[ $((minutes * 60)) -gt "$limit" ]
	! grep -q '@[a-z]*@' "$TOP/etc/holdfast.service" \
	    "$TOP/etc/holdfast.logrotate" "$TOP/etc/holdfast.tmpfiles" \
	    "$TOP/etc/init.d/holdfast"
	command -v systemd-analyze >/dev/null || return 0
	[ -x /usr/lib/holdfast/holdfastd ] || return 0
	systemd-analyze verify "$TOP/etc/holdfast.service"
}
