# If the volume has no database, restores the newest replica, or the one of a point in time, to <database>.restored, which
# the service installs at its start. If there is no replica either, a new marketplace begins. Refuses an old database: one
# of a node that was down while another node took over.
set -eu
umask 077

litestream_state="${DATABASE%/*}/.${DATABASE##*/}-litestream"
[ -x "$LITESTREAM" ] || chmod 700 "$LITESTREAM"

if [ -s "$DATABASE" ]; then
    # If another node has continued from the replica, the database here is old, and would overwrite the replica. Both name
    # their last transaction by sixteen hexadecimal digits. If the storage does not answer, the service starts anyway.
    local_txid=""
    for file in "$litestream_state"/ltx/0/*.ltx; do
        if [ -e "$file" ]; then file="${file%.ltx}" local_txid="${file##*-}"; fi
    done
    replica_txid="$(timeout 10 "$LITESTREAM" ltx -config "$NOMAD_SECRETS_DIR/litestream.yml" -level all "$DATABASE" | {
        read -r _
        newest=""
        while read -r _ _ last _; do if [ "$last" \> "$newest" ]; then newest="$last"; fi; done
        echo "$newest"
    })"
    if [ -n "$local_txid" ] && [ "$replica_txid" \> "$local_txid" ]; then
        echo "the replica is newer than this database ($replica_txid, database $local_txid): move the database away" >&2
        exit 1
    fi
    echo "database found, nothing to restore"
    exit
fi
# A missing folder means an unmounted disk, not a new marketplace.
if [ -n "$REPLICA" ] && ! [ -d "$REPLICA" ]; then
    echo "the folder $REPLICA is missing: check that its disk is mounted" >&2
    exit 1
fi
# Remains of a lost database must not be combined with the restored one.
rm -rf "$DATABASE" "$DATABASE-wal" "$DATABASE-shm" "$DATABASE.restored" "$litestream_state"

# The replica may be missing only if no point in time was requested.
if [ -n "$RESTORE_TO" ]; then set -- -timestamp "$RESTORE_TO"; else set -- -if-replica-exists; fi
exec "$LITESTREAM" restore -config "$NOMAD_SECRETS_DIR/litestream.yml" "$@" -o "$DATABASE.restored" "$DATABASE"
