# Restores the newest replica of a service to a scratch folder and runs the service's check on it.
set -eu
umask 077

chmod 700 "$LITESTREAM" "$PROGRAM"
# The tasks of the other services share the folder of the allocation, and may not read this copy.
copy="$NOMAD_TASK_DIR/$NOMAD_TASK_NAME.db"
rm -rf "$copy" "$copy-wal" "$copy-shm"
"$LITESTREAM" restore -config "$NOMAD_SECRETS_DIR/litestream.yml" -o "$copy" /replica
"$PROGRAM" check --full --database "$copy"
rm -rf "$copy" "$copy-wal" "$copy-shm"
echo "the newest replica is complete and valid"
