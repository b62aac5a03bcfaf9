#include "link/account.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void link_figures_init(struct link_figures *figures, uint32_t n_links)
{
	size_t n = (size_t)n_links + 1;
	figures->n_links = n_links;
	figures->received_dbm = memory_zero(n, sizeof(double));
	figures->loss_db = memory_zero(n, sizeof(double));
	figures->added_db = memory_zero(n, sizeof(double));
	figures->margin_db = memory_zero(n, sizeof(double));
	figures->ber = memory_zero(n, sizeof(double));
	figures->codeword_error_ratio = memory_zero(n, sizeof(double));
	figures->static_uw = memory_zero(n, sizeof(int64_t));
	figures->fj_per_byte = memory_zero(n, sizeof(int64_t));
	figures->replay_bytes = memory_zero(n, sizeof(int64_t));
}

void link_figures_release(struct link_figures *figures)
{
	free(figures->received_dbm);
	free(figures->loss_db);
	free(figures->added_db);
	free(figures->margin_db);
	free(figures->ber);
	free(figures->codeword_error_ratio);
	free(figures->static_uw);
	free(figures->fj_per_byte);
	free(figures->replay_bytes);
	memset(figures, 0, sizeof *figures);
}
