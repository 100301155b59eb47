#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# alertd with a played moduled: which hooks run, with what, in which order, and
# what becomes of one that hangs.  No root, no network but the loopback.

load lib

setup() {
	W=$(mktemp -d "${TMPDIR:-/tmp}/hfa.XXXXXX")
	export HOLDFAST_ROOT=$W
	ALERTD=$top_builddir/bin/alertd/alertd
	HOLDFAST=$top_builddir/bin/holdfast/holdfast
	HOOKS=$W/etc/holdfast/alert.d
	mkdir -p "$HOOKS" "$W/run/holdfast/web" \
	    "$W/var/lib/holdfast/web/config/active"
	echo moduled >"$W/var/lib/holdfast/web/config/active/roster"
	status_is PRIM Ready SECOND
	serve
}

teardown() {
	local f
	[ -n "${BATS_TEST_COMPLETED-}" ] || cat "$W/log" "$W/told" || :
	for f in "$W"/pid.*; do
		kill "$(cat "$f")" 2>/dev/null || :
	done
	wait_until 5 'rm -rf "$W" 2>/dev/null'
}

# A moduled whose answer to anything is the file.
serve() {
	cat >"$W/moduled" <<-END
		#!/bin/bash
		echo \$\$ >$W/pid.session
		echo holdfast moduled 1
		while read -r x; do cat $W/status; echo ok; \
		    echo >>$W/answered; done
	END
	chmod +x "$W/moduled"
	socat "UNIX-LISTEN:$W/run/holdfast/web/moduled.sock,fork" \
	    "EXEC:$W/moduled" 3>&- &
	echo $! >"$W/pid.moduled"
	wait_until 5 '[ -S "$W/run/holdfast/web/moduled.sock" ]'
}

