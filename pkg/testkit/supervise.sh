# Runs a throw-away PostgreSQL for as long as standard input stays open: a new one,
# or a standby of the server that an address names.
bin=$1 dir=$2 user=$3 settings=$4 follow=$5
export PGDATA="$dir/data"

clean() {
	"$bin/pg_ctl" stop -m immediate >/dev/null 2>&1
	cd / && rm -rf "$dir"
}
trap clean EXIT

if [ -n "$follow" ]; then
	"$bin/pg_basebackup" -d "$follow" -D "$PGDATA" -R -X stream -c fast --no-sync >"$dir/log" 2>&1
else
	"$bin/initdb" -A trust -U "$user" -E UTF8 --locale=C --no-sync --no-instructions >"$dir/log" 2>&1
fi || {
	cat "$dir/log" >&2
	exit 1
}
# A standby has the settings of its primary.
[ -n "$follow" ] || cat >>"$PGDATA/postgresql.conf" <<CONF
listen_addresses = ''
max_connections = 200
shared_buffers = 32MB
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
autovacuum = off
jit = off
CONF
cat >>"$PGDATA/postgresql.conf" <<CONF
unix_socket_directories = '$dir'
$settings
CONF
"$bin/pg_ctl" start -w -t 60 -l "$dir/log" >/dev/null 2>&1 || {
	cat "$dir/log" >&2
	exit 1
}
echo ready

# Ends when the tests do, whether they return, panic or are killed.
cat >/dev/null
