/* Kills a program at its Nth call that changes a file, or refuses that call: what a crash or a bad disk does.
 *
 * LD_PRELOAD=libFaultInjection.so with
 *   FAULT_AT=N        the call that is meant, counted over all threads from 1
 *   FAULT_ACTION=     kill (before the call), kill-after, tear (half of a write is done, then kill), hang (the
 *                     call never comes back), or the name of the error with which the call fails: EIO, ENOSPC
 *   FAULT_LASTING=1   all calls from the Nth on fail, as on a disk that stays full
 *   FAULT_LOG=FILE    every counted call is written there: number, name, path where it has one
 *   FAULT_CLOCK=S     the clock is S seconds off
 *   FAULT_LIST=PART   folders whose path holds PART cannot be listed beyond their first entry: EIO
 * Without FAULT_AT nothing fails. Calls on descriptors 0 to 2 are not counted: they are the terminal's. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum outcome { go_on, kill_after, tear, fail };

static atomic_long counted;

static void note(long number, const char *name, const char *path) {
  const char *log = getenv("FAULT_LOG");
  if (!log) return;
  char line[4500];
  int length = snprintf(line, sizeof line, "%ld %s %s\n", number, name, path ? path : "");
  int saved = errno;
  int descriptor = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (descriptor >= 0) {
    syscall(SYS_write, descriptor, line, (size_t)length);
    syscall(SYS_close, descriptor);
  }
  errno = saved;
}

static void die(void) {
  syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
  for (;;) syscall(SYS_pause);
}

/* Counts a call and says what becomes of it; sets errno where it fails. */
static enum outcome judge(const char *name, const char *path) {
  long number = atomic_fetch_add(&counted, 1) + 1;
  note(number, name, path);
  const char *at = getenv("FAULT_AT"), *action = getenv("FAULT_ACTION");
  if (!at || !action) return go_on;
  long wanted = atol(at);
  int is_meant = number == wanted || (number > wanted && getenv("FAULT_LASTING"));
  if (!is_meant) return go_on;
  if (!strcmp(action, "kill")) die();
  if (!strcmp(action, "hang"))
    for (;;) syscall(SYS_pause);
  if (!strcmp(action, "kill-after")) return kill_after;
  if (!strcmp(action, "tear")) return tear;
  errno = !strcmp(action, "ENOSPC") ? ENOSPC : EIO;
  return fail;
}

static const char *path_of(int descriptor, char *buffer, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, buffer, size - 1);
  buffer[length < 0 ? 0 : length] = 0;
  return buffer;
}

