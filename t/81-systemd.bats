#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# A node under systemd, installed from the package: under the load of a client
# it is upgraded, its supervisor hangs, it is stopped, it reboots; at the end
# the package is removed.
# shellcheck disable=SC2016 # lines for wait_until
# shellcheck disable=SC2154 # top_builddir: lib.bash

load lib

setup_file()
{
	command -v dpkg-buildpackage >/dev/null && command -v dh >/dev/null || {
		echo "needs debhelper and dpkg-dev" >"$BATS_FILE_TMPDIR/skip"
		return 0
	}
	lab_setup_file 2 --bare
	[ ! -e "$BATS_FILE_TMPDIR/skip" ] || return 0
	packages
	local node
	for node in n1 n2; do
		give "$node" /run/old.deb <"$BATS_FILE_TMPDIR/old.deb"
		give "$node" /run/new.deb <"$BATS_FILE_TMPDIR/new.deb"
		on "$node" dpkg -i /run/old.deb
		# What was said before a reboot is read after it.
		on "$node" mkdir -p /var/log/journal
		on "$node" journalctl --flush
	done
	give c1 /srv/ledger-client \
	    <"$top_builddir/modules/ledger/ledger-client"
	on c1 chmod +x /srv/ledger-client
	cluster
}

setup()
{
	lab_setup
	CLIENT=/srv/ledger-client
}

teardown()
{
	lab_teardown
}

teardown_file()
{
	lab_teardown_file
}

give()
{
	on "$1" sh -c "umask 022; cat >$2"
}

# The tree's package and a later one.  One at a time, and not as a part of a
# make that may be running us.
packages()
{
	cd "$BATS_FILE_TMPDIR"
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS \
	    DEB_BUILD_OPTIONS=noautodbgsym \
	    flock "$top_builddir/config.status" \
	    make -s -C "$top_builddir" deb DEB_VERSION=0.0~1 \
	    "DEB_DEST=$PWD" >deb.log 2>&1 || {
		tail -n 40 deb.log >&2
		return 1
	}
	mv holdfast_0.0~1_*.deb old.deb
	dpkg-deb -R old.deb tree
	sed -i 's/^Version: .*/Version: 0.0~2/' tree/DEBIAN/control
	dpkg-deb -Znone -b tree new.deb >/dev/null
}

# As README has it, by hand.
cluster()
{
	local node file

	on n1 holdfast cluster init lab lan1:n1=10.88.1.1,n2=10.88.1.2 \
	    lan2:n1=10.88.2.1,n2=10.88.2.2
	for file in cluster.xml cluster.key; do
		on n1 cat "/etc/holdfast/$file" |
		    on n2 sh -c "umask 077; cat >/etc/holdfast/$file"
	done
	for node in n1 n2; do
		on $node sh -ec 'mkdir -p /srv/ledger
		    holdfast config
		    holdfast module install \
			/usr/share/holdfast/modules/ledger --set VIP='$VIP'
		    holdfast config ledger
		    holdfast start ledger --no-wait'
	done
	on n1 holdfast prim ledger --yes ledger --timeout 20
	wait_until 30 'pair_is_level n1 n2'
}

main_pid()
{
	on "$1" systemctl show -P MainPID holdfast
}

application_pid()
{
	on "$1" pgrep -x ledgerd
}

# ended MS LONGEST: the client's load, without a lost word since.
ended()
{
	local gap tally

	gap=$(gap_since "$1")
	tally=$(load_stop)
	echo "# $BATS_TEST_DESCRIPTION: longest pause $gap ms, $tally" >&3
	[ "$(field refused "$tally")" -eq 0 ]
	[ "$gap" -le "$2" ]
	verify
}

unharmed()
{
	local tally

	load_goes_on 10
	tally=$(load_stop)
	echo "# $BATS_TEST_DESCRIPTION: $tally" >&3
	[ "$(field refused "$tally")" -eq 0 ]
	[ "$(field lost_connections "$tally")" -eq 0 ]
	verify
}

# A service like any other that writes into the directory before we do.
early_writer()
{
	give "$1" /etc/systemd/system/early.service <<-'END'
	[Unit]
	Before=holdfast.service
	[Service]
	Type=oneshot
	ExecStart=/bin/sh -c 'touch /srv/ledger/early 2>/var/tmp/early; true'
	[Install]
	WantedBy=multi-user.target
	END
	on "$1" systemctl --quiet enable early
}

@test "package: users, unit and daemons are there, and it is enabled" {
	[ "$(on n1 systemctl is-enabled holdfast)" = enabled ]
	[ "$(on n1 systemctl is-active holdfast)" = active ]
	[ "$(on n1 systemctl is-enabled holdfast-guard)" = enabled ]
	on n1 id holdfast
	on n1 getent group holdfast-admin holdfast-control
	[ -z "$(on n1 systemctl --failed --no-legend --plain |
	    grep holdfast)" ]
}

@test "systemd: the application is not in the unit of the daemons" {
	pid=$(application_pid n1)
	[ "$(on n1 sed -n 's/^0:://p' "/proc/$pid/cgroup")" = \
	    /holdfast.slice/holdfast-apps.service/ledger/app ]
	on n1 systemctl daemon-reload
	[ "$(on n1 sed -n 's/^0:://p' "/proc/$pid/cgroup")" = \
	    /holdfast.slice/holdfast-apps.service/ledger/app ]
	run on n1 systemctl stop holdfast-apps
	[ "$status" -ne 0 ]
	# What keeps the cgroup is killed: nothing else is.
	keeper=$(on n1 systemctl show -P MainPID holdfast-apps)
	on n1 kill -9 "$keeper"
	wait_until 5 '[ "$(on n1 systemctl show -P ActiveState \
	    holdfast-apps)" = active ] &&
	    [ "$(on n1 systemctl show -P MainPID holdfast-apps)" != '$keeper' ]'
	[ "$(application_pid n1)" = "$pid" ]
	[ "$(on n1 sed -n 's/^0:://p' "/proc/$pid/cgroup")" = \
	    /holdfast.slice/holdfast-apps.service/ledger/app ]
}

