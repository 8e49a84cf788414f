use schemars::JsonSchema;

crate::text_enum! {
    /// A language in which mails and pages are written.
    #[derive(JsonSchema, Default)]
    pub enum Language {
        /// English.
        #[default]
        English = "en",
        /// German.
        German = "de",
    }
}
