#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Three moduled of a farm module, each below its own HOLDFAST_ROOT, with farmd
# and vipd played by t/unit/fakefarm.  No root, no network.

load lib
load moduled

MOD=web

setup() {
	W=$(mktemp -d "${TMPDIR:-/tmp}/hff.XXXXXX")
	FAKE=$top_builddir/t/unit/fakefarm
	MODULED=$top_builddir/bin/moduled/moduled
	[ -x "$FAKE" ] || skip "needs t/unit/fakefarm"
	for i in 1 2 3; do
		prepare "$i"
	done
	"$FAKE" "$W" web >"$W/fake.log" 2>&1 3>&- &
	echo $! >"$W/pid.fake"
	wait_until 5 '[ -S $W/control.sock ]'
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED-}" ] || ask c show || true
	moduled_teardown
}

prepare() {
	local r=$W/n$1 dir s
	dir=$r/var/lib/holdfast/web/config/active
	mkdir -p "$r/var/lib/holdfast/web/config/1"
	ln -s 1 "$dir"
	mkdir -p "$dir/bin" "$r/usr/lib/holdfast" "$r/var/log/holdfast"
	ln -s "$(realpath "$top_builddir/bin/runscript/runscript")" \
	    "$r/usr/lib/holdfast/runscript"
	for s in prestart start_both stop_both; do
		script "$1" $s 'exit 0'
	done
	cat >"$dir/moduled.conf" <<-EOF2
		module = "web"
		mode = "farm"
		node = "n$1"
		node_id = $1
		nodes = { "n1", "n2", "n3" }
		handle_ms = 200
		maxloop = 2
		vip = true
		scripts = true
		addresses = { "10.88.1.100" }
		wait_on = { "intf.10.88.1.0" }
		vip_links = { "intf.10.88.1.0" }
		nicestop_ms = 5000
		forcestop_ms = 1000
		stopdrain_ms = 1500
	EOF2
}

# conf NODE SED: of its moduled.conf.
conf() {
	sed -i "$2" "$W/n$1/var/lib/holdfast/web/config/active/moduled.conf"
}

# serves NODE WORD: what its moduled wishes of farmd.
serves() {
	ask c show | grep -q "^node=$1 .* serve=$2 "
}

event() {
	grep -q "$2" "$W/n$1/var/log/holdfast/web.events"
}

# up NODE...: each started, one after the other.
up() {
	local i
	for i in "$@"; do
		start_node "$i"
		[ "$(ask "n$i" start)" = ok ]
		wait_until 5 "is n$i 'UP Ready'"
	done
}

