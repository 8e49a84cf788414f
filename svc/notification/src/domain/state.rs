use values::text_enum;

text_enum! {
    /// The state of a mail.
    pub(crate) enum MailState {
        /// Something that it is written from has not arrived yet.
        Waiting = "waiting",
        /// It is to be sent.
        Queued = "queued",
        /// It is being sent. After a crash it is not known whether it was.
        Sending = "sending",
        /// The server has accepted it.
        Sent = "sent",
        /// It was of no use any more before it was sent.
        Superseded = "superseded",
        /// It was given up: an operator decides.
        Undelivered = "undelivered",
        /// An operator has decided that it is not sent.
        Discarded = "discarded",
        /// Another instance has probably sent it, before the database was restored.
        PresumedSent = "presumed-sent",
    }
}
