/* SPDX-License-Identifier: ISC */
/*
 * The object file with the BPF programs: loading one of them, and finding
 * again what an earlier farmd has loaded.  Nothing is pinned anywhere: what
 * is attached holds its program, the program its maps, and the kernel tells
 * the numbers of both.
 */
#ifndef FARMD_BPFOBJ_H
#define FARMD_BPFOBJ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "filter.h"

#define BPFOBJ_TAG_LEN	8

struct bpf_object;

/* Once, before anything else: libbpf talks to us and not to stderr. */
void	bpfobj_init(void);
/* NULL and why.  Then maps may be given in, then it is loaded. */
struct bpf_object	*bpfobj_open(const char *prog,
			    char why[FILTER_WHY_LEN]);
/* The descriptor of the program, which is the object's; -1 and why. */
int	bpfobj_load(struct bpf_object *o, const char *prog,
	    char why[FILTER_WHY_LEN]);
int	bpfobj_map(const struct bpf_object *o, const char *name);
/*
 * Uses the map of this name of the program with this number instead of a new
 * one, if it has the same shape.  True: it does.
 */
bool	bpfobj_inherit(struct bpf_object *o, const char *map,
	    uint32_t prog_id);

/* The program with this number has this name; tag: of its code, or NULL. */
bool	bpfobj_is(uint32_t prog_id, const char *name,
	    uint8_t tag[BPFOBJ_TAG_LEN]);
uint32_t	bpfobj_id(int prog_fd);
uint32_t	bpfobj_map_id(int map_fd);
/* A descriptor of the caller's own, or -1. */
int	bpfobj_map_of(uint32_t prog_id, const char *name);

/* The one value of an array made for it; NULL with errno. */
void	*bpfobj_mmap(int map_fd, size_t size);
/* Row `row' of a map of 64-bit numbers per CPU, added up: 0 or -1. */
int	bpfobj_sum(int map_fd, uint32_t row, uint64_t *sum, size_t count);

/* Writes what libbpf said last behind `what' into why. */
void	bpfobj_why(char why[FILTER_WHY_LEN], const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

#endif