@test "upgrade: secondary, then primary" {
	pair_is_level n1 n2
	pid=$(application_pid n1)
	master=$(main_pid n1)
	load_start
	for node in n2 n1; do
		on $node dpkg -i /run/new.deb
		wait_until 10 'pair_is_level n1 n2'
	done
	[ "$(on n1 dpkg-query -W -f '${Version}' holdfast)" = "0.0~2" ]
	[ "$(main_pid n1)" != "$master" ]
	[ "$(application_pid n1)" = "$pid" ]
	# Nobody runs a program that is not there any more.
	[ -z "$(on n1 sh -c 'ls -l /proc/*/exe 2>/dev/null' |
	    grep 'holdfast/.*d (deleted)' | grep -v ledgerd)" ]
	unharmed
}

@test "watchdog: a holdfastd that hangs is replaced, and adopts" {
	on n1 sh -c 'mkdir -p /run/systemd/system/holdfast.service.d &&
	    printf "[Service]\nWatchdogSec=2s\n" \
	    >/run/systemd/system/holdfast.service.d/test.conf &&
	    systemctl daemon-reload &&
	    systemctl kill -s QUIT --kill-who=main holdfast'
	wait_until 10 '[ "$(on n1 systemctl is-active holdfast)" = active ]'
	wait_until 10 '[ "$(on n1 systemctl show -P WatchdogUSec holdfast)" = 2s ]'
	wait_until 10 'on n1 holdfast status ledger | grep -q "PRIM.*Ready"'
	pid=$(application_pid n1)
	mirrord=$(on n1 pgrep -x mirrord)
	old=$(main_pid n1)
	load_start
	on n1 kill -STOP "$old"
	wait_until 20 '[ "$(main_pid n1)" -ne 0 ] &&
	    [ "$(main_pid n1)" -ne '$old' ]'
	wait_until 10 'on n1 holdfast status ledger | grep -q "PRIM.*Ready"'
	[ "$(application_pid n1)" = "$pid" ]
	[ "$(on n1 pgrep -x mirrord)" = "$mirrord" ]
	on n1 rm -r /run/systemd/system/holdfast.service.d
	on n1 systemctl daemon-reload
	unharmed
}

@test "systemctl stop: the module is handed over first" {
	pair_is_level n1 n2
	load_start
	start=$(now_ms)
	on n1 systemctl stop holdfast
	echo "# systemctl stop took $(($(now_ms) - start)) ms" >&3
	wait_state 20 n2 ALONE
	load_goes_on 10
	not on n1 pgrep -x ledgerd
	not on n1 grep -q fuse.holdfast /proc/self/mountinfo
	ended "$start" 5000
	on n1 systemctl start holdfast
	wait_until 30 'pair_is_level n2 n1'
	trees_are_equal
}

@test "reboot of the primary: network and disks are there until it is over" {
	pair_is_level n2 n1
	early_writer n2
	load_start
	start=$(now_ms)
	"$LAB" power reboot n2
	echo "# reboot took $(($(now_ms) - start)) ms" >&3
	wait_until 60 'pair_is_level n1 n2'
	load_goes_on 10
	ended "$start" 5000
	trees_are_equal
	# Who writes while the node boots could not, and was there before us.
	on n2 grep -q 'Read-only file system' /var/tmp/early
	[ ! -e "$(on n2 find /srv/ledger -name early)" ]
	# It was handed over, not taken over, and said so before it went.
	on n2 journalctl -b -1 -u holdfast | grep -q 'ledger: stopped'
	not grep 'not stopped in time' <(on n2 journalctl -b -1 -u holdfast)
	# Unmounted by nobody but us, and by nobody before.
	not grep 'nmounting.*srv.ledger' <(on n2 journalctl -b -1)
}

@test "a module that was stopped leaves its directory plain after a boot" {
	pair_is_level n1 n2
	on n2 holdfast stop ledger --timeout 30
	"$LAB" power reboot n2
	wait_until 20 '[ "$(state n2)" = "STOP NotReady" ]'
	# Asked without a change: that would be noticed at the start (R42).
	wait_until 10 'on n2 test -w /srv/ledger'
	on n2 holdfast start ledger --timeout 30
	wait_until 30 'pair_is_level n1 n2'
}

@test "package: removal stops the module, purge leaves what it replicated" {
	pair_is_level n1 n2
	load_start
	on n2 cp /etc/holdfast/cluster.xml /run/cluster.xml
	on n2 dpkg -r holdfast
	wait_state 10 n1 ALONE
	not on n2 pgrep -x -l 'holdfastd|keepd|heartd|mirrord|moduled|vipd'
	not on n2 grep -q fuse.holdfast /proc/self/mountinfo
	on n2 cmp /etc/holdfast/cluster.xml /run/cluster.xml
	on n2 test -e /var/lib/holdfast/ledger/config/active/roster
	on n2 dpkg -P holdfast
	run on n2 ls -d /etc/holdfast /var/lib/holdfast /var/log/holdfast
	[ "$status" -ne 0 ]
	[ -n "$(on n2 find /srv/ledger -type f -not -path '*/.holdfast/*')" ]
	unharmed
}
