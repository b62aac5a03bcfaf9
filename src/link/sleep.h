/* What a link draws when it rests, and how long it takes to carry again: squelched lasers, sleeping SerDes, sleeping modules, fewer
 * lanes (reference: docs/links.md, "Power states"). All of it concerns what is always on; energy per bit stays. */
#ifndef WEFT_LINK_SLEEP_H
#define WEFT_LINK_SLEEP_H

#include "link/chain.h"

enum rest { REST_SQUELCH, REST_SERDES, REST_SLEEP, REST_FOLD, REST_N };
extern const char *const rest_names[REST_N]; /* "squelch", "serdes", "sleep", "fold" */

struct link_rest {
	double share;        /* of the always-on power that stays */
	double wake_s;       /* until it carries again (fold: until the other lanes do) */
	double break_even_s; /* idle for longer than this pays: P_act·t_wake/(P_act − P_rest) for the link alone */
};

/* `lanes` of a folded link (else ignored). -1 and an error that names the missing figure; a NULL err only asks. */
int link_rest(const struct link_kind *kind, const struct link_chain *chain, enum rest rest, double lanes, struct link_rest *out,
	      struct error *err);
/* Of shares and times that the user gives instead. */
double rest_break_even_s(double share, double wake_s);

#endif
