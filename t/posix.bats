#!/usr/bin/env bats
# The table of file system calls, t/posix, prints the same in a mirror as in
# the plain directory of the same file system, on the primary with its peer,
# and on the other node after it took over; what differs is in
# t/posix/differences.  Needs root for namespaces and mounts.

load lib
load mirror

setup_file()
{
	mirror_can_run
	mirror_setup 2
	first_copy
	posix 1 native native
}

teardown_file() { mirror_teardown; }

teardown() { [ -n "${BATS_TEST_COMPLETED:-}" ] || mirror_dump; }

# posix N DIR NAME: what the table says there, into $M/NAME.
posix()
{
	on "$1" sh -c 'mkdir "$1" && "$0" "$1" /dev/shm' \
	    "$top_builddir/t/posix/posix" "$M/$1/data/$2/$3" >"$M/$3"
}

# as_native NAME: each line is that of the native directory, or is listed.
as_native()
{
	awk -v listed="$top_srcdir/t/posix/differences" '
		BEGIN {
			while ((getline line <listed) > 0)
				ok[line] = 1
		}
		FNR == NR { native[$1] = $0; names++; next }
		{
			seen++
			if ($0 == native[$1] || ok[$0])
				next
			print "native " native[$1] "\nmirror " $0
			bad = 1
		}
		END { exit bad || seen != names || names < 95 }
	' "$M/native" "$M/$1"
}

# walk N "EXPRESSIONS": of all that the directory of node N holds, by
# descriptors since some paths are longer than PATH_MAX.
walk()
{
	on "$1" python3 - "$M/$1/data/x" "$2" <<-'EOP' | sort
		import hashlib, os, stat, sys
		def data(name, fd, st):
		    if not stat.S_ISREG(st.st_mode):
		        return ""
		    with open(os.open(name, os.O_RDONLY, dir_fd=fd), "rb") as f:
		        return hashlib.file_digest(f, "md5").hexdigest() \
		            if st.st_size < 1 << 24 else f.read(1 << 22)[-9:]
		def attributes(name, fd):
		    path = f"/proc/self/fd/{fd}/".encode() + name
		    return sorted((k, os.getxattr(path, k, follow_symlinks=False))
		        for k in os.listxattr(path, follow_symlinks=False)
		        if not k.startswith("trusted.holdfast."))
		def walk(fd, at):
		    for name in os.listdir(fd):
		        name = os.fsencode(name)
		        if name == b".holdfast":
		            continue
		        st = os.lstat(name, dir_fd=fd)
		        print(at + name, eval(sys.argv[2]))
		        if stat.S_ISDIR(st.st_mode):
		            sub = os.open(name, os.O_RDONLY, dir_fd=fd)
		            walk(sub, at[-300:] + name + b"/")
		            os.close(sub)
		walk(os.open(sys.argv[1], os.O_RDONLY), b"")
	EOP
}

details()
{
	walk "$1" '(oct(st.st_mode), st.st_uid, st.st_gid, st.st_rdev,
	    0 if stat.S_ISDIR(st.st_mode) else (st.st_nlink, st.st_size),
	    st.st_mtime_ns, data(name, fd, st), attributes(name, fd))'
}

@test "the primary does what the file system below it does" {
	posix 1 x prim
	as_native prim
}

@test "each case left both nodes the same" {
	on 1 sync "$M/1/data/x/prim/open.create/f"
	details 1 >"$M/details.1"
	details 2 >"$M/details.2"
	[ "$(wc -l <"$M/details.1")" -gt 1000 ]
	diff -a "$M/details.1" "$M/details.2"
	fact_is 1 joined 1
	fact_is 1 peer_failed ""
}

@test "the other node does so too, with the same inode numbers" {
	walk 1 st.st_ino >"$M/numbers.1"
	hand_over 1 2 0.2.2
	walk 2 st.st_ino >"$M/numbers.2"
	[ "$(wc -l <"$M/numbers.1")" -gt 1000 ]
	diff -a "$M/numbers.1" "$M/numbers.2"
	posix 2 x after
	as_native after
}

@test "a full disk is one for the application, and is over when it is" {
	# shellcheck disable=SC2016 # the shell of the node expands
	full='cd "$1"; dd if=/dev/zero of=fill bs=1M 2>/dev/null; echo $?
	    echo x >one 2>/dev/null; mkdir dir; echo made
	    fallocate -l 1M room 2>&1 | grep -o "No space.*"
	    dd if=/dev/zero of=map bs=4k count=3 2>&1 | grep -o "No space.*"
	    rm -f fill one room map; rmdir dir; sync .
	    while [ "$(stat -fc %a .)" -lt 100000 ]; do sleep 0.05; done
	    dd if=/dev/zero of=again bs=1M count=50 2>/dev/null; echo $?
	    stat -c %s again; rm again'
	on 2 timeout 30 sh -c "$full" sh "$M/2/data/native" >"$M/full.native"
	on 2 timeout 30 sh -c "$full" sh "$M/2/data/x" >"$M/full.mirror"
	grep -q "No space" "$M/full.native"
	diff "$M/full.native" "$M/full.mirror"
	fact_is 2 disk up
}

@test "what differs is listed, and in the manual" {
	while read -r line; do
		case $line in
		"# "*:\ *)
			# The words of the page, without its macros.
			words=${line#\# } words=${words%%:*}
			tr -d '\n' <"$top_srcdir/man/mirrord.8" |
			    grep -qF -- "$words" ||
			    { echo "not in the manual: $words"; false; } ;;
		"#"* | '') ;;
		*) grep -qxF -- "$line" "$M/prim" ||
		    echo "# as native by now: $line" >&3 ;;
		esac
	done <"$top_srcdir/t/posix/differences"
}