/* Only regular files and folders: what goes to a pipe or an event counter is nobody's data. */
static int matters(int descriptor) {
  if (descriptor <= 2) return 0;
  struct stat status;
  int saved = errno;
  int is_file = fstat(descriptor, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
  errno = saved;
  return is_file;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define PASS(type, call)                                \
  do {                                                  \
    if (verdict == fail) return (type)-1;               \
    type result = (call);                               \
    if (verdict == kill_after || verdict == tear) die(); \
    return result;                                      \
  } while (0)
#define JUDGED_DESCRIPTOR(name, descriptor)                                        \
  char buffer[4096];                                                               \
  enum outcome verdict = matters(descriptor)                                       \
                             ? judge(name, path_of(descriptor, buffer, sizeof buffer)) \
                             : go_on

ssize_t write(int descriptor, const void *bytes, size_t count) {
  JUDGED_DESCRIPTOR("write", descriptor);
  PASS(ssize_t, REAL(write)(descriptor, bytes, verdict == tear ? count / 2 : count));
}
ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
  JUDGED_DESCRIPTOR("pwrite", descriptor);
  PASS(ssize_t, REAL(pwrite)(descriptor, bytes, verdict == tear ? count / 2 : count, offset));
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
  JUDGED_DESCRIPTOR("pwrite", descriptor);
  PASS(ssize_t, REAL(pwrite64)(descriptor, bytes, verdict == tear ? count / 2 : count, offset));
}
int fsync(int descriptor) {
  JUDGED_DESCRIPTOR("fsync", descriptor);
  PASS(int, REAL(fsync)(descriptor));
}
int fdatasync(int descriptor) {
  JUDGED_DESCRIPTOR("fdatasync", descriptor);
  PASS(int, REAL(fdatasync)(descriptor));
}
int ftruncate(int descriptor, off_t size) {
  JUDGED_DESCRIPTOR("ftruncate", descriptor);
  PASS(int, REAL(ftruncate)(descriptor, size));
}
int ftruncate64(int descriptor, off64_t size) {
  JUDGED_DESCRIPTOR("ftruncate", descriptor);
  PASS(int, REAL(ftruncate64)(descriptor, size));
}
/* A close that fails closes all the same; only one of a file open for writing is counted. */
int close(int descriptor) {
  char buffer[4096];
  int saved = errno;
  int flags = descriptor > 2 ? fcntl(descriptor, F_GETFL) : -1;
  int is_writing = flags >= 0 && (flags & O_ACCMODE) != O_RDONLY && matters(descriptor);
  errno = saved;
  enum outcome verdict =
      is_writing ? judge("close", path_of(descriptor, buffer, sizeof buffer)) : go_on;
  int error = errno;
  int result = REAL(close)(descriptor);
  if (verdict == fail) {
    errno = error;
    return -1;
  }
  if (verdict != go_on) die();
  return result;
}
int rename(const char *old, const char *new) {
  enum outcome verdict = judge("rename", new);
  PASS(int, REAL(rename)(old, new));
}
int link(const char *old, const char *new) {
  enum outcome verdict = judge("link", new);
  PASS(int, REAL(link)(old, new));
}
int unlink(const char *path) {
  enum outcome verdict = judge("unlink", path);
  PASS(int, REAL(unlink)(path));
}
int rmdir(const char *path) {
  enum outcome verdict = judge("rmdir", path);
  PASS(int, REAL(rmdir)(path));
}
int mkdir(const char *path, mode_t mode) {
  enum outcome verdict = judge("mkdir", path);
  PASS(int, REAL(mkdir)(path, mode));
}
int chmod(const char *path, mode_t mode) {
  enum outcome verdict = judge("chmod", path);
  PASS(int, REAL(chmod)(path, mode));
}
int fchmod(int descriptor, mode_t mode) {
  JUDGED_DESCRIPTOR("fchmod", descriptor);
  PASS(int, REAL(fchmod)(descriptor, mode));
}

#define OPENS(name, flags)                                                                       \
  va_list rest;                                                                                  \
  va_start(rest, flags);                                                                         \
  mode_t mode = (flags) & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;                      \
  va_end(rest);                                                                                  \
  enum outcome verdict = (flags) & O_CREAT && strncmp(path, "/dev/", 5) ? judge(name, path) : go_on

int open(const char *path, int flags, ...) {
  OPENS("open", flags);
  PASS(int, REAL(open)(path, flags, mode));
}
int open64(const char *path, int flags, ...) {
  OPENS("open", flags);
  PASS(int, REAL(open64)(path, flags, mode));
}

/* The place of the first entry is 0 in every file system. */
static int is_unlisted(DIR *folder) {
  const char *part = getenv("FAULT_LIST");
  char buffer[4096];
  return part && telldir(folder) != 0 && strstr(path_of(dirfd(folder), buffer, sizeof buffer), part);
}
struct dirent *readdir(DIR *folder) {
  if (is_unlisted(folder)) {
    errno = EIO;
    return NULL;
  }
  return REAL(readdir)(folder);
}

static long clock_offset(void) {
  const char *text = getenv("FAULT_CLOCK");
  return text ? atol(text) : 0;
}
int clock_gettime(clockid_t clock, struct timespec *time) {
  int result = REAL(clock_gettime)(clock, time);
  if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += clock_offset();
  return result;
}
