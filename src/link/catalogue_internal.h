/* Shared by the catalogue's files. */
#ifndef WEFT_LINK_CATALOGUE_INTERNAL_H
#define WEFT_LINK_CATALOGUE_INTERNAL_H

#include "link/catalogue.h"

/* NULL when there is none of that name. */
struct link_kind *catalogue_find_link(const struct catalogue *catalogue, const char *name);
struct component_kind *catalogue_find_component(const struct catalogue *catalogue, const char *name);

#endif
