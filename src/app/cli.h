/* cli: what the commands of the program share. Exit codes are those of sysexits.h. Messages for people come
 * in English, or in Chinese when the locale (LC_ALL, LC_MESSAGES, LANG) begins with zh; with --json a command
 * prints JSON, always in English.
 */
#ifndef HY_APP_CLI_H
#define HY_APP_CLI_H

#include "base/buf.h"
#include "base/err.h"
#include "model/http.h"
#include "model/settings.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
    const char *summary, *summary_zh;
};

int cli_serve(int argc, char **argv);
int cli_send(int argc, char **argv);
int cli_key(int argc, char **argv);
int cli_render(int argc, char **argv);
int cli_import(int argc, char **argv);
int cli_import_suppressions(int argc, char **argv); /* argv[0] is "suppressions" */
int cli_import_rules(int argc, char **argv);        /* argv[0] is "rules" */
int cli_import_contacts(int argc, char **argv);     /* likewise */
int cli_import_consents(int argc, char **argv);     /* likewise */
int cli_export(int argc, char **argv);
int cli_export_suppressions(int argc, char **argv); /* likewise */
int cli_export_contacts(int argc, char **argv);
int cli_export_consents(int argc, char **argv);
int cli_mood(int argc, char **argv);
int cli_hooks(int argc, char **argv);
int cli_doctor(int argc, char **argv);
int cli_migrate(int argc, char **argv);
int cli_nodes(int argc, char **argv);

bool cli_is_chinese(void);
/* One of the two, by the locale. */
const char *cli_say(const char *english, const char *chinese);

/* The file given, or HONGYAN_CONFIG, ./hongyan.yaml, /etc/hongyan/hongyan.yaml: the first there is. */
const char *cli_config_path(const char *given);
/* Loads the settings, or says on stderr what is wrong with them and returns NULL. */
struct settings *cli_load_settings(const char *path);
/* HONGYAN_MASTER_KEY from the environment or the .env files of the settings at path, appended to out; nothing
 * if it is not set. */
void cli_master_key(const char *path, struct buf *out);
/* Makes the folder, for this user alone, if it is not there. */
MUST_USE bool cli_make_folder(const char *path, struct err *e);
/* The exit code for an error. */
int cli_exit_code(enum err_kind kind);
/* Prints "hongyan COMMAND: text" to stderr; returns the exit code. */
int cli_fail(const char *command, const struct err *e);

/* One HTTP call, waiting for it. The answer's body is kept in out. */
struct cli_answer {
    enum http_transport transport;
    int status;
    char body[65536];
    size_t body_n;
    char error[256];
    char date[64]; /* the Date header */
    int64_t elapsed_us;
};
MUST_USE bool cli_http(const struct http_request *rq, unsigned timeout_ms, struct cli_answer *out,
                       struct err *e);

#endif
