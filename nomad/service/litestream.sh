# Replicates the database of the service, for as long as the service runs.
umask 077
[ -x "$LITESTREAM" ] || chmod 700 "$LITESTREAM"
exec "$LITESTREAM" replicate -config "$NOMAD_SECRETS_DIR/litestream.yml"
