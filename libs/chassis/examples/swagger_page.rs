//! Makes a Swagger UI page of the OpenAPI document on standard input: the ingress serves that of all services.

use std::{
    error::Error,
    io::{Write, stdin, stdout},
};

fn main() -> Result<(), Box<dyn Error>> {
    let document = serde_json::from_reader(stdin())?;
    stdout().write_all(chassis::swagger_ui_page(&document).as_bytes())?;
    Ok(())
}
