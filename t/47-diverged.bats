#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Two nodes that both wrote alone: nothing of the one that follows is lost,
# and an administrator finds it, compares it and brings it back.
# shellcheck disable=SC2016 # lines for wait_until

load lib

setup_file()
{
	lab_setup_file 2 --module "$TOP/modules/mirror"
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

# All cables out, both ways, or back in.
split()
{
	local n l

	for n in n1 n2; do
		for l in lan1 lan2; do
			"$LAB" cable $n $l "$1"
		done
	done
}

one_way_split()
{
	local n l d

	for n in n1 n2; do
		for l in lan1 lan2; do
			for d in rx tx; do
				"$LAB" cable $n $l out --oneway $d
			done
		done
	done
}

both_alone()
{
	one_way_split
	for n in n1 n2; do
		wait_until 30 "on $n holdfast status mirror |
		    grep -q '$n .*ALONE *Ready'"
	done
}

loser_is_known()
{
	LOSER=n1 WINNER=n2
	wait_until 30 'for n in n1 n2; do on $n holdfast status mirror; done |
	    grep -q "\[diverged\]"'
	on n1 holdfast status mirror | grep -q '\[diverged\]' ||
	    { LOSER=n2 WINNER=n1; }
}

# A restarted bats function has no variables of the one before.
remember()
{
	echo "LOSER=$LOSER WINNER=$WINNER" >"$BATS_FILE_TMPDIR/who"
}

recall()
{
	# shellcheck source=/dev/null
	. "$BATS_FILE_TMPDIR/who"
	EPOCH=$(on "$LOSER" holdfast diverged mirror --local |
	    sed -n '2s/^[^ ]*  *\([^ ]*\).*/\1/p')
	[ -n "$EPOCH" ]
}

follow()
{
	on "$LOSER" holdfast second mirror fullsync
	on "$LOSER" holdfast wait --timeout 40 mirror SECOND
	wait_until 40 "on $LOSER holdfast status mirror |
	    grep -q '$LOSER .*SECOND *Ready'"
}

@test "both write alone, and meet: nothing is overwritten" {
	on n1 sh -ec 'cd /srv/data; mkdir dir dir/sub old; echo base >same
		echo base >changed; echo base >deleted; echo base >mode
		echo base >moved; echo base >old/file
		fallocate -l 60M big; sync
		for i in 1 2 3; do echo checkpoint | socat -t 1 - \
		    UNIX:/run/holdfast/mirror/mirrord.sock
		sleep 1; done'	# asked for: nothing tells when each is over
	both_alone
	for n in n1 n2; do
		on $n sh -ec "cd /srv/data; echo $n >changed; echo $n >new-$n
		    echo $n | dd of=big conv=notrunc status=none
		    rm deleted; chmod 4711 mode; mv moved moved-$n
		    mv old old-$n; mkdir made-$n; echo deep >made-$n/file
		    ln -s nowhere link-$n; ln same hard-$n; mkfifo fifo-$n
		    truncate -s 20M sparse-$n
		    printf tail >>sparse-$n; setfattr -n user.who -v $n same
		    echo 'a b' >'two words
and lines'; sync"
	done
	split in
	loser_is_known
	remember
	run on $LOSER holdfast why mirror
	[[ $output == *"to go on: holdfast second mirror fullsync"* ]]
	[[ $output == *"it is set aside first"* ]]
	[ "$(on $LOSER cat /srv/data/changed)" = $LOSER ]
	[[ $(on $LOSER holdfast diverged mirror) == "nothing is set aside"* ]]
}

@test "without room: nothing is overwritten, and it goes on by itself" {
	. "$BATS_FILE_TMPDIR/who"
	on $LOSER sh -ec 'fallocate -l $(($(df --output=avail -B1 /srv |
	    tail -n 1) - (40 << 20))) /var/pad; sync'
	on $LOSER holdfast second mirror fullsync --no-wait
	wait_until 30 "on $LOSER holdfast status mirror |
	    grep -q '\[diverged-no-space\]'"
	on $LOSER holdfast status mirror | grep -q "6[0-9] MiB are needed"
	[ "$(on $LOSER cat /srv/data/changed)" = $LOSER ]
	on $LOSER rm /var/pad
	wait_until 60 "on $LOSER holdfast status mirror |
	    grep -q '$LOSER .*SECOND *Ready'"
}

@test "it is listed on all nodes, and a warning stands" {
	recall
	for n in n1 n2; do
		run on $n holdfast diverged mirror list
		[[ $output == *"$LOSER"*"$EPOCH"*"$WINNER"* ]]
	done
	on $LOSER holdfast status mirror | grep -q 'lies aside since'
	run on $WINNER holdfast status mirror
	[[ $output != *"lies aside"* ]]
	on $WINNER holdfast diverged mirror --json |
	    grep -q "\"epoch\": \"$EPOCH\""
	# Hidden, and not replicated.
	[ -z "$(on $LOSER ls -A /srv/data/.holdfast 2>/dev/null)" ]
	[ -z "$(on $WINNER ls -A /srv/data/.holdfast 2>/dev/null)" ]
}

