#!/usr/bin/python3
"""A PostgreSQL server of one's own for as long as a test runs: in a folder of its own, reached by a socket there and by
nothing else, with fsync on. A server refuses to be root's, so root has it run as another user.

As a program: postgres.py COMMAND...: runs the command with HONGYAN_TEST_DATABASE set to its URL."""
import glob
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse

SETTINGS = """
listen_addresses = ''
max_connections = 200
shared_buffers = 64MB
fsync = on
synchronous_commit = on
autovacuum_naptime = 5s
logging_collector = off
log_min_messages = warning
log_min_error_statement = error
"""


def programs():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[-2]))
    if not found:
        raise FileNotFoundError("no PostgreSQL server is installed: script/bootstrap --test")
    return found[-1]


def unprivileged():
    """How a command is run as somebody who may run a server."""
    if os.geteuid() != 0:
        return []
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return ["setpriv", "--reuid=" + name, "--regid=" + str(pwd.getpwnam(name).pw_gid), "--clear-groups"]
    raise LookupError("no user to run PostgreSQL as")


def ask(url, text):
    """Rows as psql prints them, unaligned: a list of lists of texts."""
    done = subprocess.run([os.path.join(programs(), "psql"), "-X", "-q", "-A", "-t", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", url, "-c", text],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return [line.split("\x1f") for line in done.stdout.splitlines()]


def new_database(server):
    """An empty database beside the one that the URL names; its URL."""
    name = "t%d_%d" % (os.getpid(), time.monotonic_ns())
    ask(server, "CREATE DATABASE " + name)
    return urllib.parse.urlsplit(server)._replace(path="/" + name).geturl().replace("postgres:/t", "postgres:///t")


class Postgres:
    def __init__(self, settings="", port=None, host="127.0.0.1", network=None, wrapper=()):
        """port: of host, where it listens as well, and lets in who comes from that network; wrapper: what its server runs under."""
        self.port = port or 5432  # then only the name of its socket
        if port:
            settings += "listen_addresses = '%s'\nport = %d\n" % (host, port)
        self._make_folder(wrapper)
        self._run("initdb", "-D", self.data, "-U", "hongyan", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as conf:
            conf.write(SETTINGS + "unix_socket_directories = '%s'\n" % self.folder + settings)
        if network:
            with open(os.path.join(self.data, "pg_hba.conf"), "a", encoding="utf-8") as hba:
                hba.write("host all all %s trust\n" % network)
        self.start()

    def _make_folder(self, wrapper=()):
        self.folder = tempfile.mkdtemp(prefix="hy-pg-")
        self.data = os.path.join(self.folder, "data")
        os.chmod(self.folder, 0o755)
        self.as_user = unprivileged()
        if self.as_user:
            shutil.chown(self.folder, self.as_user[1].split("=")[1])
        self.process, self.wrapper = None, list(wrapper)

    def _run(self, program, *args):
        done = subprocess.run([*self.as_user, os.path.join(programs(), program), *args], capture_output=True, text=True, cwd="/")
        if done.returncode:
            raise RuntimeError(program + ": " + done.stdout + done.stderr)

    def start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen([*self.wrapper, *self.as_user, os.path.join(programs(), "postgres"), "-D", self.data], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
        deadline = time.monotonic() + 120
        while True:
            ready = subprocess.run([os.path.join(programs(), "pg_isready"), "-q", "-h", self.folder, "-p", str(self.port)], check=False)
            if ready.returncode == 0:
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("PostgreSQL does not start: " + self.log()[-2000:])
            time.sleep(0.05)

    def take(self, path):
        """A copy of the file in the data folder, for the server alone."""
        copy = os.path.join(self.data, os.path.basename(path))
        shutil.copyfile(path, copy)
        os.chmod(copy, 0o600)
        if self.as_user:
            shutil.chown(copy, self.as_user[1].split("=")[1])

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self, how="fast"):
        """fast: connections are ended, all is written; immediate: as after a power cut."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT if how == "immediate" else signal.SIGINT)
            self.process.wait(120)
        self.process = None

    def follow(self, primary):
        """Throws away what it has, and becomes a copy of that one. It answers once it is one."""
        self.stop("immediate")
        shutil.rmtree(self.data, ignore_errors=True)
        self._run("pg_basebackup", "-h", primary.folder, "-U", "hongyan", "-D", self.data, "-R", "-X", "stream", "-c", "fast", "--no-sync")
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as conf:
            conf.write("unix_socket_directories = '%s'\n" % self.folder)
        self.start()

    def promote(self):
        self._run("pg_ctl", "promote", "-w", "-D", self.data)

    def restart(self, how="fast"):
        self.stop(how)
        self.start()

    def url(self, database="postgres", **more):
        return "postgres:///%s?%s" % (database, urllib.parse.urlencode({"host": self.folder, "port": self.port, "user": "hongyan", **more}))

    def new_database(self):
        return new_database(self.url())

    def close(self):
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Standby(Postgres):
    """A copy of a running server that follows it by streaming replication, until it is promoted."""

    def __init__(self, primary):
        self.port = 5432
        self._make_folder()
        self.follow(primary)

    @staticmethod
    def url_of(servers, database):
        """Any of them: whoever writes looks for the one that takes writes."""
        return "postgres:///%s?%s" % (database, urllib.parse.urlencode({"host": ",".join(s.folder for s in servers), "user": "hongyan"}))


def main():
    with Postgres() as server:
        environ = {**os.environ, "HONGYAN_TEST_DATABASE": server.url()}
        code = subprocess.run(sys.argv[1:], env=environ, check=False).returncode
        if code:
            print("PostgreSQL's log ends so:", server.log()[-5000:])
        return code


if __name__ == "__main__":
    sys.exit(main())
