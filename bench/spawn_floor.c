/* The lowest reference: as spawn_floor.py, without an interpreter. spawn_floor FOLDER N */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
    int count = argc > 2 ? atoi(argv[2]) : 0;
    pid_t *children = calloc(count, sizeof *children);
    char file[4096];
    struct stat found;
    posix_spawnattr_t attributes;

    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    for (int n = 0; n < count; n++) {
        char *words[] = {"/bin/sh", "-c", "echo up > \"$0\"; exec sleep 1000 < /dev/null", file, NULL};
        snprintf(file, sizeof file, "%s/floor-%d", argv[1], n);
        if (posix_spawn(&children[n], words[0], NULL, &attributes, words, environ))
            return 1;
    }
    for (int n = 0; n < count; n++) {
        snprintf(file, sizeof file, "%s/floor-%d", argv[1], n);
        while (stat(file, &found))
            usleep(500);
    }
    puts("up");
    fflush(stdout);
    while (getchar() != EOF)
        ;
    for (int n = 0; n < count; n++)
        kill(children[n], SIGTERM);
    while (wait(NULL) > 0)
        ;
    return 0;
}
