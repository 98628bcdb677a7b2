/* client FILE DIR N: times four system-call patterns N times each and prints nanoseconds per operation as JSON.
 * Names are resolved from their parent directory, so every server is asked for one name, however deep it lies. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char buf[4096];
static long count;

static void must(int ok, const char *what) {
  if (ok) return;
  perror(what);
  exit(1);
}
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}
/* Enters the parent directory of path and gives the last name. */
static char *enter(const char *path) {
  must(chdir(dirname(strdup(path))) == 0, path);
  return basename(strdup(path));
}
static void one_stat(const char *name) {
  struct stat st;
  must(stat(name, &st) == 0, "stat");
}
static void one_open(const char *name) {
  int fd = open(name, O_RDONLY);
  must(fd >= 0, "open");
  must(read(fd, buf, sizeof buf) > 0, "read");
  close(fd);
}
static void one_list(const char *name) {
  DIR *dir = opendir(name);
  must(dir != NULL, "opendir");
  struct dirent *entry;
  for (count = 0; (entry = readdir(dir)) != NULL;) count += entry->d_name[0] != '.';
  closedir(dir);
}
static int fd;
static void one_pread(const char *name) {
  (void)name;
  must(pread(fd, buf, sizeof buf, 0) > 0, "pread");
}
static double timed(void (*op)(const char *), const char *name, int n) {
  for (int i = 0; i < n / 10 + 1; i++) op(name);
  double start = now();
  for (int i = 0; i < n; i++) op(name);
  return (now() - start) / n;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int n = atoi(argv[3]);
  double full_path = timed(one_stat, argv[1], n);
  char *file = enter(argv[1]);
  fd = open(file, O_RDONLY);
  must(fd >= 0, argv[1]);
  double pread_ns = timed(one_pread, file, n), stat_ns = timed(one_stat, file, n), open_ns = timed(one_open, file, n);
  close(fd);
  double list_ns = timed(one_list, enter(argv[2]), n);
  printf("{\"pread\":%.0f,\"stat\":%.0f,\"open_read_close\":%.0f,\"listdir\":%.0f,\"stat_full_path\":%.0f,\"entries\":%ld}\n",
         pread_ns, stat_ns, open_ns, list_ns, full_path, count);
  return 0;
}
