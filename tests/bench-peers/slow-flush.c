/* Loaded before a hub's C library (LD_PRELOAD) it makes each flush take SLOW_FLUSH_MS longer, as an old disk would.
   The flush itself is made, so that everything stays as durable as it was. tests/src/bench/devices.rs builds and uses it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void slowly(void) {
  const char *text = getenv("SLOW_FLUSH_MS");
  long ms = text ? atol(text) : 0;
  struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&pause, NULL);
}

#define SLOW(name)                                       \
  int name(int fd) {                                     \
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, #name); \
    slowly();                                            \
    return real(fd);                                     \
  }

SLOW(fsync)
SLOW(fdatasync)
SLOW(syncfs)
