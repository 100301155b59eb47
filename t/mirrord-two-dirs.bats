#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Two replicated directories of one module are one stream.  Needs root for
# namespaces and mounts.

load lib
load mirror

setup_file()
{
	mirror_can_run
	export MIRROR_MORE=y
	mirror_setup 2
	ask 1 want role=prim epoch=0.1.1 set=self fresh=1 >/dev/null
	await 1 5000 mounted=1
	ask 2 want role=second epoch=0.1.1 primary=n1 >/dev/null
	await 1 20000 ready=1
	ask 1 want role=prim epoch=0.1.1 set=both >/dev/null
	await 1 5000 joined=1
}

teardown_file() { mirror_teardown; }

teardown() { [ -n "${BATS_TEST_COMPLETED:-}" ] || mirror_dump; }

@test "R3, R4: several directories are cut at one point" {
	# The log of a change in one before the change in the other.
	on 1 sh -c "echo \$\$ >'$M/1/app'; cd '$M/1/data'; set -e
	    i=0; while :; do
	    i=\$((i + 1)); echo \$i >y/\$i; echo \$i >x/\$i
	    [ \$((i % 50)) -ne 0 ] || { sync x/\$i; echo \$i >'$M/acked'; }
	    done" 3>&- 2>/dev/null &
	wait_until 10 "[ -e '$M/acked' ] && [ \$(cat '$M/acked') -gt 100 ]"
	mv "$M/1/app" "$M/1/app.w"
	power_off 1
	ask 2 want role=prim epoch=0.2.2 set=self
	await 2 10000 mounted=1
	last=$(cat "$M/acked")
	[ "$(on 2 cat "$M/2/data/y/$last")" = "$last" ]
	on 2 sh -c "cd '$M/2/data/x' && for f in [0-9]*; do
	    [ -e ../y/\$f ] || { echo \"\$f: only in one\"; exit 1; }; done"
}