# status_is STATE QUALITY PEER [LINE]...
status_is() {
	{
		echo "kind=module name=web mode=mirror state=$1 quality=$2" \
		    "epoch=0.7.1"
		[ $# -le 3 ] || printf '%s\n' "${@:4}"
		echo "kind=node name=n1 state=$1 self=1"
		echo "kind=node name=n2 state=$3 self=0"
	} >"$W/status.new"
	mv "$W/status.new" "$W/status"
}

ALONE='kind=warning code=alone text="not redundant: n2 is silent" command=""'

# hook NAME BODY
hook() {
	printf '#!/bin/sh\n%s\n' "$2" >"$HOOKS/$1"
	chmod +x "$HOOKS/$1"
}

alertd() {
	printf '%s\n' 'settle_ms = 200' 'period_s = 1' 'timeout_s = 1' "$@" \
	    >"$W/etc/holdfast/alertd.conf"
	"$ALERTD" -d -v >>"$W/log" 2>&1 3>&- &
	echo $! >"$W/pid.alertd"
	wait_until 5 '[ -S "$W/run/holdfast/alertd.sock" ]'
}

stop_alertd() {
	kill "$(cat "$W/pid.alertd")"
	wait_until 5 '! kill -0 "$(cat "$W/pid.alertd")" 2>/dev/null'
}

TELL='echo "$HOLDFAST_ALERT $HOLDFAST_CODE $HOLDFAST_COUNT" >>'

told() {
	grep -qx "$1" "$W/told" 2>/dev/null
}

@test "at once, again and again, and the end" {
	hook tell "$TELL'$W/told'"
	alertd
	status_is ALONE Ready UNKNOWN "$ALONE"
	wait_until 5 'told "begin alone 1"'
	wait_until 5 'told "repeat alone 3"'
	"$HOLDFAST" alert list | grep -q '^web: warning: not redundant'
	[ "$("$HOLDFAST" --json alert list | jq -r '.[0].code')" = alone ]
	status_is PRIM Ready SECOND
	wait_until 5 'told "end alone [0-9]*"'
	[ "$("$HOLDFAST" alert list)" = "no alert on this node" ]
	[ "$(sort "$W/told" | uniq -d)" = "" ]
}

@test "the environment, and nothing else" {
	hook env "env | sort >'$W/env'; ls -l /proc/self/fd >'$W/fds'"
	SECRET=x alertd 'period_s = 60'
	status_is WAIT NotReady PRIM \
	    'kind=blocked code=stale text="n2 has \"newer\" data; $(touch /x)"' \
	    'kind=goon command="bring n2 back" cost=none' \
	    'kind=goon command="holdfast prim web" cost=lots'
	wait_until 5 'grep -q HOLDFAST_TEXT "$W/env"'
	wait_until 5 '[ -s "$W/fds" ]'
	# PWD and _ are the shell's own.
	diff - <(grep -vE '^(PWD|_|HOLDFAST_SINCE.*|SHLVL|OLDPWD|PATH)=' \
	    "$W/env") <<-'END'
		HOLDFAST_ALERT=begin
		HOLDFAST_CODE=stale
		HOLDFAST_COMMAND=bring n2 back
		HOLDFAST_COUNT=1
		HOLDFAST_EPOCH=0.7.1
		HOLDFAST_MODULE=web
		HOLDFAST_NODE=n1
		HOLDFAST_PEER=n2
		HOLDFAST_PEER_STATE=PRIM
		HOLDFAST_QUALITY=NotReady
		HOLDFAST_SEVERITY=critical
		HOLDFAST_STATE=WAIT
		HOLDFAST_SUBJECT=[holdfast] critical: web on n1: n2 has "newer" data; $(touch /x)
		HOLDFAST_TEXT=n2 has "newer" data; $(touch /x)
	END
	# 0 to 2, and the directory that ls reads.
	[ "$(grep -c -- '->' "$W/fds")" -le 5 ]
	not grep -q socket "$W/fds"
	# Each name stands in the page.
	for name in $(sed -n 's/^\(HOLDFAST_[A-Z_]*\)=.*/\1/p' "$W/env"); do
		grep -q "^\.It Ev .*$name" "$top_srcdir/man/alertd.8"
	done
}

@test "in order, with a time-out; one that hangs holds up the next only" {
	local begin
	# Longer than another one needs to start beside it.
	hook 10-first "echo first >>'$W/order'; sleep 0.2; echo end >>'$W/order'"
	hook 20-hang 'trap "" TERM; sleep 60 & sleep 60; sleep 60'
	hook 30-bad 'echo out of words >&2; exit 3'
	hook 40-last "echo last >>'$W/order'"
	hook not.sample "echo sample >>'$W/order'"
	hook .hidden "echo hidden >>'$W/order'"
	hook edit~ "echo edit >>'$W/order'"
	echo "echo no >>'$W/order'" >"$HOOKS/50-plain"
	mkdir "$HOOKS/60-dir"
	alertd
	begin=$(now_ms)
	run "$HOLDFAST" alert test --module web
	echo "$output"
	[ "$status" -eq 69 ]
	[[ $output == *"10-first: ok"* ]]
	[[ $output == *"20-hang: timeout after 1 s"* ]]
	[[ $output == *"30-bad: exit 3"*"out of words"* ]]
	[[ $output == *"40-last: ok"* ]]
	[[ $output == *"50-plain: not run"*"not executable"* ]]
	[[ $output != *60-dir* ]]
	[ "$(paste -sd, "$W/order")" = first,end,last ]
	[ $(($(now_ms) - begin)) -lt 6000 ]
	grep -q '30-bad: exit 3: out of words' "$W/log"
}

@test "a hook that writes without end is ended as well, with its children" {
	hook 10-yes 'echo $$ >'"$W/group"'; yes & exec yes'
	hook 20-next 'echo fine'
	alertd
	run "$HOLDFAST" alert test
	[ "$status" -eq 69 ]
	[[ $output == *"10-yes: timeout after 1 s"*"20-next: ok"* ]]
	wait_until 5 '[ -z "$(ps -eo pgid=,stat= | awk -v g="$(cat "$W/group")" \
	    "\$1 == g && \$2 !~ /Z/")" ]'
}

@test "one test at a time: nobody who asks keeps alerts out" {
	mkfifo "$W/go"
	hook 10-slow "touch '$W/runs'; cat '$W/go' >>'$W/went'"
	alertd 'timeout_s = 30'
	"$HOLDFAST" alert test >"$W/first" 2>&1 3>&- &
	wait_until 5 '[ -e "$W/runs" ]'
	run "$HOLDFAST" alert test
	[ "$status" -ne 0 ]
	[[ $output == *"another test"* ]]
	echo >"$W/go"
	wait $!
	grep -q '10-slow: ok' "$W/first"
	hook 10-slow true
	"$HOLDFAST" alert test
}

@test "test without hooks, and of no module" {
	alertd
	run "$HOLDFAST" alert test
	[ "$status" -eq 78 ]
	[[ $output == *mail.sample* ]]
	run "$HOLDFAST" alert test -m nothere
	[ "$status" -eq 66 ]
	[[ $output == *"no such module"* ]]
	hook tell "$TELL'$W/told'"
	"$HOLDFAST" alert test
	told "test test 1"
	run "$HOLDFAST" alert
	[ "$status" -eq 64 ]
	stop_alertd
	run "$HOLDFAST" alert test
	[ "$status" -eq 69 ]
}

@test "a restart tells nothing twice" {
	hook tell "$TELL'$W/told'"
	alertd 'period_s = 600'
	status_is ALONE Ready UNKNOWN "$ALONE"
	wait_until 5 'told "begin alone 1"'
	stop_alertd
	"$ALERTD" -d -v >>"$W/log" 2>&1 3>&- &
	echo $! >"$W/pid.alertd"
	wait_until 5 '"$HOLDFAST" alert list | grep -q "web: warning"'
	status_is PRIM Ready SECOND
	wait_until 5 'told "end alone 1"'
	[ "$(wc -l <"$W/told")" -eq 2 ]
}

@test "a moduled that is gone" {
	hook tell "$TELL'$W/told'"
	alertd 'down_s = 2'
	wait_until 5 '[ -s "$W/answered" ]'
	kill "$(cat "$W/pid.moduled")" "$(cat "$W/pid.session")"
	rm -f "$W/run/holdfast/web/moduled.sock"
	wait_until 8 'told "begin daemon-down 1"'
	serve
	wait_until 5 'told "end daemon-down [0-9]*"'
}

@test "a hook that others can write is not run" {
	hook open "touch '$W/ran'"
	chmod 777 "$HOOKS/open"
	alertd
	run "$HOLDFAST" alert test
	[ "$status" -eq 69 ]
	[[ $output == *"open: not run"*"everybody may write it"* ]]
	chmod 755 "$HOOKS/open"
	chmod 775 "$HOOKS"
	[ "$(id -u)" -ne 0 ] || chgrp nogroup "$HOOKS"
	run "$HOLDFAST" alert test
	[ "$status" -eq 69 ]
	[[ $output == *"open: not run"*"write into the directory"* ]]
	chmod 755 "$HOOKS"
	[ "$(id -u)" -eq 0 ] || return 0
	chmod 775 "$HOOKS/open"
	chgrp nogroup "$HOOKS/open"
	run "$HOLDFAST" alert test
	[ "$status" -eq 69 ]
	[[ $output == *"open: not run"*"a group that is not root's"* ]]
	chown nobody:nogroup "$HOOKS"
	chmod 755 "$HOOKS/open"
	run "$HOLDFAST" alert test
	[ "$status" -eq 69 ]
	[[ $output == *"open: not run"*"owns the directory"* ]]
	[ ! -e "$W/ran" ]
	chown root:root "$HOOKS"
	"$HOLDFAST" alert test
	[ -e "$W/ran" ]
}

@test "the mail sample" {
	cp "$top_srcdir/etc/alert.d/mail.sample" "$HOOKS/mail"
	sed -i "s|\${SENDMAIL:-/usr/sbin/sendmail}|$W/sendmail|; s/^to=.*/to=me/" \
	    "$HOOKS/mail"
	printf '#!/bin/sh\ncat >"%s/mail"\n' "$W" >"$W/sendmail"
	chmod +x "$W/sendmail"
	alertd
	status_is WAIT NotReady PRIM \
	    'kind=blocked code=stale text="n2 has newer data"' \
	    'kind=goon command="holdfast prim web" cost=lots'
	wait_until 5 'grep -q "how it came" "$W/mail"'
	head -n 1 "$W/mail" | grep -qx 'To: me'
	grep -qx 'Subject: \[holdfast\] critical: web on n1: n2 has newer data' \
	    "$W/mail"
	grep -qx 'What ends it: holdfast prim web' "$W/mail"
}

@test "the webhook sample" {
	command -v curl >/dev/null || skip "no curl"
	local port=$((20000 + (RANDOM % 10000)))
	cat >"$W/http" <<-END
		#!/bin/bash
		while IFS=' ' read -r name value && [ "\$name" != \$'\r' ]; do
			[ "\${name,,}" = content-length: ] && len=\${value%\$'\r'}
		done
		head -c "\$len" >$W/body
		printf 'HTTP/1.1 204 No Content\r\n\r\n'
	END
	chmod +x "$W/http"
	socat "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr" \
	    "EXEC:$W/http" 3>&- &
	echo $! >"$W/pid.http"
	sed "s|^url=.*|url=http://127.0.0.1:$port/x|" \
	    "$top_srcdir/etc/alert.d/webhook.sample" >"$HOOKS/webhook"
	chmod +x "$HOOKS/webhook"
	alertd
	status_is WAIT NotReady PRIM \
	    'kind=blocked code=stale text="a \"quote\" and a \\ back\nslash"'
	wait_until 5 'jq -e .code "$W/body" >/dev/null 2>&1'
	[ "$(jq -r .code "$W/body")" = stale ]
	[ "$(jq -r .text "$W/body")" = 'a "quote" and a \ back slash' ]
	[ "$(jq -r .count "$W/body")" = 1 ]
	# Nobody there: the hook says so.
	kill "$(cat "$W/pid.http")"
	wait_until 5 '! kill -0 "$(cat "$W/pid.http")" 2>/dev/null'
	run "$HOLDFAST" alert test
	[ "$status" -eq 69 ]
	[[ $output == *"webhook: exit"*curl* ]]
}

@test "the configuration is checked; the page quotes the defaults" {
	printf '%s\n' 'user = ""' 'settle_ms = -1' 'period_s = 0' \
	    'timeout_s = 0' 'down_s = 1' >"$W/bad"
	run "$ALERTD" -n -f "$W/bad"
	[ "$status" -eq 78 ]
	for word in user settle_ms period_s timeout_s down_s; do
		grep -q "$word" <<<"$output"
		value=$("$ALERTD" -p -f /dev/null |
		    sed -n "s/^$word *= *//p" | sed 's/"/\\(dq/g')
		grep -qxF ".It Ic $word No = $value" \
		    "$top_srcdir/man/alertd.conf.5"
	done
	echo 'user = "nobody-of-that-name"' >"$W/user"
	run timeout 5 "$ALERTD" -d -f "$W/user"
	[ "$status" -eq 78 ]
	[[ $output == *"no such user"* ]]
}
