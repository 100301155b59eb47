#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Two nodes that both wrote alone: nothing of the one that follows is lost,
# and an administrator finds it, compares it and brings it back.
# shellcheck disable=SC2016 # lines for wait_until

load lib

MODULE=mirror
CONF=/etc/holdfast/modules/mirror/conf/userconfig.xml

# Its first half is told to ask.
setup_file()
{
	cp -r "$TOP/modules/mirror" "$BATS_FILE_TMPDIR/mirror"
	sed -i 's/<rfs /&diverged="ask" /' \
	    "$BATS_FILE_TMPDIR/mirror/conf/userconfig.xml"
	lab_setup_file 2 --module "$BATS_FILE_TMPDIR/mirror"
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

# ---- and nobody is asked -------------------------------------------------

# asides N: the directory of what is set aside on node N.
asides()
{
	on "$1" sh -c 'echo diverged | socat -t 1 - \
	    UNIX:/run/holdfast/mirror/mirrord.sock' |
	    sed -n 's,.*pid=\([0-9]*\) fd=\([0-9]*\).*,/proc/\1/fd/\2/.holdfast/diverged,p'
}

level() { pair_is_level n1 n2 || pair_is_level n2 n1; }

# nobody_was_asked: no node waited for anybody's word after since.
since()
{
	local n

	for n in n1 n2; do
		on $n sh -c 'wc -l </var/log/holdfast/mirror.events >/run/since'
	done
}

nobody_was_asked()
{
	local n

	for n in n1 n2; do
		not on $n sh -c 'tail -n +$(($(cat /run/since) + 1)) \
		    /var/log/holdfast/mirror.events | grep "\[diverged\]\|second"'
	done
}

forget()
{
	local n e

	for n in n1 n2; do
		for e in $(on $n holdfast diverged mirror --local --json |
		    jq -r '.diverged[].epoch'); do
			on $n holdfast diverged mirror discard $e --yes mirror
		done
	done
}

@test "told to yield, the pair is level by itself" {
	forget
	for n in n1 n2; do
		on $n holdfast stop mirror --timeout 60
	done
	for n in n1 n2; do
		on $n sed -i 's/ diverged="ask"//' $CONF
		on $n holdfast config mirror
		on $n holdfast start mirror --no-wait
	done
	wait_until 60 level
	since
	both_alone
	for n in n1 n2; do
		on $n sh -ec "cd /srv/data; echo $n >unasked; sync"
	done
	split in
	wait_until 60 '[ -n "$(asides n1; asides n2)" ] && level'
	wait_until 10 'for n in n1 n2; do on $n holdfast diverged mirror list
	    done | grep -q "^n[12] "'
	# It was there for a moment, level before the loser was told.
	wait_until 60 level
	LOSER=$(on n1 holdfast diverged mirror --json | jq -r '.diverged[-1].node')
	WINNER=$(other $LOSER)
	remember
	nobody_was_asked
	[ "$(on $LOSER cat /srv/data/unasked)" = $WINNER ]
	recall
	[ "$(on $LOSER cat "$(asides $LOSER)/$EPOCH/files/unasked")" = $LOSER ]
	on $LOSER holdfast status mirror | grep -q 'wrote alone lies aside'
	forget
}

# edit SCRIPT: of the secondary, while it is stopped; S and P are the two.
edit()
{
	P=$(primary) S=$(other "$P")
	since
	on $S holdfast stop mirror --timeout 60
	on $S sh -ec "cd /srv/data; $1"
	on $S holdfast start mirror --no-wait
	wait_until 60 'pair_is_level $P $S'
	nobody_was_asked
}

@test "edited while it was stopped: level by itself, and the edits are kept" {
	wait_until 60 level
	on "$(primary)" sh -ec 'cd /srv/data; mkdir -p etc; echo ours >etc/conf
	    echo same >etc/same; echo gone >etc/gone; sync'
	edit 'echo theirs >etc/conf; echo own >etc/own; rm etc/gone
	    touch etc/same . etc; cp -p etc/same t; mv t etc/same'
	echo "P=$P S=$S" >"$BATS_FILE_TMPDIR/ps"
	for n in n1 n2; do
		[ "$(on $n cat /srv/data/etc/conf)" = ours ]
		[ "$(on $n cat /srv/data/etc/gone)" = gone ]
		on $n holdfast diverged mirror list |
		    grep -q "^$S .*(changed while stopped)"
	done
	LOSER=$S WINNER=$P
	remember
	recall
	on $P holdfast diverged mirror show $EPOCH | grep -v ^== \
	    >"$BATS_TEST_TMPDIR/show"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/show")" -eq 2 ]
	grep -q 'changed *file .* etc/conf$' "$BATS_TEST_TMPDIR/show"
	grep -q 'new *file .* etc/own$' "$BATS_TEST_TMPDIR/show"
	on $S holdfast status mirror |
	    grep -q 'changed here while the module was stopped lies aside'
	forget
}

@test "touched, or stopped and started: nothing to keep, nobody is asked" {
	wait_until 60 level
	edit 'find . -exec touch -h {} +; chmod 700 etc; chmod 755 etc'
	[[ $(on n1 holdfast diverged mirror) == "nothing is set aside"* ]]
}