@test "up: held, scripts, open; the status has every node and its share" {
	script 1 start_both "grep -o 'serve [a-z]*' $W/no; exit 0"
	up 1
	[ "$(grep ^n1 "$W/scripts")" = "n1 prestart STOP WAIT start
n1 start_both WAIT UP start" ]
	ask n1 status | grep -q '^kind=node name=n1 state=UP quality=Ready .*share=100 .*self=1 net=up serve=open'
	ask n1 status | grep -q '^kind=node name=n2 state=UNKNOWN .*self=0'
	up 2 3
	for n in n1 n2 n3; do
		wait_until 5 "ask $n status |
		    grep -q '^kind=farm serve=open wanted=open member=1 share=33 open=1 epoch=.* director=n1 delivery=director backend=nft'"
		[ "$(ask $n status | grep -c '^kind=node .*state=UP quality=Ready .*share=33 ')" = 3 ]
		not grep -q 'code=farm-node-out' <<<"$(ask $n status)"
	done
	ask n1 get resource=farm.share | grep -q 'value=33'
	ask n1 get resource=farm.web_0 | grep -q 'value=33'
	event 1 '| E | farmd | Share of this node: 50 %, was 100 %'
	event 1 '| I | heartd | n2 is heard'
}

@test "status, in columns and as JSON" {
	up 1 2
	run env HOLDFAST_ROOT="$W/n1" "$top_builddir/bin/holdfast/holdfast" \
	    status web
	[[ ${lines[0]} == 'MODULE '*' QUALITY    SHARE  SINCE' ]]
	[[ ${lines[1]} =~ ^web\ +n1\ \*\ +UP\ +Ready\ +50%\ +[0-9]+s$ ]]
	[[ ${lines[2]} =~ ^\ +n2\ +UP\ +Ready\ +50% ]]
	[[ ${lines[3]} =~ ^\ +n3\ +UNKNOWN\ +NotReady\ +-\ +-$ ]]
	[[ ${lines[4]} == '  farm: director n1, delivery director, filter nft, epoch '* ]]
	ask n2 drain who=me
	ask c draining node=n2 n=4
	wait_until 5 "ask n1 status | grep -q '^kind=node name=n2 .*serve=drain'"
	run env HOLDFAST_ROOT="$W/n1" "$top_builddir/bin/holdfast/holdfast" \
	    status web
	[[ ${lines[2]} =~ ^\ +n2\ +UP\ +Ready\ +drain ]]
	env HOLDFAST_ROOT="$W/n1" "$top_builddir/bin/holdfast/holdfast" \
	    --json status web >"$W/json" 2>/dev/null || true
	[ "$(jq -c '.modules[0].farm | [.serve, .member, .open, .groups]' \
	    "$W/json")" = \
	    '["open",true,true,[{"name":"web","percent":100}]]' ]
	[ "$(jq -c '.modules[0].nodes[] | [.node, .share, .serve, .net]' \
	    "$W/json")" = '["n1",100,"open","up"]
["n2",0,"drain","up"]
["n3",0,"none","up"]' ]
	[ "$(jq .modules[0].replication "$W/json")" = null ]
	[ "$(jq -r .modules[0].lease.mode "$W/json")" = none ]
}

@test "closed until the start scripts have ended, and shut before they stop" {
	script 1 start_both "until [ -e $W/go ]; do sleep 0.05; done"
	script 1 stop_both "until [ -e $W/gone ]; do sleep 0.05; done"
	start_node 1
	ask n1 start
	wait_until 5 'grep -q start_both "$W/scripts"'
	is n1 "UP Transient"
	serves n1 hold
	touch "$W/go"
	wait_until 5 'is n1 "UP Ready"'
	serves n1 open
	[ "$(ask n1 stop)" = ok ]
	wait_until 5 'grep -q stop_both "$W/scripts"'
	serves n1 drain
	touch "$W/gone"
	wait_until 5 'is n1 "STOP NotReady"'
	serves n1 none
	[ "$(grep 'stop_both' "$W/scripts")" = "n1 stop_both UP WAIT stop
n1 stop_both force WAIT STOP stop" ]
}

@test "a stop drains, for a bounded time; forcestop does not wait" {
	up 1 2
	ask c draining node=n1 n=3
	[ "$(ask n1 stop)" = ok ]
	wait_until 5 '[ "$(why n1)" = draining ]'
	is n1 "UP Transient"
	ask n1 status | grep -q 'kind=blocked code=draining text="3 connections end here, for at most 1 s"'
	ask n1 status | grep -q 'kind=goon command="holdfast forcestop web"'
	not grep -q stop_both "$W/scripts"
	ask c draining node=n1 n=0
	wait_until 1 'grep -q stop_both "$W/scripts"'
	wait_until 5 'is n1 "STOP NotReady"'
	# The bound.
	: >"$W/scripts"
	ask c draining node=n2 n=3
	[ "$(ask n2 stop)" = ok ]
	wait_until 5 'is n2 "STOP NotReady"'
	event 2 '3 connections have not ended in 1 s: they are cut off'
	# And again, in a hurry.
	conf 1 's/stopdrain_ms = .*/stopdrain_ms = 60000/'
	kill_node 1
	start_node 1
	ask n1 start
	wait_until 5 'is n1 "UP Ready"'
	ask c draining node=n1 n=3
	ask n1 stop
	wait_until 5 '[ "$(why n1)" = draining ]'
	[ "$(ask n1 forcestop)" = ok ]
	wait_until 5 'is n1 "STOP NotReady"'
}

@test "drain: durable, shown, over a restart and a reboot, and taken back" {
	up 1 2
	ask c draining node=n1 n=2
	[ "$(ask n1 drain who=me why=kernel)" = ok ]
	wait_until 5 'serves n1 drain'
	is n1 "UP Ready"
	ask n1 status | grep -q 'code=farm-drain text="n1 takes no new clients, by me since .*: kernel; 2 connections are left" command="holdfast farm web drain n1 --off"'
	wait_until 5 "ask n1 status | grep -q '^kind=farm serve=drain .*open=0 .*draining=2 drained=0 drain=1'"
	ask c draining node=n1 n=0
	wait_until 5 "ask n1 status | grep -q '^kind=farm .*drained=1'"
	kill_node 1
	start_node 1
	serves n1 drain
	is n1 "UP Ready"
	# A reboot.
	kill_node 1
	rm "$W/n1/run/holdfast/web/state"
	ask c forget
	start_node 1
	wait_until 5 'is n1 "UP Ready" && serves n1 drain'
	[ "$(ask n1 drain off=1 who=me)" = ok ]
	wait_until 5 'serves n1 open'
	not grep -q farm-drain <<<"$(ask n1 status)"
	[ "$(ask n1 drain off=1 who=me)" = ok ]
}

@test "a killed moduled disturbs neither application nor share" {
	up 1 2
	: >"$W/scripts"
	before=$(ask n1 status | sed -n 's/^kind=farm .* epoch=\([0-9]*\).*/\1/p')
	[ -n "$before" ]
	ask n2 status | grep -q '^kind=node name=n1 .*share=50'
	since=$(ask n1 why | sed -n '1s/.*since \([-0-9: ]*\) (.*/\1/p')
	[ -n "$since" ]
	kill_node 1
	start_node 1
	wait_until 5 'is n1 "UP Ready"'
	[ ! -s "$W/scripts" ]
	serves n1 open
	# It did not come to UP anew.
	ask n1 why | grep -q "since $since ("
	# No other wish than open was stated meanwhile.
	not grep -q 'Share of this node' <(tail -n 3 \
	    "$W/n2/var/log/holdfast/web.events" | grep -v 'was 0')
	# Nothing is remembered, but this node takes clients.
	kill_node 1
	rm "$W/n1/run/holdfast/web/state"
	start_node 1
	wait_until 5 'is n1 "UP Ready"'
	[ ! -s "$W/scripts" ]
	event 1 'was found taking clients of the farm: taken as running'
}

@test "a foreign host answers: WAIT with its MAC; a node of the farm does not count" {
	ask c host mac=02:aa:aa:aa:aa:aa
	start_node 1
	ask n1 start
	wait_until 5 '[ "$(why n1)" = address-in-use ]'
	is n1 "WAIT NotReady"
	ask n1 status | grep -q 'code=address-in-use text="a host that is no node of this module answers for 10.88.1.100 (02:aa:aa:aa:aa:aa)"'
	ask n1 status | grep -q 'kind=goon .*cost="find that MAC'
	serves n1 none
	not grep -q start_both "$W/scripts"
	# It turns out to be a node's.
	ask c mac node=n3 mac=02:aa:aa:aa:aa:aa
	wait_until 8 'is n1 "UP Ready"'
	ask c show | grep -q '^node=n1 .*peers=02:aa:aa:aa:aa:aa'
	# Where a node of the farm serves, nobody is asked.
	ask c host mac=02:bb:bb:bb:bb:bb
	up 2
	ask c show | grep -q '^node=n2 .*probes=0 '
}

@test "what farmd says is wrong: reason, text, and by itself again" {
	local code
	up 1
	for code in farm-outcast farm-no-address farm-filter config-differs; do
		ask c code node=n1 code=$code text='"n1 here, n2 there"' \
		    blocked=1
		wait_until 5 "[ \"\$(why n1)\" = $code ]"
		is n1 "UP NotReady"
		ask n1 status | grep -q "kind=blocked code=$code text=.*n1 here, n2 there"
		ask n1 status | grep -q 'kind=goon'
	done
	ask c code node=n1 code=not-invented text=what blocked=1
	wait_until 5 '[ "$(why n1)" = farmd-error ]'
	for code in farm-no-flood farm-no-power farm-rules-gone farm-waits config-differs; do
		ask c code node=n1 code=$code text='"n3 hears nobody"'
		wait_until 5 "ask n1 status | grep -q 'kind=warning code=$code text=.*n3 hears nobody.* command=\"[^\"]'"
		is n1 "UP Ready"
		# It hides no other one.
		ask n1 status | grep -q 'code=farm-waits text="n9 does not'
	done
	event 1 '| W | farmd | farm-no-flood: n3 hears nobody'
	ask c code node=n1 code='""' text='""'
	wait_until 5 "! ask n1 status | grep -q 'hears nobody'"
	# The files differ before it serves: it does not even begin.
	ask n1 stop
	wait_until 5 'is n1 "STOP NotReady"'
	ask c code node=n1 code=config-differs text='"aa here, bb on n2"' blocked=1
	: >"$W/scripts"
	ask n1 start
	wait_until 5 '[ "$(why n1)" = config-differs ]'
	serves n1 none
	not grep -q start_both "$W/scripts"
}

@test "the link goes down: WAIT; it comes back: UP" {
	conf 1 's/handle_ms = .*/handle_ms = 3000/'
	up 1 2
	ask c link node=n1 up=0
	# Its clients do not wait for the rule.
	wait_until 1 'serves n1 hold'
	[ "$(why n1)" = checker-failed ]
	wait_until 5 '[ "$(why n1)" = resource ]'
	is n1 "WAIT NotReady"
	wait_until 5 "ask n2 status | grep -q 'code=farm-node-out text=\"n1 is in WAIT NotReady, reason resource; 1 of 3 nodes serve\" command=\"on n1: holdfast why web\"'"
	ask c link node=n1 up=1
	wait_until 5 'is n1 "UP Ready"'
	grep -q '^n1 stop_both UP WAIT stopwait' "$W/scripts"
}

@test "nodes that are out are told, with the command" {
	up 1
	ask c net node=n2 up=0
	wait_until 5 "ask n1 status | grep -q 'code=farm-node-out text=\"n2 is not heard; 1 of 3 nodes serve\"'"
	ask c state node=n3 state=STOP quality=NotReady serve=none
	wait_until 5 "ask n1 status | grep -q 'code=farm-node-out text=\"n3 is in STOP NotReady; 1 of 3 nodes serve\" command=\"on n3: holdfast start web\"'"
	ask c state node=n3 state=UP quality=Ready serve=open
	wait_until 5 "ask n1 status | grep -q '^kind=node name=n3 state=UP quality=Ready .*share=50 '"
	run ask n1 why
	[[ ${lines[0]} == 'text="web on n1 is UP Ready since '* ]]
	[[ $output == *'text="its share is open, 50 %, epoch '*'director n1, delivery director, backend nft"'* ]]
	[[ $output == *'text="n2 is not heard"'* ]]
	[[ $output == *'text="n3 is UP Ready since '*', open, share 50 %"'* ]]
	[[ $output == *'Share of this node: 50 %, was 100 %'* ]]
}

@test "what has no meaning for a farm is refused with a sentence" {
	local verb
	up 1
	for verb in swap prim primforce second release; do
		run ask n1 $verb yes=web
		[[ $output == 'err code=badstate text="web is a farm module, all its nodes serve: '* ]]
	done
	is n1 "UP Ready"
	run ask n1 traffic open=1
	[[ $output == *'opens by itself when its scripts have ended'* ]]
	run ask n1 traffic
	[[ $output == 'err code=usage'* ]]
}

@test "restart drains, then closes for its scripts; stopstart comes round" {
	up 1 2
	: >"$W/scripts"
	ask c draining node=n1 n=1
	[ "$(ask n1 restart)" = ok ]
	wait_until 5 '[ "$(why n1)" = draining ]'
	[ ! -s "$W/scripts" ]
	script 1 start_both "until [ -e $W/go ]; do sleep 0.05; done"
	ask c draining node=n1 n=0
	wait_until 5 'grep -q start_both "$W/scripts"'
	serves n1 hold
	is n1 "UP Transient"
	touch "$W/go"
	wait_until 5 'is n1 "UP Ready"'
	[ "$(cat "$W/scripts")" = "n1 stop_both UP UP restart
n1 stop_both force UP UP restart
n1 start_both UP UP restart" ]
	# One that is asked for by a script does not wait for clients.
	: >"$W/scripts"
	ask c draining node=n1 n=1
	[ "$(ask n1 stopstart i=start_both)" = ok ]
	wait_until 1 'grep -q stop_both "$W/scripts"'
	wait_until 5 'is n1 "UP Ready"'
	serves n1 open
}

@test "scriptcontrol: scripts open and close, and moduled remembers" {
	conf 1 '$ascriptcontrol = true'
	script 1 start_both "until [ -e $W/go ]; do sleep 0.05; done"
	start_node 1
	ask n1 start
	wait_until 5 'grep -q start_both "$W/scripts"'
	serves n1 hold
	[ "$(ask n1 traffic open=1 i=start_both)" = ok ]
	wait_until 5 'serves n1 open'
	is n1 "UP Transient"
	touch "$W/go"
	wait_until 5 'is n1 "UP Ready"'
	[ "$(ask n1 traffic open=0 i=me)" = ok ]
	wait_until 5 'serves n1 hold'
	is n1 "UP Ready"
	event 1 'Traffic closed by me'
	kill_node 1
	start_node 1
	serves n1 hold
	[ "$(ask n1 traffic open=1 i=me)" = ok ]
	wait_until 5 'serves n1 open'
	kill_node 1
	start_node 1
	wait_until 5 'is n1 "UP Ready"'
	serves n1 open
	# A new life begins shut.
	ask n1 stop
	wait_until 5 'is n1 "STOP NotReady"'
	run ask n1 traffic open=1
	[[ $output == 'err code=badstate'* ]]
	ask n1 start
	wait_until 5 'is n1 "UP Ready"'
	serves n1 hold
}

@test "a checker fails: shut at once, restart after its time, one too many stops" {
	local dir=$W/n1/var/lib/holdfast/web/config/active
	cat >"$dir/checkd.conf" <<-EOF
		custom "q" { exec = "look" when = "both" interval_ms = 50 }
	EOF
	cat >>"$dir/moduled.conf" <<-EOF
		checks = true
		rule "c_q" { if = "custom.q == down" then = "restart"
		    handle_ms = 600 when = "both" }
	EOF
	printf '#!/bin/sh\necho broken\nexit $(cat %s)\n' "$W/rc" \
	    >"$dir/bin/look"
	chmod +x "$dir/bin/look"
	echo 0 >"$W/rc"
	script 1 start_both "echo 0 >$W/rc"
	HOLDFAST_ROOT=$W/n1 "$top_builddir/bin/checkd/checkd" -M web -d \
	    >>"$W/n1.log" 2>&1 3>&- &
	echo $! >"$W/pid.checkd1"
	up 1 2
	wait_until 5 'ask n1 get resource=custom.q | grep -q value=up'
	# It is well again before anything was done.
	: >"$W/scripts"
	echo 1 >"$W/rc"
	wait_until 5 'serves n1 hold'
	[ "$(why n1)" = checker-failed ]
	wait_until 5 "ask n2 status | grep -q '^kind=node name=n2 .*share=100'"
	echo 0 >"$W/rc"
	wait_until 5 'is n1 "UP Ready" && serves n1 open'
	[ ! -s "$W/scripts" ]
	# For long enough: restart, without waiting for its clients.
	ask c draining node=n1 n=5
	for i in 1 2; do
		: >"$W/scripts"
		echo 1 >"$W/rc"
		wait_until 5 'grep -q start_both "$W/scripts"'
		wait_until 5 'is n1 "UP Ready" && serves n1 open'
		wait_until 5 'ask n1 get resource=custom.q | grep -q value=up'
	done
	event 1 'restart from failover rule c_q'
	# In maintenance nothing of the kind happens.
	ask n1 maintain for_s=60 who=me
	: >"$W/scripts"
	echo 1 >"$W/rc"
	wait_until 5 'ask n1 get resource=custom.q | grep -q value=down'
	serves n1 open
	ask n1 maintain for_s=0 who=me
	# maxloop is 2: the third is one too many.
	wait_until 5 'is n1 "STOP NotReady"'
	ask n1 status | grep -q 'code=maxloop .*after 2 actions'
	not grep -q start_both "$W/scripts"
}

@test "farmd does not answer: verbs say so, status too, and it goes on by itself" {
	up 1
	ask c stuck node=n1 on=1
	ask n1 stop
	wait_until 5 '[ "$(why n1)" = draining ]'
	wait_until 5 'grep -q stop_both "$W/scripts"'
	wait_until 5 '[ "$(why n1)" = stopping ]'
	ask n1 status | grep -q 'text="stopping: the addresses are still here; if that lasts, see vipd.log and farmd.log"'
	ask c stuck node=n1 on=0
	ask n1 start
	wait_until 5 'is n1 "UP Ready"'
	kill_node fake
	wait_until 15 '[ "$(why n1)" = farmd-silent ]'
	is n1 "UP NotReady"
	ask n1 status | grep -q 'kind=goon command="holdfast log web"'
	# A moduled without a memory listens first.
	kill_node 1
	rm "$W/n1/run/holdfast/web/state"
	start_node 1
	run ask n1 start
	[[ $output == 'err code=busy text="farmd has not answered yet'* ]]
	"$FAKE" "$W" web >"$W/fake.log" 2>&1 3>&- &
	echo $! >"$W/pid.fake"
	wait_until 10 'is n1 "UP Ready"'
}

@test "standby: a node leaves when another one serves, and not before" {
	up 1
	local f=$W/n1/var/lib/holdfast/node.standby
	echo 'standby now=0 at=1 who=me' >"$f"
	ask n1 standby who=me
	is n1 "UP Ready"
	ask n1 status | grep -q 'code=standby text="this node is on standby, but goes on serving'
	up 2
	wait_until 5 'is n1 "STOP NotReady"'
	wait_until 5 "ask n2 status | grep -q 'code=farm-node-out text=\"n1 is in STOP .*command=\"on n1: holdfast node active\"'"
	rm "$f"
	ask n1 standby who=me
	wait_until 5 'is n1 "UP Ready"'
}

@test "a node that comes and goes is held down, and comes back" {
	local i
	conf 1 's/maxloop = 2/maxloop = 100/'
	up 2 1
	for i in 1 2 3 4; do
		ask c link node=n1 up=0
		wait_until 5 '[ "$(why n1)" = resource ]'
		ask c link node=n1 up=1
		wait_until 5 'is n1 "UP Ready"'
	done
	ask c link node=n1 up=0
	wait_until 5 '[ "$(why n1)" = resource ]'
	ask c link node=n1 up=1
	wait_until 5 '[ "$(why n1)" = held-down ]'
	[ "$(ask n1 start)" = ok ]
	wait_until 5 'is n1 "UP Ready"'
}

@test "a light module is UP, without any farmd" {
	kill_node fake
	rm "$W"/n1/run/holdfast/web/farmd.sock
	conf 1 's/mode = .*/mode = "light"/; /nodes/d; s/^vip = true/vip = false/'
	conf 1 '/wait_on/d; /vip_links/d; /addresses/d'
	script 1 start_prim 'exit 0'
	start_node 1
	[ "$(ask n1 start)" = ok ]
	wait_until 5 'is n1 "UP Ready"'
	[ "$(cat "$W/scripts")" = "n1 prestart STOP WAIT start
n1 start_both WAIT UP start
n1 start_prim WAIT UP start" ]
	ask n1 status | grep -q '^kind=node name=n1 state=UP quality=Ready '
	not grep -q 'kind=farm\|kind=warning' <<<"$(ask n1 status)"
	run ask n1 swap
	[[ $output == 'err code=badstate text="web is a light module, this node runs it alone: '* ]]
	run ask n1 drain
	[[ $output == 'err code=badstate'* ]]
	# Nothing is disturbed, also when it was called ALONE before.
	: >"$W/scripts"
	kill_node 1
	sed -i 's/state=UP/state=ALONE/; s/at=UP target=UP/at=ALONE target=ALONE/' \
	    "$W/n1/run/holdfast/web/state"
	grep -q 'state=ALONE' "$W/n1/run/holdfast/web/state"
	start_node 1
	is n1 "UP Ready"
	[ ! -s "$W/scripts" ]
	[ "$(ask n1 restart)" = ok ]
	wait_until 5 '[ "$(grep -c start_prim "$W/scripts")" = 1 ]'
	wait_until 5 'is n1 "UP Ready"'
	[ "$(ask n1 stop)" = ok ]
	wait_until 5 'is n1 "STOP NotReady"'
}
