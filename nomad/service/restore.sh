# The volume has no database: the newest replica, or the one of a moment, becomes <database>.restored, which the service
# takes over when it begins. Where there is no replica either, a marketplace begins. And an old database, of a node that
# was away while another took over, is not gone on with.
set -eu

local="${DATABASE%/*}/.${DATABASE##*/}-litestream"
[ -x "$LITESTREAM" ] || chmod 700 "$LITESTREAM"

if [ -s "$DATABASE" ]; then
    # Where another node has gone on from the replica meanwhile, what is here is old, and would go out over it. Each names
    # its last change by sixteen hexadecimal digits. A store that cannot be asked stops nobody.
    here=""
    for file in "$local"/ltx/0/*.ltx; do
        if [ -e "$file" ]; then file="${file%.ltx}" here="${file##*-}"; fi
    done
    there="$(timeout 10 "$LITESTREAM" ltx -config "$NOMAD_SECRETS_DIR/litestream.yml" -level all "$DATABASE" | {
        read -r _
        newest=""
        while read -r _ _ last _; do if [ "$last" \> "$newest" ]; then newest="$last"; fi; done
        echo "$newest"
    })"
    if [ -n "$here" ] && [ "$there" \> "$here" ]; then
        echo "the replica has gone on without this database (to $there, this to $here): move it away" >&2
        exit 1
    fi
    echo "there is a database: nothing to restore"
    exit
fi
# A folder that is not there is a disk that is not there, and not a marketplace that begins.
if [ -n "$REPLICA" ] && ! [ -d "$REPLICA" ]; then
    echo "no folder $REPLICA: is its disk mounted?" >&2
    exit 1
fi
# What is left of the database that has gone belongs to no other.
rm -rf "$DATABASE" "$DATABASE-wal" "$DATABASE-shm" "$DATABASE.restored" "$local"

# A moment that is asked for has to be there; only without one a replica may be missing.
if [ -n "$RESTORE_TO" ]; then set -- -timestamp "$RESTORE_TO"; else set -- -if-replica-exists; fi
exec "$LITESTREAM" restore -config "$NOMAD_SECRETS_DIR/litestream.yml" "$@" -o "$DATABASE.restored" "$DATABASE"
