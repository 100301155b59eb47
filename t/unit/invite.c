/* SPDX-License-Identifier: ISC */
/* Invitations: who has the token, who has only the file, who has neither. */

#include "invite.h"

#include "tap.h"

static void
test_token(void)
{
	char token[TOKEN_LEN], bad[TOKEN_LEN];
	struct invite made, again;
	unsigned i, same = 0;

	memset(&made, 0, sizeof(made));
	invite_make(&made, token);
	ok(strlen(token) < TOKEN_LEN && remote_id_ok(made.id), "%s", made.id);
	ok(invite_from_token(&again, token) && memcmp(made.public,
	    again.public, INVITE_PUBLIC_LEN) == 0, "the token again");
	for (i = 0; i < strlen(token); i++) {
		memcpy(bad, token, sizeof(bad));
		bad[i] = bad[i] == 'a' ? 'b' : 'a';
		same += invite_from_token(&again, bad) && memcmp(made.public,
		    again.public, INVITE_PUBLIC_LEN) == 0;
	}
	is_num(same, 0, "each character counts");
	ok(!invite_from_token(&again, "") && !invite_from_token(&again,
	    "01234567") && !invite_from_token(&again, "01234567-") &&
	    !invite_from_token(&again, "01234567-short") &&
	    !invite_from_token(&again, "../../../-AAAAAAAAAAAAAAAAAAAAAA"),
	    "what is no token");
}

static void
test_proof(void)
{
	uint8_t proof[INVITE_PROOF_LEN], t1[32] = { 1 }, t2[32] = { 2 };
	char token[TOKEN_LEN], other[TOKEN_LEN];
	struct invite i, o;
	struct seal_key a, b;

	invite_make(&i, token);
	invite_make(&o, other);
	invite_prove(proof, token, t1, "request", 7);
	ok(invite_verify(&i, proof, t1, "request", 7), "proven");
	ok(!invite_verify(&i, proof, t2, "request", 7),
	    "not in another session");
	ok(!invite_verify(&i, proof, t1, "Request", 7),
	    "not for another request");
	ok(!invite_verify(&o, proof, t1, "request", 7),
	    "not of another invitation");
	invite_key(&a, &i);
	invite_key(&b, &o);
	ok(memcmp(&a, &b, sizeof(a)) != 0, "each seals by its own key");
}

static void
test_file(void)
{
	char token[TOKEN_LEN], text[INVITE_TEXT_LEN];
	struct invite i, again;
	size_t n;
	unsigned taken = 0;

	memset(&i, 0, sizeof(i));
	invite_make(&i, token);
	i.expires = 1790000000;
	(void)snprintf(i.by, sizeof(i.by), "alice (sudo)");
	invite_text(text, &i);
	ok(strstr(text, token + REMOTE_ID_LEN + 1) == NULL,
	    "the secret is not in it");
	ok(invite_parse(&again, i.id, text) == 0 &&
	    memcmp(&i, &again, sizeof(i)) == 0, "read back");
	(void)snprintf(i.by, sizeof(i.by), "x\nused 0\nby y");
	invite_text(text, &i);
	ok(invite_parse(&again, i.id, text) == 0 &&
	    strcmp(again.by, "x?used 0?by y") == 0,
	    "a name makes no lines of its own");
	for (n = strlen(text); n > 0; n--) {
		text[n - 1] = '\0';
		taken += invite_parse(&again, i.id, text) == 0;
	}
	is_num(taken, 0, "never when cut");
}

int
main(void)
{
	seal_init();
	test_token();
	test_proof();
	test_file();
	return tap_done();
}
