# Copies what the service writes, for as long as that runs.
[ -x "$LITESTREAM" ] || chmod 700 "$LITESTREAM"
exec "$LITESTREAM" replicate -config "$NOMAD_SECRETS_DIR/litestream.yml"
