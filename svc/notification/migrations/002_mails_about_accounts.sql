-- Mails about accounts are claimed before all others, which may be many.
ALTER TABLE mail ADD COLUMN is_about_account INTEGER NOT NULL DEFAULT 0 CHECK (is_about_account IN (0, 1));

UPDATE mail SET is_about_account = 1 WHERE kind IN (
    'confirm-email', 'email-taken', 'reset-password', 'password-changed', 'confirm-new-email', 'approve-new-email',
    'email-changed', 'second-factor-enabled', 'second-factor-weakened', 'deletion-refused', 'account-deleted');

DROP INDEX mail_due;
CREATE INDEX mail_due ON mail (is_about_account, due_at) WHERE state = 'queued';
