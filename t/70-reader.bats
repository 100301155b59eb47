#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What an administrator reads when it does not go on.
# shellcheck disable=SC2016 # lines for wait_until

load lib

setup_file()
{
	lab_setup_file 2
}

setup()
{
	lab_setup
}

teardown()
{
	lab_teardown
}

teardown_file()
{
	lab_teardown_file
}

# What n2 says of the module, in one line.
says()
{
	on n2 holdfast status mirror | tr -s '\n ' ' '
}

@test "two nodes that copied the key by hand" {
	for n in n1 n2; do
		on $n sh -ec "mkdir -p /srv/data /etc/holdfast"
	done
	on n1 holdfast cluster init office lan1:n1=10.88.1.1,n2=10.88.1.2 \
	    lan2:n1=10.88.2.1,n2=10.88.2.2
	on n1 tar -C /etc/holdfast -c cluster.xml cluster.key |
	    on n2 tar -C /etc/holdfast -x
	on n2 holdfast config
	for n in n1 n2; do
		run on $n sh -ec "
		    holdfast module install /usr/share/holdfast/modules/mirror \
		    --set VIP=10.88.1.100
		    sed -i 's/<rfs /&diverged=\"ask\" /' \
		    /etc/holdfast/modules/mirror/conf/userconfig.xml
		    holdfast config mirror
		    holdfast check mirror
		    holdfast start mirror"
		[ "$status" -eq 0 ]
		[[ $output == *"0 errors"* ]]
		[[ $output == *"to go on: holdfast prim mirror"* ]]
	done
	on n1 holdfast prim mirror
	on n2 holdfast wait --timeout 20 mirror SECOND
	on n1 sh -c 'echo precious >/srv/data/file'
	[ "$(on n2 cat /srv/data/file)" = precious ]
}

@test "a stopped primary: the way that loses nothing comes first" {
	on n2 holdfast stop mirror
	on n1 holdfast stop mirror
	run on n2 holdfast start mirror
	[ "$status" -eq 0 ]
	[[ ${lines[0]} == *"n1 has newer data"* ]]
	[[ ${lines[1]} == *"on n1: holdfast start mirror"*"nothing is lost"* ]]
	[[ ${lines[2]} == *"holdfast prim mirror"*"set aside there" ]]
	on n1 holdfast start mirror
	on n2 holdfast wait --timeout 20 mirror SECOND
}

@test "the wrong key on one node: named, and config takes the right one" {
	on n2 sh -ec 'cd /etc/holdfast; cp -p cluster.key /etc/key
		{ echo holdfast-key 01234567; head -c 32 /dev/urandom | base64
		} >cluster.key; holdfast config'
	wait_until 30 'says | grep -q "dropped: wrong-key.*holdfast config"'
	on n2 sh -ec 'cp -p /etc/key /etc/holdfast/cluster.key
		holdfast config'
	on n2 holdfast wait --timeout 20 mirror SECOND
	run says
	[[ $output != *wrong-key* ]]
}

@test "processes in the directory: one is named, all are counted" {
	on n2 holdfast stop mirror
	on n2 sh -c 'cd /srv/data; for i in 1 2; do
		sleep 100 >/dev/null 2>&1 </dev/null 3>&- &
		echo $! >>/run/holders; done'
	on n2 holdfast start mirror 3>&-
	says | grep -q 'has /srv/data open .*and 1 more \[holders\]'
	n=$(on n2 sh -c 'wc -l </var/log/holdfast/mirror.log')
	holds 3 "[ \"\$(on n2 sh -c 'wc -l </var/log/holdfast/mirror.log')\" \
	    -eq $n ]"
	on n2 sh -c 'xargs kill </run/holders'
	on n2 holdfast wait --timeout 20 mirror SECOND
}

@test "both wrote alone, told to ask: both ways are shown, and the one taken works" {
	for n in n1 n2; do
		for l in lan1 lan2; do
			"$LAB" cable $n $l out --oneway rx
			"$LAB" cable $n $l out --oneway tx
		done
	done
	wait_until 20 'on n2 holdfast status mirror | grep -q "n2 .*ALONE *Ready"'
	wait_until 20 'on n1 holdfast status mirror | grep -q "n1 .*ALONE *Ready"'
	for n in n1 n2; do
		on $n sh -c "touch /srv/data/by-$n; sync /srv/data/by-$n"
	done
	for n in n1 n2; do
		for l in lan1 lan2; do
			"$LAB" cable $n $l in
		done
	done
	wait_until 20 'on n1 holdfast status mirror | grep -q "\[diverged\]" ||
	    says | grep -q "\[diverged\]"'
	loser=n1
	on n1 holdfast status mirror | grep -q '\[diverged\]' || loser=n2
	run on $loser holdfast why mirror
	[[ $output == *"to go on: holdfast second mirror fullsync"* ]]
	[[ $output == *"holdfast stop mirror; then here: holdfast prim"* ]]
	[[ $output == *"is silent and nobody answers"* ]] ||
	    [[ $output == *"the peer is silent"* ]]
	on $loser holdfast second mirror fullsync
	on $loser holdfast wait --timeout 20 mirror SECOND
}
