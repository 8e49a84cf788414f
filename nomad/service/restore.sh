# The volume has no database: the newest replica, or the one of a moment, becomes <database>.restored, which the service
# takes over when it begins. Where there is no replica either, a marketplace begins.
set -eu

if [ -s "$DATABASE" ]; then
    echo "there is a database: nothing to restore"
    exit
fi
# A folder that is not there is a disk that is not there, and not a marketplace that begins.
if [ -n "$REPLICA" ] && ! [ -d "$REPLICA" ]; then
    echo "no folder $REPLICA: is its disk mounted?" >&2
    exit 1
fi
# What is left of the database that has gone belongs to no other.
rm -rf "$DATABASE" "$DATABASE-wal" "$DATABASE-shm" "$DATABASE.restored" "${DATABASE%/*}/.${DATABASE##*/}-litestream"

# A moment that is asked for has to be there; only without one a replica may be missing.
if [ -n "$RESTORE_TO" ]; then set -- -timestamp "$RESTORE_TO"; else set -- -if-replica-exists; fi
[ -x "$LITESTREAM" ] || chmod 700 "$LITESTREAM"
exec "$LITESTREAM" restore -config "$NOMAD_SECRETS_DIR/litestream.yml" "$@" -o "$DATABASE.restored" "$DATABASE"
