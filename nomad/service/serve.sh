# Only a new allocation may start without a database, because restore.sh has looked for a replica. If the database
# disappears later, the allocation ends and Nomad creates a new one. So an empty database never replaces a lost one.
set -eu
umask 077

started="$NOMAD_ALLOC_DIR/data/started"
if [ -e "$started" ] && ! [ -s "$TICKETING_DATABASE" ] && ! [ -s "$TICKETING_DATABASE.restored" ]; then
    echo "the database is missing; a new allocation will restore it" >&2
    exit 1
fi
: >"$started"
[ -x "$PROGRAM" ] || chmod 700 "$PROGRAM"
exec "$PROGRAM" serve