@test "every kind of thing is brought back, from either node" {
	wait_until 60 level
	edit 'mkdir -p kinds/dir; cd kinds
	    dd if=/dev/urandom of=big bs=1M count=19 status=none
	    echo in >dir/file; chmod 2750 dir; chown 77:88 dir/file
	    chmod 4711 dir/file; touch -d 2001-02-03 dir/file
	    ln dir/file hard; ln -s dir/nowhere link; mkfifo fifo
	    setfattr -n user.who -v me dir/file; setfattr -n user.d -v d dir
	    setfacl -m u:99:rw big 2>/dev/null || :
	    truncate -s 48M holes; printf tail >>holes
	    f=$(printf "two words\nand\001\351\\\\"); echo odd >"$f"'
	LOSER=$S WINNER=$P
	remember
	recall
	set=$(asides $S)/$EPOCH
	# As one tree, by each node, into a plain directory and through the
	# mirror.
	for n in $P $S; do
		on $n holdfast diverged mirror restore $EPOCH kinds
		wait_until 20 'on $P test -e /srv/data/kinds/holes &&
		    on $S test -e /srv/data/kinds/holes'
		for m in n1 n2; do
			diff <(kinds $m /srv/data/kinds) \
			    <(kinds $S "$set/files/kinds")
		done
		run on $n holdfast diverged mirror restore $EPOCH kinds/big
		[ "$status" -eq 79 ]
		on $P rm -r /srv/data/kinds
	done
	# One by one, the odd name as `show' has it.
	for n in $P $S; do
		on $n holdfast diverged mirror show $EPOCH |
		    grep -qF 'kinds/two words\012and\001\351\134'
		for f in big dir link fifo holes \
		    'two words\012and\001\351\134'; do
			on $n holdfast diverged mirror restore $EPOCH "kinds/$f"
		done
		on $n holdfast diverged mirror diff $EPOCH kinds |
		    not grep -v '^==\|^same\|^absent now .*kinds/hard'
		on $P rm -r /srv/data/kinds
	done
	on $S mkdir -p /tmp/kinds
	on $S holdfast diverged mirror restore $EPOCH kinds --to /tmp/kinds
	diff <(kinds $S /tmp/kinds/kinds) <(kinds $S "$set/files/kinds")
	on $S rm -r /tmp/kinds
}

# kinds N DIR: all there is to know of a tree.
kinds()
{
	on "$1" sh -ec 'cd "$1"; find . ! -type d -printf "%P %y %m %U %G %n %l\n" -o \
	    -printf "%P %y %m %U %G\n" | sort
	    find . -type f -printf "%P %s %Tc\n" | sort
	    find . -type f -print0 | sort -z | xargs -0 sha256sum
	    du -k holes | awk "{ print \$1 < 100 }"
	    getfattr -hRd -m "user\|posix" . | cat' sh "$2"
}

@test "a discard that is cut short can be said again" {
	recall
	on $LOSER chattr +i "$(asides $LOSER)/$EPOCH/files/kinds/big"
	run on $WINNER holdfast diverged mirror discard $EPOCH --yes mirror
	[ "$status" -ne 0 ]
	on $WINNER holdfast diverged mirror list | grep -q "$EPOCH"
	on $LOSER holdfast status mirror | grep -q 'lies aside'
	on $LOSER chattr -i "$(asides $LOSER)/$EPOCH/files/kinds/big"
	on $WINNER holdfast diverged mirror discard $EPOCH --yes mirror
	[[ $(on $LOSER holdfast diverged mirror) == "nothing is set aside"* ]]
}

@test "a hundred thousand things are listed at once" {
	local start many=3000

	[ -z "${HOLDFAST_LONG-}" ] || many=100000
	wait_until 60 level
	edit "mkdir many; cd many; seq $many | xargs touch"
	LOSER=$S WINNER=$P
	remember
	recall
	start=$(now_ms)
	run on $LOSER holdfast diverged mirror --local
	echo "# list: $(($(now_ms) - start)) ms" >&3
	[ $(($(now_ms) - start)) -lt 3000 ]
	# They, and the directory.
	echo "$output"
	grep -q "^$LOSER .* $(($many + 1)) " <<<"$output"
	[ "$(on $LOSER holdfast diverged mirror show $EPOCH | wc -l)" -ge \
	    "$many" ]
	forget
}

@test "killed at each step of it: begun again, nothing lost or doubled" {
	local step n i=0

	wait_until 60 level
	forget
	for step in 82 81 84 86; do
		i=$((i + 1))
		[ -n "${HOLDFAST_LONG:-}" ] || [ $i -eq 1 ] || continue
		both_alone
		for n in n1 n2; do
			on $n sh -c "echo $step-$n >/srv/data/kept-$step
			    echo $n >/srv/data/own-$step-$n; sync"
		done
		# Whoever follows; the other one has no such step.
		for n in n1 n2; do
			on $n sh -c "echo 'mirrord:$step' >/run/holdfast/fail"
		done
		split in
		wait_until 60 'on n1 holdfast diverged mirror | grep -q "^n[12] "'
		wait_until 60 level
		LOSER=$(on n1 holdfast diverged mirror --json |
		    jq -r '.diverged[-1].node')
		for n in n1 n2; do
			on $n rm -f /run/holdfast/fail
		done
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
