#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Two builds of Holdfast in one cluster, the application running through the
# upgrade of both nodes.  HOLDFAST_OLD_DEB names the package of an earlier
# state of the tree (`./bootstrap deb' there); the other one is made here.
# shellcheck disable=SC2016 # lines for wait_until and for the hosts

load lib

setup_file()
{
	if [ -z "${HOLDFAST_OLD_DEB-}" ] || [ -z "${HOLDFAST_LONG-}" ]; then
		echo "HOLDFAST_LONG and HOLDFAST_OLD_DEB are not set" \
		    >"$BATS_FILE_TMPDIR/skip"
		return
	fi
	lab_can_run || return 0
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS \
	    flock "$top_builddir/config.status" make -s -C "$top_builddir" \
	    deb "DEB_VERSION=9.0~test" "DEB_DEST=$BATS_FILE_TMPDIR" \
	    >"$BATS_FILE_TMPDIR/deb" 2>&1 || {
		tail -n 20 "$BATS_FILE_TMPDIR/deb" >&2
		return 1
	}
	lab_setup_file 2 --bare
	for n in n1 n2; do
		deb_install $n "$HOLDFAST_OLD_DEB"
	done
	on c1 sh -c 'cat >/srv/ledger-client; chmod +x /srv/ledger-client' \
	    <"$top_builddir/modules/ledger/ledger-client"
	pair_begin
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

# deb_install NODE FILE: as an administrator does it.
deb_install()
{
	on "$1" sh -ec 'rm -f /usr/sbin/policy-rc.d
	    cat >/var/tmp/holdfast.deb
	    DEBIAN_FRONTEND=noninteractive dpkg -i /var/tmp/holdfast.deb' <"$2"
	wait_until 20 "on $1 systemctl is-active holdfast"
}

pair_begin()
{
	on n1 holdfast cluster init lab lan1:n1=10.88.1.1,n2=10.88.1.2 \
	    lan2:n1=10.88.2.1,n2=10.88.2.2
	on n1 tar -C /etc/holdfast -c cluster.xml cluster.key |
	    on n2 tar -C /etc/holdfast -x
	on n2 holdfast config
	for n in n1 n2; do
		on $n sh -ec 'mkdir -p /srv/ledger
		    holdfast module install /usr/share/holdfast/modules/ledger \
		    --set VIP='$VIP'
		    holdfast config ledger; holdfast start ledger --no-wait'
	done
	wait_until 20 'on n1 holdfast prim ledger --yes ledger --timeout 20'
	wait_until 60 'pair_is_level n1 n2'
}

# What runs on a node, by its own word.
build_of()
{
	on "$1" dpkg-query -Wf '${Version}' holdfast
}

# goes_on: both take part, and each may be primary, with the load running.
goes_on()
{
	wait_until 60 'pair_is_level n1 n2 || pair_is_level n2 n1'
	for i in 1 2; do
		local from to

		from=$(primary)
		to=$(other "$from")
		on "$from" holdfast swap ledger --timeout 30
		wait_until 60 "pair_is_level $to $from"
		load_goes_on 10
	done
}

@test "old and old, new and old, new and new: the load goes on, none refused" {
	local old new tally

	old=$(build_of n1)
	load_start
	goes_on
	deb_install n2 "$(echo "$BATS_FILE_TMPDIR"/holdfast_9*.deb)"
	new=$(build_of n2)
	[ "$new" != "$old" ]
	[ "$(build_of n1)" = "$old" ]
	load_goes_on 10
	goes_on
	deb_install n1 "$(echo "$BATS_FILE_TMPDIR"/holdfast_9*.deb)"
	[ "$(build_of n1)" = "$new" ]
	load_goes_on 10
	goes_on
	tally=$(load_stop)
	echo "# $old, then $new: $tally, gap $(gap_since 0) ms" >&3
	[ "$(field refused "$tally")" -eq 0 ]
	verify
	trees_are_equal
}