@test "each thing is there, from either node" {
	recall
	for n in n1 n2; do
		run on $n holdfast diverged mirror show $EPOCH
		[ "$status" -eq 0 ]
		for line in "changed *file .* changed" "new *file .* new-$LOSER" \
		    "new *dir .* made-$LOSER" "new *file .*made-$LOSER/file" \
		    "new *link .*link-$LOSER" "new *other .*fifo-$LOSER" \
		    "renamed *file .*moved-$LOSER" \
		    "renamed *dir .*old-$LOSER" "deleted .*moved\$" \
		    "deleted .*old\$" "deleted .*deleted" \
		    "changed *file .* big" \
		    "new *file .*sparse-$LOSER" 'two words.012and lines'; do
			grep -q "$line" <<<"$output"
		done
	done
}

@test "compared with what stands there now" {
	recall
	run on $LOSER holdfast diverged mirror diff $EPOCH
	[ "$status" -eq 1 ]
	[[ $output == *"content differs"*"changed"* ]]
	[[ $output == *"absent now"*"new-$LOSER"* ]]
	run on $LOSER holdfast diverged mirror diff $EPOCH changed
	[ "$status" -eq 1 ]
	[[ $output == *"-$WINNER"* && $output == *"+$LOSER"* ]]
}

@test "brought back through the primary, and then on both" {
	recall
	for n in n1 n2; do
		run on $n holdfast diverged mirror restore $EPOCH changed
		[ "$status" -eq 79 ]
		[[ $output == *"stays as it is"* ]]
	done
	[ "$(on $WINNER cat /srv/data/changed)" = $WINNER ]
	on $LOSER holdfast diverged mirror restore $EPOCH new-$LOSER
	on $WINNER holdfast diverged mirror restore $EPOCH made-$LOSER
	on $LOSER holdfast diverged mirror restore $EPOCH \
	    /srv/data/sparse-$LOSER
	for n in n1 n2; do
		wait_until 10 "on $n test -e /srv/data/sparse-$LOSER"
		[ "$(on $n cat /srv/data/new-$LOSER)" = $LOSER ]
		[ "$(on $n cat /srv/data/made-$LOSER/file)" = deep ]
		[ "$(on $n tail -c 4 /srv/data/sparse-$LOSER)" = tail ]
	done
	on $LOSER mkdir -p /tmp/back
	on $LOSER holdfast diverged mirror restore $EPOCH changed --to /tmp/back
	[ "$(on $LOSER cat /tmp/back/changed)" = $LOSER ]
	run on $LOSER holdfast diverged mirror restore $EPOCH ../etc/passwd
	[ "$status" -eq 66 ]
	run on $LOSER holdfast diverged mirror show 9.9.9
	[ "$status" -eq 66 ]
}

@test "kept over a swap, until it is discarded" {
	recall
	on $WINNER holdfast swap mirror --timeout 60
	on $LOSER holdfast diverged mirror show $EPOCH | grep -q changed
	[ -z "$(on $LOSER ls -A /srv/data/.holdfast 2>/dev/null)" ]
	run on $LOSER holdfast diverged mirror discard $EPOCH
	[ "$status" -eq 79 ]
	on $LOSER holdfast diverged mirror discard $EPOCH --yes mirror
	[[ $(on $LOSER holdfast diverged mirror) == "nothing is set aside"* ]]
	wait_until 10 "! on $LOSER holdfast status mirror |
	    grep -q 'lies aside'"
}

@test "killed at each step of it: begun again, nothing lost or doubled" {
	local step n i=0

	for step in 82 81 84 86; do
		i=$((i + 1))
		[ -n "${HOLDFAST_LONG:-}" ] || [ $i -eq 1 ] || continue
		both_alone
		for n in n1 n2; do
			on $n sh -c "echo $step-$n >/srv/data/kept-$step
			    echo $n >/srv/data/own-$step-$n; sync"
		done
		split in
		loser_is_known
		on $LOSER sh -c "echo 'mirrord:$step' >/run/holdfast/fail"
		follow
		recall_step $step
	done
}

recall_step()
{
	EPOCH=$(on "$LOSER" holdfast diverged mirror --local | tail -n 1 |
	    sed 's/^[^ ]*  *\([^ ]*\).*/\1/')
	on $LOSER holdfast diverged mirror show "$EPOCH" |
	    grep -q "own-$1-$LOSER"
	[ "$(on $LOSER holdfast diverged mirror show "$EPOCH" |
	    grep -c "kept-$1\$")" -eq 1 ]
	on $LOSER holdfast diverged mirror discard "$EPOCH" --yes mirror
	[[ $(on $LOSER holdfast diverged mirror --local) == nothing* ]]
}
