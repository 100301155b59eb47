/* SPDX-License-Identifier: ISC */
/*
 * What the three files of dirops share: the model of a directory of a few
 * slots (dirops-model.c), the same things done to a real one (dirops-act.c),
 * and who chooses and writes them down (dirops.c).
 */
#ifndef TORTURE_DIROPS_H
#define TORTURE_DIROPS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOTS		24
#define DIRS		4	/* slot i is dI/sI, in directory i % DIRS */
#define BLOCK		4096
#define BLOCKS_MAX	12
#define SIZE_MAX_	(BLOCK * BLOCKS_MAX)
#define DIGEST_LEN	120
#define TARGET_LEN	24
#define STEPS_MAX	6
#define NAME_LEN	32

enum kind { K_NONE, K_FILE, K_LINK, K_DIR };

struct inode {
	enum kind	 kind;
	mode_t		 mode;
	uid_t		 uid;
	gid_t		 gid;
	unsigned	 nlink;
	size_t		 size;
	char		 xattr[TARGET_LEN];	/* "": none */
	char		 target[TARGET_LEN];
	uint8_t		*data;		/* SIZE_MAX_ bytes, of a file */
};

/* slot[i]: its inode, or -1. */
struct model {
	int		 slot[SLOTS];
	struct inode	 inode[SLOTS];
};

enum verb {
	V_CREATE, V_WRITE, V_TRUNCATE, V_PUNCH, V_MODE, V_OWNER, V_XATTR,
	V_RENAME, V_EXCHANGE, V_LINK, V_UNLINK, V_SYMLINK, V_MKDIR, V_REPLACE,
	V_COUNT
};

/* One call; what it writes follows from its stamp. */
struct step {
	enum verb	 verb;
	int		 a, b;		/* slots */
	unsigned	 n;		/* block, count, mode bits, owner */
	unsigned	 len;
	uint64_t	 stamp;
};

void	model_init(struct model *m);
void	model_clear(struct model *m);
/* A free inode of that kind, mode 644 or 755, one link. */
int	model_new(struct model *m, enum kind kind);
/* Whether the step has a meaning now; then model_apply() does it. */
bool	model_can(const struct model *m, const struct step *s);
void	model_apply(struct model *m, const struct step *s);
/* The state of a slot in a word; "-": nothing there. */
void	model_digest(const struct model *m, int slot, char out[DIGEST_LEN]);
/* What a step with that stamp writes into a block. */
void	stamp_fill(uint8_t *out, size_t len, uint64_t stamp);
void	stamp_target(uint64_t stamp, char out[TARGET_LEN]);
void	slot_name(int slot, char out[NAME_LEN]);
void	slot_dir(int slot, char out[NAME_LEN]);

/* Each returns -1 with errno; dir is the replicated directory's. */
int	act_step(int dir, const struct step *s);
/* Syncs those slots, and the directories above them. */
int	act_sync(int dir, const bool touched[SLOTS]);
/* Makes the four directories, takes away what a step left half done. */
int	act_prepare(int dir);
/* Reads all slots into the model. */
int	act_scan(int dir, struct model *m);
/* Which blocks of the slot's file are data, as 1, and which are holes. */
int	act_holes(int dir, int slot, char out[BLOCKS_MAX + 1]);

#endif
