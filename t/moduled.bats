#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Roles and scripts of two moduled, t/moduled.bash.  No root, no network.

load lib
load moduled

setup() {
	moduled_setup
}

teardown() {
	moduled_teardown
}

@test "the configuration is checked, all errors at once" {
	printf 'mode = "king"\nnode = ""\ntimeout_ms = 1\n' >"$W/bad"
	run "$MODULED" -M m -n -f "$W/bad"
	[ "$status" -eq 78 ]
	[ "$(grep -c "$W/bad:" <<<"$output")" -ge 3 ] ||
	    [ "$(wc -l <<<"$output")" -ge 4 ]
	run "$MODULED" -M m -p -f \
	    "$W/n1/var/lib/holdfast/m/config/active/moduled.conf"
	[ "$status" -eq 0 ]
	printf '%s\n' "$output" >"$W/once"
	"$MODULED" -M m -p -f "$W/once" >"$W/twice"
	diff "$W/once" "$W/twice"
}

@test "first pairing: both wait, prim on one, scripts in order" {
	pair_up
	ask c show | grep -q 'node=n1 role=prim .*mounted=1 own=1'
	ask c show | grep -q 'node=n2 role=second .*level=1 .*own=0'
	[ "$(grep ^n1 "$W/scripts")" = "n1 prestart STOP WAIT start
n1 start_prim WAIT ALONE start" ]
	[ "$(grep ^n2 "$W/scripts")" = "n2 prestart STOP WAIT start
n2 start_second WAIT SECOND start" ]
	grep -q '| U | moduled | Action prim called by' \
	    "$W/n1/var/log/holdfast/m.events"
	ask n1 get resource=rfs.uptodate | grep -q 'value=up'
}

@test "prim is refused while the peer is primary" {
	pair_up
	run ask n2 prim
	[[ $output == "err code=unsafe"* ]]
	[[ $output == *swap* ]]
}

@test "the primary dies: takeover within T + 3G + scripts" {
	pair_up
	local begin end
	begin=$(now_ms)
	crash 1
	wait_until 5 'ask c show | grep -q "node=n2 role=prim .*own=1"'
	end=$(now_ms)
	wait_until 5 'is n2 "ALONE Ready"'
	echo "takeover after $((end - begin)) ms" >&2
	[ $((end - begin)) -lt $((T_MS + 3 * G_MS + 400)) ]
	tail -n 2 "$W/scripts" | grep -q 'n2 start_prim SECOND ALONE'
	# Also when it is back before anybody could miss it, it is told.
	event 2 '| I | heartd | n1 has started anew, life 2'
	# It comes back and is taken in.
	start_node 1
	wait_until 5 'is n2 "PRIM Ready" && is n1 "SECOND Ready"'
}

@test "swap, asked on either node" {
	pair_up
	: >"$W/scripts"
	[ "$(ask n2 swap)" = ok ]
	wait_until 5 'is n2 "PRIM Ready" && is n1 "SECOND Ready"'
	[ "$(grep ^n1 "$W/scripts")" = "n1 stop_prim PRIM SECOND swap
n1 stop_prim force PRIM SECOND swap
n1 start_second PRIM SECOND swap" ]
	[ "$(grep ^n2 "$W/scripts")" = "n2 stop_second SECOND ALONE start
n2 start_prim SECOND ALONE start" ]
	ask c show | grep -q 'node=n2 .*epoch=0.2.2'
	[ "$(ask n2 swap)" = ok ]
	wait_until 5 'is n1 "PRIM Ready" && is n2 "SECOND Ready"'
	run ask n1 status
	[[ $output == *"epoch=0.3.1"* ]]
}

@test "stop of PRIM hands over; the stopped node has nothing mounted" {
	pair_up
	: >"$W/scripts"
	[ "$(ask n1 stop why=test who=me)" = ok ]
	wait_until 5 'is n1 "STOP NotReady" && is n2 "ALONE Ready"'
	ask c show | grep -q 'node=n1 role=none .*mounted=0 own=0'
	[ "$(grep ^n1 "$W/scripts")" = "n1 stop_prim PRIM WAIT stop
n1 stop_prim force WAIT STOP stop
n1 stop_second force WAIT STOP stop" ]
	# Stopped last, it is the one to start without the other.
	[ "$(ask n2 stop)" = ok ]
	wait_until 5 'is n2 "STOP NotReady"'
	[ "$(ask n1 start)" = ok ]
	wait_until 5 '[ "$(why n1)" = stale ] || [ "$(why n1)" = peer-newer ]'
	ask n1 status | grep -q 'kind=goon command="holdfast prim m"'
	[ "$(ask n2 start)" = ok ]
	wait_until 5 'is n2 "PRIM Ready" && is n1 "SECOND Ready"'
}

@test "stop of SECOND: the primary goes on alone" {
	pair_up
	[ "$(ask n2 stop)" = ok ]
	wait_until 5 'is n2 "STOP NotReady" && is n1 "ALONE Ready"'
	ask c show | grep -q 'node=n2 .*level=0'
	ask c show | grep -q 'node=n1 .*alone=1'
}

@test "stopped with its node, a module starts with it; by the operator, not" {
	pair_up
	[ "$(ask n2 stop who=holdfastd)" = ok ]
	wait_until 5 'is n2 "STOP NotReady"'
	kill_node 2 -TERM
	start_node 2
	wait_until 5 'is n1 "PRIM Ready" && is n2 "SECOND Ready"'
	[ "$(ask n2 stop who=root)" = ok ]
	wait_until 5 'is n2 "STOP NotReady"'
	[ "$(ask n2 stop who=holdfastd)" = ok ]
	kill_node 2 -TERM
	start_node 2
	is n2 "STOP NotReady"
}

@test "the stale node alone waits, and prim asks for the name" {
	pair_up
	ask n2 stop
	wait_until 5 'is n2 "STOP NotReady" && is n1 "ALONE Ready"'
	crash 1
	ask n2 start
	wait_until 5 '[ "$(why n2)" = stale ]'
	run ask n2 prim
	[[ $output == "err code=confirm"* ]]
	[ "$(ask n2 prim yes=m)" = ok ]
	wait_until 5 'is n2 "ALONE Ready"'
	ask c show | grep -q 'node=n2 .*epoch=1\.'
}

@test "address answered: SECOND leaves, is not level, and says who" {
	pair_up
	ask c net beat=0
	wait_until 5 '[ "$(why n2)" = address-answered ]'
	ask c show | grep -q 'node=n2 .*level=0'
	wait_until 5 'is n1 "ALONE Ready"'
	ask c net beat=1
	wait_until 5 'is n1 "PRIM Ready" && is n2 "SECOND Ready"'
}

@test "all cables of PRIM: takeover, the old primary stops and follows" {
	pair_up
	ask c link node=n1 up=0
	wait_until 5 'is n2 "ALONE Ready"'
	wait_until 5 '[ "$(why n1)" = no-network ] && is n1 "WAIT NotReady"'
	ask c link node=n1 up=1
	wait_until 5 'is n2 "PRIM Ready" && is n1 "SECOND Ready"'
}

@test "all cables of SECOND: the primary goes on alone" {
	pair_up
	ask c link node=n2 up=0
	wait_until 5 'is n1 "ALONE Ready"'
	wait_until 5 'is n2 "WAIT NotReady"'
	[ "$(why n2)" = no-network ]
	ask c link node=n2 up=1
	wait_until 5 'is n1 "PRIM Ready" && is n2 "SECOND Ready"'
}

@test "the peer beats but does not answer: out, and taken in again" {
	pair_up
	ask c stall node=n1 ms=400
	wait_until 5 'grep -q "going on alone" "$W/n1.log"'
	ask c stall node=n1 ms=0
	ask c net beat=1
	grep -q 'n2 does not answer (400 ms)' "$W/n1.log"
	# It may have come and gone too often meanwhile.
	[ "$(ask n2 start)" = ok ]
	wait_until 5 'is n1 "PRIM Ready" && is n2 "SECOND Ready"'
}

@test "killed moduled takes up where it was, on both nodes" {
	pair_up
	local n
	: >"$W/scripts"
	for n in 1 2; do
		kill_node $n
		start_node $n
		wait_until 5 'is n1 "PRIM Ready" && is n2 "SECOND Ready"'
		grep -q 'taken up in' "$W/n$n.log"
	done
	[ ! -s "$W/scripts" ]
	ask c show | grep -q 'node=n1 .*epoch=0.1.1 .*mounted=1 own=1'
}

@test "killed in the middle of a script: it is adopted, not run again" {
	script 1 start_prim "touch $W/begun
	    until [ -e $W/go ]; do sleep 0.05; done"
	start_node 1
	start_node 2
	ask n1 start
	ask n1 prim
	wait_until 5 '[ -e $W/begun ]'
	kill_node 1
	start_node 1
	is n1 "ALONE Transient"
	touch "$W/go"
	wait_until 5 'is n1 "ALONE Ready"'
	[ "$(grep -c 'n1 start_prim' "$W/scripts")" -eq 1 ]
}

@test "damaged state file: found out anew, nothing is restarted" {
	pair_up
	: >"$W/scripts"
	kill_node 1
	echo rubbish >"$W/n1/run/holdfast/m/state"
	start_node 1
	wait_until 5 'is n1 "PRIM Ready"'
	[ ! -s "$W/scripts" ]
}

@test "a script that hangs is killed, counted, and stopped by maxloop" {
	script 1 start_prim "sleep 60"
	sed -i 's/nicestop_ms = .*/nicestop_ms = 1000/' \
	    "$W/n1/var/lib/holdfast/m/config/active/moduled.conf"
	start_node 1
	ask n1 start
	ask n1 prim
	wait_until 20 'grep -q "stop called by maxloop" "$W/n1.log"'
	wait_until 10 'is n1 "STOP NotReady"'
	grep -q 'did not end in time' "$W/n1.log"
	ask n1 status | grep -q 'kind=warning code=maxloop'
}

@test "a missing prestart is a warning, other scripts may be missing" {
	rm "$W"/n1/var/lib/holdfast/m/config/active/bin/*
	start_node 1
	ask n1 start
	ask n1 prim
	wait_until 5 'is n1 "ALONE Ready"'
	grep -q 'prestart is not there' "$W/n1.log"
}

@test "an interface down for long: wait, and wake up when it is back" {
	pair_up
	ask n2 set resource=intf.10.88.1.0 value=down
	wait_until 5 '[ "$(why n2)" = resource ]'
	wait_until 5 'is n1 "ALONE Ready"'
	ask n2 set resource=intf.10.88.1.0 value=up
	wait_until 5 'is n1 "PRIM Ready" && is n2 "SECOND Ready"'
}

@test "restart runs the scripts in place, and is refused elsewhere" {
	pair_up
	: >"$W/scripts"
	[ "$(ask n1 restart)" = ok ]
	wait_until 5 'grep -q "n1 start_prim" "$W/scripts"'
	[ "$(cat "$W/scripts")" = "n1 stop_prim PRIM PRIM restart
n1 stop_prim force PRIM PRIM restart
n1 start_prim PRIM PRIM restart" ]
	wait_until 5 'is n1 "PRIM Ready"'
	ask n2 stop
	wait_until 5 'is n2 "STOP NotReady"'
	[[ $(ask n2 restart) == "err code=badstate"* ]]
}

@test "stopstart of PRIM: the other one takes over" {
	pair_up
	[ "$(ask n1 stopstart)" = ok ]
	wait_until 5 'is n2 "PRIM Ready" && is n1 "SECOND Ready"'
}

@test "maxloop counts actions with an identity" {
	start_node 1
	ask n1 incloop i=x | grep -q 'count=1 max=2 reached=0'
	ask n1 incloop i=x | grep -q 'count=2 max=2 reached=0'
	ask n1 incloop i=x | grep -q 'count=3 max=2 reached=1'
	ask n1 checkloop | grep -q 'reached=1'
	ask n1 resetloop | grep -q 'count=0'
	kill_node 1 -TERM
	start_node 1
	ask n1 checkloop | grep -q 'count=0'
}

wish_of() {	# node: its stored wish
	cat "$W/n$1/var/lib/holdfast/m/wish"
}

@test "only an accepted second fullsync lets data be overwritten" {
	pair_up
	[[ $(ask n1 second fullsync=1) == "err code=badstate"* ]]
	ask n1 incloop		# stores the wish
	wish_of 1 | grep -q fullsync=0
	ask n2 stop
	wait_until 5 'is n2 "STOP NotReady"'
	script 2 prestart "until [ -e '$W/go' ]; do sleep 0.05; done"
	[ "$(ask n2 second fullsync=1)" = ok ]
	wish_of 2 | grep -q 'order=second fullsync=1'
	[ "$(ask n2 start)" = ok ]
	wish_of 2 | grep -q 'order=second fullsync=1'
	touch "$W/go"
	wait_until 5 'is n2 "SECOND Ready"'
	wait_until 5 'wish_of 2 | grep -q "order=none fullsync=0"'
}

@test "bad words are answered, and nothing dies of them" {
	start_node 1
	[[ $(ask n1 set resource=x value=1) == "err code=usage"* ]]
	[[ $(ask n1 get resource=a.b) == "err code=noresource"* ]]
	[[ $(ask n1 swap) == "err code=badstate"* ]]
	[[ $(ask n1 second) == "err code=notprim"* ]]
	[[ $(ask n1 watch topic=x) == "err code=usage"* ]]
	[[ $(ask n1 dance) == "err "* ]]
	[[ $(ask n1 print level=X text=hello) == "err code=usage"* ]]
	[ "$(ask n1 print level=W text=hello i=me)" = ok ]
	grep -q '| W | me | hello' "$W/n1/var/log/holdfast/m.events"
}

@test "a damaged wish file is a stopped module, and said" {
	mkdir -p "$W/n1/var/lib/holdfast/m"
	printf 'wish state="st\n' >"$W/n1/var/lib/holdfast/m/wish"
	start_node 1
	is n1 "STOP NotReady"
	grep -q 'wish: damaged' "$W/n1.log"
}

@test "without directories: the same roles on the own record" {
	for i in 1 2; do
		sed -i 's/rfs = true/rfs = false/' \
		    "$W/n$i/var/lib/holdfast/m/config/active/moduled.conf"
	done
	pair_up
	[ "$(ask n1 swap)" = ok ]
	wait_until 5 'is n2 "PRIM Ready" && is n1 "SECOND Ready"'
	crash 2
	wait_until 5 'is n1 "ALONE Ready"'
	start_node 2
	wait_until 5 'is n1 "PRIM Ready" && is n2 "SECOND Ready"'
	kill_node 1
	start_node 1
	wait_until 5 'is n1 "PRIM Ready" && is n2 "SECOND Ready"'
}

# with_checks NODE: what holdfast config would write, from standard input;
# the lines of checkd.conf stand above a line of dashes.
with_checks() {
	local dir=$W/n$1/var/lib/holdfast/m/config/active text
	text=$(cat)
	printf '%s\n' "${text%%---*}" >"$dir/checkd.conf"
	printf 'checks = true\n%s\n' "${text#*---}" >>"$dir/moduled.conf"
}

start_checkd() {
	HOLDFAST_ROOT=$W/n$1 "$top_builddir/bin/checkd/checkd" -M m -d \
	    >>"$W/n$1.log" 2>&1 3>&- &
	echo $! >"$W/pid.checkd$1"
	wait_until 5 "[ -S $W/n$1/run/holdfast/m/checkd.sock ]"
}

# event NODE TEXT
event() {
	grep -q "$2" "$W/n$1/var/log/holdfast/m.events"
}

@test "a process dies: restart at once, and one too many stops" {
	local app=hfm$$ i begin end
	cp "$(command -v sleep)" "$W/$app"
	script 1 start_prim "$W/$app 600 >/dev/null 2>&1 3>&- & \
	    echo \$! >$W/pid.app"
	script 1 stop_prim "kill \$(cat $W/pid.app) 2>/dev/null; exit 0"
	with_checks 1 <<-EOF
		proc "$app" { name = "$app" when = "prim" }
		---
		rule "proc_$app" { if = "proc.$app == down" then = "restart"
		    when = "prim" }
	EOF
	start_checkd 1
	pair_up
	wait_until 5 'ask n1 get resource=proc.'$app' | grep -q value=up'
	for i in 1 2; do
		: >"$W/scripts"
		begin=$(now_ms)
		kill -9 "$(cat "$W/pid.app")"
		wait_until 5 'grep -q start_prim "$W/scripts"'
		end=$(now_ms)
		[ $((end - begin)) -lt 1000 ]
		wait_until 5 'ask n1 get resource=proc.'$app' | grep -q =up'
		is n1 "PRIM Ready"
	done
	event 1 "restart from failover rule proc_$app (.*down: no such process)"
	ask n1 why | grep -q "Action restart from failover rule proc_$app"
	# maxloop is 2 here: the third is one too many, and the other node
	# takes over.
	kill -9 "$(cat "$W/pid.app")"
	wait_until 5 'is n1 "STOP NotReady" && is n2 "ALONE Ready"'
	ask n1 status |
	    grep -q "code=maxloop .*after 2 actions .* failover rule proc_$app"
}

@test "a custom checker: stopstart moves the application" {
	local bin=$W/n1/var/lib/holdfast/m/config/active/bin
	echo 0 >"$W/rc"
	printf '#!/bin/sh\necho broken\nexit $(cat %s)\n' "$W/rc" >"$bin/look"
	chmod +x "$bin/look"
	with_checks 1 <<-EOF
		custom "q" { exec = "look" when = "prim" interval_ms = 50 }
		---
		rule "c_q" { if = "custom.q == down" then = "stopstart"
		    when = "prim" }
	EOF
	start_checkd 1
	pair_up
	wait_until 5 'ask n1 get resource=custom.q | grep -q value=up'
	echo 1 >"$W/rc"
	wait_until 5 'is n2 "PRIM Ready" && is n1 "SECOND Ready"'
	event 1 "stopstart from failover rule c_q (.* down: status 1: broken)"
	ask n1 get resource=custom.q | grep -q value=init
}

@test "a class of the module's own is watched when it is switched on" {
	with_checks 1 <<-EOF
		proc "none" { name = "hfnone$$" when = "spool" }
		---
		rule "proc_none" { if = "proc.none == down" then = "restart"
		    when = "spool" }
	EOF
	start_checkd 1
	pair_up
	ask n1 get resource=proc.none | grep -q value=init
	: >"$W/scripts"
	[ "$(ask n1 set resource=errd.spool value=on)" = ok ]
	wait_until 5 'grep -q start_prim "$W/scripts"'
	event 1 "restart from failover rule proc_none"
	[ "$(ask n1 set resource=errd.spool value=off)" = ok ]
	wait_until 5 'ask n1 get resource=proc.none | grep -q value=init'
}

@test "a rule asks both nodes, and swaps" {
	local i
	for i in 1 2; do
		with_checks "$i" <<-EOF
			---
			remote = { "rfs.uptodate", "custom.*" }
			rule "lag" { if = "(custom.lag == down && \
			(remote.rfs.uptodate == up && !(remote.custom.? == down)))"
			    then = "swap" handle_ms = 200 }
		EOF
		start_checkd "$i"
	done
	pair_up
	[ "$(ask n2 set resource=custom.lag value=down)" = ok ]
	[ "$(ask n1 set resource=custom.lag value=down)" = ok ]
	# The other one is no better: nobody moves.
	wait_until 5 'ask n1 get resource=custom.lag | grep -q =down'
	: >"$W/scripts"
	[ "$(ask n2 set resource=custom.lag value=up)" = ok ]
	wait_until 5 'is n2 "PRIM Ready" && is n1 "SECOND Ready"'
	event 1 "Action swap from failover rule lag (custom.lag is down"
	[ "$(grep -c stop_prim "$W/scripts")" = 2 ]
}

@test "a wait rule: checking, resource, and on by itself" {
	local bin=$W/n1/var/lib/holdfast/m/config/active/bin
	with_checks 1 <<-EOF
		custom "c" { exec = "loop" when = "pre" }
		---
		await = { "custom.c" }
		rule "c_c" { if = "custom.c == down" then = "wait"
		    when = "pre" }
	EOF
	printf '#!/bin/sh\nexec sleep 600 3>&-\n' >"$bin/loop"
	chmod +x "$bin/loop"
	start_checkd 1
	start_node 1
	ask n1 start
	wait_until 5 '[ "$(why n1)" = checking ]'
	[ "$(ask n1 set resource=custom.c value=down i=loop)" = ok ]
	wait_until 5 '[ "$(why n1)" = resource ]'
	# What was set outlives moduled.
	kill_node 1 -TERM
	start_node 1
	wait_until 5 '[ "$(why n1)" = resource ]'
	[ "$(ask n1 set resource=custom.c value=up i=loop)" = ok ]
	wait_until 5 '[ "$(why n1)" = new-module ]'
	[ "$(ask n1 prim yes=m)" = ok ]
	wait_until 5 'is n1 "ALONE Ready"'
	# And while it serves: wait, then wake up again.
	[ "$(ask n1 set resource=custom.c value=down i=loop)" = ok ]
	wait_until 5 '[ "$(why n1)" = resource ]'
	event 1 "Action wait from failover rule c_c (custom.c is down)"
	[ "$(ask n1 set resource=custom.c value=up i=loop)" = ok ]
	wait_until 5 'is n1 "ALONE Ready"'
	event 1 "Action wakeup from failover rule Implicit_wakeup"
}

@test "checkd hangs, dies and comes back: told, and nothing is done" {
	with_checks 1 <<-EOF
		tcp "no" { addr = "127.0.0.1" port = 1 when = "prim"
		    interval_ms = 100 }
		---
		rule "other" { if = "tcp.no == up" then = "restart" }
	EOF
	start_checkd 1
	pair_up
	wait_until 5 'ask n1 status |
	    grep -q "code=resource-down text=.tcp.no is down: .*refused"'
	kill -STOP "$(cat "$W/pid.checkd1")"
	wait_until 15 'ask n1 status | grep -q code=checks-silent'
	event 1 "checkd does not answer: no checker is heard"
	is n1 "PRIM Ready"
	kill -CONT "$(cat "$W/pid.checkd1")"
	wait_until 15 '! ask n1 status | grep -q code=checks-silent'
	kill_node checkd1
	start_checkd 1
	wait_until 5 'ask n1 get resource=tcp.no | grep -q value=down'
	is n1 "PRIM Ready"
}

@test "pages: every reason, every option with its default" {
	local code name value src=$TOP/bin/moduled
	sed -n 's/^	\[RS_.*= { "\([a-z-]*\)".*/\1/p' "$src/reason.c" |
	    grep -v '^none$' >"$W/codes"
	[ "$(wc -l <"$W/codes")" -gt 20 ]
	while read -r code; do
		grep -q "^\.It Li.*\b$code\b" "$TOP/man/moduled.8" ||
		    { echo "moduled.8: no $code"; false; }
		grep -qx "\.It Li $code" "$TOP/man/holdfast-troubleshooting.7" ||
		    { echo "holdfast-troubleshooting.7: no $code"; false; }
	done <"$W/codes"
	# Not of sections: they have their own words.
	sed -n '/CFG_SEC/d
	    s/^	CFG_[A-Z_]*("\([a-z_]*\)", \(.*\), CFGF.*/\1 \2/p' \
	    "$src/moduled-conf.h" | grep -v '^val' >"$W/options"
	[ "$(wc -l <"$W/options")" -gt 30 ]
	while read -r name value; do
		value=$(sed 's/cfg_//; s/"{}"/{}/; s/"/\\(dq/g' <<<"$value")
		grep -qF "Cm $name No = $value" "$TOP/man/moduled.conf.5" ||
		    { echo "moduled.conf.5: no $name = $value"; false; }
	done <"$W/options"
}

@test "why: what it waits for, what the peer is, and the chain of causes" {
	pair_up
	ask n2 stop
	wait_until 5 'is n2 "STOP NotReady" && is n1 "ALONE Ready"'
	ask n1 status | grep -q 'code=alone .*command="on n2: holdfast start m"'
	crash 1
	ask n2 start
	wait_until 5 '[ "$(why n2)" = stale ]'
	run ask n2 why
	[[ ${lines[0]} == 'text="m on n2 is WAIT NotReady since '* ]]
	[[ ${lines[1]} == *'n1 has newer data'*'[stale]'* ]]
	[[ $output == *'to go on: bring n1 back'* ]]
	[[ $output == *'to go on: holdfast prim m  - what n1 wrote'*'runs'* ]]
	[[ $output == *'text="STOP -> WAIT: started"'* ]]
	[[ ${lines[-2]} == *'Action start called by'* ]]
}

@test "defaultprim: the place goes back to whom it belongs" {
	for i in 1 2; do
		sed -i '$a defaultprim = "n2"' \
		    "$W/n$i/var/lib/holdfast/m/config/active/moduled.conf"
	done
	start_node 1
	start_node 2
	ask n1 start
	ask n2 start
	ask n1 prim
	wait_until 5 'is n2 "PRIM Ready" && is n1 "SECOND Ready"'
	grep -q 'from defaultprim' "$W/n1.log"
}

@test "failover off: the secondary waits and says so" {
	for i in 1 2; do
		sed -i '$a failover = false' \
		    "$W/n$i/var/lib/holdfast/m/config/active/moduled.conf"
	done
	pair_up
	crash 1
	wait_until 5 '[ "$(why n2)" = failover-off ]'
	is n2 "WAIT NotReady"
	[ "$(ask n2 prim yes=m)" = ok ]
	wait_until 5 'is n2 "ALONE Ready"'
}

@test "a module of one node starts by itself" {
	sed -i 's/^peer = .*/peer = ""/; s/rfs = true/rfs = false/' \
	    "$W/n1/var/lib/holdfast/m/config/active/moduled.conf"
	start_node 1
	ask n1 start
	wait_until 5 'is n1 "ALONE Ready"'
	ask n1 stop
	wait_until 5 'is n1 "STOP NotReady"'
	ask n1 start
	wait_until 5 'is n1 "ALONE Ready"'
}

@test "both lose their power: they compare, and the last primary leads" {
	pair_up
	ask n1 swap
	wait_until 5 'is n2 "PRIM Ready" && is n1 "SECOND Ready"'
	crash 1
	crash 2
	start_node 1
	wait_until 5 '[ "$(why n1)" = peer-absent ]'
	start_node 2
	wait_until 5 'is n2 "PRIM Ready" && is n1 "SECOND Ready"'
}

@test "disks: filling, full and smaller are told on both nodes" {
	pair_up
	ask c space node=n1 'value="40000000000 20000000000 0 0 -1 /srv/data"'
	ask c space node=n2 'value="20000000000 9000000000 0 0 259200 /srv/data"'
	for n in n1 n2; do
		wait_until 5 "ask $n status | grep -q 'code=disk-filling text=\"n2: /srv/data is full in about 3 days'"
		ask $n status | grep -q 'code=disk-smaller text="n2: '
	done
	ask n1 status | grep -q 'kind=disk directory=/srv/data .*used_percent=50 .*peer_used_percent=55 peer_full_in_s=259200'
	ask n1 get resource=rfs.space | grep -q 'value=up'
	ask c space node=n1 'value="40000000000 0 0 0 0 /srv/data"'
	wait_until 5 'ask n1 status | grep -q "code=disk-full text=\"n1: .*writes of the application fail"'
	ask n1 status | grep -q 'command="on n1: df -h /srv/data"'
	ask n1 why | grep -q 'warning: n1: /srv/data is full'
	ask n1 get resource=rfs.space | grep -q 'value=down'
	ask c disk node=n2 up=0
	for n in n1 n2; do
		wait_until 5 "ask $n status | grep -q 'code=disk-failed text=\"n2: '"
	done
	event 1 '| E | mirrord | the disk of n2 fails or does not answer'
	ask c disk node=n2 up=1
	wait_until 5 'ask n1 status | not grep -q code=disk-failed'
	# A peer that is not heard: what it said last is no news.
	crash 2
	wait_until 5 'is n1 "ALONE Ready"'
	ask n1 status | not grep -q 'code=disk-smaller'
}

# The rule takes n2 out, and the resource brings it back; maxloop, which would
# stop it first, is out of the way.
no_maxloop() {
	sed -i 's/maxloop = 2/maxloop = 100/' \
	    "$W/n2/var/lib/holdfast/m/config/active/moduled.conf"
}

blink() {
	ask n2 set resource=intf.10.88.1.0 value=down
	wait_until 5 '[ "$(why n2)" = resource ]'
	ask n2 set resource=intf.10.88.1.0 value=up
}

@test "a node that comes and goes is held down, visibly, and not for ever" {
	local i
	no_maxloop
	pair_up
	for i in 1 2 3 4; do
		blink
		wait_until 5 'is n2 "SECOND Ready" && is n1 "PRIM Ready"'
	done
	blink
	wait_until 5 '[ "$(why n2)" = held-down ]'
	ask n2 status | grep -q 'left 5 times in 10 minutes; comes back in 1[0-9] s'
	ask n2 status | grep -q 'kind=goon command="holdfast start m"'
	event 2 '| W | moduled | left 5 times in 10 minutes: held down for 15 s'
	is n1 "ALONE Ready"
	# The seconds go by, and a new moduled knows of it.
	wait_until 5 'ask n2 status | grep -q "comes back in [1-9][0-2]* s"'
	kill_node 2
	start_node 2
	wait_until 5 '[ "$(why n2)" = held-down ]'
	# The operator ends it.
	[ "$(ask n2 start)" = ok ]
	wait_until 5 'is n2 "SECOND Ready" && is n1 "PRIM Ready"'
	blink
	wait_until 5 'is n2 "SECOND Ready"'
}

@test "the hold is over when there is no primary to follow" {
	local i
	no_maxloop
	pair_up
	for i in 1 2 3 4; do
		blink
		wait_until 5 'is n2 "SECOND Ready" && is n1 "PRIM Ready"'
	done
	blink
	wait_until 5 '[ "$(why n2)" = held-down ]'
	# Nothing was written since: here it is the primary that stops, and
	# this node is asked for at once, as without a hold.
	crash 1
	wait_until 5 '[ "$(why n2)" != held-down ]'
	# A level SECOND was never held: see `the primary dies'.
	[ "$(ask n2 prim yes=m)" = ok ]
	wait_until 5 'is n2 "ALONE Ready"'
}

# schedule TIMES: n2 is brought level then only.
schedule() {
	sed -i "1i syncat = \"$1\"" \
	    "$W/n2/var/lib/holdfast/m/config/active/moduled.conf"
}

# The pair as it is between two times of the schedule.
between() {
	is n1 "ALONE Ready" && [ "$(why n2)" = syncat ]
}

@test "syncat: the secondary waits for its time, and follows at a word" {
	schedule "0 0 29 2 *"
	pair_start
	[ "$(ask n1 prim)" = ok ]
	wait_until 5 between
	ask n2 status | grep -q 'waits for its next resync, 20[0-9]*-02-29 00:00'
	ask n2 status | grep -q 'kind=goon command="holdfast second m"'
	# As it is meant to be: no warning.
	not grep -q 'code=alone' <<<"$(ask n1 status)"
	[ "$(ask n2 second)" = ok ]
	wait_until 5 'is n1 "PRIM Ready" && is n2 "SECOND Ready"'
	# A new moduled knows that it was a word of the operator.
	kill_node 2
	start_node 2
	wait_until 5 'is n1 "PRIM Ready" && is n2 "SECOND Ready"'
	[ "$(ask n1 swap)" = ok ]
	wait_until 5 'is n2 "PRIM Ready" && is n1 "SECOND Ready"'
	# Who is primary has no schedule, and who comes back has.
	[ "$(ask n2 stop)" = ok ]
	wait_until 5 'is n1 "ALONE Ready"'
	[ "$(ask n2 start)" = ok ]
	wait_until 5 'is n1 "PRIM Ready" && is n2 "SECOND Ready" || between'
}

@test "syncat: each minute in step, and out of it again" {
	local i
	[ -n "${HOLDFAST_LONG-}" ] || skip "HOLDFAST_LONG is not set"
	schedule "* * * * *"
	pair_start
	[ "$(ask n1 prim)" = ok ]
	for i in 1 2; do
		wait_until 90 "[ $i -eq \$(grep -c 'n2 is level and' \
		    $W/n1/var/log/holdfast/m.events) ]"
		wait_until 5 between
		ask c show | grep -q 'node=n2 .*level=0'
	done
	not grep -q 'held down' "$W/n2/var/log/holdfast/m.events"
	crash 1
	wait_until 5 '[ "$(why n2)" = stale ]'
}

@test "syncdelta: stale but young, it starts when the other stays away" {
	[ -n "${HOLDFAST_LONG-}" ] || skip "HOLDFAST_LONG is not set"
	sed -i "1i syncdelta_s = 120" \
	    "$W/n2/var/lib/holdfast/m/config/active/moduled.conf"
	pair_up
	[ "$(ask n2 stop)" = ok ]
	wait_until 5 'is n1 "ALONE Ready"'
	crash 1
	[ "$(ask n2 start)" = ok ]
	wait_until 5 '[ "$(why n2)" = syncdelta ]'
	ask n2 status | grep -q 'lets this node start without it in [0-9]* s'
	wait_until 70 'is n2 "ALONE Ready"'
	ask c show | grep -q 'node=n2 .*epoch=1\.'
	event 2 'as syncdelta allows'
}

@test "second with a copy of a date is remembered until it is in step" {
	pair_up
	[[ $(ask n2 second since=1700000000) == *"in step"* ]]
	[ "$(ask n2 stop)" = ok ]
	wait_until 5 'is n2 "STOP NotReady" && is n1 "ALONE Ready"'
	script 2 prestart "until [ -e '$W/go' ]; do sleep 0.05; done"
	[ "$(ask n2 second since=1700000000)" = ok ]
	[ "$(ask n2 start)" = ok ]
	wish_of 2 | grep -q 'order=second .*since=1700000000'
	touch "$W/go"
	wait_until 5 'is n2 "SECOND Ready"'
	wait_until 5 'wish_of 2 | grep -q "order=none .*since=0"'
}
