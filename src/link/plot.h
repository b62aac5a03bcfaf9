/* A picture of bit error ratio against received power, with where the link stands and what its code corrects (cairo). */
#ifndef WEFT_LINK_PLOT_H
#define WEFT_LINK_PLOT_H

#include "link/chain.h"

/* To FILE.png or FILE.svg; optical kinds against received OMA, electrical ones against the loss of the channel. */
int link_plot(const struct link_kind *kind, const struct link_chain *chain, const char *path, struct error *err);

#endif
