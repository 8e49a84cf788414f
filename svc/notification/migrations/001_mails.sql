-- Times are milliseconds since 1970.

-- The replica of accounts. The row of a deleted account stays, without personal data: it keeps late events from mailing it.
CREATE TABLE account (
    id TEXT PRIMARY KEY CHECK (length(id) = 36),
    version INTEGER NOT NULL CHECK (version >= 1),
    status TEXT NOT NULL CHECK (status IN ('active', 'closing', 'deleted')),
    email TEXT,
    name TEXT,
    language TEXT NOT NULL CHECK (language IN ('en', 'de')),
    email_confirmed_at INTEGER,
    CHECK (status <> 'deleted' OR (email IS NULL AND name IS NULL))
) STRICT, WITHOUT ROWID;

-- The replica of listings.
CREATE TABLE listing (
    id TEXT PRIMARY KEY CHECK (length(id) = 36),
    version INTEGER NOT NULL CHECK (version >= 1),
    title TEXT NOT NULL,
    venue TEXT,
    time_zone TEXT,
    starts_at INTEGER,
    withdrawn_at INTEGER,
    -- When the event of the withdrawal was published.
    withdrawal_published_at INTEGER,
    -- The last order whose buyer has a mail about the withdrawal; absent if there is none to write.
    notified_up_to TEXT,
    CHECK (notified_up_to IS NULL OR (withdrawn_at IS NOT NULL AND withdrawal_published_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX listing_to_notify ON listing (id) WHERE notified_up_to IS NOT NULL;

-- The replica of paid and ended orders.
CREATE TABLE sale (
    order_id TEXT PRIMARY KEY CHECK (length(order_id) = 36),
    version INTEGER NOT NULL CHECK (version >= 1),
    status TEXT NOT NULL CHECK (status IN ('created', 'awaiting:payment', 'complete', 'cancelled')),
    cancel_reason TEXT,
    buyer_id TEXT NOT NULL CHECK (length(buyer_id) = 36),
    ticket_id TEXT NOT NULL CHECK (length(ticket_id) = 36),
    quantity INTEGER NOT NULL CHECK (quantity >= 1),
    refunded INTEGER NOT NULL CHECK (refunded BETWEEN 0 AND quantity),
    amount INTEGER NOT NULL CHECK (amount >= 0),
    currency TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sale_by_ticket ON sale (ticket_id, order_id) WHERE status = 'complete';

-- The replica of admissions.
CREATE TABLE admission (
    id TEXT PRIMARY KEY CHECK (length(id) = 36),
    version INTEGER NOT NULL CHECK (version >= 1),
    order_id TEXT NOT NULL CHECK (length(order_id) = 36),
    ticket_id TEXT NOT NULL CHECK (length(ticket_id) = 36),
    number INTEGER NOT NULL CHECK (number >= 1),
    of_number INTEGER NOT NULL CHECK (of_number >= number),
    holder_id TEXT NOT NULL CHECK (length(holder_id) = 36),
    state TEXT NOT NULL CHECK (state IN ('valid', 'used', 'void')),
    -- Encrypted, as the event carries it.
    sealed_code TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX admission_by_order ON admission (order_id, number);

-- What mails were requested for: each key once. Contains no personal data, and is kept longer than an event can cause a mail.
CREATE TABLE mail_key (
    key TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX mail_key_by_age ON mail_key (created_at);

-- Mails.
CREATE TABLE mail (
    id TEXT PRIMARY KEY CHECK (length(id) = 36),
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN (
        'waiting', 'queued', 'sending', 'sent', 'superseded', 'undelivered', 'discarded', 'presumed-sent')),
    -- Whose mail it is; absent for the offer of a ticket to somebody without a known account.
    account_id TEXT CHECK (length(account_id) = 36),
    -- The address, if it is not that of the account.
    address TEXT,
    -- The language, if it is not that of the account.
    language TEXT CHECK (language IN ('en', 'de')),
    order_id TEXT CHECK (length(order_id) = 36),
    ticket_id TEXT CHECK (length(ticket_id) = 36),
    -- The rest of its content, as JSON.
    details TEXT NOT NULL CHECK (json_valid(details)),
    -- When the event happened that it reports.
    caused_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    -- When its link expires.
    expires_at INTEGER,
    -- When it is given up.
    give_up_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    -- When the next attempt is due.
    due_at INTEGER,
    -- When the last attempt began, and to which address in lower case.
    claimed_at INTEGER,
    recipient TEXT,
    -- When it was sent, given up or superseded.
    ended_at INTEGER,
    -- When the row is deleted.
    delete_at INTEGER,
    -- Why it was not sent.
    reason TEXT,
    CHECK ((state = 'queued') = (due_at IS NOT NULL)),
    CHECK ((state IN ('waiting', 'queued', 'sending', 'presumed-sent')) = (ended_at IS NULL)),
    CHECK ((state IN ('waiting', 'queued', 'sending')) = (delete_at IS NULL)),
    CHECK (state NOT IN ('sending', 'sent') OR (claimed_at IS NOT NULL AND recipient IS NOT NULL))
) STRICT;

CREATE INDEX mail_due ON mail (due_at) WHERE state = 'queued';
CREATE INDEX mail_open ON mail (created_at) WHERE state IN ('waiting', 'queued', 'sending');
CREATE INDEX mail_sending ON mail (id) WHERE state = 'sending';
CREATE INDEX mail_waiting_by_order ON mail (order_id) WHERE state = 'waiting';
CREATE INDEX mail_waiting_by_ticket ON mail (ticket_id) WHERE state = 'waiting';
CREATE INDEX mail_waiting_by_account ON mail (account_id) WHERE state = 'waiting';
CREATE INDEX mail_given_up ON mail (give_up_at) WHERE state IN ('waiting', 'queued');
CREATE INDEX mail_by_account ON mail (account_id, id);
CREATE INDEX mail_by_recipient ON mail (recipient, claimed_at);
CREATE INDEX mail_by_claim ON mail (claimed_at) WHERE claimed_at IS NOT NULL;
CREATE INDEX mail_to_delete ON mail (delete_at) WHERE delete_at IS NOT NULL;
CREATE INDEX mail_undelivered ON mail (id) WHERE state = 'undelivered';
CREATE INDEX mail_presumed_sent ON mail (id) WHERE state = 'presumed-sent';

-- What the database has consumed.
CREATE TABLE consumption (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    -- The time of the newest event.
    newest_at INTEGER NOT NULL,
    -- When the database was created or restored: another instance may have mailed what happened before.
    began_at INTEGER NOT NULL
) STRICT;
