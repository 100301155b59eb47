/* SPDX-License-Identifier: ISC */
/*
 * In the place of filter-bpf.c where libbpf or clang was not there, or not
 * wanted, when this was built.
 */
#include "filter.h"

#include <stdio.h>

static bool
none_supported(char why[FILTER_WHY_LEN])
{
	snprintf(why, FILTER_WHY_LEN,
	    "this build of farmd has no BPF: configure --with-bpf");
	return false;
}

static struct filter *
none_open(const char *module, unsigned id, char why[FILTER_WHY_LEN])
{
	(void)module;
	(void)id;
	(void)none_supported(why);
	return NULL;
}

/* The rest is of what open() has opened. */
static const struct filter_ops ops = {
	.name = "bpf",
	.supported = none_supported,
	.open = none_open,
};

const struct filter_ops *
filter_bpf(void)
{
	return &ops;
}
