#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# Two moduled, t/moduled.bash, with fencing devices, t/files/fence-device.bash:
# all that an agent can do wrong.  No root, no network.  The power of whole
# nodes is in t/48-fencing.
# shellcheck disable=SC2016,SC2154 # lines for wait_until; moduled.bash

load lib
load moduled

SECRET=hunter2.seven

setup() {
	moduled_setup
	D=$W/device
	mkdir "$D"
	echo "$SECRET" >"$D/password"
	echo on | tee "$D/power.n1" >"$D/power.n2"
	cp "$top_srcdir"/t/files/fence-{fake,device}.bash "$W/"
	printf '#!/bin/sh\necho %s\n' "$SECRET" >"$W/secret"
	chmod 700 "$W/secret"
	for i in 1 2; do
		with_agent "$i" "$W/fence-fake.bash"
	done
}

teardown() {
	local bad
	# Whatever a test does, the password is not in what others may read.
	bad=$(grep -rl "$SECRET" "$W" | grep -v -e "^$W/secret$" \
	    -e "^$W/device/password$") || :
	moduled_teardown
	[ -z "$bad" ] || { echo "password in $bad" >&2; false; }
}

# with_agent NODE AGENT [PERIOD_MS]
with_agent() {
	local conf=$W/n$1/var/lib/holdfast/m/config/active/moduled.conf
	sed -i '/^fencing/,$d' "$conf"
	cat >>"$conf" <<-EOF2
		fencing {
		  agent = "$2"
		  options = { "ip=$D", "username=ops", "password_script=$W/secret" }
		  delay_ms = 600
		  timeout_ms = ${AGENT_MS:-500}
		  period_ms = ${3:-0}
		}
	EOF2
}

goes_wrong() {
	echo "$1" | tee "$D/mode.n1" >"$D/mode.n2"
}

works() {
	rm -f "$D/mode.n1" "$D/mode.n2"
}

# told ACTION PLUG: how often the device was.
told() {
	cat "$D/told" 2>/dev/null | grep -c "$1 $2 ops" || :
}

blocked() {
	ask "$1" status | grep '^kind=blocked code=fence-failed'
}

# asked_after NODE PEER: milliseconds from the silence to the agent.
asked_after() {
	awk -v peer="$2" '
		function ms(t) {
			split(substr(t, 12), part, ":")
			return (part[1] * 3600 + part[2] * 60 + part[3]) * 1000
		}
		index($0, peer " is silent on all") && !from { from = ms($1) }
		index($0, ": fencing " peer ": ") && from {
			printf "%d\n", ms($1) - from
			exit
		}' "$W/$1.log"
}

# The words of the events of a node.
happened() {
	grep -q "$2" "$W/$1/var/log/holdfast/m.events"
}

# How often n1 left its peer out; heard again it may, for a moment (R24).
went_alone() {
	grep -c "going on alone" "$W/n1/var/log/holdfast/m.events" || :
}

# Both live, and nothing passes: who goes on is for the device to say.
split() {
	ask c net beat=0 >/dev/null
}

together() {
	ask c net beat=1 >/dev/null
}

# A device that fails on both nodes: what the status says; the application
# goes on when the peer is back.
nobody_goes_on() {
	local text alone
	alone=$(went_alone)
	split
	wait_until 5 'blocked n1 >/dev/null && blocked n2 >/dev/null'
	text=$(blocked n1)
	[[ $text == *"$1"* ]] || { echo "$text" >&2; false; }
	is n1 "PRIM NotReady"
	is n2 "SECOND NotReady"
	text=$(ask n1 status)
	[[ $text == *'kind=goon command="holdfast prim m"'* ]]
	[[ $text == *'first make sure that n2 is off'* ]]
	ask c show | grep -q 'node=n1 role=prim .*mounted=1'
	[ "$(went_alone)" -eq "$alone" ]
	together
	wait_until 5 'is n1 "PRIM Ready" && is n2 "SECOND Ready"'
}

@test "the primary dies: off first, then the takeover" {
	pair_up
	crash 1
	wait_until 5 'is n2 "ALONE Ready"'
	[ "$(told off n1)" -eq 1 ]
	[ "$(told status n1)" -eq 1 ]
	[ "$(cat "$D/power.n1")" = off ]
	happened n2 "cutting its power"
	happened n2 "its power is off"
}

@test "SECOND dies: off first, then the primary goes on alone" {
	pair_up
	crash 2
	wait_until 5 'is n1 "ALONE Ready"'
	[ "$(cat "$D/power.n2")" = off ]
	happened n1 "going on alone"
}

@test "both live and hear nothing: the primary asks first" {
	AGENT_MS=10000
	with_agent 1 "$W/fence-fake.bash"
	with_agent 2 "$W/fence-fake.bash"
	pair_up
	goes_wrong wait
	split
	wait_until 5 '[ "$(told off n2)" -eq 1 ] && [ "$(told off n1)" -eq 1 ]'
	# The delay of SECOND was over when it asked, by its own clock.
	[ "$(asked_after n2 n1)" -ge 590 ]
	[ "$(asked_after n1 n2)" -lt "$(asked_after n2 n1)" ]
	# Heard again before it was done: both live on.
	together
	wait_until 5 'is n1 "PRIM Ready" && is n2 "SECOND Ready"'
	works
	grep -q "called off" "$W/n1.log"
	[ "$(cat "$D/power.n1") $(cat "$D/power.n2")" = "on on" ]
}

