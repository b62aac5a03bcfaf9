/* A file driver for HDF5 that keeps the file on disk readable at every moment, whatever moment the process is killed at.
 *
 * Between two commits the file on disk stays as it was at the last one: what HDF5 writes below the committed size is held back in
 * memory, page by page; what it writes above goes straight to the file, where the committed state does not look. A commit
 * appends the held pages and a trailer to the end of the file, then puts the pages in place, then cuts the file back to its size.
 * A kill before the trailer leaves the old state and some unused bytes; a kill after it is repaired by putting the pages in place
 * again (journal_replay). The first commit also gives the file its name: before it is FILE.part.
 *
 * This protects against the death of the process, not of the machine: nothing is forced to the disk.
 *
 * Write errors latch: after the first one the file is left in its last committed state and further writes are swallowed, so that
 * HDF5 can close everything; H5Fclose itself may well return 0 then, journal_error does not. */
#ifndef WEFT_TIMELINE_JOURNAL_H
#define WEFT_TIMELINE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <hdf5.h>

#include "base/error.h"

struct journal_page;
struct journal {
	char *path, *part_path;
	int fd;
	int error_number;       /* of the first failed write; 0 */
	bool named;             /* has its final name */
	uint64_t end;           /* HDF5's end of allocation */
	uint64_t written;       /* end of what was written */
	uint64_t committed;     /* size at the last commit */
	struct journal_page *pages;
};

/* Creates path.part and an access list for H5Fcreate (any name will do there). The journal outlives the HDF5 file. */
int journal_open(struct journal *journal, const char *path, hid_t access_list, struct error *err);
/* After H5Fflush: makes what was flushed the state of the file. 0 or -1. */
int journal_commit(struct journal *journal);
/* After H5Fclose. Never commits by itself: without a commit the file stays as it was. */
void journal_close(struct journal *journal);

/* Whether the file ends in a commit that was not finished. */
bool journal_pending(const char *path);
/* Finishes it. 1: done, 0: there was nothing to do, -1: error. Refuses a file that a living process writes. */
int journal_replay(const char *path, struct error *err);

#endif
