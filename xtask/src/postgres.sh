# Keeps one throw-away cluster: postgres.sh BIN FOLDER PORT [LIBRARY], started in FOLDER, with a pipe from xtask as standard input.
# LIBRARY is one that the server loads.
#
# The pipe closes when xtask ends, however it ends: done, failed, Ctrl-C, kill -9. That is what stops the
# server and removes the folder, so nothing is left behind that a later run would have to find.
set -u
bin=$1 folder=$2 port=$3 library=${4-}
exec 3<&0

clear_up() {
    cd /
    rm -rf "$folder"
}

# `--no-sync` is for the empty files only; the running server keeps fsync on. The locale C sorts by bytes,
# as SQLite does, on every machine.
if ! "$bin/initdb" --pgdata=data --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync \
    >log 2>&1 </dev/null; then
    cat log >&2
    clear_up
    exit 1
fi

"$bin/postgres" -D data -c port="$port" -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories="$folder" -c fsync=on -c max_connections=200 \
    -c shared_preload_libraries="$library" \
    >>log 2>&1 </dev/null 3<&- &
postgres=$!

# SIGQUIT is the immediate stop: these data have no tomorrow. It is repeated because a server that has only
# just begun still ignores it. A folder that is gone means that the server ended by itself, and then its
# number may already belong to another process.
{
    cat <&3 >/dev/null
    : >"$folder/stopping" && while kill -QUIT "$postgres"; do sleep 0.2; done
} 2>/dev/null &

wait "$postgres"
[ -e stopping ] || tail -n 30 log >&2
clear_up
