#include "timeline/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uthash.h>

#include "base/digest.h"
#include "base/memory.h"
#include "base/text.h"

#define PAGE_BYTES UINT64_C(4096)
#define TRAILER_MAGIC UINT64_C(0x6c616e72756f6a77) /* "wjournal" */

struct journal_page {
	uint64_t number;
	unsigned char bytes[PAGE_BYTES];
	UT_hash_handle hh;
};

/* What stands at the very end of a file whose commit was not finished. Before it, from `start`: n_pages × (number, bytes). */
struct trailer {
	uint64_t start, n_pages, end, check[2], magic;
};

/* HDF5's handle of the open file. */
struct driver {
	H5FD_t base; /* first: HDF5's own */
	struct journal *journal;
};

/* ---- plain file access ---- */

static int write_fully(int fd, const void *bytes, size_t size, uint64_t at)
{
	const char *from = bytes;
	while (size) {
		ssize_t n = pwrite(fd, from, size, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n ? errno : ENOSPC;
			return -1;
		}
		from += n;
		size -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

/* Beyond the end of the file there are zeros. */
static int read_fully(int fd, void *bytes, size_t size, uint64_t at)
{
	char *to = bytes;
	while (size) {
		ssize_t n = pread(fd, to, size, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0) {
			memset(to, 0, size);
			return 0;
		}
		to += n;
		size -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

static void latch(struct journal *journal)
{
	if (!journal->error_number)
		journal->error_number = errno ? errno : EIO;
}

/* ---- held pages ---- */

static struct journal_page *find_page(const struct journal *journal, uint64_t number)
{
	struct journal_page *page;
	HASH_FIND(hh, journal->pages, &number, sizeof number, page);
	return page;
}

static struct journal_page *hold_page(struct journal *journal, uint64_t number)
{
	struct journal_page *page = find_page(journal, number);
	if (page)
		return page;
	page = memory_alloc(sizeof *page);
	page->number = number;
	if (read_fully(journal->fd, page->bytes, PAGE_BYTES, number * PAGE_BYTES))
		latch(journal);
	HASH_ADD(hh, journal->pages, number, sizeof page->number, page);
	return page;
}

static void drop_pages(struct journal *journal)
{
	struct journal_page *page, *next;
	HASH_ITER(hh, journal->pages, page, next) {
		HASH_DEL(journal->pages, page);
		free(page);
	}
}

/* Pages that hold committed bytes. */
static uint64_t held_pages(const struct journal *journal) { return (journal->committed + PAGE_BYTES - 1) / PAGE_BYTES; }

static void write_held(struct journal *journal, uint64_t at, size_t size, const char *bytes)
{
	while (size) {
		size_t offset = (size_t)(at % PAGE_BYTES), n = PAGE_BYTES - offset < size ? (size_t)PAGE_BYTES - offset : size;
		memcpy(hold_page(journal, at / PAGE_BYTES)->bytes + offset, bytes, n);
		at += n;
		bytes += n;
		size -= n;
	}
}

static void write_bytes(struct journal *journal, uint64_t at, size_t size, const char *bytes)
{
	uint64_t boundary = held_pages(journal) * PAGE_BYTES;
	size_t below = at >= boundary ? 0 : boundary - at < size ? (size_t)(boundary - at) : size;
	if (journal->error_number)
		return;
	write_held(journal, at, below, bytes);
	if (size > below && write_fully(journal->fd, bytes + below, size - below, at + below))
		latch(journal);
	if (at + size > journal->written)
		journal->written = at + size;
}

static int read_bytes(struct journal *journal, uint64_t at, size_t size, char *bytes)
{
	if (read_fully(journal->fd, bytes, size, at))
		return -1;
	for (uint64_t page = at / PAGE_BYTES; page < held_pages(journal) && page * PAGE_BYTES < at + size; page++) {
		const struct journal_page *held = find_page(journal, page);
		uint64_t from = page * PAGE_BYTES > at ? page * PAGE_BYTES : at;
		uint64_t to = (page + 1) * PAGE_BYTES < at + size ? (page + 1) * PAGE_BYTES : at + size;
		if (held)
			memcpy(bytes + (from - at), held->bytes + from % PAGE_BYTES, (size_t)(to - from));
	}
	return 0;
}

/* ---- commit ---- */

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = (*(struct journal_page *const *)a)->number, y = (*(struct journal_page *const *)b)->number;
	return x < y ? -1 : x > y;
}

static struct journal_page **sorted_pages(const struct journal *journal, size_t *n)
{
	size_t i = 0;
	*n = HASH_COUNT(journal->pages);
	struct journal_page **pages = memory_alloc((*n + 1) * sizeof *pages);
	for (struct journal_page *page = journal->pages; page; page = page->hh.next)
		pages[i++] = page;
	qsort(pages, *n, sizeof *pages, compare_numbers);
	return pages;
}

static void check_add(struct digest *digest, uint64_t number, const unsigned char *bytes)
{
	digest_u64(digest, number);
	digest_bytes(digest, bytes, PAGE_BYTES);
}

/* Appends the pages and the trailer in one piece each; nothing of the committed state is touched. */
static int append_pages(struct journal *journal, struct journal_page *const *pages, size_t n)
{
	uint64_t end = journal->end > journal->written ? journal->end : journal->written, at;
	struct trailer trailer = {.n_pages = n, .end = journal->end, .magic = TRAILER_MAGIC};
	struct digest digest;
	digest_init(&digest);
	trailer.start = at = (end + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	for (size_t i = 0; i < n; i++) {
		check_add(&digest, pages[i]->number, pages[i]->bytes);
		if (write_fully(journal->fd, &pages[i]->number, sizeof pages[i]->number, at) ||
		    write_fully(journal->fd, pages[i]->bytes, PAGE_BYTES, at + sizeof pages[i]->number))
			return -1;
		at += sizeof pages[i]->number + PAGE_BYTES;
	}
	trailer.check[0] = digest.a;
	trailer.check[1] = digest.b;
	return write_fully(journal->fd, &trailer, sizeof trailer, at);
}

static int place_pages(struct journal *journal, struct journal_page *const *pages, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (write_fully(journal->fd, pages[i]->bytes, PAGE_BYTES, pages[i]->number * PAGE_BYTES))
			return -1;
	return ftruncate(journal->fd, (off_t)journal->end);
}

static int give_name(struct journal *journal)
{
	if (journal->named)
		return 0;
	journal->named = true;
	return rename(journal->part_path, journal->path);
}

int journal_commit(struct journal *journal)
{
	size_t n;
	struct journal_page **pages;
	if (journal->error_number)
		return -1;
	pages = sorted_pages(journal, &n);
	if (n && append_pages(journal, pages, n)) {
		latch(journal);
		if (ftruncate(journal->fd, (off_t)journal->committed)) /* without a trailer the rest is ignored anyhow */
			latch(journal);
	} else if (place_pages(journal, pages, n) || give_name(journal)) {
		latch(journal);
	} else {
		journal->committed = journal->written = journal->end;
		drop_pages(journal);
	}
	free(pages);
	return journal->error_number ? -1 : 0;
}

/* ---- the driver ---- */

static struct journal *journal_of(const H5FD_t *file) { return ((const struct driver *)file)->journal; }

static hid_t driver_id = H5I_INVALID_HID;

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access_list, haddr_t maximum)
{
	struct journal *const *info = H5Pget_driver_info(access_list);
	struct driver *driver;
	(void)name;
	(void)flags;
	(void)maximum;
	if (!info)
		return NULL;
	driver = memory_zero(1, sizeof *driver);
	driver->journal = *info;
	return &driver->base;
}

static herr_t driver_close(H5FD_t *file)
{
	free(file);
	return 0;
}

static int driver_compare(const H5FD_t *a, const H5FD_t *b) { return (journal_of(a) > journal_of(b)) - (journal_of(a) < journal_of(b)); }

static herr_t driver_query(const H5FD_t *file, unsigned long *flags)
{
	(void)file;
	*flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE | H5FD_FEAT_AGGREGATE_SMALLDATA |
		 H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
	return 0;
}

static haddr_t driver_get_end(const H5FD_t *file, H5FD_mem_t type)
{
	(void)type;
	return journal_of(file)->end;
}

static herr_t driver_set_end(H5FD_t *file, H5FD_mem_t type, haddr_t end)
{
	(void)type;
	journal_of(file)->end = end;
	return 0;
}

static haddr_t driver_get_size(const H5FD_t *file, H5FD_mem_t type)
{
	const struct journal *journal = journal_of(file);
	(void)type;
	return journal->written > journal->committed ? journal->written : journal->committed;
}

static herr_t driver_read(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t size, void *bytes)
{
	(void)type;
	(void)transfer;
	return read_bytes(journal_of(file), at, size, bytes) ? -1 : 0;
}

static herr_t driver_write(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t size, const void *bytes)
{
	(void)type;
	(void)transfer;
	write_bytes(journal_of(file), at, size, bytes);
	return 0; /* errors latch */
}

/* The file gets its size at the commit. */
static herr_t driver_truncate(H5FD_t *file, hid_t transfer, hbool_t closing)
{
	(void)transfer;
	(void)closing;
	if (journal_of(file)->written < journal_of(file)->end)
		journal_of(file)->written = journal_of(file)->end;
	return 0;
}

static const H5FD_class_t driver_class = {
	.name = "weft-journal",
	.maxaddr = (haddr_t)INT64_MAX,
	.fc_degree = H5F_CLOSE_WEAK,
	.fapl_size = sizeof(struct journal *),
	.open = driver_open,
	.close = driver_close,
	.cmp = driver_compare,
	.query = driver_query,
	.get_eoa = driver_get_end,
	.set_eoa = driver_set_end,
	.get_eof = driver_get_size,
	.read = driver_read,
	.write = driver_write,
	.truncate = driver_truncate,
	.fl_map = H5FD_FLMAP_DICHOTOMY,
};

/* Readers may open the file at any time; this lock only tells `recover` that somebody still writes. */
static void lock_for_writing(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	(void)fcntl(fd, F_SETLK, &lock); /* a file system without locks is no reason not to record */
}

int journal_open(struct journal *journal, const char *path, hid_t access_list, struct error *err)
{
	struct text part = TEXT_INIT;
	memset(journal, 0, sizeof *journal);
	text_printf(&part, "%s.part", path);
	journal->path = memory_text(path);
	journal->part_path = memory_text(text_string(&part));
	text_release(&part);
	journal->fd = open(journal->part_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (journal->fd < 0) {
		error_set(err, ERROR_HOST, "cannot create timeline '%s': %s", path, strerror(errno));
		journal_close(journal);
		return -1;
	}
	lock_for_writing(journal->fd);
	if (driver_id < 0 || H5Iget_type(driver_id) != H5I_VFL)
		driver_id = H5FDregister(&driver_class);
	H5Pset_driver(access_list, driver_id, &journal);
	return 0;
}

void journal_close(struct journal *journal)
{
	drop_pages(journal);
	if (journal->fd >= 0) {
		if (journal->named && ftruncate(journal->fd, (off_t)journal->committed))
			latch(journal);
		close(journal->fd);
		if (!journal->named)
			unlink(journal->part_path);
	}
	free(journal->path);
	free(journal->part_path);
	journal->fd = -1;
	journal->path = journal->part_path = NULL;
}

/* ---- repair ---- */

static bool read_trailer(int fd, struct trailer *trailer)
{
	struct stat status;
	uint64_t size;
	if (fstat(fd, &status) || (uint64_t)status.st_size < sizeof *trailer)
		return false;
	size = (uint64_t)status.st_size - sizeof *trailer;
	if (read_fully(fd, trailer, sizeof *trailer, size) || trailer->magic != TRAILER_MAGIC || trailer->start > size)
		return false;
	return trailer->n_pages == (size - trailer->start) / (PAGE_BYTES + 8) && (size - trailer->start) % (PAGE_BYTES + 8) == 0;
}

bool journal_pending(const char *path)
{
	struct trailer trailer;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool pending = fd >= 0 && read_trailer(fd, &trailer);
	if (fd >= 0)
		close(fd);
	return pending;
}

/* First to check that all is there, then to put it in place. */
static int walk_pages(int fd, const struct trailer *trailer, struct digest *digest, bool place)
{
	unsigned char bytes[PAGE_BYTES];
	uint64_t number, at = trailer->start;
	for (uint64_t i = 0; i < trailer->n_pages; i++, at += 8 + PAGE_BYTES) {
		if (read_fully(fd, &number, sizeof number, at) || read_fully(fd, bytes, sizeof bytes, at + 8))
			return -1;
		check_add(digest, number, bytes);
		if (place && write_fully(fd, bytes, sizeof bytes, number * PAGE_BYTES))
			return -1;
	}
	return 0;
}

static int replay(int fd, const char *path, struct error *err)
{
	struct trailer trailer;
	struct digest digest;
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		return error_set(err, ERROR_INPUT, "'%s' is still being written by process %ld", path, (long)lock.l_pid);
	if (!read_trailer(fd, &trailer))
		return 0;
	digest_init(&digest);
	if (walk_pages(fd, &trailer, &digest, false))
		return error_set(err, ERROR_HOST, "cannot read '%s': %s", path, strerror(errno));
	if (digest.a != trailer.check[0] || digest.b != trailer.check[1])
		return error_set(err, ERROR_INPUT, "'%s' is damaged beyond what a killed run leaves", path);
	if (walk_pages(fd, &trailer, &digest, true) || ftruncate(fd, (off_t)trailer.end))
		return error_set(err, ERROR_HOST, "cannot write '%s': %s", path, strerror(errno));
	return 1;
}

int journal_replay(const char *path, struct error *err)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), status;
	if (fd < 0)
		return error_set(err, ERROR_INPUT, "cannot open timeline '%s' for repair: %s", path, strerror(errno));
	status = replay(fd, path, err);
	close(fd);
	return status;
}
