# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2016,SC2154 # expanded on the hosts, lib.bash
#
# A farm in a lab, and its clients on c1: what the campaign and the bench
# share.  Needs t/lib.bash.

FARM=herd
FARM_VIP=10.88.1.100
FARM_VIP6=fd88:1::100
CLIENTS=10.99.0.1
CLIENTS6=fd99::1

# farm_module DIR: the module with the programs of this build in it.
farm_module()
{
	rm -rf "$1"
	mkdir -p "$1"
	cp -r "$TOP/t/farm/module/." "$1"
	cp "$top_builddir/t/farm/farmsrv" "$1/bin/"
}

# The programs of the clients, in the memory of c1.
farm_clients()
{
	on c1 sh -c 'cat >/run/farmcli && chmod +x /run/farmcli' \
	    <"$top_builddir/t/farm/farmcli"
}

farm_nodes()
{
	"$LAB" status --json | jq -r '.hosts[].name' | grep '^n'
}

# farm_facts NODE: what that node's farmd says.
farm_facts()
{
	on "$1" sh -c 'echo status | timeout 5 socat -t 5 - \
	    UNIX:/run/holdfast/'$FARM'/farmd.sock' 2>/dev/null
}

# farm_buckets NODE: "n1 1366 n2 1365 n3 1365", as that node acts.
farm_buckets()
{
	farm_facts "$1" | awk '$1 ~ /^node=/ && / buckets=/ {
		node = buckets = $0
		sub(/^node=/, "", node); sub(/ .*/, "", node)
		sub(/.* buckets=/, "", buckets); sub(/ .*/, "", buckets)
		printf "%s%s %s", n++ ? " " : "", node, buckets
	}' || :
}

# The same word for each: all act on one table.
farm_epochs()
{
	local node

	for node; do
		farm_facts "$node" | sed -n \
		    's/^farm=.*\<\(epoch=[^ ]*\).*\<\(digest=[^ ]*\).*/\1 \2/p'
	done | sort -u
}

# farm_shared_by NODE...: these act on one table, all 4096 buckets are with
# them, with each as many as with the others but one, and nothing is draining.
farm_shared_by()
{
	local node n=0 least=4096 most=0 sum=0 count text

	[ "$(farm_epochs "$@" | wc -l)" -eq 1 ] || return 1
	text=" $(farm_buckets "$1") "
	for node; do
		count=$(sed -n "s/.* $node \([0-9]*\) .*/\1/p" <<<"$text")
		[ -n "$count" ] || return 1
		sum=$((sum + count)) n=$((n + 1))
		[ "$count" -ge "$least" ] || least=$count
		[ "$count" -le "$most" ] || most=$count
	done
	[ $sum -eq 4096 ] && [ $((most - least)) -le 1 ]
}

wait_shared_by()
{
	local s=$1

	shift
	wait_until "$s" "farm_shared_by $*" || {
		for node; do
			echo "$node:" >&2
			farm_facts "$node" >&2 || :
		done
		return 1
	}
}

farm_director()
{
	farm_facts "${1:-n1}" | sed -n 's/^farm=.*\<director=\([^ ]*\).*/\1/p'
}

# --- clients ------------------------------------------------------------

# client_start NAME MODE ARG...: on c1, its report in /run/NAME.out
client_start()
{
	local name=$1 mode=$2

	shift 2
	on c1 sh -c 'name=$1; shift; rm -f /run/$name.fifo
	    setsid /run/farmcli "$@" -c /run/$name.fifo </dev/null \
	    >/run/$name.out 2>&1 & echo $! >/run/$name.pid' sh \
	    "$name" "$mode" "$@"
	wait_until 20 "on c1 grep -q ready /run/$name.out" || {
		on c1 cat "/run/$name.out" >&2
		return 1
	}
	CLIENTS_RUNNING+=" $name"
}

# clients_mark NAME: with the time the caller took before the event.
clients_mark()
{
	local name

	for name in $CLIENTS_RUNNING; do
		echo "echo 'mark $1 $2' 1<>/run/$name.fifo"
	done | on c1 bash
}

# clients_end DIR: the reports, NAME.out each.
clients_end()
{
	local name

	for name in $CLIENTS_RUNNING; do
		echo "echo end 1<>/run/$name.fifo"
	done | on c1 bash
	for name in $CLIENTS_RUNNING; do
		wait_until 30 "on c1 test ! -e /run/$name.fifo"
		on c1 cat "/run/$name.out" >"$1/$name.out"
	done
	CLIENTS_RUNNING=
}

# After a failure: whatever still runs.
clients_kill()
{
	on c1 sh -c 'for f in /run/*.pid; do [ -e "$f" ] || continue
	    [ "$(cat /proc/$(cat $f)/comm \
	    2>/dev/null)" != farmcli ] || kill "$(cat $f)"; done' || :
	CLIENTS_RUNNING=
}

# value FIELD FILE WORD...: FIELD of the one line that has all these words; 0
# when there is none.
value()
{
	local field=$1 file=$2

	shift 2
	awk -v field="$field" -v words="$*" '
	BEGIN { n = split(words, want, " ") }
	{
		split("", has)
		for (i = 1; i <= NF; i++)
			has[$i] = 1
		for (i = 1; i <= n; i++)
			if (!(want[i] in has))
				next
		for (i = 1; i <= NF; i++)
			if (index($i, field "=") == 1)
				x = substr($i, length(field) + 2)
	}
	END { print x == "" ? 0 : x }' "$file"
}

# at_most A B: numbers with a fraction.
at_most()
{
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }' || {
		echo "$1 is more than $2" >&2
		return 1
	}
}

# --- the farm as a whole ------------------------------------------------

farm_backend_of()
{
	farm_facts "$1" | sed -n 's/^farm=.*\<backend=\([^ ]*\).*/\1/p'
}

# farm_set MACRO=VALUE...: the module is stopped, and started with them.
farm_set()
{
	local set node edit=

	for set; do
		edit+="s,\\(<macro name=\"${set%%=*}\" value=\"\\)[^\"]*,"
		edit+="\\1${set#*=},;"
	done
	for node in n1 n2 n3; do
		on $node sh -c 'holdfast stop '$FARM' &&
		    sed -i "$1" /etc/holdfast/modules/'$FARM'/conf/userconfig.xml &&
		    holdfast config '$FARM sh "$edit" >/dev/null || return 1
	done
	for node in n1 n2 n3; do
		on $node holdfast start $FARM --no-wait >/dev/null || return 1
	done
	wait_shared_by 60 n1 n2 n3
}

# farm_backend nft|bpf|auto: on all nodes; false where it is not to be had.
farm_backend()
{
	farm_set BACKEND="$1" || return 1
	[ "$1" = auto ] ||
	    wait_until 10 "[ \"\$(farm_backend_of n1)\" = $1 ]"
}

# As it was at the start of the suite, whatever the last test left.
farm_restore()
{
	local node

	for node in n1 n2 n3; do
		"$LAB" cable $node lan1 in
		"$LAB" cable $node lan2 in
		"$LAB" power on $node
		on $node holdfast start $FARM --no-wait || :
		on n1 holdfast farm $FARM drain $node --off || :
	done >/dev/null 2>&1
}