@test "a device that is not reached, refuses or does not switch" {
	pair_up
	goes_wrong refuse
	nobody_goes_on "Unable to connect"
	goes_wrong stuck
	nobody_goes_on "says that it is still on"
}

@test "an agent that hangs is killed, and tried again" {
	pair_up
	goes_wrong hang
	split
	wait_until 5 'blocked n1 >/dev/null'
	blocked n1 | grep -q "did not answer in"
	# Told when it was killed; it is gone a moment later.
	wait_until 2 '[ -z "$(pgrep -f "$W/fence-device.bash")" ]'
	works
	# After ten seconds it is asked again.
	[ -n "${HOLDFAST_LONG-}" ] || return 0
	wait_until 15 'is n1 "ALONE Ready"'
}

@test "no agent, one that cannot be run, a wrong password" {
	with_agent 1 "$W/missing"
	cp "$W/fence-fake.bash" "$W/plain"
	chmod 644 "$W/plain"
	with_agent 2 "$W/plain"
	pair_up
	nobody_goes_on "missing cannot be run: No such file"
	split
	wait_until 5 'blocked n2 | grep -q "plain cannot be run: Permission"'
	together
	wait_until 5 'is n1 "PRIM Ready" && is n2 "SECOND Ready"'
}

@test "a wrong password, and an agent that says the right one" {
	pair_up
	echo another >"$D/password"
	nobody_goes_on "Login failed"
	echo "$SECRET" >"$D/password"
	goes_wrong leak
	nobody_goes_on "login ops with ****"
}

@test "a device that lies: the address answers, nobody takes over" {
	pair_up
	goes_wrong lie
	# The device of n2 works not at all: n1 holds its writes.
	echo refuse >"$D/mode.n2"
	split
	wait_until 5 'blocked n2 | grep -q "is it the right device"'
	blocked n2 | grep -q "10.88.1.100"
	is n2 "SECOND NotReady"
	is n1 "PRIM NotReady"
	together
	works
	wait_until 5 'is n1 "PRIM Ready" && is n2 "SECOND Ready"'
}

@test "prim is for who went to look" {
	pair_up
	goes_wrong refuse
	crash 1
	wait_until 5 'blocked n2 >/dev/null'
	[[ $(ask n2 prim) == "err code=confirm"* ]]
	[ "$(ask n2 prim yes=m)" = ok ]
	wait_until 5 'is n2 "ALONE Ready"'
}

@test "a device that stops answering is told before it is needed, and again" {
	with_agent 1 "$W/fence-fake.bash" 200
	pair_up
	wait_until 5 'ask n1 status | grep -q "^kind=fencing .*state=answers"'
	ask n2 status | grep -q '^kind=fencing .*state="not asked"'
	not happened n1 "fencing device"
	goes_wrong refuse
	wait_until 5 'happened n1 "the fencing device of n2: .*Unable"'
	ask n1 status | grep '^kind=warning code=fencing-silent' |
	    grep -q "holdfast cluster fence test n2"
	is n1 "PRIM Ready"
	works
	wait_until 5 'happened n1 "the fencing device of n2 answers again"'
	wait_until 5 '! ask n1 status | grep -q fencing-silent'
	# The device of another machine: off, and yet heard.
	echo off >"$D/power.n2"
	wait_until 5 'happened n1 "n2 is off, and it is heard"'
	[ "$(told off n2)" -eq 0 ]
}

# --- a real one ---------------------------------------------------------------

# fence_dummy of fence-agents: its plug is a file, with "on" or "off" in it.
with_real() {
	local i conf
	for i in 1 2; do
		conf=$W/n$i/var/lib/holdfast/m/config/active/moduled.conf
		sed -i '/^fencing/,$d' "$conf"
		printf on >"$W/plug.$i"
		cat >>"$conf" <<-EOF2
			fencing {
			  agent = "fence_dummy"
			  options = { "status_file=$W/plug.$((3 - i))", $1 }
			  delay_ms = 600
			  timeout_ms = 10000
			  period_ms = 500
			}
		EOF2
	done
}

@test "fence_dummy of fence-agents: status, off, and its words" {
	[ -x /usr/sbin/fence_dummy ] || skip "needs fence-agents"
	with_real '"type=file"'
	pair_up
	wait_until 10 'ask n1 status | grep -q "^kind=fencing .*state=answers"'
	crash 1
	wait_until 10 'is n2 "ALONE Ready"'
	[ "$(cat "$W/plug.1")" = off ]
	happened n2 "its power is off"
}

@test "fence_dummy of fence-agents, that does not switch off" {
	[ -x /usr/sbin/fence_dummy ] || skip "needs fence-agents"
	with_real '"type=fail", "power_timeout=1"'
	pair_up
	split
	wait_until 10 'blocked n1 | grep -q "Timed out waiting to power OFF"'
	is n1 "PRIM NotReady"
	together
	wait_until 10 'is n1 "PRIM Ready" && is n2 "SECOND Ready"'
}
