/* SPDX-License-Identifier: ISC */
#include "cgroup.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"

static char path[CGROUP_PATH_LEN];

/* Any directory does for where to make the next one. */
static void
test_module_at(void)
{
	char top[] = "/tmp/hf-cgroup.XXXXXX", want[64];

	ok(mkdtemp(top) != NULL && chdir(top) == 0, "a place");
	(void)snprintf(want, sizeof(want), "%s/holdfast/web", top);
	is_num(cgroup_module_at(path, top, "web"), 0, "no unit of systemd's");
	is_str(path, want, "a tree of our own");

	ok(mkdir("holdfast.slice", 0755) == 0 &&
	    mkdir("holdfast.slice/holdfast-apps.service", 0755) == 0,
	    "the unit is started");
	is_num(cgroup_module_at(path, top, "web"), 0, "what ran before");
	is_str(path, want, "stays where it is");
	is_num(cgroup_module_at(path, top, "shop"), 0, "another one");
	(void)snprintf(want, sizeof(want),
	    "%s/holdfast.slice/holdfast-apps.service/shop", top);
	is_str(path, want, "is the unit's");

	ok(rmdir(want) == 0 && rmdir("holdfast/web") == 0 &&
	    rmdir("holdfast") == 0 &&
	    rmdir("holdfast.slice/holdfast-apps.service") == 0 &&
	    rmdir("holdfast.slice") == 0 && rmdir(top) == 0,
	    "nothing is left");
}

int
main(void)
{
	ok(cgroup_find(path,
	    "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
	    "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 "
	    "cgroup2 rw,nsdelegate\n"), "Debian's own");
	is_str(path, "/sys/fs/cgroup", "its mount point");
	ok(cgroup_find(path,
	    "30 22 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
	    "31 30 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
	    "32 30 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw"),
	    "hybrid, last line without a newline");
	is_str(path, "/sys/fs/cgroup/unified", "its mount point");
	ok(cgroup_find(path,
	    "32 30 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	    "33 30 0:28 /lab/n1 /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
	    "34 30 0:28 / /mnt/x rw - cgroup2 cgroup2 rw\n"),
	    "a node of the lab: mounted over");
	is_str(path, "/sys/fs/cgroup", "the upper one");
	ok(cgroup_find(path,
	    "34 30 0:28 / /mnt/a\\040b rw - cgroup2 cgroup2 rw\n"),
	    "elsewhere, a blank in its name");
	is_str(path, "/mnt/a b", "its mount point");
	ok(!cgroup_find(path,
	    "31 30 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"),
	    "v1 only: none");
	ok(!cgroup_find(path, " - cgroup2 \n - cgroup2 x\n"), "nonsense");
	ok(!cgroup_find(path, ""), "empty");

	(void)unsetenv("HOLDFAST_CGROUP");
	(void)setenv("HOLDFAST_ROOT", "/nonexistent", 1);
	is_num(cgroup_module(path, "ledger"), -1, "a test touches none");
	is_num(errno, ENOENT, "as if there were none");
	is_num(cgroup_module(path, "../x"), -1, "a bad name");
	is_num(errno, EINVAL, "is refused");
	test_module_at();
	return tap_done();
}
