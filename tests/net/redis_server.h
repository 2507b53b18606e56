/* redis_server: a real redis-server in a folder of its own, for tests. It keeps nothing on disk. */
#ifndef HY_TESTS_NET_REDIS_SERVER_H
#define HY_TESTS_NET_REDIS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct redis_server {
    pid_t pid;
    char dir[64], url[128], ca_file[128];
    unsigned port; /* 0: a unix socket */
    bool tls;
    const char *acl; /* lines of an ACL file; NULL: everybody may do everything */
};

/* Starts it (with TLS: a new certificate for localhost) and waits until it takes connections. Zero it first,
 * but for tls and acl. */
void redis_server_start(struct redis_server *s);
/* kill -9, and gone when it returns. Start it again for the same address, empty. */
void redis_server_kill(struct redis_server *s);
/* SIGSTOP and SIGCONT. */
void redis_server_pause(struct redis_server *s, bool paused);
/* Kills it and removes its folder. */
void redis_server_done(struct redis_server *s);

#endif
