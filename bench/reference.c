/* The baseline: constants served by libfuse 3's ordinary high-level API, one thread (-s), no name cached by the kernel.
 * reference MOUNTPOINT ENTRIES ATTR_SECONDS: a file `value`, a directory `dir` of ENTRIES files, attributes believed so long. */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int entries;
static const char body[] = "0.23\n";

static int get_attr(const char *path, struct stat *st, struct fuse_file_info *fi) {
  int is_dir = !strcmp(path, "/") || !strcmp(path, "/dir"), n = -1;
  if (!is_dir && strcmp(path, "/value") && (sscanf(path, "/dir/file%d", &n) != 1 || n < 0 || n >= entries)) return -ENOENT;
  memset(st, 0, sizeof *st);
  st->st_mode = is_dir ? S_IFDIR | 0755 : S_IFREG | 0444;
  st->st_nlink = is_dir ? 2 : 1;
  st->st_size = is_dir ? 0 : sizeof body - 1;
  return 0;
}
static int open_file(const char *path, struct fuse_file_info *fi) {
  fi->direct_io = 1;
  return 0;
}
static int read_file(const char *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi) {
  if (off >= (off_t)sizeof body - 1) return 0;
  size_t n = sizeof body - 1 - off;
  memcpy(buf, body + off, n < size ? n : size);
  return n < size ? n : size;
}
static int read_dir(const char *path, void *buf, fuse_fill_dir_t fill, off_t off, struct fuse_file_info *fi,
                    enum fuse_readdir_flags flags) {
  struct stat st;
  char name[32];
  for (int i = 0; !strcmp(path, "/dir") && i < entries; i++) {
    snprintf(name, sizeof name, "/dir/file%d", i);
    get_attr(name, &st, NULL);
    fill(buf, name + 5, &st, 0, FUSE_FILL_DIR_PLUS);
  }
  return 0;
}
static const struct fuse_operations ops = {.getattr = get_attr, .open = open_file, .read = read_file, .readdir = read_dir};

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  entries = atoi(argv[2]);
  char timeouts[128];
  snprintf(timeouts, sizeof timeouts, "entry_timeout=0,negative_timeout=0,attr_timeout=%s", argv[3]);
  char *args[] = {argv[0], "-f", "-s", "-o", timeouts, argv[1], NULL};
  return fuse_main(6, args, &ops, NULL);
}
