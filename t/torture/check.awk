# SPDX-License-Identifier: ISC
#
# The journals of dirops on all nodes, `TIME NODE ...' in the order of time:
# prints each acknowledged operation that is not there, each moment with two
# writers, and whatever is there that nobody wrote.  The last lines may be of a
# scan at the end, under the name "end".

function complain(text)
{
	print $1 " " node ": " text
	bad++
}

# One of the states the slot may have, after the operations that were not
# acknowledged.
function is_possible(slot, state)
{
	return (slot, state) in possible
}

function only(slot, state,    k, part)
{
	for (k in possible) {
		split(k, part, SUBSEP)
		if (part[1] == slot)
			delete possible[k]
	}
	possible[slot, state] = 1
	is_known[slot] = 1
}

function possible_text(slot,    k, part, text)
{
	for (k in possible) {
		split(k, part, SUBSEP)
		if (part[1] == slot)
			text = text " " part[2]
	}
	return text
}

function compare(slot, state)
{
	if (is_known[slot] && !is_possible(slot, state))
		complain("slot " slot " is " state ", must be one of" \
		    possible_text(slot) " since operation " last[slot])
}

# What others had under way when this node began to write is done or is not.
function judge(    other, i, n, part, done)
{
	for (other in under_way) {
		if (other == node || under_way[other] == "")
			continue
		done = 1
		n = split(touched[other], part, " ")
		for (i = 1; i <= n; i++)
			if (found[part[i]] != wanted[other, part[i]])
				done = 0
		verdict[other] = done ? "done" : "absent"
	}
}

function begin_reign(    slot)
{
	for (slot in found) {
		compare(slot, found[slot])
		only(slot, found[slot])
	}
	judge()
	owner = node
	reigns++
}

function begin_operation(    i, n, k, at, state)
{
	under_way[node] = $4
	touched[node] = ""
	verdict[node] = owner == node ? "" : "foreign"
	for (i = 5; i <= NF; i++) {
		at = index($i, "=")
		slot = substr($i, 1, at - 1)
		n = split(substr($i, at + 1), state, "|")
		for (k = 1; k <= n; k++)
			possible[slot, state[k]] = 1
		wanted[node, slot] = state[n]
		touched[node] = touched[node] " " slot
	}
}

function acknowledged(    i, n, part)
{
	if (under_way[node] != $4)
		complain("operation " $4 " was not begun")
	else if (verdict[node] == "absent")
		complain("operation " $4 " is acknowledged and " owner \
		    " has not found it")
	else if (verdict[node] == "foreign")
		complain("operation " $4 " is acknowledged while " owner \
		    " writes: two writers")
	if (verdict[node] == "") {
		n = split(touched[node], part, " ")
		for (i = 1; i <= n; i++) {
			only(part[i], wanted[node, part[i]])
			last[part[i]] = $4 " of " node
		}
	}
	under_way[node] = ""
	acks++
}

{ node = $2 }
$3 == "s" && $4 == 0	{ split("", found) }
$3 == "s"		{ found[$4] = $5 }
$3 == "s" && node == "end" { compare($4, $5) }
$3 == "r"		{ begin_reign() }
$3 == "b"		{ begin_operation() }
$3 == "a"		{ acknowledged() }
$3 == "f"		{ under_way[node] = ""; failed++ }
$3 == "x"		{ complain("read back: " $0) }
END {
	printf "operations=%d failed=%d reigns=%d\n", acks, failed, reigns
	exit bad != 0
}
