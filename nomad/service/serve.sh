# Only an allocation that begins may begin without a database, for then restore.sh has looked for a replica. One whose
# database has gone meanwhile ends, and Nomad makes a new one: an empty database never follows upon a full one.
set -eu

begun="$NOMAD_ALLOC_DIR/data/begun"
if [ -e "$begun" ] && ! [ -s "$TICKETING_DATABASE" ] && ! [ -s "$TICKETING_DATABASE.restored" ]; then
    echo "the database has gone: a new allocation restores it" >&2
    exit 1
fi
: >"$begun"
[ -x "$PROGRAM" ] || chmod 700 "$PROGRAM"
exec "$PROGRAM" serve
