use super::{ConfigErrors, ConsulSettings, HttpSettings, Settings, default_settings};

/// The settings that all sites have.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct SiteSettings {
    /// The HTTP server.
    #[command(flatten)]
    pub http: HttpSettings,
    /// The Consul agent.
    #[command(flatten)]
    pub consul: ConsulSettings,
}

impl Settings for SiteSettings {
    fn validate(&self, errors: &mut ConfigErrors) {
        self.consul.validate(errors);
        self.http.validate_in_cluster(&self.consul, errors);
    }
}

impl Default for SiteSettings {
    fn default() -> Self {
        default_settings()
    }
}
