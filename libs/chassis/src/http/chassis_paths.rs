/// The paths of the chassis, besides the API. Requests to them are counted, but their spans are not exported.
pub(crate) const CHASSIS_PATHS: [&str; 7] = [
    "/health/live",
    "/health/ready",
    "/metrics",
    "/docs",
    "/docs/swagger-ui.css",
    "/docs/swagger-ui.js",
    "/openapi.json",
];
