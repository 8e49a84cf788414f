-- additive: a table of its own and a trigger. A release that folds more addresses into one finds an account whose address it
-- folds differently under no key: its user cannot sign in until the update continues.
-- The accounts whose email_key is to be computed again: those with letters beyond ASCII, of which earlier releases folded some
-- that mail servers keep apart (ß and ss). The service does it when it starts.
CREATE TABLE outdated_email_keys (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id)
) STRICT, WITHOUT ROWID;
INSERT INTO outdated_email_keys SELECT id FROM users WHERE octet_length(email) > length(email);
-- An earlier release may insert more, if it comes back after a failed update.
CREATE TRIGGER outdated_email_keys_of_new_users AFTER INSERT ON users
WHEN octet_length(NEW.email) > length(NEW.email)
BEGIN
    INSERT INTO outdated_email_keys VALUES (NEW.id);
END;
